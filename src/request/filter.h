#ifndef FILTER_H
#define FILTER_H

#include "catalog/catalog.h"

/* What one option asks for: --conn 1,2 is two terms. */
struct filter_term {
    const struct filter_kind *kind;
    const char *text;  /* a pattern or prefix */
    int64_t low, high; /* numbers from low to high; of a sample, `high` of 2^32 connections */
};

/* Which records are wanted. Terms of one kind are alternatives: one of them must fit. Terms of different kinds must all fit. A
 * record without the field that a kind compares does not fit. Names of header fields are the exception: records that are no
 * header fields fit, too. */
struct filter {
    struct filter_term *terms;
    size_t count;
    struct filter_word {
        const char *option, *value;
    } * words; /* as they were given, for recordings and programs */
    size_t nwords;
};

/* Adds what the option `option` (its long name) asks for with `value`. 0, or -1 with `diag` set. Memory is the arena's. */
int filter_add(struct filter *filter, const char *option, const char *value, struct mem *mem, struct diag *diag);

/* Whether the catalogue has what the word asks for: probes of each of its tags, and the field that it compares in one probe at
 * least. What is no filter passes. 0, or -1 with `diag` set. */
int filter_check(const struct filter_word *word, const struct catalog *catalog, struct mem *mem, struct diag *diag);

/* Whether the catalogue has probes of the tag, a glob in any case. */
int filter_check_tag(const char *option, const char *tag, const struct catalog *catalog, struct diag *diag);

/* Reads "OPTION VALUE", as lines of recordings and programs have it. false: it is something else. Memory is the arena's. */
bool filter_read_word(struct filter_word *word, struct slice line, struct mem *mem);

/* Whether records of the probe may fit; a NULL filter wants all. */
bool filter_wants_probe(const struct filter *filter, const struct catalog_probe *probe);

/* Whether the filter asks what the field holds. */
bool filter_asks(const struct filter *filter, const struct catalog_probe *probe, int field);

/* Expressions for a field: its value, or of a text its address; and its length, if it has one. */
struct filter_value {
    const char *value, *len;
};

/* Appends the bpftrace statement that ends a block for the probe's records that do not fit; nothing if all do. `values`: by
 * field, where filter_asks. They are used many times: variables, as LLVM makes of arguments something that the kernel's
 * verifier refuses. */
void filter_put(const struct filter *filter, const struct catalog_probe *probe, const struct filter_value *values,
                struct outbuf *out);

/* Whether a header field of that name fits what is asked of names in records of the probe. */
bool filter_fits_name(const struct filter *filter, const struct catalog_probe *probe, struct slice name);

/* Appends what is asked of one field of the probe, as a bpftrace expression; nothing if nothing is. false: that. Of names it
 * asks only what header_likely does. */
bool filter_condition(const struct filter *filter, const struct catalog_probe *probe, int field,
                      const struct filter_value *value, struct outbuf *out);

/* Which share of the connections passes both filters, of which either may be NULL; 0: there is no --sample. */
double filter_share(const struct filter *first, const struct filter *second);

/* Whether the record fits each kind of term. `values`: by field of the catalogue. */
bool filter_fits_all(const struct filter *filter, const struct catalog_probe *probe, const struct types_value *values);

/* The same, with a short way for no filter and no terms: every record fits. */
static inline bool
filter_fits(const struct filter *filter, const struct catalog_probe *probe, const struct types_value *values)
{
    return filter == NULL || filter->count == 0 || filter_fits_all(filter, probe, values);
}

#endif

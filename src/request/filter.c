#include "request/filter.h"

#include "base/near.h"
#include "request/header.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* The factor of a multiplicative hash (Knuth, The Art of Computer Programming, volume 3, section 6.4). Connections are numbered
 * one after the other; the low 32 bits of the product spread them evenly. */
#define SPREAD 2654435761u

/* No field has this meaning. */
#define NOTHING CATALOG_MEANINGS

typedef void filter_put_term(const struct filter_term *term, struct outbuf *out, const char *value, const char *len);

struct filter_kind {
    const char *option;
    int (*parse)(struct filter_term *term, const char *word, struct diag *diag);
    enum catalog_meaning subject; /* the field that is compared; NOTHING: the probe itself is */
    bool may_lack_subject;        /* a probe without such a field fits */
    bool (*fits_probe)(const struct filter_term *term, const struct catalog_probe *probe);
    bool excludes; /* a probe that fits is left out */
    filter_put_term *put;
    bool (*fits)(const struct filter_term *term, const struct types_value *value);
};

/* ---- What a word of an option means. */

static int
bad_word(const struct filter_term *term, const char *word, const char *expected, struct diag *diag)
{
    char quoted[128];
    return diag_set(diag, DIAG_USAGE, "--%s: \"%s\" is not %s", term->kind->option,
                    diag_quote(quoted, sizeof(quoted), text_of(word)), expected);
}

/* Any 64 bits: whether they have a sign is the field's. */
static int
parse_number(struct filter_term *term, const char *word, struct diag *diag)
{
    uint64_t number;
    bool is_negative = *word == '-';
    if (!text_number(text_of(word + is_negative), is_negative ? (uint64_t)1 << 63 : UINT64_MAX, &number))
        return bad_word(term, word, "a number, as the first columns of a line show them", diag);
    term->low = term->high = (int64_t)(is_negative ? 0 - number : number);
    return 0;
}

/* 404, 5xx, 500-599: three digits, and as classes only those that HTTP has. */
static int
parse_status(struct filter_term *term, const char *word, struct diag *diag)
{
    static const char expected[] = "a status, as 404, 5xx or 500-599";
    uint64_t low, high;
    bool is_range = strchr(word, '-') != NULL;
    struct slice rest = text_of(word), first = text_cut(&rest, '-');
    if (!is_range && first.len == 3 && text_ends_with(first, "xx") && *word >= '1' && *word <= '5') {
        term->low = (*word - '0') * 100;
        term->high = term->low + 99;
        return 0;
    }
    if (!text_number(first, 999, &low) || !text_number(is_range ? rest : first, 999, &high) || low < 100 || low > high)
        return bad_word(term, word, expected, diag);
    term->low = (int64_t)low;
    term->high = (int64_t)high;
    return 0;
}

/* 0.01, 1% or 1/100 */
static bool
read_share(const char *word, double *share)
{
    char *end;
    if (word[strspn(word, "0123456789.e-/%")] != '\0') /* strtod would take 0x1, inf and nan */
        return false;
    *share = strtod(word, &end);
    if (end != word && *end == '/')
        *share /= strtod(end + 1, &end);
    else if (end != word && *end == '%') {
        *share /= 100;
        end++;
    }
    return end != word && *end == '\0';
}

#define SHARES ((int64_t)1 << 32)

static int
parse_share(struct filter_term *term, const char *word, struct diag *diag)
{
    double share;
    if (!read_share(word, &share) || !(share >= 0 && share <= 1))
        return bad_word(term, word, "a share of the connections, as 0.01, 1% or 1/100", diag);
    term->high = (int64_t)(share * SHARES);
    return term->high > 0 ? 0 : bad_word(term, word, "a share that takes any connection; the smallest is 1/4294967296", diag);
}

static int
parse_header(struct filter_term *term, const char *word, struct diag *diag)
{
    term->text = word;
    return header_is_pattern(word)
               ? 0
               : bad_word(term, word, "a header name of up to 64 characters; ? and one * may stand in it", diag);
}

static int
parse_request_header(struct filter_term *term, const char *word, struct diag *diag)
{
    return parse_header(term, header_in_request(word), diag);
}

static int
parse_tag(struct filter_term *term, const char *word, struct diag *diag)
{
    term->text = word;
    for (const char *p = word; *p != '\0'; p++)
        if (!isgraph((unsigned char)*p))
            return bad_word(term, word, "a tag, as RxHeader; ? and * may stand in it", diag);
    return 0;
}

static int
parse_prefix(struct filter_term *term, const char *word, struct diag *diag)
{
    term->text = word;
    bool is_hex = strspn(word, "0123456789abcdef") == strlen(word) && strlen(word) <= 40;
    return is_hex ? 0 : bad_word(term, word, "how a connection ID begins: up to 40 digits, 0 to 9 and a to f", diag);
}

static bool
fits_tag(const struct filter_term *term, const struct catalog_probe *probe)
{
    return fnmatch(term->text, probe->tag, FNM_CASEFOLD) == 0;
}

/* ---- Conditions in the bpftrace program, and the same comparisons here. */

static void
put_range(const struct filter_term *term, struct outbuf *out, const char *value, const char *len)
{
    (void)len;
    if (term->low == term->high)
        text_printf(out, "%s == %ld", value, term->low);
    else
        text_printf(out, "(%s >= %ld && %s <= %ld)", value, term->low, value, term->high);
}

static bool
fits_range(const struct filter_term *term, const struct types_value *value)
{
    return (int64_t)value->number >= term->low && (int64_t)value->number <= term->high;
}

static void
put_share(const struct filter_term *term, struct outbuf *out, const char *value, const char *len)
{
    (void)len;
    text_printf(out, "((%s * %u) & 0xffffffff) < %ld", value, SPREAD, term->high);
}

static bool
fits_share(const struct filter_term *term, const struct types_value *value)
{
    return (int64_t)(value->number * SPREAD & 0xffffffff) < term->high;
}

static void
put_header(const struct filter_term *term, struct outbuf *out, const char *value, const char *len)
{
    header_condition(out, term->text, value, len);
}

static void
put_likely_header(const struct filter_term *term, struct outbuf *out, const char *value, const char *len)
{
    header_likely(out, term->text, value, len);
}

static bool
fits_header(const struct filter_term *term, const struct types_value *value)
{
    return value->number == value->text.len && header_fits(term->text, value->text);
}

static void
put_prefix(const struct filter_term *term, struct outbuf *out, const char *value, const char *len)
{
    (void)len;
    header_prefix(out, term->text, value);
}

static bool
fits_prefix(const struct filter_term *term, const struct types_value *value)
{
    return text_starts_with(value->text, term->text);
}

static const struct filter_kind kinds[] = {
    {"include", parse_tag, NOTHING, true, fits_tag, false, NULL, NULL},
    {"exclude", parse_tag, NOTHING, true, fits_tag, true, NULL, NULL},
    {"conn", parse_number, CATALOG_CONN_ID, false, NULL, false, put_range, fits_range},
    {"req", parse_number, CATALOG_REQ_ID, false, NULL, false, put_range, fits_range},
    {"sample", parse_share, CATALOG_CONN_ID, false, NULL, false, put_share, fits_share},
    {"status", parse_status, CATALOG_STATUS, false, NULL, false, put_range, fits_range},
    {"dcid", parse_prefix, CATALOG_DCID, false, NULL, false, put_prefix, fits_prefix},
    {"request-header", parse_request_header, CATALOG_REQUEST_HEADER_NAME, true, NULL, false, put_header, fits_header},
    {"response-header", parse_header, CATALOG_RESPONSE_HEADER_NAME, true, NULL, false, put_header, fits_header},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static int
add_term(struct filter *filter, const struct filter_kind *kind, const char *word, struct mem *mem, struct diag *diag)
{
    filter->terms = mem_grow(mem, filter->terms, filter->count, sizeof(*filter->terms));
    struct filter_term *term = &filter->terms[filter->count++];
    *term = (struct filter_term){.kind = kind};
    if (*word == '\0')
        return diag_set(diag, DIAG_USAGE, "--%s: an empty word; see h2olog --help for what it takes", kind->option);
    return kind->parse(term, word, diag);
}

static const struct filter_kind *
find_kind(const char *option)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].option, option) == 0)
            return &kinds[i];
    return NULL;
}

int
filter_add(struct filter *filter, const char *option, const char *value, struct mem *mem, struct diag *diag)
{
    const struct filter_kind *kind = find_kind(option);
    if (kind == NULL)
        return diag_set(diag, DIAG_FAILED, "there is no filter \"%s\"", option);
    filter->words = mem_grow(mem, filter->words, filter->nwords, sizeof(*filter->words));
    filter->words[filter->nwords++] = (struct filter_word){option, mem_strdup(mem, value)};
    char *rest = mem_strdup(mem, value);
    int status = 0;
    for (char *word; status == 0 && (word = strsep(&rest, ",")) != NULL;)
        status = add_term(filter, kind, word, mem, diag);
    return status;
}

bool
filter_read_word(struct filter_word *word, struct slice line, struct mem *mem)
{
    struct slice option;
    if (!text_word(&line, &option) || line.len < 2)
        return false;
    *word = (struct filter_word){mem_strndup(mem, option.ptr, option.len), mem_strndup(mem, line.ptr + 1, line.len - 1)};
    return true;
}

/* The field that it is about; -1: the probe has none. */
static int
subject_of(const struct filter_kind *kind, const struct catalog_probe *probe)
{
    return kind->subject != NOTHING ? probe->field_of[kind->subject] : -1;
}

/* ---- What the catalogue knows. */

int
filter_check_tag(const char *option, const char *tag, const struct catalog *catalog, struct diag *diag)
{
    char quoted[128], question[256];
    const struct filter_term term = {.text = tag};
    struct near near = near_to(text_of(tag));
    for (size_t i = 0; i < catalog->count; i++) {
        if (fits_tag(&term, &catalog->probes[i]))
            return 0;
        near_offer(&near, text_of(catalog->probes[i].tag));
    }
    return diag_set(diag, DIAG_USAGE, "--%s: there is no tag \"%s\"%s", option,
                    diag_quote(quoted, sizeof(quoted), text_of(tag)),
                    near_ask(&near, "", "; expected one, as RxHeader, or the name of an event", question, sizeof(question)));
}

/* That some probe has the field that a kind compares. */
static int
check_subject(const struct filter_kind *kind, const struct catalog *catalog, struct diag *diag)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (subject_of(kind, &catalog->probes[i]) >= 0)
            return 0;
    return diag_set(diag, DIAG_USAGE, "--%s: the catalogue does not say which field of a probe that is", kind->option);
}

int
filter_check(const struct filter_word *word, const struct catalog *catalog, struct mem *mem, struct diag *diag)
{
    const struct filter_kind *kind = find_kind(word->option);
    char *rest = mem_strdup(mem, word->value);
    if (kind == NULL)
        return 0;
    if (kind->fits_probe == NULL)
        return check_subject(kind, catalog, diag);
    int status = 0;
    for (char *tag; status == 0 && (tag = strsep(&rest, ",")) != NULL;)
        status = filter_check_tag(word->option, tag, catalog, diag);
    return status;
}

/* ---- Asking. */

/* Whether a kind, of which there are terms, wants the probe. */
static bool
kind_wants_probe(const struct filter *filter, const struct filter_kind *kind, const struct catalog_probe *probe)
{
    bool is_there = false, fits = false;
    for (size_t i = 0; i < filter->count; i++) {
        if (filter->terms[i].kind != kind)
            continue;
        is_there = true;
        fits |= kind->fits_probe == NULL || kind->fits_probe(&filter->terms[i], probe);
    }
    if (!is_there)
        return true;
    if (kind->excludes)
        return !fits;
    return fits && (kind->may_lack_subject || subject_of(kind, probe) >= 0);
}

bool
filter_wants_probe(const struct filter *filter, const struct catalog_probe *probe)
{
    for (size_t i = 0; filter != NULL && i < KINDS; i++)
        if (!kind_wants_probe(filter, &kinds[i], probe))
            return false;
    return true;
}

bool
filter_asks(const struct filter *filter, const struct catalog_probe *probe, int field)
{
    for (size_t i = 0; i < filter->count; i++)
        if (subject_of(filter->terms[i].kind, probe) == field)
            return true;
    return false;
}

/* The terms of a kind, with "or" between them. */
static void
put_kind(const struct filter *filter, const struct filter_kind *kind, filter_put_term *put, const struct filter_value *value,
         struct outbuf *out)
{
    const char *separator = out->len > 0 ? " && (" : "(";
    size_t before = out->len;
    for (size_t i = 0; i < filter->count; i++) {
        if (filter->terms[i].kind != kind)
            continue;
        text_puts(out, separator);
        put(&filter->terms[i], out, value->value, value->len);
        separator = " || ";
    }
    if (out->len > before)
        text_putc(out, ')');
}

void
filter_put(const struct filter *filter, const struct catalog_probe *probe, const struct filter_value *values,
           struct outbuf *out)
{
    struct outbuf condition = {0};
    for (size_t i = 0; i < KINDS; i++) {
        int subject = subject_of(&kinds[i], probe);
        if (subject >= 0)
            put_kind(filter, &kinds[i], kinds[i].put, &values[subject], &condition);
    }
    if (condition.len > 0)
        text_printf(out, "    if (!(%.*s)) { return; }\n", (int)condition.len, condition.ptr);
    text_free(&condition);
}

bool
filter_condition(const struct filter *filter, const struct catalog_probe *probe, int field, const struct filter_value *value,
                 struct outbuf *out)
{
    struct outbuf condition = {0};
    for (size_t i = 0; i < KINDS; i++)
        if (subject_of(&kinds[i], probe) == field)
            put_kind(filter, &kinds[i], kinds[i].put == put_header ? put_likely_header : kinds[i].put, value, &condition);
    bool is_asked = condition.len > 0;
    text_put(out, (struct slice){condition.ptr, condition.len});
    text_free(&condition);
    return is_asked;
}

static bool
kind_fits(const struct filter *filter, const struct filter_kind *kind, const struct types_value *value)
{
    bool is_there = false;
    for (size_t i = 0; i < filter->count; i++) {
        if (filter->terms[i].kind != kind)
            continue;
        if (!value->is_null && kind->fits(&filter->terms[i], value))
            return true;
        is_there = true;
    }
    return !is_there;
}

bool
filter_fits_all(const struct filter *filter, const struct catalog_probe *probe, const struct types_value *values)
{
    for (size_t i = 0; i < KINDS; i++) {
        int subject = subject_of(&kinds[i], probe);
        if (subject >= 0 && !kind_fits(filter, &kinds[i], &values[subject]))
            return false;
    }
    return true;
}

bool
filter_fits_name(const struct filter *filter, const struct catalog_probe *probe, struct slice name)
{
    const struct types_value value = {.number = name.len, .text = name};
    int field = probe->field_of[CATALOG_HEADER_NAME];
    for (size_t i = 0; i < KINDS; i++)
        if (subject_of(&kinds[i], probe) == field && !kind_fits(filter, &kinds[i], &value))
            return false;
    return true;
}

/* The terms of a filter are alternatives: the largest share holds the others. */
static int64_t
largest_share(const struct filter *filter)
{
    int64_t share = 0;
    for (size_t i = 0; filter != NULL && i < filter->count; i++)
        if (filter->terms[i].kind->put == put_share && filter->terms[i].high > share)
            share = filter->terms[i].high;
    return share;
}

double
filter_share(const struct filter *first, const struct filter *second)
{
    int64_t a = largest_share(first), b = largest_share(second);
    return (double)(b == 0 || (a != 0 && a < b) ? a : b) / SHARES;
}

#ifndef REGEX_H
#define REGEX_H

#include "base/diag.h"
#include "base/mem.h"

/* A regular expression in Perl's notation, by PCRE2. What clients send is matched against it, so the work on one text is
 * bounded. */
struct regex {
    struct pcre2_real_code_8 *code;
    struct pcre2_real_match_data_8 *data;
    struct pcre2_real_match_context_8 *context;
    uint64_t given_up; /* texts that were too much work; they count as not matching */
};

/* Compiles the part of `whole`, the argument of `option`, that begins at `at`. NULL with `diag` set. The struct is the arena's,
 * what it holds is freed by regex_free. */
struct regex *regex_compile(struct slice pattern, const char *option, struct slice whole, size_t at, struct mem *mem,
                            struct diag *diag);
void regex_free(struct regex *regex);

/* Whether it matches somewhere in the text, which need not be valid UTF-8. */
bool regex_fits(struct regex *regex, struct slice text);

#endif

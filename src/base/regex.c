#include "base/regex.h"

#include "base/no_memory.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

/* PCRE2's units: calls of its match function, nested backtracking points, KiB. PCRE2's own limits allow seconds a text. */
enum { MATCH_LIMIT = 100000, DEPTH_LIMIT = 10000, HEAP_LIMIT = 4096 };

struct regex *
regex_compile(struct slice pattern, const char *option, struct slice whole, size_t at, struct mem *mem, struct diag *diag)
{
    int error;
    size_t offset;
    char message[160];
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len,
                                     PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &offset, NULL);
    if (code == NULL) {
        pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof(message));
        diag_caret(diag, option, whole, at + offset, "not a regular expression: %s", message);
        return NULL;
    }
    struct regex *regex = mem_alloc(mem, sizeof(*regex));
    regex->code = code;
    regex->data = pcre2_match_data_create(1, NULL);
    regex->context = pcre2_match_context_create(NULL);
    if (regex->data == NULL || regex->context == NULL)
        no_memory();
    pcre2_set_match_limit(regex->context, MATCH_LIMIT);
    pcre2_set_depth_limit(regex->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(regex->context, HEAP_LIMIT);
    return regex;
}

void
regex_free(struct regex *regex)
{
    pcre2_match_context_free(regex->context);
    pcre2_match_data_free(regex->data);
    pcre2_code_free(regex->code);
}

bool
regex_fits(struct regex *regex, struct slice text)
{
    int result =
        pcre2_match(regex->code, (PCRE2_SPTR)(text.len > 0 ? text.ptr : ""), text.len, 0, 0, regex->data, regex->context);
    bool has_matched = result >= 0; /* 0: there is no room for all its groups */
    if (!has_matched && result != PCRE2_ERROR_NOMATCH)
        regex->given_up++;
    return has_matched;
}

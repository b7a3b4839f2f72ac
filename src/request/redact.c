#include "request/redact.h"

#include "request/header.h"

const char *const redact_defaults[REDACT_DEFAULTS] = {"authorization", "cookie", "set-cookie", "proxy-authorization",
                                                      "x-api-key"};

struct redact
redact_join(const struct redact *a, const struct redact *b, struct mem *mem)
{
    const char **patterns = mem_alloc(mem, (a->count + b->count) * sizeof(*patterns));
    for (size_t i = 0; i < a->count; i++)
        patterns[i] = a->patterns[i];
    for (size_t i = 0; i < b->count; i++)
        patterns[a->count + i] = b->patterns[i];
    return (struct redact){patterns, a->count + b->count};
}

int
redact_check(const struct redact *redact, struct diag *diag)
{
    char quoted[128];
    for (size_t i = 0; i < redact->count; i++)
        if (!header_is_pattern(redact->patterns[i]))
            return diag_set(diag, DIAG_USAGE,
                            "--redact: \"%s\" is not a header name of up to 64 characters; ? and one * may stand in it",
                            diag_quote(quoted, sizeof(quoted), text_of(redact->patterns[i])));
    return 0;
}

/* A byte below ! or above ~ makes the sum negative. */
void
redact_scan(struct outbuf *out, const char *text, const char *len)
{
    const char *const n = text; /* the variables' names begin with it */
    text_printf(out,
                "    // %s_odd becomes negative if a byte of the header's name is no visible ASCII character.\n"
                "    %s_odd = (uint64)0; %s_pos = (uint64)0;\n"
                "    while (%s_pos < %d && %s_pos < %s) {\n"
                "        %s_byte = (uint64)*(uint8*)(%s + %s_pos);\n"
                "        %s_odd = %s_odd | (%s_byte - 33) | (126 - %s_byte); %s_pos = %s_pos + 1;\n"
                "    }\n",
                n, n, n, n, REDACT_LONGEST_NAME, n, len, n, n, n, n, n, n, n, n, n);
}

void
redact_condition(const struct redact *redact, struct outbuf *out, const char *text, const char *len)
{
    text_printf(out, "%s > %d || (%s_odd >> 63) != 0", len, REDACT_LONGEST_NAME, text);
    for (size_t i = 0; i < redact->count; i++) {
        text_puts(out, " || ");
        header_condition(out, redact->patterns[i], text, len);
    }
}

static bool
is_odd(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] > '~')
            return true;
    return name.len > REDACT_LONGEST_NAME;
}

bool
redact_fits(const struct redact *redact, struct slice name)
{
    if (is_odd(name))
        return true;
    for (size_t i = 0; i < redact->count; i++)
        if (header_fits(redact->patterns[i], name))
            return true;
    return false;
}

#include "request/redact.h"

#include "request/header.h"
#include "request/loop.h"

#include <stdio.h>

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

/* Without branches, as loop_begin asks. What stands behind the name is looked at, and does not count. byte / 64 times the
 * difference chooses between the two words of bits (it is more than 1 for bytes beyond ASCII, which bit 7 makes odd), and 0
 * less 1 has the highest bit. */
void
redact_scan(struct outbuf *out, const char *text, const char *len, bool has_ranges)
{
    char count[16];
    snprintf(count, sizeof(count), "%d", REDACT_LONGEST_NAME);
    /* The first argument, the name's variable, is how the other variables' names begin. */
    text_printf(
        out,
        "    // Bit 0 of %1$s_odd becomes 1 if a byte of the header's name may not stand in one; a colon may stand first.\n"
        "    %1$s_odd = (uint64)0;",
        text);
    loop_begin(out, text, count, has_ranges);
    text_printf(out,
                "        %1$s_byte = (uint64)*(uint8*)(%1$s + %1$s_pos);\n"
                "        %1$s_token = (0x%3$lx + (%1$s_byte >> 6) * 0x%4$lx) >> (%1$s_byte & 63);\n"
                "        %1$s_colon = (((%1$s_byte ^ 58) | %1$s_pos) - 1) >> 63;\n"
                "        %1$s_bad = (%1$s_byte >> 7) | ((%1$s_token | %1$s_colon) ^ 1);\n"
                "        %1$s_odd = %1$s_odd | (%1$s_bad & ((%1$s_pos - %2$s) >> 63));",
                text, len, header_token_bits[0], header_token_bits[1] - header_token_bits[0]);
    loop_end(out, text, has_ranges);
}

void
redact_condition(const struct redact *redact, struct outbuf *out, const char *text, const char *len)
{
    text_printf(out, "%s > %d || (%s_odd & 1) != 0", len, REDACT_LONGEST_NAME, text);
    for (size_t i = 0; i < redact->count; i++) {
        text_puts(out, " || ");
        header_condition(out, redact->patterns[i], text, len);
    }
}

static bool
is_odd(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!header_is_token_byte(name.ptr[i]) && !(i == 0 && name.ptr[i] == ':'))
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

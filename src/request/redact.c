#include "request/redact.h"

#include "request/header.h"

const char *const redact_defaults[REDACT_DEFAULTS] = {"authorization", "cookie", "set-cookie", "proxy-authorization",
                                                      "x-api-key"};

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

void
redact_condition(const struct redact *redact, struct outbuf *out, const char *text, const char *len)
{
    text_printf(out, "(%s > 0 && (*(uint8*)%s == 0 || *(uint8*)(%s + %s - 1) == 0))", len, text, text, len);
    for (size_t i = 0; i < redact->count; i++) {
        text_puts(out, " || ");
        header_condition(out, redact->patterns[i], text, len);
    }
}

bool
redact_fits(const struct redact *redact, struct slice name)
{
    for (size_t i = 0; i < redact->count; i++)
        if (header_fits(redact->patterns[i], name))
            return true;
    return false;
}

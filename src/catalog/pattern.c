#include "catalog/pattern.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

bool
pattern_fits(const char *pattern, const char *provider, const char *name, const char *type)
{
    if (fnmatch(pattern, name, 0) == 0 || fnmatch(pattern, type, 0) == 0)
        return true;
    if (strchr(pattern, ':') == NULL)
        return false;
    char full[256];
    snprintf(full, sizeof(full), "%s:%s", provider, name);
    if (fnmatch(pattern, full, 0) == 0)
        return true;
    snprintf(full, sizeof(full), "%s:%s", provider, type);
    return fnmatch(pattern, full, 0) == 0;
}

bool
pattern_is_literal(const char *pattern)
{
    return strpbrk(pattern, "*?[") == NULL;
}

/* Levenshtein's distance. A name of more than 63 bytes is far from every other. */
static size_t
distance(const char *a, const char *b)
{
    size_t row[64], alen = strlen(a), blen = strlen(b);
    if (alen > 63 || blen > 63)
        return SIZE_MAX;
    for (size_t j = 0; j <= blen; j++)
        row[j] = j;
    for (size_t i = 1; i <= alen; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= blen; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[blen];
}

static const char *
bare_name(const char *pattern)
{
    const char *colon = strchr(pattern, ':');
    return colon != NULL ? colon + 1 : pattern;
}

static bool
is_first_of_type(const struct catalog *catalog, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(catalog->probes[i].type, catalog->probes[index].type) == 0)
            return false;
    return true;
}

/* Up to three event names that are as near as any. */
static void
put_near(struct outbuf *out, const char *pattern, const struct catalog *catalog)
{
    const char *name = bare_name(pattern);
    int count = 0;
    for (size_t far = 0; far <= 1 + strlen(name) / 3 && count == 0; far++) {
        for (size_t i = 0; i < catalog->count && count < 3; i++) {
            const char *type = catalog->probes[i].type;
            if (distance(name, type) == far && is_first_of_type(catalog, i))
                text_printf(out, "%s%s", count++ > 0 ? ", " : "; did you mean ", type);
        }
    }
    text_puts(out, count > 0 ? "?" : "; h2olog --list shows all");
}

/* What this h2o has instead: the newer probe, an older one whose successor was asked for, or one of another name for the same
 * event. */
static const char *
instead(const struct catalog_probe *asked, const struct catalog *catalog, const struct usdt_probes *probes)
{
    if (asked->now != NULL && usdt_find(probes, asked->provider, asked->now) != NULL)
        return asked->now;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct catalog_probe *other = &catalog->probes[i];
        bool is_older = other->now != NULL && strcmp(other->now, asked->name) == 0;
        if ((is_older || strcmp(other->type, asked->type) == 0) && strcmp(other->provider, asked->provider) == 0 &&
            catalog_fits(other, probes))
            return other->name;
    }
    return NULL;
}

/* Says why an event that the catalogue knows cannot be traced. Without a server that is judged by the newest h2o. */
static int
not_there(const struct catalog_probe *asked, const char *pattern, const struct catalog *catalog,
          const struct usdt_probes *probes, struct diag *diag)
{
    const char *other = probes != NULL ? instead(asked, catalog, probes) : asked->now,
               *whose = probes != NULL ? "this" : "the newest";
    if (other != NULL)
        return diag_set(diag, DIAG_NOTHING, "%s: %s h2o has %s instead", pattern, whose, other);
    if (probes != NULL)
        return diag_set(diag, DIAG_NOTHING, "%s: this h2o does not have it; h2olog --list -p PID shows what it has", pattern);
    return diag_set(diag, DIAG_NOTHING, "%s: the newest h2o need not have it (%s); name one with -p PID or -e FILE", pattern,
                    asked->absent != NULL ? asked->absent : "it is older");
}

int
pattern_explain(const char *pattern, const struct catalog *catalog, const struct usdt_probes *probes, struct diag *diag)
{
    char quoted[128];
    diag_quote(quoted, sizeof(quoted), text_of(pattern));
    for (size_t i = 0; i < catalog->count; i++) {
        const struct catalog_probe *asked = &catalog->probes[i];
        if (pattern_fits(pattern, asked->provider, asked->name, asked->type))
            return not_there(asked, quoted, catalog, probes, diag);
    }
    struct outbuf near = {0};
    if (pattern_is_literal(pattern))
        put_near(&near, pattern, catalog);
    else
        text_puts(&near, "; h2olog --list shows all events");
    diag_set(diag, DIAG_USAGE, "there is no event \"%s\"%.*s", quoted, (int)near.len, near.ptr);
    text_free(&near);
    return -1;
}

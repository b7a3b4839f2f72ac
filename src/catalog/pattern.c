#include "catalog/pattern.h"

#include "base/near.h"

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

static const char *
bare_name(const char *pattern)
{
    const char *colon = strchr(pattern, ':');
    return colon != NULL ? colon + 1 : pattern;
}

/* The names of events that are as near as any. */
static struct near
near_events(const char *pattern, const struct catalog *catalog)
{
    struct near near = near_to(text_of(bare_name(pattern)));
    for (size_t i = 0; i < catalog->count && pattern_is_literal(pattern); i++)
        near_offer(&near, text_of(catalog->probes[i].type));
    return near;
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
    const struct near near = near_events(pattern, catalog);
    char question[256];
    near_ask(&near, "", pattern_is_literal(pattern) ? "; h2olog --list shows all" : "; h2olog --list shows all events",
             question, sizeof(question));
    return diag_set(diag, DIAG_USAGE, "there is no event \"%s\"%s", quoted, question);
}

#include "list.h"

#include <stdio.h>
#include <string.h>

static void
put_name(struct outbuf *out, const char *mark, const char *provider, const char *name)
{
    char full[128];
    snprintf(full, sizeof(full), "%s:%s", provider, name);
    text_printf(out, "%s%-32s", mark, full);
}

static void
put_probe(struct outbuf *out, const struct catalog_probe *probe, const struct target *target)
{
    bool is_there = target != NULL && catalog_fits(probe, &target->probes);
    put_name(out, target == NULL ? "" : is_there ? "+ " : "- ", probe->provider, probe->name);
    for (int i = 0; i < probe->nfields; i++)
        text_printf(out, "%s%s %s", i > 0 ? ", " : " ", probe->fields[i].name, probe->fields[i].type->name);
    text_putc(out, '\n');
}

static bool
is_known(const struct catalog *catalog, const struct usdt_probe *probe)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (strcmp(catalog->probes[i].name, probe->name) == 0 && strcmp(catalog->probes[i].provider, probe->provider) == 0)
            return true;
    return false;
}

/* The C library has probes too; they are not h2o's. */
static bool
is_of_h2o(const struct usdt_probe *probe)
{
    return strcmp(probe->provider, "h2o") == 0 || strcmp(probe->provider, "quicly") == 0 || strcmp(probe->provider, "picotls") == 0;
}

void
list_write(struct outbuf *out, const struct catalog *catalog, const struct target *target)
{
    for (size_t i = 0; i < catalog->count; i++)
        put_probe(out, &catalog->probes[i], target);
    for (size_t i = 0; target != NULL && i < target->probes.count; i++) {
        const struct usdt_probe *probe = &target->probes.items[i];
        if (!is_of_h2o(probe) || is_known(catalog, probe))
            continue;
        put_name(out, "? ", probe->provider, probe->name);
        text_printf(out, " %d arguments, not in the catalogue\n", probe->nargs);
    }
}

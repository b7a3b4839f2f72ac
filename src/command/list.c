#include "command/list.h"

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
put_probe(struct outbuf *out, const struct catalog_probe *probe, const char *mark)
{
    put_name(out, mark, probe->provider, probe->name);
    for (int i = 0; i < probe->nfields; i++)
        text_printf(out, "%s%s %s", i > 0 ? ", " : " ", probe->fields[i].name, probe->fields[i].type->name);
    text_putc(out, '\n');
}

/* Of several descriptions of one probe the one that is used for the target stands in the list; the first, if none is. */
static bool
stands_for_probe(const struct catalog *catalog, size_t index, const struct usdt_probes *probes)
{
    const struct catalog_probe *probe = &catalog->probes[index];
    bool fits = catalog_fits(probe, probes);
    for (size_t i = 0; i < catalog->count; i++) {
        const struct catalog_probe *other = &catalog->probes[i];
        if (i == index || !catalog_is(other, probe->provider, probe->name))
            continue;
        bool other_fits = catalog_fits(other, probes);
        if (fits == other_fits ? i < index : other_fits)
            return false;
    }
    return true;
}

/* The C library has probes too; they are not h2o's. */
static bool
is_of_h2o(const struct usdt_probe *probe)
{
    return strcmp(probe->provider, "h2o") == 0 || strcmp(probe->provider, "quicly") == 0 ||
           strcmp(probe->provider, "picotls") == 0;
}

void
list_write(struct outbuf *out, const struct catalog *catalog, const struct target *target)
{
    for (size_t i = 0; i < catalog->count; i++) {
        const struct catalog_probe *probe = &catalog->probes[i];
        if (target == NULL)
            put_probe(out, probe, "");
        else if (stands_for_probe(catalog, i, &target->probes))
            put_probe(out, probe, catalog_fits(probe, &target->probes) ? "+ " : "- ");
    }
    for (size_t i = 0; target != NULL && i < target->probes.count; i++) {
        const struct usdt_probe *probe = &target->probes.items[i];
        if (!is_of_h2o(probe) || catalog_has_probe(catalog, probe->provider, probe->name))
            continue;
        put_name(out, "? ", probe->provider, probe->name);
        text_printf(out, " %d arguments, not in the catalogue\n", probe->nargs);
    }
}

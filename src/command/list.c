#include "command/list.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

/* ---- A probe. */

enum mark { NO_TARGET, HAS, LACKS, UNDESCRIBED };

static void
put_name(struct outbuf *out, enum mark mark, const struct catalog_probe *probe)
{
    static const char *const marks[] = {"", "+ ", "- ", "? "};
    char full[128];
    snprintf(full, sizeof(full), "%s:%s", probe->provider, probe->name);
    text_printf(out, "%s%-32s", marks[mark], full);
}

static void
put_fields(struct outbuf *out, const struct catalog_probe *probe, const char *form)
{
    for (int i = 0; i < probe->nfields; i++)
        text_printf(out, form, i > 0 ? ", " : "", probe->fields[i].name, probe->fields[i].type->name);
}

static void
put_string(struct outbuf *out, const char *separator, const char *key, const char *value)
{
    text_puts(out, separator);
    json_key(out, key, "");
    json_string(out, text_of(value));
}

static void
put_object(struct outbuf *out, enum mark mark, const struct catalog_probe *probe, int nargs)
{
    put_string(out, "{", "provider", probe->provider);
    put_string(out, ", ", "probe", probe->name);
    if (mark == UNDESCRIBED)
        text_printf(out, ", \"arguments\": %d", nargs);
    else {
        put_string(out, ", ", "event", probe->type);
        put_string(out, ", ", "tag", probe->tag);
        put_string(out, ", ", "mode", probe->group);
        text_puts(out, ", \"fields\": [");
        put_fields(out, probe, "%s{\"name\": \"%s\", \"type\": \"%s\"}");
        text_putc(out, ']');
    }
    text_puts(out, mark == NO_TARGET ? "}\n" : mark == LACKS ? ", \"is_there\": false}\n" : ", \"is_there\": true}\n");
}

/* `nargs`: of a probe that is not described. */
static void
put_probe(struct outbuf *out, const struct list *list, enum mark mark, const struct catalog_probe *probe, int nargs)
{
    if (!select_wants(list->select, probe))
        return;
    if (list->is_json) {
        put_object(out, mark, probe, nargs);
        return;
    }
    put_name(out, mark, probe);
    text_puts(out, probe->nfields > 0 ? " " : "");
    if (mark == UNDESCRIBED)
        text_printf(out, " %d arguments, not in the catalogue", nargs);
    else
        put_fields(out, probe, "%s%s %s");
    text_putc(out, '\n');
}

/* ---- All of them. */

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

static void
put_described(struct outbuf *out, const struct list *list)
{
    for (size_t i = 0; i < list->catalog->count; i++) {
        const struct catalog_probe *probe = &list->catalog->probes[i];
        const struct usdt_probes *probes = list->target != NULL ? &list->target->probes : NULL;
        if (probes == NULL)
            put_probe(out, list, NO_TARGET, probe, 0);
        else if (stands_for_probe(list->catalog, i, probes))
            put_probe(out, list, catalog_fits(probe, probes) ? HAS : LACKS, probe, 0);
    }
}

static void
put_undescribed(struct outbuf *out, const struct list *list)
{
    for (size_t i = 0; list->target != NULL && i < list->target->probes.count; i++) {
        const struct usdt_probe *usdt = &list->target->probes.items[i];
        if (!is_of_h2o(usdt) || catalog_has_probe(list->catalog, usdt->provider, usdt->name))
            continue;
        struct catalog_probe probe = catalog_probe_new(usdt->provider, usdt->name, (struct diag_pos){0});
        probe.group = "unknown";
        put_probe(out, list, UNDESCRIBED, &probe, usdt->nargs);
    }
}

void
list_write(struct outbuf *out, const struct list *list)
{
    put_described(out, list);
    put_undescribed(out, list);
}

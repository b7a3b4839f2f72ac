#include "catalog/catalog.h"

#include <string.h>

struct catalog_field
catalog_field_new(const char *name, const struct types_row *type, int arg)
{
    return (struct catalog_field){.name = name, .type = type, .arg = arg, .len_arg = -1, .offset = -1, .named_by = -1};
}

struct catalog_probe
catalog_probe_new(const char *provider, const char *name, struct diag_pos pos)
{
    return (struct catalog_probe){.provider = provider, .name = name, .type = name, .tag = name, .pos = pos};
}

bool
catalog_add_field(struct catalog_probe *probe, struct catalog_field field)
{
    if (probe->nfields == CATALOG_MAX_FIELDS)
        return false;
    probe->fields[probe->nfields++] = field;
    return true;
}

struct catalog_probe *
catalog_add_probe(struct catalog *catalog, const struct catalog_probe *probe, struct mem *mem)
{
    catalog->probes = mem_grow(mem, catalog->probes, catalog->count, sizeof(*probe));
    catalog->probes[catalog->count] = *probe;
    return &catalog->probes[catalog->count++];
}

static bool
holds(const struct catalog_condition *condition, const struct usdt_probe *probe, const struct usdt_probes *probes)
{
    const struct usdt_probe *other = condition->probe != NULL ? usdt_find(probes, probe->provider, condition->probe) : NULL;
    switch (condition->kind) {
    case CATALOG_ARGS:
        return probe->nargs == condition->number;
    case CATALOG_SIZE:
        return condition->arg < probe->nargs && probe->args[condition->arg].size == condition->number;
    case CATALOG_WITH:
        return other != NULL && (condition->number < 0 || other->nargs == condition->number);
    case CATALOG_WITHOUT:
        return other == NULL || (condition->number >= 0 && other->nargs != condition->number);
    }
    return false;
}

bool
catalog_fits(const struct catalog_probe *probe, const struct usdt_probes *probes)
{
    const struct usdt_probe *found = usdt_find(probes, probe->provider, probe->name);
    for (int i = 0; found != NULL && i < probe->nconditions; i++)
        if (!holds(&probe->conditions[i], found, probes))
            return false;
    return found != NULL;
}

bool
catalog_has_provider(const struct catalog *catalog, const char *provider)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (strcmp(catalog->probes[i].provider, provider) == 0)
            return true;
    return false;
}

bool
catalog_has_probe(const struct catalog *catalog, const char *provider, const char *name)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (strcmp(catalog->probes[i].name, name) == 0 && strcmp(catalog->probes[i].provider, provider) == 0)
            return true;
    return false;
}

int
catalog_field(const struct catalog_probe *probe, const char *name)
{
    for (int i = 0; i < probe->nfields; i++)
        if (strcmp(probe->fields[i].name, name) == 0)
            return i;
    return -1;
}

int
catalog_column(const struct catalog_probe *probe, int column)
{
    static const char *const names[2][2] = {{"master_conn_id", "conn_id"},
                                            {"stream_id", "req_id"}}; /* in order of preference */
    int field = catalog_field(probe, names[column][0]);
    return field >= 0 ? field : catalog_field(probe, names[column][1]);
}

int
catalog_header_name(const struct catalog_probe *probe)
{
    for (int i = 0; i < probe->nfields; i++)
        if (probe->fields[i].is_request_header || probe->fields[i].is_response_header)
            return i;
    return -1;
}

int
catalog_header_value(const struct catalog_probe *probe)
{
    for (int i = 0; i < probe->nfields; i++)
        if (probe->fields[i].named_by >= 0)
            return i;
    return -1;
}

const char *
catalog_label(const struct catalog_names *names, uint64_t value)
{
    for (size_t i = 0; names != NULL && i < names->count; i++)
        if (names->labels[i].value == value)
            return names->labels[i].label;
    return NULL;
}

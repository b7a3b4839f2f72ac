#include "catalog/catalog.h"

#include <string.h>

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

#include "catalog/catalog.h"

#include <string.h>

struct catalog_field
catalog_field_new(const char *name, const struct types_row *type, int arg)
{
    return (struct catalog_field){
        .name = name, .type = type, .arg = arg, .len_arg = -1, .offset = -1, .named_by = -1, .known_by = -1};
}

/* Fields that mean something by their names. */
static const struct {
    const char *name;
    enum catalog_meaning meaning;
    bool is_preferred; /* to one of another name */
    bool is_cstr;      /* of this type only */
} meanings[] = {
    {"master_conn_id", CATALOG_CONN_ID, true, false},
    {"conn_id", CATALOG_CONN_ID, false, false},
    {"stream_id", CATALOG_REQ_ID, true, false},
    {"req_id", CATALOG_REQ_ID, false, false},
    {"at", CATALOG_TIME, false, false},
    {"status", CATALOG_STATUS, false, false},
    {"http_version", CATALOG_HTTP_VERSION, false, false},
    {"dcid", CATALOG_DCID, false, true},
};

/* The first field that has the meaning counts. */
static void
set_meaning(struct catalog_probe *probe, enum catalog_meaning meaning, int field)
{
    if (probe->field_of[meaning] < 0)
        probe->field_of[meaning] = field;
}

/* So it is with names, but for preferred ones. */
static void
set_meaning_by_name(struct catalog_probe *probe, int index)
{
    const struct catalog_field *field = &probe->fields[index];
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (strcmp(meanings[i].name, field->name) != 0 || (meanings[i].is_cstr && field->type->wire != TYPES_CSTR))
            continue;
        int *known = &probe->field_of[meanings[i].meaning];
        if (*known < 0 || (meanings[i].is_preferred && strcmp(probe->fields[*known].name, field->name) != 0))
            *known = index;
    }
}

/* Notes what the field means. */
static void
resolve(struct catalog_probe *probe, int index)
{
    const struct catalog_field *field = &probe->fields[index];
    set_meaning_by_name(probe, index);
    if (strcmp(field->name, "master_conn_id") == 0 && field->offset >= 0)
        set_meaning(probe, CATALOG_QUIC_CONN, index);
    if (strcmp(field->name, "src") == 0 && field->type->wire == TYPES_ADDRESS)
        set_meaning(probe, CATALOG_CLIENT, index);
    if (field->is_request_header)
        set_meaning(probe, CATALOG_REQUEST_HEADER_NAME, index);
    if (field->is_response_header)
        set_meaning(probe, CATALOG_RESPONSE_HEADER_NAME, index);
    if (field->is_request_header || field->is_response_header)
        set_meaning(probe, CATALOG_HEADER_NAME, index);
    if (field->named_by >= 0)
        set_meaning(probe, CATALOG_HEADER_VALUE, index);
}

struct catalog_probe
catalog_probe_new(const char *provider, const char *name, struct diag_pos pos)
{
    struct catalog_probe probe = {.provider = provider, .name = name, .type = name, .tag = name, .pos = pos};
    for (int i = 0; i < CATALOG_MEANINGS; i++)
        probe.field_of[i] = -1;
    return probe;
}

bool
catalog_add_field(struct catalog_probe *probe, struct catalog_field field)
{
    if (probe->nfields == CATALOG_MAX_FIELDS)
        return false;
    probe->fields[probe->nfields++] = field;
    resolve(probe, probe->nfields - 1);
    return true;
}

struct catalog_probe *
catalog_add_probe(struct catalog *catalog, const struct catalog_probe *probe, struct mem *mem)
{
    catalog->probes = mem_grow(mem, catalog->probes, catalog->count, sizeof(*probe));
    catalog->probes[catalog->count] = *probe;
    return &catalog->probes[catalog->count++];
}

const struct catalog_probe *
catalog_unconditional(const struct catalog *catalog, const char *provider, const char *name)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (catalog->probes[i].nconditions == 0 && catalog_is(&catalog->probes[i], provider, name))
            return &catalog->probes[i];
    return NULL;
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
        if (catalog_is(&catalog->probes[i], provider, name))
            return true;
    return false;
}

int
catalog_field(const struct catalog_probe *probe, struct slice name)
{
    for (int i = 0; i < probe->nfields; i++)
        if (text_is(name, probe->fields[i].name))
            return i;
    return -1;
}

const struct catalog_names *
catalog_names(const struct catalog *catalog, struct slice name)
{
    for (size_t i = 0; i < catalog->nnames; i++)
        if (text_is(name, catalog->names[i].name))
            return &catalog->names[i];
    return NULL;
}

const char *
catalog_label(const struct catalog_names *names, uint64_t value)
{
    for (size_t i = 0; names != NULL && i < names->count; i++)
        if (names->labels[i].value == value)
            return names->labels[i].label;
    return NULL;
}

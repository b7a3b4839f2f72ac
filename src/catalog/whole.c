#include "catalog/whole.h"

enum { MOST_FIELDS = CATALOG_MAX_FIELDS };

/* The fields, in the order of the enumerations. A text has two arguments: where it is, and its length. */
static const struct {
    const char *name;
    struct {
        const char *name, *type;
        const char *header; /* whose value it is; NULL: none's */
    } fields[MOST_FIELDS];
} events[WHOLE_EVENTS] = {
    [WHOLE_LINE] = {"request_line",
                    {{"conn_id", "u64", NULL},
                     {"req_id", "u64", NULL},
                     {"http_version", "http_version", NULL},
                     {"method", "str", ":method"},
                     {"path", "str", ":path"}}},
    [WHOLE_TARGET] =
        {"request_target",
         {{"conn_id", "u64", NULL}, {"req_id", "u64", NULL}, {"scheme", "str", ":scheme"}, {"authority", "str", ":authority"}}},
    [WHOLE_SNI] = {"request_sni", {{"conn_id", "u64", NULL}, {"req_id", "u64", NULL}, {"sni", "cstr", NULL}}},
    [WHOLE_CUT] = {"request_cut", {{"conn_id", "u64", NULL}, {"req_id", "u64", NULL}, {"is_response", "u8", NULL}}},
    [WHOLE_END] = {"request_end",
                   {{"conn_id", "u64", NULL},
                    {"req_id", "u64", NULL},
                    {"http_version", "http_version", NULL},
                    {"status", "i32", NULL},
                    {"bytes", "u64", NULL},
                    {"header_bytes", "u64", NULL},
                    {"request_bytes", "u64", NULL},
                    {"connected_at", "u64", NULL},
                    {"begin_at", "u64", NULL},
                    {"body_begin_at", "u64", NULL},
                    {"processed_at", "u64", NULL},
                    {"response_start_at", "u64", NULL},
                    {"response_end_at", "u64", NULL},
                    {"rtt", "u64", NULL},
                    {"address", "sockaddr", NULL}}},
};

_Static_assert((int)WHOLE_FIELDS <= (int)MOST_FIELDS, "an event has room for all fields");

static void
add_whole_field(struct catalog_probe *probe, const char *name, const char *type, int *arg)
{
    struct catalog_field field = catalog_field_new(name, types_find(text_of(type)), (*arg)++);
    if (field.type->needs_len)
        field.len_arg = (*arg)++;
    field.may_be_null = field.type->wire == TYPES_CSTR;
    catalog_add_field(probe, field);
}

const struct catalog_probe *
whole_probe(enum whole_event event, struct mem *mem)
{
    struct catalog_probe *probe = mem_alloc(mem, sizeof(*probe));
    *probe = catalog_probe_new("server", events[event].name, (struct diag_pos){"whole requests", 1, 1});
    probe->group = "requests";
    probe->summary = "Of a request that has ended.";
    probe->role = (enum catalog_role)(CATALOG_WHOLE + event);
    int arg = 0;
    for (int i = 0; i < MOST_FIELDS && events[event].fields[i].name != NULL; i++)
        add_whole_field(probe, events[event].fields[i].name, events[event].fields[i].type, &arg);
    return probe;
}

enum whole_event
whole_event_of(const struct catalog_probe *probe)
{
    return probe->role >= CATALOG_WHOLE ? (enum whole_event)(probe->role - CATALOG_WHOLE) : WHOLE_EVENTS;
}

const char *
whole_header(enum whole_event event, int field)
{
    return event < WHOLE_EVENTS ? events[event].fields[field].header : NULL;
}

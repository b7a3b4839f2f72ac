#include "show/unfold.h"

#include <string.h>

/* A record of an event that was never sent, of the same request and moment. */
static struct record
make_record(const struct record *record, const struct plan_event *event)
{
    const struct catalog_probe *probe = event->probe;
    struct record made = {.event = event, .nsecs = record->nsecs, .tid = record->tid, .pid = record->pid};
    made.values[probe->field_of[CATALOG_CONN_ID]].number = record->values[WHOLE_CONN_ID].number;
    made.values[probe->field_of[CATALOG_REQ_ID]].number = record->values[WHOLE_REQ_ID].number;
    return made;
}

/* One that the client has not sent has neither bytes nor a length. */
static void
add_header(struct exchange *exchange, const struct record *record, const char *name, const struct types_value *value)
{
    struct record made = make_record(record, record->event->whole->header);
    const struct catalog_probe *probe = made.event->probe;
    if (value->number == 0)
        return;
    made.values[probe->field_of[CATALOG_HEADER_NAME]] = (struct types_value){.number = strlen(name), .text = text_of(name)};
    made.values[probe->field_of[CATALOG_HEADER_VALUE]] = *value;
    exchange_add(exchange, &made);
}

/* Without a version it was no request that could be understood, and no probe would have told of it. */
static void
add_request(struct exchange *exchange, const struct record *record, uint64_t version)
{
    struct record made = make_record(record, record->event->whole->request);
    if (version == 0 || exchange->requested != 0)
        return;
    made.values[made.event->probe->field_of[CATALOG_HTTP_VERSION]].number = version;
    exchange_add(exchange, &made);
}

static void
add_response(struct exchange *exchange, const struct record *record)
{
    struct record made = make_record(record, record->event->whole->response);
    if (record->values[WHOLE_STATUS].number == 0)
        return;
    made.values[made.event->probe->field_of[CATALOG_STATUS]].number = record->values[WHOLE_STATUS].number;
    exchange_add(exchange, &made);
}

/* What a number is that was not asked for. */
static uint64_t
unsent_number(int field)
{
    bool is_amount = field == WHOLE_BYTES || field == WHOLE_HEADER_BYTES || field == WHOLE_REQUEST_BYTES;
    return is_amount ? WHOLE_UNKNOWN : 0;
}

static void
keep_numbers(struct exchange_whole *whole, const struct record *record)
{
    whole->is_there = true;
    for (int i = 0; i < WHOLE_FIELDS; i++)
        whole->numbers[i] = record->event->is_shown[i] ? record->values[i].number : unsent_number(i);
    if (record->values[WHOLE_ADDRESS].text.len == sizeof(whole->address))
        memcpy(whole->address, record->values[WHOLE_ADDRESS].text.ptr, sizeof(whole->address));
}

/* What was planned and did not come is lost. */
static void
note_missing(struct exchange *exchange, const struct plan_whole *whole, unsigned seen)
{
    bool has_line = whole->sent[WHOLE_LINE] == NULL || (seen >> WHOLE_LINE & 1) != 0;
    bool has_target = whole->sent[WHOLE_TARGET] == NULL || (seen >> WHOLE_TARGET & 1) != 0;
    if (!has_line || !has_target)
        exchange->incomplete |= EXCHANGE_REQUEST | EXCHANGE_REQUEST_HEADERS;
    if ((seen >> WHOLE_END & 1) == 0)
        exchange->incomplete |= EXCHANGE_RESPONSE | EXCHANGE_RESPONSE_HEADERS;
}

static void
keep_name(struct exchange_whole *whole, const struct types_value *value)
{
    size_t len = value->is_null || value->text.len >= sizeof(whole->sni) ? 0 : value->text.len;
    if (len > 0)
        memcpy(whole->sni, value->text.ptr, len);
    whole->sni[len] = '\0';
}

/* Header fields that a record is made of. */
static void
add_headers(struct exchange *exchange, const struct record *record)
{
    enum whole_event event = whole_event_of(record->event->probe);
    for (int i = 0; i < record->event->nshown; i++) {
        int field = record->event->shown[i].index;
        const char *header = whole_header(event, field);
        if (header != NULL)
            add_header(exchange, record, header, &record->values[field]);
    }
}

static void
add_line(struct exchange *exchange, const struct record *record)
{
    add_request(exchange, record, record->values[WHOLE_LINE_HTTP_VERSION].number);
    add_headers(exchange, record);
}

/* The request may have no line of its own, if nothing of it was asked for. */
static void
add_end(struct exchange *exchange, const struct record *record)
{
    add_request(exchange, record, record->values[WHOLE_HTTP_VERSION].number);
    exchange->http_version = record->values[WHOLE_HTTP_VERSION].number;
    keep_numbers(&exchange->whole, record);
    add_response(exchange, record);
}

static void
add_name(struct exchange *exchange, const struct record *record)
{
    keep_name(&exchange->whole, &record->values[WHOLE_SERVER_NAME]);
}

static void
note_cut(struct exchange *exchange, const struct record *record)
{
    exchange->incomplete |=
        record->values[WHOLE_IS_RESPONSE].number != 0 ? EXCHANGE_RESPONSE_HEADERS : EXCHANGE_REQUEST_HEADERS;
}

/* In this order records are unfolded: by the event of whole.h, or by the role of a header field. */
static const struct {
    enum whole_event event;
    enum catalog_role role; /* if the event is WHOLE_EVENTS */
    void (*add)(struct exchange *exchange, const struct record *record);
} order[] = {
    {WHOLE_LINE, CATALOG_NO_ROLE, add_line},
    {WHOLE_TARGET, CATALOG_NO_ROLE, add_headers},
    {WHOLE_EVENTS, CATALOG_REQUEST_HEADER, exchange_add},
    {WHOLE_END, CATALOG_NO_ROLE, add_end},
    {WHOLE_EVENTS, CATALOG_RESPONSE_HEADER, exchange_add},
    {WHOLE_SNI, CATALOG_NO_ROLE, add_name},
    {WHOLE_CUT, CATALOG_NO_ROLE, note_cut},
};

void
unfold_add(struct exchange *exchange, const struct record *record)
{
    exchange_touch(exchange, record);
    exchange->tid = record->tid;
    record_copy_put(&exchange->records, record);
}

void
unfold(struct exchange *exchange)
{
    struct exchange folded = *exchange;
    struct record record;
    const struct plan_whole *whole = NULL;
    unsigned seen = 0;
    exchange->records = (struct outbuf){0};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        for (size_t at = 0; exchange_next(&folded, &at, &record);) {
            enum whole_event event = whole_event_of(record.event->probe);
            if (event != order[i].event || (event == WHOLE_EVENTS && record.event->probe->role != order[i].role))
                continue;
            whole = record.event->whole;
            seen |= 1u << event;
            order[i].add(exchange, &record);
        }
    }
    exchange->begun = folded.begun;
    exchange->last = folded.last;
    if (whole != NULL)
        note_missing(exchange, whole, seen);
    text_free(&folded.records);
}

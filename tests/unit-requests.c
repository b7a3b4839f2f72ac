#include "unit-requests.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const char catalogue[] =
    "provider h2o\n"
    "probe req\n tag RxProtocol\n group g\n role request\n summary s\n arg 0 conn_id u64\n arg 1 req_id u64\n"
    " arg 2 http_version http_version\n line ${conn_id} ${req_id} ${tag} ${http_version}\n"
    "probe req_h\n tag RxHeader\n group g\n role request-header\n summary s\n arg 0 conn_id u64\n arg 1 req_id u64\n"
    " arg 2 name str len=3 request-header\n arg 4 value str len=5 named-by=name\n"
    " line ${conn_id} ${req_id} ${tag} ${name} ${value}\n"
    "probe resp\n tag TxStatus\n group g\n role response\n summary s\n arg 0 conn_id u64\n arg 1 req_id u64\n"
    " arg 2 status i32\n line ${conn_id} ${req_id} ${tag} ${status}\n"
    "probe resp_h\n tag TxHeader\n group g\n role response-header\n summary s\n arg 0 conn_id u64\n arg 1 req_id u64\n"
    " arg 2 name str len=3 response-header\n arg 4 value str len=5 named-by=name\n"
    " line ${conn_id} ${req_id} ${tag} ${name} ${value}\n"
    "probe close\n group g\n role close\n summary s\n arg 0 conn_id u64\n"
    "probe other\n group g\n summary s\n arg 0 conn_id u64\n";

void
requests_plan(struct fixture *fixture)
{
    fixture_plan(fixture, catalogue, "0.23.0", "g");
}

static const struct plan_event *
find_event(const struct fixture *fixture, struct slice tag)
{
    for (size_t i = 0; i < fixture->plan.nevents; i++)
        if (text_is(tag, fixture->plan.events[i].probe->tag))
            return &fixture->plan.events[i];
    ck_abort_msg("no event %.*s", (int)tag.len, tag.ptr);
}

static void
set_text(struct types_value *value, struct slice text)
{
    *value = (struct types_value){.number = text.len, .text = text};
}

void
requests_record(const struct fixture *fixture, struct record *record, const char *line, uint64_t ms, uint64_t tid)
{
    struct slice rest = text_of(line), conn, req, tag, word = {0};
    text_word(&rest, &conn), text_word(&rest, &req), text_word(&rest, &tag), text_word(&rest, &word);
    *record = (struct record){.event = find_event(fixture, tag), .nsecs = ms * 1000000, .tid = tid, .pid = 7};
    ck_assert(text_number(conn, UINT64_MAX, &record->values[0].number));
    if (!text_is(req, "-"))
        ck_assert(text_number(req, UINT64_MAX, &record->values[1].number));
    if (text_is(tag, "RxProtocol"))
        record->values[2].number = (uint64_t)(word.ptr[5] - '0') << 8 | (uint64_t)(word.ptr[7] - '0');
    else if (text_is(tag, "TxStatus"))
        record->values[2].number = strtoul(word.ptr, NULL, 10);
    else if (word.len > 0) {
        set_text(&record->values[2], word);
        set_text(&record->values[3], rest.len > 0 ? (struct slice){rest.ptr + 1, rest.len - 1} : rest);
    }
}

void
requests_exchange(const struct fixture *fixture, struct exchange *exchange, const char *const *lines, size_t count)
{
    struct record record;
    exchange_clear(exchange);
    for (size_t i = 0; i < count; i++) {
        requests_record(fixture, &record, lines[i], 1000 + i, 3);
        exchange->pid = record.pid;
        exchange->conn_id = record.values[0].number;
        exchange->req_id = record.values[1].number;
        exchange_add(exchange, &record);
    }
}

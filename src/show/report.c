#include "show/report.h"

#include "base/json.h"
#include "show/format_columns.h"
#include "show/format_json.h"
#include "show/format_record.h"

#include <string.h>
#include <strings.h>

/* Begins a line as that of a record, with a tag that no probe has. */
static void
put_own_tag(const struct format *format, struct outbuf *out, const struct exchange *exchange, const char *tag)
{
    if (format->options.extra)
        text_printf(out, "%d ", exchange->pid);
    text_printf(out, "%lu %lu %s", exchange->conn_id, exchange->req_id, tag);
}

static void
paint_own_line(const struct format *format, struct outbuf *out, size_t from, enum paint_color color)
{
    if (format->paint.has_colors || format->paint.terminal >= 0)
        paint_line(&format->paint, out, from, (struct paint_part){0, out->len - from - 1, color});
}

static void
put_incomplete_line(const struct format *format, struct outbuf *out, const struct exchange *exchange)
{
    size_t from = out->len;
    put_own_tag(format, out, exchange, "Incomplete ");
    exchange_put_incomplete(exchange, out, ", ");
    text_puts(out, " may be missing\n");
    paint_own_line(format, out, from, PAINT_ODD);
}

/* Another one: how long it has waited. */
static void
put_pending_line(const struct format *format, struct outbuf *out, const struct exchange *exchange)
{
    size_t from = out->len;
    put_own_tag(format, out, exchange, "Pending   ");
    text_printf(out, "%.3f s without a response\n", (double)exchange->waited / 1e9);
    paint_own_line(format, out, from, PAINT_ODD);
}

/* What only the server's structures tell. */
static void
put_whole_line(const struct format *format, struct outbuf *out, const struct exchange *exchange)
{
    char address[TYPES_ADDRESS_TEXT];
    unsigned port;
    int64_t usec;
    uint64_t bytes;
    size_t from = out->len;
    put_own_tag(format, out, exchange, "ReqEnd    ");
    if (exchange_address(exchange, address, &port))
        text_printf(out, " address=%s port=%u", address, port);
    if (exchange_number(exchange, WHOLE_BYTES, &bytes))
        text_printf(out, " bytes=%lu", bytes);
    if (exchange_between(exchange, WHOLE_BEGIN_AT, WHOLE_RESPONSE_END_AT, &usec))
        text_printf(out, " duration_ms=%.3f", (double)usec / 1e3);
    text_putc(out, '\n');
    paint_own_line(format, out, from, PAINT_PLAIN);
}

static int
put_lines(const struct report *report, struct outbuf *out, const struct exchange *exchange)
{
    struct record record;
    int cut = 0;
    size_t before = out->len;
    for (size_t at = 0; exchange_next(exchange, &at, &record);)
        if (line_filter_fits(report->line_filter, &record))
            cut += format_record(report->format, out, &record);
    if (out->len == before)
        return cut;
    if (exchange->whole.is_there)
        put_whole_line(report->format, out, exchange);
    if (exchange->incomplete != 0)
        put_incomplete_line(report->format, out, exchange);
    if (exchange->is_waiting)
        put_pending_line(report->format, out, exchange);
    text_putc(out, '\n');
    return cut;
}

/* ---- JSON. */

static void
put_number(struct outbuf *out, const char *name, bool is_there, uint64_t number)
{
    format_json_member(out, name, "");
    if (is_there)
        text_put_u64(out, number);
    else
        text_puts(out, "null");
}

/* A text field of a record under the name `name`, with what belongs beside it. */
static void
put_value(const struct report *report, struct outbuf *out, const struct record *record, int field, const char *name)
{
    const struct types_row *type = record->event->probe->fields[field].type;
    json_key(out, name, "");
    type->put_json(out, type, &record->values[field]);
    format_json_companions(report->format, out, record, field, name);
}

/* ["name", "value"], and where something belongs beside them {"value_hex": ...} behind them. */
static void
put_pair(const struct report *report, struct outbuf *out, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    const int fields[2] = {probe->field_of[CATALOG_HEADER_NAME], probe->field_of[CATALOG_HEADER_VALUE]};
    struct outbuf beside = {0};
    text_putc(out, '[');
    for (int i = 0; i < 2; i++) {
        const struct types_row *type = probe->fields[fields[i]].type;
        text_puts(out, i > 0 ? ", " : "");
        type->put_json(out, type, &record->values[fields[i]]);
        format_json_companions(report->format, &beside, record, fields[i], i > 0 ? "value" : "name");
    }
    if (beside.len > 0)
        text_printf(out, ", {%.*s}", (int)beside.len - 2, beside.ptr + 2); /* without its first comma */
    text_putc(out, ']');
    text_free(&beside);
}

/* Each with the colon that the object's members do not have. */
static const char *const pseudo[] = {":method", ":scheme", ":authority", ":path"};

enum { PSEUDO = sizeof(pseudo) / sizeof(pseudo[0]) };

/* Whether it is a member of the object: the first field of one of these names (bits of `seen`). */
static bool
is_member(const struct record *record, unsigned *seen)
{
    for (int i = 0; i < PSEUDO; i++) {
        if (!exchange_is_named(record, text_of(pseudo[i])) || (*seen >> i & 1) != 0)
            continue;
        *seen |= 1u << i;
        return true;
    }
    return false;
}

/* Header fields of a role that are not among the members of the object. */
static int
put_headers(const struct report *report, struct outbuf *out, const struct exchange *exchange, enum catalog_role role)
{
    struct record record;
    unsigned seen = 0;
    int cut = 0;
    const char *separator = "";
    json_key(out, "headers", "");
    text_putc(out, '[');
    for (size_t at = 0; exchange_next(exchange, &at, &record);) {
        if (record.event->probe->role != role || (role == CATALOG_REQUEST_HEADER && is_member(&record, &seen)) ||
            !line_filter_fits(report->line_filter, &record))
            continue;
        text_puts(out, separator);
        put_pair(report, out, &record);
        cut += format_count_cut(&record);
        separator = ", ";
    }
    text_putc(out, ']');
    return cut;
}

/* method, scheme, authority and path; null where they were not seen. */
static int
put_pseudo(const struct report *report, struct outbuf *out, const struct exchange *exchange)
{
    int cut = 0;
    for (int i = 0; i < PSEUDO; i++) {
        struct record record;
        size_t at = 0;
        const char *name = pseudo[i] + 1;
        if (exchange_header(exchange, CATALOG_REQUEST_HEADER, text_of(pseudo[i]), &at, &record) != NULL) {
            put_value(report, out, &record, record.event->probe->field_of[CATALOG_HEADER_VALUE], name);
            cut += format_count_cut(&record);
        } else {
            json_key(out, name, "");
            text_puts(out, "null");
        }
        text_puts(out, ", ");
    }
    return cut;
}

static bool
has_role(const struct exchange *exchange, enum catalog_role a, enum catalog_role b)
{
    struct record record;
    for (size_t at = 0; exchange_next(exchange, &at, &record);)
        if (record.event->probe->role == a || record.event->probe->role == b)
            return true;
    return false;
}

/* The object of the request or the response, of which `line` and `header` are the roles. */
static int
put_message(const struct report *report, struct outbuf *out, const struct exchange *exchange, enum catalog_role line,
            enum catalog_role header)
{
    int cut = 0;
    if (!has_role(exchange, line, header)) {
        text_puts(out, "null");
        return 0;
    }
    text_putc(out, '{');
    if (line == CATALOG_REQUEST)
        cut += put_pseudo(report, out, exchange);
    cut += put_headers(report, out, exchange, header);
    text_putc(out, '}');
    return cut;
}

static void
put_extra(const struct report *report, struct outbuf *out, const struct exchange *exchange)
{
    const struct format_options *options = &report->format->options;
    text_puts(out, report->format->sample);
    if (options->extra || options->has_servers)
        put_number(out, "pid", true, (uint64_t)exchange->pid);
    if (!options->extra)
        return;
    put_number(out, "tid", exchange->responded != 0, exchange->tid);
    put_number(out, "seq", true, report->format->seq);
    put_number(out, "nsecs", true, exchange->begun);
}

static void
put_string(struct outbuf *out, const char *name, bool is_there, struct slice text)
{
    format_json_member(out, name, "");
    if (is_there)
        json_string(out, text);
    else
        text_puts(out, "null");
}

static void
put_ms(struct outbuf *out, const char *name, bool is_there, double ms)
{
    format_json_member(out, name, "");
    if (is_there)
        text_printf(out, "%.3f", ms);
    else
        text_puts(out, "null");
}

static void
put_whole_number(struct outbuf *out, const char *name, const struct exchange *exchange, int field)
{
    uint64_t number;
    bool is_there = exchange_number(exchange, field, &number);
    put_number(out, name, is_there, number);
}

/* What only the server's structures tell. */
static void
put_whole(struct outbuf *out, const struct exchange *exchange)
{
    char address[TYPES_ADDRESS_TEXT] = "";
    unsigned port = 0;
    int64_t usec;
    if (!exchange->whole.is_there)
        return;
    bool has_duration = exchange_between(exchange, WHOLE_BEGIN_AT, WHOLE_RESPONSE_END_AT, &usec);
    bool has_address = exchange_address(exchange, address, &port);
    put_ms(out, "duration_ms", has_duration, (double)usec / 1e3);
    put_whole_number(out, "bytes", exchange, WHOLE_BYTES);
    put_whole_number(out, "request_bytes", exchange, WHOLE_REQUEST_BYTES);
    put_string(out, "address", has_address, text_of(address));
    put_number(out, "port", has_address, port);
    put_string(out, "sni", *exchange->whole.sni != '\0', text_of(exchange->whole.sni));
}

static void
put_incomplete(struct outbuf *out, const struct exchange *exchange)
{
    if (exchange->incomplete == 0)
        return;
    format_json_member(out, "incomplete", "");
    text_puts(out, "[\"");
    exchange_put_incomplete(exchange, out, "\", \"");
    text_puts(out, "\"]");
}

/* When the request began, by the server's clock if it tells. */
static void
put_begin(const struct report *report, struct outbuf *out, const struct exchange *exchange)
{
    uint64_t usec;
    if (exchange_number(exchange, WHOLE_BEGIN_AT, &usec) && usec != 0)
        text_put_u64(out, usec / 1000);
    else
        format_json_time(report->format, out, exchange->begun);
}

static int
put_object(const struct report *report, struct outbuf *out, const struct exchange *exchange)
{
    double ms;
    text_putc(out, '{');
    json_key(out, "at", "");
    put_begin(report, out, exchange);
    put_number(out, "conn_id", true, exchange->conn_id);
    put_number(out, "req_id", true, exchange->req_id);
    put_number(out, "http_version", exchange->http_version != 0, exchange->http_version);
    format_json_member(out, "request", "");
    int cut = put_message(report, out, exchange, CATALOG_REQUEST, CATALOG_REQUEST_HEADER);
    format_json_member(out, "status", "");
    if (exchange->responded != 0)
        text_printf(out, "%d", exchange->status);
    else
        text_puts(out, "null");
    format_json_member(out, "response", "");
    cut += put_message(report, out, exchange, CATALOG_RESPONSE, CATALOG_RESPONSE_HEADER);
    bool has_ttfb = exchange_ttfb(exchange, &ms);
    put_ms(out, "ttfb_ms", has_ttfb, ms);
    put_whole(out, exchange);
    if (exchange->is_waiting)
        put_ms(out, "pending_ms", true, (double)exchange->waited / 1e6);
    put_incomplete(out, exchange);
    put_extra(report, out, exchange);
    text_puts(out, "}\n");
    report->format->seq++;
    return cut;
}

int
report_count_cut(const struct exchange *exchange)
{
    struct record record;
    int cut = 0;
    for (size_t at = 0; exchange_next(exchange, &at, &record);)
        cut += format_count_cut(&record);
    return cut;
}

static int
put_log(const struct report *report, struct outbuf *out, const struct exchange *exchange)
{
    if (!report->log->is_json)
        format_put_time(report->format, out, exchange->begun);
    access_log_put(report->log, out, exchange, wall_offset(&report->format->wall, exchange->begun));
    text_putc(out, '\n');
    return report_count_cut(exchange);
}

int
report_put(const struct report *report, struct outbuf *out, const struct exchange *exchange)
{
    if (report->log != NULL)
        return put_log(report, out, exchange);
    return format_is_json(report->format) ? put_object(report, out, exchange) : put_lines(report, out, exchange);
}

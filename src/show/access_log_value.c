#include "show/access_log_value.h"

#include <string.h>
#include <strings.h>
#include <time.h>

/* As h2o escapes (lib/core/logconf.c of June 2026): } and ~ too. */
static void
put_apache(struct outbuf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte >= ' ' && byte < 0x7d && byte != '"')
            text_putc(out, (char)byte);
        else
            text_printf(out, "\\x%02x", byte);
    }
}

static void
put_json(struct outbuf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte < ' ' || byte >= 0x7e) {
            text_printf(out, "\\u00%02x", byte);
            continue;
        }
        if (byte == '"' || byte == '\\')
            text_putc(out, '\\');
        text_putc(out, (char)byte);
    }
}

static void
put_text(struct outbuf *out, struct slice text, const struct access_log_scene *scene)
{
    (scene->is_json ? put_json : put_apache)(out, text);
}

/* ---- Values. */

/* The first header field of that name. */
static bool
find_text(const struct access_log_scene *scene, enum catalog_role role, const char *name, struct slice *text)
{
    struct record record;
    size_t at = 0;
    const struct types_value *value = exchange_header(scene->exchange, role, text_of(name), &at, &record);
    if (value == NULL || value->is_redacted)
        return false;
    *text = value->text;
    return true;
}

bool
access_log_put_header(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    struct slice text;
    bool is_there = find_text(scene, piece->role, piece->name, &text);
    if (is_there)
        put_text(out, text, scene);
    return is_there;
}

/* All of that name, with commas between them, as h2o prints set-cookie. */
bool
access_log_put_headers(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    struct record record;
    const struct types_value *value;
    bool is_there = false;
    for (size_t at = 0; (value = exchange_header(scene->exchange, piece->role, text_of(piece->name), &at, &record)) != NULL;) {
        if (value->is_redacted)
            continue;
        text_puts(out, is_there ? ", " : "");
        put_text(out, value->text, scene);
        is_there = true;
    }
    return is_there;
}

static struct slice
part_of_path(struct slice path, bool is_query)
{
    const char *mark = path.len > 0 ? memchr(path.ptr, '?', path.len) : NULL;
    size_t len = mark != NULL ? (size_t)(mark - path.ptr) : path.len;
    return is_query ? (struct slice){path.ptr + len, path.len - len} : (struct slice){path.ptr, len};
}

/* A header field that is not there is none, and not one that was not seen. h2o's log has nothing then in some places. */
static bool
is_absent(const struct access_log_scene *scene)
{
    return scene->exchange->whole.is_there && (scene->exchange->incomplete & EXCHANGE_REQUEST_HEADERS) == 0;
}

static bool
put_authority(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    return access_log_put_header(out, piece, scene) || is_absent(scene);
}

static bool
put_part_of_path(struct outbuf *out, const struct access_log_scene *scene, bool is_query)
{
    struct slice path;
    if (!find_text(scene, CATALOG_REQUEST_HEADER, ":path", &path))
        return is_query && is_absent(scene);
    if (path.len == 0 && !is_query)
        return false;
    put_text(out, part_of_path(path, is_query), scene);
    return true;
}

static bool
put_path(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    return put_part_of_path(out, scene, false);
}

static bool
put_query(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    return put_part_of_path(out, scene, true);
}

/* HTTP/1.1, but HTTP/2 and HTTP/3. */
static bool
put_protocol(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    uint64_t version = scene->exchange->http_version;
    if (version == 0)
        return false;
    text_printf(out, "HTTP/%lu", version >> 8);
    if (version < 0x200)
        text_printf(out, ".%lu", version & 0xff);
    return true;
}

static bool
put_request_line(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    struct slice method = {0}, path = {0};
    if (scene->exchange->requested == 0)
        return false;
    find_text(scene, CATALOG_REQUEST_HEADER, ":method", &method);
    find_text(scene, CATALOG_REQUEST_HEADER, ":path", &path);
    put_text(out, method, scene);
    text_putc(out, ' ');
    put_text(out, path, scene);
    text_putc(out, ' ');
    return put_protocol(out, piece, scene);
}

static bool
put_status(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    if (scene->exchange->responded == 0)
        return false;
    text_printf(out, "%d", scene->exchange->status);
    return true;
}

static bool
put_connection(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    text_put_u64(out, scene->exchange->conn_id);
    return true;
}

static bool
put_pid(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    text_put_u64(out, (uint64_t)scene->exchange->pid);
    return true;
}

static bool
put_request_id(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    text_put_u64(out, scene->exchange->req_id);
    return true;
}

/* The name is the protocol whose number it is. Where nobody knows the protocol it may be any; but the server's structures have
 * requests without a version that are of HTTP/1 and could not be parsed. */
static bool
put_request_number(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    const struct exchange *exchange = scene->exchange;
    int major = (int)(exchange->http_version >> 8);
    if (major == 0 && exchange->whole.is_there)
        major = 1;
    if (major != 0 && major != piece->name[4] - '0')
        return false;
    text_put_u64(out, exchange->req_id);
    return true;
}

/* In seconds, as h2o prints times. */
static bool
put_ttfb(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    double ms;
    bool is_there = exchange_ttfb(scene->exchange, &ms);
    if (is_there)
        text_printf(out, "%.6f", ms / 1000);
    return is_there;
}

bool
access_log_put_incomplete(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    exchange_put_incomplete(scene->exchange, out, ",");
    return scene->exchange->incomplete != 0;
}

bool
access_log_put_nothing(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)out, (void)piece, (void)scene;
    return false;
}

/* ---- Numbers that only the server's structures have. */

static bool
put_whole(struct outbuf *out, const struct access_log_scene *scene, int field)
{
    uint64_t number;
    bool is_there = exchange_number(scene->exchange, field, &number);
    if (is_there)
        text_put_u64(out, number);
    return is_there;
}

static bool
put_bytes(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    return put_whole(out, scene, WHOLE_BYTES);
}

static bool
put_header_bytes(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    return put_whole(out, scene, WHOLE_HEADER_BYTES);
}

static bool
put_request_bytes(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    return put_whole(out, scene, WHOLE_REQUEST_BYTES);
}

static bool
put_address(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    char text[TYPES_ADDRESS_TEXT];
    unsigned port;
    bool is_there = exchange_address(scene->exchange, text, &port);
    text_puts(out, is_there ? text : "");
    return is_there;
}

static bool
put_port(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    char text[TYPES_ADDRESS_TEXT];
    unsigned port;
    bool is_there = exchange_address(scene->exchange, text, &port);
    if (is_there)
        text_put_u64(out, port);
    return is_there;
}

bool
access_log_put_sni(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    put_text(out, text_of(scene->exchange->whole.sni), scene);
    return *scene->exchange->whole.sni != '\0';
}

/* h2o's durations, by their names: from one time until another. Where h2o has two times for an end, the second one holds if the
 * first is not set. */
static const struct span {
    const char *name;
    int from, until, or_until, or_from;
} spans[] = {
    {"connect-time", WHOLE_CONNECTED_AT, WHOLE_BEGIN_AT, -1, -1},
    {"request-header-time", WHOLE_BEGIN_AT, WHOLE_BODY_BEGIN_AT, WHOLE_PROCESSED_AT, -1},
    {"request-body-time", WHOLE_BODY_BEGIN_AT, WHOLE_PROCESSED_AT, -1, WHOLE_PROCESSED_AT},
    {"request-total-time", WHOLE_BEGIN_AT, WHOLE_PROCESSED_AT, -1, -1},
    {"process-time", WHOLE_PROCESSED_AT, WHOLE_RESPONSE_START_AT, -1, -1},
    {"response-time", WHOLE_RESPONSE_START_AT, WHOLE_RESPONSE_END_AT, -1, -1},
    {"duration", WHOLE_BEGIN_AT, WHOLE_RESPONSE_END_AT, -1, -1},
    {"total-time", WHOLE_BEGIN_AT, WHOLE_RESPONSE_END_AT, -1, -1},
};

static const struct span *
find_span(const char *name)
{
    size_t i = 0;
    while (strcasecmp(spans[i].name, name) != 0)
        i++;
    return &spans[i];
}

/* Seconds as h2o prints them: whole ones without a fraction. */
static bool
put_span(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    const struct span *span = find_span(piece->name);
    const struct exchange *exchange = scene->exchange;
    int64_t usec;
    uint64_t time;
    bool has_from = exchange_number(exchange, span->from, &time) && time != 0;
    bool has_until = exchange_number(exchange, span->until, &time) && time != 0;
    int from = has_from || span->or_from < 0 ? span->from : span->or_from;
    int until = has_until || span->or_until < 0 ? span->until : span->or_until;
    if (!exchange_between(exchange, from, until, &usec))
        return false;
    text_printf(out, "%ld", usec / 1000000);
    if (usec % 1000000 != 0)
        text_printf(out, ".%06ld", usec % 1000000);
    return true;
}

/* ---- Times. */

/* When the request was processed, as h2o has it; without the structures when it was seen. 0: it never was. */
static uint64_t
microseconds(const struct access_log_scene *scene)
{
    if (scene->exchange->whole.is_there)
        return scene->exchange->whole.numbers[WHOLE_PROCESSED_AT];
    return (scene->exchange->begun + (uint64_t)scene->realtime_offset) / 1000;
}

bool
access_log_put_strftime(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    time_t seconds = (time_t)(microseconds(scene) / 1000000);
    struct tm local;
    char text[512];
    localtime_r(&seconds, &local);
    size_t len = strftime(text, sizeof(text), piece->name, &local);
    text_put(out, (struct slice){text, len});
    return seconds != 0;
}

/* The time, or a part of it with so many digits. */
static bool
put_time_part(struct outbuf *out, uint64_t number, int digits, const struct access_log_scene *scene)
{
    text_printf(out, "%0*lu", digits, number);
    return microseconds(scene) != 0;
}

static bool
put_seconds(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    return put_time_part(out, microseconds(scene) / 1000000, 0, scene);
}

static bool
put_milliseconds(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    return put_time_part(out, microseconds(scene) / 1000, 0, scene);
}

static bool
put_microseconds(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    return put_time_part(out, microseconds(scene), 0, scene);
}

static bool
put_millisecond_part(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    return put_time_part(out, microseconds(scene) / 1000 % 1000, 3, scene);
}

static bool
put_microsecond_part(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    return put_time_part(out, microseconds(scene) % 1000000, 6, scene);
}

/* ---- The notation. */

static const struct access_log_letter letters[] = {
    {'A', access_log_put_nothing, false, NULL, NULL},
    {'b', put_bytes, true, NULL, NULL},
    {'H', put_protocol, false, NULL, NULL},
    {'h', put_address, false, NULL, NULL},
    {'l', access_log_put_nothing, false, NULL, NULL},
    {'m', access_log_put_header, false, ":method", NULL},
    {'p', access_log_put_nothing, true, NULL, NULL},
    {'e', access_log_put_nothing, false, NULL, NULL},
    {'q', put_query, false, ":path", NULL},
    {'r', put_request_line, false, ":path", ":method"},
    {'s', put_status, true, NULL, NULL},
    {'t', access_log_put_strftime, false, "[%d/%b/%Y:%H:%M:%S %z]", NULL},
    {'U', put_path, false, ":path", NULL},
    {'u', access_log_put_nothing, false, NULL, NULL},
    {'V', put_authority, false, ":authority", NULL},
    {'v', access_log_put_nothing, false, NULL, NULL},
};

static const struct access_log_word words[] = {
    {'t', "sec", put_seconds, true},
    {'t', "msec", put_milliseconds, true},
    {'t', "usec", put_microseconds, true},
    {'t', "msec_frac", put_millisecond_part, false},
    {'t', "usec_frac", put_microsecond_part, false},
    {'p', "local", access_log_put_nothing, true},
    {'p', "remote", put_port, true},
    {'x', "connection-id", put_connection, true},
    {'x', "request-id", put_request_id, true},
    {'x', "connect-time", put_span, true},
    {'x', "request-header-time", put_span, true},
    {'x', "request-body-time", put_span, true},
    {'x', "request-total-time", put_span, true},
    {'x', "process-time", put_span, true},
    {'x', "response-time", put_span, true},
    {'x', "duration", put_span, true},
    {'x', "total-time", put_span, true},
    {'x', "response-header-bytes", put_header_bytes, true},
    {'x', "request-body-bytes", put_request_bytes, true},
    {'x', "ssl.server-name", access_log_put_sni, false},
    {'x', "http1.request-index", put_request_number, true},
    {'x', "http2.stream-id", put_request_number, true},
    {'x', "http3.stream-id", put_request_number, true},
    {'x', "ttfb", put_ttfb, true},      /* h2olog's own, as the next two */
    {'x', "h2olog.pid", put_pid, true}, /* no word of h2o's begins so */
    {'x', "incomplete", access_log_put_incomplete, false},
};

bool
access_log_is_whole(const struct access_log_piece *piece)
{
    static access_log_put_function *const whole[] = {put_address,      put_bytes,         put_port,          put_span,
                                                     put_header_bytes, put_request_bytes, access_log_put_sni};
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        if (piece->put == whole[i])
            return true;
    return false;
}

const struct access_log_letter *
access_log_find_letter(char letter)
{
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (letters[i].letter == letter)
            return &letters[i];
    return NULL;
}

const struct access_log_word *
access_log_find_word(char letter, const char *word)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (words[i].letter == letter && strcasecmp(words[i].word, word) == 0)
            return &words[i];
    return NULL;
}

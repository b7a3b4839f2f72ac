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

static bool
put_part_of_path(struct outbuf *out, const struct access_log_scene *scene, bool is_query)
{
    struct slice path;
    if (!find_text(scene, CATALOG_REQUEST_HEADER, ":path", &path) || (path.len == 0 && !is_query))
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

/* The name is the protocol whose number it is. Where nobody knows the protocol it may be any. */
static bool
put_request_number(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    const struct exchange *exchange = scene->exchange;
    int major = (int)(exchange->http_version >> 8);
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

/* ---- Times: of the first record, by the wall clock. */

static uint64_t
microseconds(const struct access_log_scene *scene)
{
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
    return true;
}

static bool
put_seconds(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    text_put_u64(out, microseconds(scene) / 1000000);
    return true;
}

static bool
put_milliseconds(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    text_put_u64(out, microseconds(scene) / 1000);
    return true;
}

static bool
put_microseconds(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    text_put_u64(out, microseconds(scene));
    return true;
}

static bool
put_millisecond_part(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    text_printf(out, "%03lu", microseconds(scene) / 1000 % 1000);
    return true;
}

static bool
put_microsecond_part(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    (void)piece;
    text_printf(out, "%06lu", microseconds(scene) % 1000000);
    return true;
}

/* ---- The notation. */

static const struct access_log_letter letters[] = {
    {'A', access_log_put_nothing, false, NULL, NULL},
    {'b', access_log_put_nothing, true, NULL, NULL},
    {'H', put_protocol, false, NULL, NULL},
    {'h', access_log_put_nothing, false, NULL, NULL},
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
    {'V', access_log_put_header, false, ":authority", NULL},
    {'v', access_log_put_nothing, false, NULL, NULL},
};

static const struct access_log_word words[] = {
    {'t', "sec", put_seconds, true},
    {'t', "msec", put_milliseconds, true},
    {'t', "usec", put_microseconds, true},
    {'t', "msec_frac", put_millisecond_part, false},
    {'t', "usec_frac", put_microsecond_part, false},
    {'p', "local", access_log_put_nothing, true},
    {'p', "remote", access_log_put_nothing, true},
    {'x', "connection-id", put_connection, true},
    {'x', "http1.request-index", put_request_number, true},
    {'x', "http2.stream-id", put_request_number, true},
    {'x', "http3.stream-id", put_request_number, true},
    {'x', "ttfb", put_ttfb, true},      /* h2olog's own, as the next two */
    {'x', "h2olog.pid", put_pid, true}, /* no word of h2o's begins so */
    {'x', "incomplete", access_log_put_incomplete, false},
};

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

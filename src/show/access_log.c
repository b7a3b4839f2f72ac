#include "show/access_log.h"

#include <string.h>
#include <strings.h>
#include <time.h>

/* What a piece is printed with. */
struct scene {
    const struct exchange *exchange;
    bool is_json;
    int64_t realtime_offset;
};

/* Appends a value, escaped if it is text. false, and nothing is appended: it is not there. */
typedef bool put_function(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene);

struct access_log_piece {
    struct slice literal; /* that stands before the value */
    put_function *put;    /* NULL: there is no value */
    bool is_number;
    enum catalog_role role; /* of the header field that it shows */
    const char *name;       /* of that, or a format of strftime */
    enum {
        BARE,   /* outside of a string in JSON, or no JSON */
        WITHIN, /* in the midst of a string */
        WHOLE,  /* a whole string: its quotes are not in the literals */
    } place;
};

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
put_text(struct outbuf *out, struct slice text, const struct scene *scene)
{
    (scene->is_json ? put_json : put_apache)(out, text);
}

/* ---- Values. */

/* The first header field of that name. */
static bool
find_text(const struct scene *scene, enum catalog_role role, const char *name, struct slice *text)
{
    struct record record;
    size_t at = 0;
    const struct types_value *value = exchange_header(scene->exchange, role, text_of(name), &at, &record);
    if (value == NULL || value->is_redacted)
        return false;
    *text = value->text;
    return true;
}

static bool
put_header(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    struct slice text;
    bool is_there = find_text(scene, piece->role, piece->name, &text);
    if (is_there)
        put_text(out, text, scene);
    return is_there;
}

/* All of that name, with commas between them, as h2o prints set-cookie. */
static bool
put_headers(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
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
put_part_of_path(struct outbuf *out, const struct scene *scene, bool is_query)
{
    struct slice path;
    if (!find_text(scene, CATALOG_REQUEST_HEADER, ":path", &path) || (path.len == 0 && !is_query))
        return false;
    put_text(out, part_of_path(path, is_query), scene);
    return true;
}

static bool
put_path(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    (void)piece;
    return put_part_of_path(out, scene, false);
}

static bool
put_query(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    (void)piece;
    return put_part_of_path(out, scene, true);
}

/* HTTP/1.1, but HTTP/2 and HTTP/3. */
static bool
put_protocol(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    (void)piece;
    uint64_t version = scene->exchange->http_version;
    if (scene->exchange->requested == 0)
        return false;
    text_printf(out, "HTTP/%lu", version >> 8);
    if (version < 0x200)
        text_printf(out, ".%lu", version & 0xff);
    return true;
}

static bool
put_request_line(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
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
put_status(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    (void)piece;
    if (scene->exchange->responded == 0)
        return false;
    text_printf(out, "%d", scene->exchange->status);
    return true;
}

static bool
put_connection(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    (void)piece;
    text_put_u64(out, scene->exchange->conn_id);
    return true;
}

/* The name is the protocol whose number it is. */
static bool
put_request_number(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    const struct exchange *exchange = scene->exchange;
    if (exchange->requested == 0 || (int)(exchange->http_version >> 8) != piece->name[4] - '0')
        return false;
    text_put_u64(out, exchange->req_id);
    return true;
}

/* In seconds, as h2o prints times. */
static bool
put_ttfb(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    (void)piece;
    double ms;
    bool is_there = exchange_ttfb(scene->exchange, &ms);
    if (is_there)
        text_printf(out, "%.6f", ms / 1000);
    return is_there;
}

static bool
put_nothing(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    (void)out, (void)piece, (void)scene;
    return false;
}

/* ---- Times: of the first record, by the wall clock. */

static uint64_t
microseconds(const struct scene *scene)
{
    return (uint64_t)((int64_t)scene->exchange->begun + scene->realtime_offset) / 1000;
}

static bool
put_strftime(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
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
put_seconds(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    (void)piece;
    text_put_u64(out, microseconds(scene) / 1000000);
    return true;
}

static bool
put_milliseconds(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    (void)piece;
    text_put_u64(out, microseconds(scene) / 1000);
    return true;
}

static bool
put_microseconds(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    (void)piece;
    text_put_u64(out, microseconds(scene));
    return true;
}

static bool
put_millisecond_part(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    (void)piece;
    text_printf(out, "%03lu", microseconds(scene) / 1000 % 1000);
    return true;
}

static bool
put_microsecond_part(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    (void)piece;
    text_printf(out, "%06lu", microseconds(scene) % 1000000);
    return true;
}

/* ---- The notation. */

static const struct letter {
    char letter;
    put_function *put;
    bool is_number;
    const char *name;  /* of a request's header field, or a format */
    const char *other; /* a second field that it shows */
} letters[] = {
    {'A', put_nothing, false, NULL, NULL},        {'b', put_nothing, true, NULL, NULL},
    {'H', put_protocol, false, NULL, NULL},       {'h', put_nothing, false, NULL, NULL},
    {'l', put_nothing, false, NULL, NULL},        {'m', put_header, false, ":method", NULL},
    {'p', put_nothing, true, NULL, NULL},         {'e', put_nothing, false, NULL, NULL},
    {'q', put_query, false, ":path", NULL},       {'r', put_request_line, false, ":path", ":method"},
    {'s', put_status, true, NULL, NULL},          {'t', put_strftime, false, "[%d/%b/%Y:%H:%M:%S %z]", NULL},
    {'U', put_path, false, ":path", NULL},        {'u', put_nothing, false, NULL, NULL},
    {'V', put_header, false, ":authority", NULL}, {'v', put_nothing, false, NULL, NULL},
};

static const struct word {
    char letter; /* behind the braces */
    const char *word;
    put_function *put;
    bool is_number;
} words[] = {
    {'t', "sec", put_seconds, true},
    {'t', "msec", put_milliseconds, true},
    {'t', "usec", put_microseconds, true},
    {'t', "msec_frac", put_millisecond_part, false},
    {'t', "usec_frac", put_microsecond_part, false},
    {'p', "local", put_nothing, true},
    {'p', "remote", put_nothing, true},
    {'x', "connection-id", put_connection, true},
    {'x', "http1.request-index", put_request_number, true},
    {'x', "http2.stream-id", put_request_number, true},
    {'x', "http3.stream-id", put_request_number, true},
    {'x', "ttfb", put_ttfb, true}, /* h2olog's own */
};

static const struct preset {
    const char *name, *format;
    bool is_json;
} presets[] = {
    {"common", "%h %l %u %t \"%r\" %s %b", false},
    {"combined", "%h %l %u %t \"%r\" %s %b \"%{Referer}i\" \"%{User-agent}i\"", false},
    {"json",
     "{\"time\": \"%{%Y-%m-%dT%H:%M:%S%z}t\", \"connection\": %{connection-id}x, \"method\": \"%m\", \"authority\": \"%V\", "
     "\"path\": \"%U\", \"query\": \"%q\", \"protocol\": \"%H\", \"status\": %s, \"referer\": \"%{Referer}i\", "
     "\"user_agent\": \"%{User-agent}i\", \"ttfb\": %{ttfb}x}",
     true},
};

struct parser {
    struct access_log *log;
    const char *text, *at;
    struct outbuf literal;
    bool is_in_string; /* of JSON */
    struct mem *mem;
    struct diag *diag;
};

static int
complain(const struct parser *parser, const char *at, const char *what)
{
    return diag_caret(parser->diag, "log-format", text_of(parser->text), (size_t)(at - parser->text), "%s", what);
}

/* Adds the piece, behind the literal that was read before it. */
static void
add_piece(struct parser *parser, struct access_log_piece piece)
{
    struct access_log *log = parser->log;
    struct outbuf *literal = &parser->literal;
    bool is_string = parser->is_in_string && literal->len > 0 && literal->ptr[literal->len - 1] == '"' && *parser->at == '"';
    if (log->is_json && is_string) {
        literal->len--;
        parser->at++;
        parser->is_in_string = false;
    }
    piece.place = !log->is_json ? BARE : is_string ? WHOLE : parser->is_in_string ? WITHIN : BARE;
    piece.literal = (struct slice){mem_strndup(parser->mem, literal->len > 0 ? literal->ptr : "", literal->len), literal->len};
    literal->len = 0;
    log->pieces = mem_grow(parser->mem, log->pieces, log->npieces, sizeof(piece));
    log->pieces[log->npieces++] = piece;
    if (piece.role != CATALOG_NO_ROLE)
        exchange_ask(&log->asked, (struct exchange_field){piece.role, text_of(piece.name)}, parser->mem);
}

/* Header fields: %{NAME}i and %{NAME}o. */
static void
add_header(struct parser *parser, bool is_response, const char *name)
{
    bool are_joined = is_response && strcasecmp(name, "set-cookie") == 0;
    add_piece(parser, (struct access_log_piece){.put = are_joined ? put_headers : put_header,
                                                .role = is_response ? CATALOG_RESPONSE_HEADER : CATALOG_REQUEST_HEADER,
                                                .name = name});
}

/* "{...}X", behind the percent sign. What h2o knows and the probes do not show is "-", as what h2o does not know is in h2o. */
static int
parse_braces(struct parser *parser)
{
    const char *open = parser->at, *close = strchr(open, '}');
    if (close == NULL)
        return complain(parser, open, "a brace that is not closed; expected %{...} and a letter");
    const char *word = mem_strndup(parser->mem, open + 1, (size_t)(close - open) - 1);
    char letter = close[1];
    if (letter == '\0' || strchr("ioetpx", letter) == NULL)
        return complain(parser, close + 1, "expected i, o, e, t, p or x behind %{...}");
    parser->at = close + 2;
    if (letter == 'i' || letter == 'o') {
        add_header(parser, letter == 'o', word);
        return 0;
    }
    struct access_log_piece piece = {.put = letter == 't' ? put_strftime : put_nothing, .name = word};
    bool is_known = letter != 'p';
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].letter != letter || strcasecmp(words[i].word, word) != 0)
            continue;
        piece.put = words[i].put;
        piece.is_number = words[i].is_number;
        is_known = true;
    }
    if (!is_known)
        return complain(parser, open + 1, "expected local or remote");
    add_piece(parser, piece);
    return 0;
}

static int
parse_letter(struct parser *parser)
{
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        const struct letter *row = &letters[i];
        if (row->letter != *parser->at)
            continue;
        parser->at++;
        if (row->other != NULL)
            exchange_ask(&parser->log->asked, (struct exchange_field){CATALOG_REQUEST_HEADER, text_of(row->other)},
                         parser->mem);
        enum catalog_role role = row->name != NULL && *row->name == ':' ? CATALOG_REQUEST_HEADER : CATALOG_NO_ROLE;
        add_piece(parser,
                  (struct access_log_piece){.put = row->put, .is_number = row->is_number, .role = role, .name = row->name});
        return 0;
    }
    return complain(parser, parser->at, "expected one of %AbHhlmpeqrstUuVv behind %, a brace or another %");
}

/* Behind the percent sign. < and > choose the original or the final response; the probes show the final one. */
static int
parse_element(struct parser *parser)
{
    parser->at += strspn(parser->at, "<>");
    return *parser->at == '{' ? parse_braces(parser) : parse_letter(parser);
}

static void
parse_literal(struct parser *parser)
{
    bool is_escaped = *parser->at == '\\' && parser->is_in_string && parser->at[1] != '\0';
    if (parser->log->is_json && *parser->at == '"')
        parser->is_in_string = !parser->is_in_string;
    for (int i = 0; i <= is_escaped; i++)
        text_putc(&parser->literal, *parser->at++);
}

static const struct preset *
find_preset(const char *text)
{
    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
        if (strcmp(presets[i].name, text) == 0)
            return &presets[i];
    return NULL;
}

static int
parse(struct parser *parser)
{
    while (*parser->at != '\0') {
        bool is_percent = *parser->at == '%';
        parser->at += is_percent;
        if (is_percent && *parser->at != '%') {
            if (parse_element(parser) != 0)
                return -1;
        } else
            parse_literal(parser);
    }
    add_piece(parser, (struct access_log_piece){0});
    return 0;
}

int
access_log_parse(struct access_log *log, const char *text, bool is_json, struct mem *mem, struct diag *diag)
{
    const struct preset *preset = find_preset(text);
    *log = (struct access_log){.is_json = is_json || (preset != NULL && preset->is_json)};
    struct parser parser = {.log = log, .mem = mem, .diag = diag};
    parser.text = parser.at = preset != NULL ? preset->format : text;
    int status = parse(&parser);
    text_free(&parser.literal);
    return status;
}

static void
put_piece(struct outbuf *out, const struct access_log_piece *piece, const struct scene *scene)
{
    text_put(out, piece->literal);
    if (piece->put == NULL)
        return;
    bool has_quotes = scene->is_json && (piece->place == WHOLE || (piece->place == BARE && !piece->is_number));
    size_t before = out->len;
    text_puts(out, has_quotes ? "\"" : "");
    if (piece->put(out, piece, scene)) {
        text_puts(out, has_quotes ? "\"" : "");
        return;
    }
    out->len = before;
    text_puts(out, scene->is_json && piece->place != WITHIN ? "null" : "-");
}

void
access_log_put(const struct access_log *log, struct outbuf *out, const struct exchange *exchange, int64_t realtime_offset)
{
    const struct scene scene = {exchange, log->is_json, realtime_offset};
    for (size_t i = 0; i < log->npieces; i++)
        put_piece(out, &log->pieces[i], &scene);
}

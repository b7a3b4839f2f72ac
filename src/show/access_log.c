#include "show/access_log.h"

#include "base/near.h"
#include "request/header.h"
#include "show/access_log_value.h"

#include <string.h>
#include <strings.h>

/* ---- Reading a format. */

/* Ready formats. */
static const struct preset {
    const char *name, *format;
    bool is_json;
} presets[] = {
    {"common", "%h %l %u %t \"%r\" %s %b", false},
    {"combined", "%h %l %u %t \"%r\" %s %b \"%{Referer}i\" \"%{User-agent}i\"", false},
    {"json",
     "{\"time\": \"%{%Y-%m-%dT%H:%M:%S%z}t\", \"connection\": %{connection-id}x, \"method\": \"%m\", \"authority\": \"%V\", "
     "\"path\": \"%U\", \"query\": \"%q\", \"protocol\": \"%H\", \"status\": %s, \"referer\": \"%{Referer}i\", "
     "\"user_agent\": \"%{User-agent}i\", \"ttfb\": %{ttfb}x, \"incomplete\": %{incomplete}x}",
     true},
};

struct log_parser {
    struct access_log *log;
    const char *text, *at;
    struct outbuf literal;
    bool is_in_string; /* of JSON */
    struct mem *mem;
    struct diag *diag;
};

static int
log_complain(const struct log_parser *parser, const char *at, const char *what)
{
    return diag_caret(parser->diag, "log-format", text_of(parser->text), (size_t)(at - parser->text), "%s", what);
}

/* Adds the piece, behind the literal that was read before it. */
static void
log_add_piece(struct log_parser *parser, struct access_log_piece piece)
{
    struct access_log *log = parser->log;
    struct outbuf *literal = &parser->literal;
    bool is_string = parser->is_in_string && literal->len > 0 && literal->ptr[literal->len - 1] == '"' && *parser->at == '"';
    if (log->is_json && is_string) {
        literal->len--;
        parser->at++;
        parser->is_in_string = false;
    }
    piece.place = !log->is_json          ? ACCESS_LOG_BARE
                  : is_string            ? ACCESS_LOG_WHOLE
                  : parser->is_in_string ? ACCESS_LOG_WITHIN
                                         : ACCESS_LOG_BARE;
    piece.literal = (struct slice){mem_strndup(parser->mem, literal->len > 0 ? literal->ptr : "", literal->len), literal->len};
    literal->len = 0;
    log->pieces = mem_grow(parser->mem, log->pieces, log->npieces, sizeof(piece));
    log->pieces[log->npieces++] = piece;
    log->shows_whole |= access_log_is_whole(&piece);
    log->wants_sni |= piece.put == access_log_put_sni;
    log->tells_incomplete |= piece.put == access_log_put_incomplete;
    if (piece.role != CATALOG_NO_ROLE)
        exchange_ask(&log->asked, (struct exchange_field){piece.role, text_of(piece.name)}, parser->mem);
}

/* Header fields: %{NAME}i and %{NAME}o. */
static void
log_add_header(struct log_parser *parser, bool is_response, const char *name)
{
    bool are_joined = is_response && strcasecmp(name, "set-cookie") == 0;
    log_add_piece(parser, (struct access_log_piece){.put = are_joined ? access_log_put_headers : access_log_put_header,
                                                    .role = is_response ? CATALOG_RESPONSE_HEADER : CATALOG_REQUEST_HEADER,
                                                    .name = is_response ? name : header_in_request(name)});
}

/* "{...}X", behind the percent sign. A word that is not known is no error: its value is "-", as in h2o. */
static int
log_parse_braces(struct log_parser *parser)
{
    const char *open = parser->at, *close = strchr(open, '}');
    if (close == NULL)
        return log_complain(parser, open, "a brace that is not closed; expected %{...} and a letter");
    const char *word = mem_strndup(parser->mem, open + 1, (size_t)(close - open) - 1);
    char letter = close[1];
    if (letter == '\0' || strchr("ioetpx", letter) == NULL)
        return log_complain(parser, close + 1, "expected i, o, e, t, p or x behind %{...}");
    parser->at = close + 2;
    if (letter == 'i' || letter == 'o') {
        log_add_header(parser, letter == 'o', word);
        return 0;
    }
    struct access_log_piece piece = {.put = letter == 't' ? access_log_put_strftime : access_log_put_nothing, .name = word};
    const struct access_log_word *row = access_log_find_word(letter, word);
    if (row == NULL && letter == 'p')
        return log_complain(parser, open + 1, "expected local or remote");
    if (row != NULL) {
        piece.put = row->put;
        piece.is_number = row->is_number;
    }
    log_add_piece(parser, piece);
    return 0;
}

static int
log_parse_letter(struct log_parser *parser)
{
    const struct access_log_letter *row = access_log_find_letter(*parser->at);
    if (row == NULL)
        return log_complain(parser, parser->at, "expected one of %AbHhlmpeqrstUuVv behind %, a brace or another %");
    parser->at++;
    if (row->other != NULL)
        exchange_ask(&parser->log->asked, (struct exchange_field){CATALOG_REQUEST_HEADER, text_of(row->other)}, parser->mem);
    enum catalog_role role = row->name != NULL && *row->name == ':' ? CATALOG_REQUEST_HEADER : CATALOG_NO_ROLE;
    log_add_piece(parser,
                  (struct access_log_piece){.put = row->put, .is_number = row->is_number, .role = role, .name = row->name});
    return 0;
}

/* Behind the percent sign. < and > choose the original or the final response; the probes show the final one. */
static int
log_parse_element(struct log_parser *parser)
{
    parser->at += strspn(parser->at, "<>");
    return *parser->at == '{' ? log_parse_braces(parser) : log_parse_letter(parser);
}

static void
log_parse_literal(struct log_parser *parser)
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
log_parse(struct log_parser *parser)
{
    while (*parser->at != '\0') {
        bool is_percent = *parser->at == '%';
        parser->at += is_percent;
        if (is_percent && *parser->at != '%') {
            if (log_parse_element(parser) != 0)
                return -1;
        } else
            log_parse_literal(parser);
    }
    log_add_piece(parser, (struct access_log_piece){0});
    return 0;
}

/* A format that names nothing is a preset's name with a letter wrong, or a mistake. */
static int
refuse_text(const char *text, struct diag *diag)
{
    char asked[128];
    struct near near = near_to(text_of(text));
    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
        near_offer(&near, text_of(presets[i].name));
    return diag_caret(
        diag, "log-format", text_of(text), 0, "it names nothing of a request%s",
        near_ask(&near, "", "; expected common, combined, json, or a format such as '%s %r'", asked, sizeof(asked)));
}

int
access_log_parse(struct access_log *log, const char *text, bool is_json, struct mem *mem, struct diag *diag)
{
    const struct preset *preset = find_preset(text);
    *log = (struct access_log){.is_json = is_json || (preset != NULL && preset->is_json)};
    if (*text == '\0')
        return diag_set(diag, DIAG_USAGE, "--log-format: an empty format; expected one, as combined or '%%s %%r'");
    if (preset == NULL && strchr(text, '%') == NULL)
        return refuse_text(text, diag);
    struct log_parser parser = {.log = log, .mem = mem, .diag = diag};
    parser.text = parser.at = preset != NULL ? preset->format : text;
    int status = log_parse(&parser);
    text_free(&parser.literal);
    return status;
}

/* ---- Showing a request. */

static void
put_piece(struct outbuf *out, const struct access_log_piece *piece, const struct access_log_scene *scene)
{
    text_put(out, piece->literal);
    if (piece->put == NULL)
        return;
    bool has_quotes =
        scene->is_json && (piece->place == ACCESS_LOG_WHOLE || (piece->place == ACCESS_LOG_BARE && !piece->is_number));
    size_t before = out->len;
    text_puts(out, has_quotes ? "\"" : "");
    if (piece->put(out, piece, scene)) {
        text_puts(out, has_quotes ? "\"" : "");
        return;
    }
    out->len = before;
    text_puts(out, scene->is_json && piece->place != ACCESS_LOG_WITHIN ? "null" : "-");
}

void
access_log_put(const struct access_log *log, struct outbuf *out, const struct exchange *exchange, int64_t realtime_offset)
{
    const struct access_log_scene scene = {exchange, log->is_json, realtime_offset};
    for (size_t i = 0; i < log->npieces; i++)
        put_piece(out, &log->pieces[i], &scene);
    if (log->tells_incomplete || exchange->incomplete == 0)
        return;
    text_puts(out, " ~incomplete:");
    exchange_put_incomplete(exchange, out, ",");
}

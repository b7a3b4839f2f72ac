#include "show/query.h"

#include "base/near.h"
#include "request/header.h"
#include "show/query_node.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 100, MAX_LEN = 4096 };

/* Longer ones first. */
static const struct query_comparison comparisons[] = {
    {"==", NUMBER, false, EQUAL},         {"!=", NUMBER, true, EQUAL},
    {"<=", NUMBER, false, LESS_OR_EQUAL}, {">=", NUMBER, false, GREATER_OR_EQUAL},
    {"<", NUMBER, false, LESS},           {">", NUMBER, false, GREATER},
    {"eq", TEXT, false, EQUAL},           {"ne", TEXT, true, EQUAL},
    {"!~", REGEX, true, EQUAL},           {"~", REGEX, false, EQUAL},
};

struct query_parser {
    struct query *query;
    struct slice text;
    size_t at;
    int depth;
    struct mem *mem;
    struct diag *diag;
};

static struct query_node *
query_complain(struct query_parser *parser, size_t at, const char *what)
{
    diag_caret(parser->diag, "query", parser->text, at, "%s", what);
    return NULL;
}

static void
query_skip_blanks(struct query_parser *parser)
{
    while (parser->at < parser->text.len && isspace((unsigned char)parser->text.ptr[parser->at]))
        parser->at++;
}

static bool
is_word_byte(char byte)
{
    return isalnum((unsigned char)byte) || byte == '-' || byte == '_' || byte == '.';
}

/* The word here, which is not taken. */
static struct slice
query_peek_word(struct query_parser *parser)
{
    query_skip_blanks(parser);
    struct slice word = {parser->text.ptr + parser->at, 0};
    while (parser->at + word.len < parser->text.len && is_word_byte(word.ptr[word.len]))
        word.len++;
    return word;
}

static bool
query_take_word(struct query_parser *parser, const char *name)
{
    struct slice word = query_peek_word(parser);
    if (!text_is(word, name))
        return false;
    parser->at += word.len;
    return true;
}

static bool
query_take_byte(struct query_parser *parser, char byte)
{
    query_skip_blanks(parser);
    if (parser->at == parser->text.len || parser->text.ptr[parser->at] != byte)
        return false;
    parser->at++;
    return true;
}

static struct query_node *
query_new_node(struct query_parser *parser, int kind, struct query_node *left, struct query_node *right)
{
    struct query_node *node = mem_alloc(parser->mem, sizeof(*node));
    node->kind = kind;
    node->left = left;
    node->right = right;
    return node;
}

static void
query_ask_for(struct query_parser *parser, struct query_node *node, enum catalog_role role, struct slice name)
{
    const char *text = mem_strndup(parser->mem, name.ptr, name.len);
    node->header = (struct exchange_field){role, text_of(role == CATALOG_REQUEST_HEADER ? header_in_request(text) : text)};
    exchange_ask(&parser->query->asked, node->header, parser->mem);
}

/* The name behind "req." or "resp.". */
static bool
header_behind(struct slice word, const char *prefix, struct slice *name)
{
    *name = word;
    return text_skip_prefix(name, prefix) && name->len > 0;
}

static struct query_node *
bad_field(struct query_parser *parser, struct slice word)
{
    static const char expected[] =
        "expected status, version, ttfb, duration, bytes, request_bytes, conn, req, address, port, sni, incomplete, method, "
        "scheme, authority, host, path, req.NAME, resp.NAME, not or (";
    char question[128], what[192];
    struct near near = near_to(word);
    for (int i = 0; i < QUERY_FIELDS; i++)
        near_offer(&near, text_of(query_fields[i].name));
    snprintf(what, sizeof(what), "there is no such field%s", near_ask(&near, "", "", question, sizeof(question)));
    bool is_near = near.count > 0 && memchr(word.ptr, '.', word.len) == NULL; /* behind a point there is any name */
    return query_complain(parser, parser->at, is_near ? what : expected);
}

static struct query_node *
parse_field(struct query_parser *parser)
{
    struct query_node *node = query_new_node(parser, TEST, NULL, NULL);
    struct slice word = query_peek_word(parser), name;
    for (int i = 0; i < QUERY_FIELDS; i++)
        if (text_is(word, query_fields[i].name))
            node->field = &query_fields[i];
    parser->query->wants_sni |= text_is(word, "sni");
    if (node->field != NULL && node->field->is_whole)
        parser->query->needs_whole = node->field->name;
    if (node->field != NULL && node->field->header != NULL)
        query_ask_for(parser, node, CATALOG_REQUEST_HEADER, text_of(node->field->header));
    else if (node->field == NULL && header_behind(word, "req.", &name))
        query_ask_for(parser, node, CATALOG_REQUEST_HEADER, name);
    else if (node->field == NULL && header_behind(word, "resp.", &name))
        query_ask_for(parser, node, CATALOG_RESPONSE_HEADER, name);
    else if (node->field == NULL)
        return bad_field(parser, word);
    parser->at += word.len;
    return node;
}

/* A word as an operator must end where the word does. */
static const struct query_comparison *
query_take_comparison(struct query_parser *parser)
{
    struct slice word = query_peek_word(parser), rest = {parser->text.ptr + parser->at, parser->text.len - parser->at};
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
        size_t len = strlen(comparisons[i].name);
        bool fits = word.len > 0 ? text_is(word, comparisons[i].name) : text_starts_with(rest, comparisons[i].name);
        if (!fits)
            continue;
        parser->at += len;
        return &comparisons[i];
    }
    return NULL;
}

/* A text in quotes; a backslash before a quote stands for the quote, any other for itself. */
static bool
query_take_quoted(struct query_parser *parser, struct slice *value)
{
    char quote = parser->text.ptr[parser->at++];
    char *bytes = mem_alloc(parser->mem, parser->text.len + 1);
    *value = (struct slice){bytes, 0};
    for (; parser->at < parser->text.len; parser->at++) {
        const char *here = parser->text.ptr + parser->at;
        if (*here == quote) {
            parser->at++;
            return true;
        }
        if (*here == '\\' && parser->at + 1 < parser->text.len && here[1] == quote)
            here = parser->text.ptr + ++parser->at;
        bytes[value->len++] = *here;
    }
    return false;
}

static bool
query_take_bare(struct query_parser *parser, struct slice *value)
{
    *value = (struct slice){parser->text.ptr + parser->at, 0};
    for (; parser->at < parser->text.len; parser->at++, value->len++)
        if (isspace((unsigned char)parser->text.ptr[parser->at]) || strchr("()\"'", parser->text.ptr[parser->at]) != NULL)
            break;
    return value->len > 0;
}

/* "200ms" in nanoseconds. */
static bool
scale_time(long double *number, struct slice unit)
{
    static const struct {
        const char *name;
        long ns;
    } units[] = {{"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text_is(unit, units[i].name)) {
            *number *= units[i].ns;
            return true;
        }
    }
    return false;
}

static struct query_node *
query_set_value(struct query_parser *parser, struct query_node *node, struct slice value, size_t at)
{
    struct query *query = parser->query;
    struct slice unit;
    bool is_number = node->comparison->of == NUMBER && query_number(value, &node->number, &unit);
    bool is_time = node->field != NULL && node->field->is_time;
    node->text = value;
    if (node->comparison->of == NUMBER && is_time)
        return is_number && scale_time(&node->number, unit)
                   ? node
                   : query_complain(parser, at, "expected a time, as 200ms, 1.5s or 50us");
    if (node->comparison->of == NUMBER)
        return is_number && unit.len == 0
                   ? node
                   : query_complain(parser, at, "expected a number; texts are compared with eq, ne, ~ and !~");
    node->is_network = node->comparison->of == TEXT && node->field != NULL && node->field->is_address;
    if (node->is_network && !condition_parse_address(value, &node->network))
        return query_complain(parser, at, "expected an address or a network, as 10.1.2.3, 10.0.0.0/8 or 2001:db8::/32");
    if (node->comparison->of == TEXT)
        return node;
    bool is_quoted = at < parser->text.len && (parser->text.ptr[at] == '"' || parser->text.ptr[at] == '\'');
    node->regex = regex_compile(value, "query", parser->text, at + is_quoted, parser->mem, parser->diag);
    if (node->regex == NULL)
        return NULL;
    query->regexes = mem_grow(parser->mem, query->regexes, query->nregexes, sizeof(*query->regexes));
    query->regexes[query->nregexes++] = node->regex;
    return node;
}

static struct query_node *
parse_bare_test(struct query_parser *parser)
{
    struct query_node *node = parse_field(parser);
    if (node == NULL)
        return NULL;
    size_t before = (query_skip_blanks(parser), parser->at);
    node->comparison = query_take_comparison(parser);
    if (node->comparison == NULL && parser->at < parser->text.len && parser->text.ptr[parser->at] == '=')
        return query_complain(parser, before, "expected ==, or for a text eq");
    if (node->comparison == NULL)
        return node;
    if (node->comparison->of != NUMBER && node->field != NULL && node->field->number != NULL)
        return query_complain(parser, before, "this field is a number; compare it with ==, !=, <, <=, > or >=");
    query_skip_blanks(parser);
    struct slice value;
    size_t at = parser->at;
    bool is_quoted = at < parser->text.len && (parser->text.ptr[at] == '"' || parser->text.ptr[at] == '\'');
    if (is_quoted ? query_take_quoted(parser, &value) : query_take_bare(parser, &value))
        return query_set_value(parser, node, value, at);
    return query_complain(parser, at,
                          is_quoted ? "a text without the quote at its end" : "expected a value, as 500, 200ms or \"text\"");
}

static struct query_node *
parse_test(struct query_parser *parser)
{
    query_skip_blanks(parser);
    size_t begin = parser->at;
    struct query_node *node = parse_bare_test(parser);
    if (node != NULL)
        node->source = text_trim((struct slice){parser->text.ptr + begin, parser->at - begin}, " \t");
    return node;
}

static struct query_node *parse_or(struct query_parser *parser);

static struct query_node *
parse_group(struct query_parser *parser)
{
    size_t open = parser->at - 1;
    struct query_node *node = parse_or(parser);
    if (node == NULL || query_take_byte(parser, ')'))
        return node;
    return parser->at == parser->text.len ? query_complain(parser, open, "a parenthesis that is not closed")
                                          : query_complain(parser, parser->at, "expected and, or, or )");
}

static struct query_node *
parse_not(struct query_parser *parser)
{
    struct query_node *node;
    if (++parser->depth > MAX_DEPTH)
        return query_complain(parser, parser->at, "more than 100 levels of not and parentheses");
    if (query_take_word(parser, "not")) {
        node = parse_not(parser);
        node = node != NULL ? query_new_node(parser, NOT, node, NULL) : NULL;
    } else if (query_take_byte(parser, '('))
        node = parse_group(parser);
    else
        node = parse_test(parser);
    parser->depth--;
    return node;
}

static struct query_node *
parse_and(struct query_parser *parser)
{
    struct query_node *node = parse_not(parser);
    while (node != NULL && query_take_word(parser, "and")) {
        struct query_node *right = parse_not(parser);
        node = right != NULL ? query_new_node(parser, AND, node, right) : NULL;
    }
    return node;
}

static struct query_node *
parse_or(struct query_parser *parser)
{
    struct query_node *node = parse_and(parser);
    while (node != NULL && query_take_word(parser, "or")) {
        struct query_node *right = parse_and(parser);
        node = right != NULL ? query_new_node(parser, OR, node, right) : NULL;
    }
    return node;
}

int
query_parse(struct query *query, const char *text, struct mem *mem, struct diag *diag)
{
    *query = (struct query){0};
    struct query_parser parser = {.query = query, .text = text_of(mem_strdup(mem, text)), .mem = mem, .diag = diag};
    query->root = parser.text.len <= MAX_LEN ? parse_or(&parser) : query_complain(&parser, MAX_LEN, "longer than 4,096 bytes");
    query_skip_blanks(&parser);
    if (query->root != NULL && parser.at < parser.text.len)
        query->root = query_complain(&parser, parser.at, "expected an operator, and, or, or the end");
    return query->root != NULL ? 0 : -1;
}

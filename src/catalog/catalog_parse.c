#include "catalog/catalog.h"
#include "catalog/argument.h"
#include "catalog/words.h"
#include "host/operand.h"

#include <stdio.h>
#include <string.h>

/* Fields point to their tables of names, so the array of tables must not move: it has room for all from the start. */
enum { MAX_NAMES = 64 };

/* Stands for a field in a piece of a line: the probe's tag. finish_probe puts its text there, as a later line may still change
 * it. */
enum { TAG = -2 };

struct parser {
    struct words words;
    struct catalog *catalog;
    const struct directive *directive; /* the row of the line's first word */
    const char *provider;
    struct catalog_probe *probe;
    unsigned seen;               /* of the probe: a bit for each row of `directives` */
    struct catalog_names *names; /* the table that is being read */
};

/* What the first word of a line asks for. */
struct directive {
    const char *word;
    bool belongs_to_probe; /* is indented, below a probe line */
    int (*parse)(struct parser *);
    size_t member;        /* of struct catalog_probe: the string that parse_member_* sets */
    const char *expected; /* by those */
};

static int
parse_provider(struct parser *parser)
{
    parser->probe = NULL;
    parser->names = NULL;
    return words_name(&parser->words, &parser->provider, "the provider's name") != 0 ? -1 : words_end(&parser->words);
}

/* A number of arguments or of bytes. */
static bool
read_number(struct slice text, int *number)
{
    uint64_t value;
    if (!text_number(text, USDT_MAX_ARGS, &value))
        return false;
    *number = (int)value;
    return true;
}

/* "4": so many arguments. */
static bool
parse_count(struct parser *parser, struct slice text, struct catalog_condition *condition)
{
    (void)parser;
    return read_number(text, &condition->number);
}

/* "2:8": argument 2 has 8 bytes. */
static bool
parse_size(struct parser *parser, struct slice text, struct catalog_condition *condition)
{
    (void)parser;
    if (!read_number(text_cut(&text, ':'), &condition->arg) || !read_number(text, &condition->number))
        return false;
    return condition->arg < USDT_MAX_ARGS && operand_is_size((uint64_t)condition->number);
}

/* "ack_send", "stream_send/8" */
static bool
parse_companion(struct parser *parser, struct slice text, struct catalog_condition *condition)
{
    bool has_number = text_find(text, "/") != NULL;
    struct slice name = text_cut(&text, '/');
    condition->probe = mem_strndup(parser->words.mem, name.ptr, name.len);
    return text_is_name(name) && (!has_number || read_number(text, &condition->number));
}

static const struct {
    const char *prefix;
    enum catalog_condition_kind kind;
    bool (*parse)(struct parser *parser, struct slice text, struct catalog_condition *condition);
} conditions[] = {
    {"args=", CATALOG_ARGS, parse_count},
    {"size=", CATALOG_SIZE, parse_size},
    {"with=", CATALOG_WITH, parse_companion},
    {"without=", CATALOG_WITHOUT, parse_companion},
};

static int
parse_condition(struct parser *parser, struct slice word)
{
    struct catalog_condition condition = {.number = -1};
    bool is_good = false;
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        struct slice rest = word;
        if (!text_skip_prefix(&rest, conditions[i].prefix))
            continue;
        condition.kind = conditions[i].kind;
        is_good = conditions[i].parse(parser, rest, &condition);
    }
    if (!is_good || parser->probe->nconditions == CATALOG_MAX_CONDITIONS)
        return words_bad(&parser->words, word, "not a condition",
                         "args=N, size=N:BYTES, with=PROBE[/N] or without=PROBE[/N], four at most");
    parser->probe->conditions[parser->probe->nconditions++] = condition;
    return 0;
}

static int
parse_probe(struct parser *parser)
{
    struct diag_pos pos = words_position(&parser->words, parser->words.start);
    const char *name;
    if (parser->provider == NULL)
        return diag_at(parser->words.diag, pos, "a probe before any provider; expected a line \"provider NAME\" first");
    if (words_name(&parser->words, &name, "the probe's name") != 0)
        return -1;
    const struct catalog_probe *other = catalog_unconditional(parser->catalog, parser->provider, name);
    char file[256];
    if (other != NULL)
        return diag_at(parser->words.diag, pos, "probe %s:%s is there already, without a condition, at %s:%d", parser->provider,
                       name, diag_quote(file, sizeof(file), text_of(other->pos.file)), other->pos.line);
    struct catalog_probe probe = catalog_probe_new(parser->provider, name, pos);
    probe.tag = NULL; /* a "tag" line sets it, or else finish_probe does */
    parser->probe = catalog_add_probe(parser->catalog, &probe, parser->words.mem);
    parser->names = NULL;
    parser->seen = 0;
    for (struct slice word; text_word(&parser->words.rest, &word);)
        if (parse_condition(parser, word) != 0)
            return -1;
    return 0;
}

static const char **
member_of(struct parser *parser)
{
    void *member = (char *)parser->probe + parser->directive->member;
    return member;
}

/* A line with one name. */
static int
parse_member_name(struct parser *parser)
{
    return words_name(&parser->words, member_of(parser), parser->directive->expected) != 0 ? -1 : words_end(&parser->words);
}

/* A line of text. */
static int
parse_member_text(struct parser *parser)
{
    struct slice rest;
    if (words_text(&parser->words, &rest) != 0)
        return -1;
    if (rest.len == 0)
        return words_need(&parser->words, &rest, parser->directive->expected);
    *member_of(parser) = mem_strndup(parser->words.mem, rest.ptr, rest.len);
    return 0;
}

static int
parse_role(struct parser *parser)
{
    static const char *const names[] = {[CATALOG_REQUEST] = "request",
                                        [CATALOG_REQUEST_HEADER] = "request-header",
                                        [CATALOG_RESPONSE] = "response",
                                        [CATALOG_RESPONSE_HEADER] = "response-header",
                                        [CATALOG_CLOSE] = "close"};
    struct slice word;
    if (words_need(&parser->words, &word, "a role") != 0)
        return -1;
    for (enum catalog_role role = CATALOG_REQUEST; role <= CATALOG_CLOSE; role++) {
        if (!text_is(word, names[role]))
            continue;
        parser->probe->role = role;
        return words_end(&parser->words);
    }
    return words_bad(&parser->words, word, "unknown role", "request, request-header, response, response-header or close");
}

static int
parse_arg(struct parser *parser)
{
    return argument_parse(&parser->words, parser->catalog, parser->probe);
}

/* "names TABLE" */
static int
parse_names(struct parser *parser)
{
    struct catalog *catalog = parser->catalog;
    struct catalog_names names = {0};
    struct slice rest = parser->words.rest, word;
    parser->probe = NULL;
    if (words_name(&parser->words, &names.name, "the table's name") != 0 || words_end(&parser->words) != 0)
        return -1;
    if (catalog_names(catalog, text_of(names.name)) != NULL && text_word(&rest, &word))
        return words_bad(&parser->words, word, "repeated table", "each name once");
    if (catalog->nnames == MAX_NAMES)
        return diag_at(parser->words.diag, words_position(&parser->words, parser->words.start), "more than %d tables of names",
                       MAX_NAMES);
    parser->names = &catalog->names[catalog->nnames++];
    *parser->names = names;
    return 0;
}

/* "3  1-RTT", below "names TABLE" */
static int
parse_label(struct parser *parser, struct slice word)
{
    struct catalog_names *names = parser->names;
    struct catalog_label label;
    struct slice rest;
    if (words_text(&parser->words, &rest) != 0)
        return -1;
    if (!text_number(word, UINT64_MAX, &label.value))
        return words_bad(&parser->words, word, "not a value", "a number and its name");
    if (rest.len == 0)
        return words_bad(&parser->words, word, "no name for", "a number and its name");
    label.label = mem_strndup(parser->words.mem, rest.ptr, rest.len);
    names->labels = mem_grow(parser->words.mem, names->labels, names->count, sizeof(label));
    names->labels[names->count++] = label;
    return 0;
}

static void
add_piece(struct parser *parser, struct catalog_piece piece)
{
    struct catalog_probe *probe = parser->probe;
    probe->line = mem_grow(parser->words.mem, probe->line, probe->npieces, sizeof(piece));
    probe->line[probe->npieces++] = piece;
}

static int
add_reference(struct parser *parser, struct slice name)
{
    int field = text_is(name, "tag") ? TAG : catalog_field(parser->probe, name);
    if (field == -1)
        return words_bad(&parser->words, name, "unknown field", "tag, or a field of an arg line above");
    add_piece(parser, (struct catalog_piece){.field = field});
    return 0;
}

/* "${conn_id} ${req_id} ${tag} ${name} ${value}"; the pieces point into the file's text. */
static int
parse_line(struct parser *parser)
{
    struct slice rest;
    if (words_text(&parser->words, &rest) != 0)
        return -1;
    while (rest.len > 0) {
        const char *open = text_find(rest, "${");
        size_t literal = open != NULL ? (size_t)(open - rest.ptr) : rest.len;
        if (literal > 0)
            add_piece(parser, (struct catalog_piece){{rest.ptr, literal}, -1});
        text_skip(&rest, literal);
        if (open == NULL)
            break;
        const char *close = memchr(rest.ptr, '}', rest.len);
        if (close == NULL)
            return words_bad(&parser->words, rest, "no end of", "${NAME}");
        if (add_reference(parser, (struct slice){open + 2, (size_t)(close - open) - 2}) != 0)
            return -1;
        text_skip(&rest, (size_t)(close + 1 - rest.ptr));
    }
    return 0;
}

#define MEMBER(name) offsetof(struct catalog_probe, name)

static const struct directive directives[] = {
    {"provider", false, parse_provider, 0, NULL},
    {"probe", false, parse_probe, 0, NULL},
    {"names", false, parse_names, 0, NULL},
    {"type", true, parse_member_name, MEMBER(type), "the event's name"},
    {"tag", true, parse_member_name, MEMBER(tag), "the probe's tag"},
    {"group", true, parse_member_name, MEMBER(group), "the probe's group"},
    {"summary", true, parse_member_text, MEMBER(summary), "a sentence"},
    {"now", true, parse_member_name, MEMBER(now), "the newer probe's name"},
    {"absent", true, parse_member_text, MEMBER(absent), "the reason"},
    {"role", true, parse_role, 0, NULL},
    {"arg", true, parse_arg, 0, NULL},
    {"line", true, parse_line, 0, NULL},
};

/* Whether a probe has no such line yet, or may have several. */
static bool
is_new(struct parser *parser)
{
    unsigned bit = 1u << (parser->directive - directives);
    bool may_repeat = !parser->directive->belongs_to_probe || parser->directive->parse == parse_arg;
    bool was_seen = (parser->seen & bit) != 0;
    parser->seen |= bit;
    return may_repeat || !was_seen;
}

static const struct directive *
find_directive(struct slice word)
{
    for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
        if (text_is(word, directives[i].word))
            return &directives[i];
    return NULL;
}

static int
parse_directive(struct parser *parser, struct slice word)
{
    bool is_indented = word.ptr != parser->words.start;
    if (is_indented && parser->names != NULL)
        return parse_label(parser, word);
    const struct directive *directive = parser->directive = find_directive(word);
    if (directive == NULL)
        return words_bad(&parser->words, word, "unknown word",
                         "provider, probe, names, type, tag, group, summary, now, role, absent, arg or line");
    if (directive->belongs_to_probe != is_indented)
        return words_bad(&parser->words, word, is_indented ? "indented" : "not indented",
                         is_indented ? "it at the start of the line" : "it below a probe, indented");
    if (is_indented && parser->probe == NULL)
        return words_bad(&parser->words, word, "no probe for", "a line \"probe NAME\" before it");
    return is_new(parser) ? directive->parse(parser) : words_bad(&parser->words, word, "repeated", "one such line for a probe");
}

static int
parse_file(struct parser *parser, const struct file *file)
{
    struct slice text = file->text, word;
    parser->words.file = file->name;
    parser->provider = NULL;
    parser->probe = NULL;
    parser->names = NULL;
    for (parser->words.line = 1; text_line(&text, &parser->words.rest); parser->words.line++) {
        parser->words.start = parser->words.rest.ptr;
        if (words_check(&parser->words) != 0)
            return -1;
        parser->words.rest = text_cut(&parser->words.rest, '#'); /* what is behind it is a comment */
        if (text_word(&parser->words.rest, &word) && parse_directive(parser, word) != 0)
            return -1;
    }
    return 0;
}

/* Checks, when all lines of a probe have been read, that it has what every probe must have. */
static int
check_probe(const struct catalog_probe *probe, struct diag *diag)
{
    const char *missing = probe->group == NULL     ? "group"
                          : probe->summary == NULL ? "summary"
                          : probe->nfields == 0    ? "arg"
                                                   : NULL;
    if (missing == NULL)
        return 0;
    return diag_at(diag, probe->pos, "probe %s has no %s; expected a line \"%s ...\" below it", probe->name, missing, missing);
}

/* Whether a field shows the argument; of none (-1) nothing does. */
static bool
is_argument_shown(const struct catalog_probe *probe, int arg)
{
    for (int i = 0; i < probe->nfields; i++)
        if (probe->fields[i].arg == arg)
            return true;
    return false;
}

static int
check_known(const struct catalog_probe *probe, struct diag *diag)
{
    for (int i = 0; i < probe->nfields; i++) {
        int arg = probe->fields[i].known_by;
        if (arg >= 0 && !is_argument_shown(probe, arg))
            return diag_at(diag, probe->pos,
                           "probe %s has a field %s that is known by argument %d; expected a line \"arg %d ...\"", probe->name,
                           probe->fields[i].name, arg, arg);
    }
    return 0;
}

/* The fields that a probe with a role must have. */
static const struct {
    enum catalog_role role;
    enum catalog_meaning meaning;
    const char *name; /* of the field, for messages */
} needs[] = {
    {CATALOG_REQUEST, CATALOG_CONN_ID, "conn_id"},
    {CATALOG_REQUEST, CATALOG_REQ_ID, "req_id"},
    {CATALOG_REQUEST, CATALOG_HTTP_VERSION, "http_version"},
    {CATALOG_REQUEST_HEADER, CATALOG_CONN_ID, "conn_id"},
    {CATALOG_REQUEST_HEADER, CATALOG_REQ_ID, "req_id"},
    {CATALOG_REQUEST_HEADER, CATALOG_HEADER_NAME, "name and named-by"},
    {CATALOG_REQUEST_HEADER, CATALOG_HEADER_VALUE, "name and named-by"},
    {CATALOG_RESPONSE, CATALOG_CONN_ID, "conn_id"},
    {CATALOG_RESPONSE, CATALOG_REQ_ID, "req_id"},
    {CATALOG_RESPONSE, CATALOG_STATUS, "status"},
    {CATALOG_RESPONSE_HEADER, CATALOG_CONN_ID, "conn_id"},
    {CATALOG_RESPONSE_HEADER, CATALOG_REQ_ID, "req_id"},
    {CATALOG_RESPONSE_HEADER, CATALOG_HEADER_NAME, "name and named-by"},
    {CATALOG_RESPONSE_HEADER, CATALOG_HEADER_VALUE, "name and named-by"},
    {CATALOG_CLOSE, CATALOG_CONN_ID, "conn_id"},
};

static int
check_role(const struct catalog_probe *probe, struct diag *diag)
{
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
        if (needs[i].role == probe->role && probe->field_of[needs[i].meaning] < 0)
            return diag_at(diag, probe->pos, "probe %s has a role, but no %s; expected a field of that name", probe->name,
                           needs[i].name);
    return 0;
}

/* Sets what depends on all lines of a probe: the tag, and the pieces of the line that show it. */
static void
finish_probe(struct catalog_probe *probe, struct mem *mem)
{
    if (probe->tag == NULL)
        probe->tag = probe->type;
    for (size_t i = 0; i < probe->npieces; i++)
        if (probe->line[i].field == TAG)
            probe->line[i] = (struct catalog_piece){text_of(mem_printf(mem, "%-10s", probe->tag)), -1};
}

int
catalog_parse(struct catalog *catalog, const struct files *files, struct mem *mem, struct diag *diag)
{
    *catalog = (struct catalog){.names = mem_alloc(mem, MAX_NAMES * sizeof(*catalog->names))};
    struct parser parser = {.words = {.mem = mem, .diag = diag}, .catalog = catalog};
    for (size_t i = 0; i < files->count; i++)
        if (parse_file(&parser, &files->items[i]) != 0)
            return -1;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct catalog_probe *probe = &catalog->probes[i];
        if (check_probe(probe, diag) != 0 || check_known(probe, diag) != 0 || check_role(probe, diag) != 0)
            return -1;
        finish_probe(&catalog->probes[i], mem);
    }
    return 0;
}

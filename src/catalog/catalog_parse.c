#include "catalog/catalog.h"

#include <stdio.h>
#include <string.h>

/* Tables are few, and fields point to them, so they must not move. */
enum { MAX_NAMES = 64 };

/* The field of a piece that is the tag, which a later line may still change. */
enum { TAG = -2 };

struct parser {
    struct catalog *catalog;
    struct mem *mem;
    struct diag *diag;
    const char *file;
    int line_number;
    const char *line_start;
    struct slice rest; /* of the line */
    const char *provider;
    struct catalog_probe *probe;
    unsigned seen;               /* of the probe: a bit for each row of `directives` */
    struct catalog_names *names; /* the table that is being read */
};

static struct diag_pos
position(const struct parser *parser, const char *at)
{
    return (struct diag_pos){parser->file, parser->line_number, (int)(at - parser->line_start) + 1};
}

/* An error at `word`: "unknown type "u128"; expected ...". */
static int
bad_word(struct parser *parser, struct slice word, const char *what, const char *expected)
{
    char quoted[64];
    diag_quote(quoted, sizeof(quoted), word);
    return diag_at(parser->diag, position(parser, word.ptr), "%s \"%s\"; expected %s", what, quoted, expected);
}

static int
need_word(struct parser *parser, struct slice *word, const char *expected)
{
    if (text_word(&parser->rest, word))
        return 0;
    return diag_at(parser->diag, position(parser, word->ptr), "the line ends too early; expected %s", expected);
}

static int
need_end(struct parser *parser)
{
    struct slice word;
    return text_word(&parser->rest, &word) ? bad_word(parser, word, "unexpected", "the end of the line") : 0;
}

static int
parse_name(struct parser *parser, const char **name, const char *expected)
{
    struct slice word;
    if (need_word(parser, &word, expected) != 0)
        return -1;
    if (!text_is_name(word))
        return bad_word(parser, word, "not a name", "letters, digits and _");
    *name = mem_strndup(parser->mem, word.ptr, word.len);
    return 0;
}

/* The rest of the line, its outer blanks removed. */
static struct slice
take_rest(struct parser *parser)
{
    struct slice rest = parser->rest;
    while (rest.len > 0 && (*rest.ptr == ' ' || *rest.ptr == '\t'))
        rest.ptr++, rest.len--;
    while (rest.len > 0 && (rest.ptr[rest.len - 1] == ' ' || rest.ptr[rest.len - 1] == '\t'))
        rest.len--;
    return rest;
}

static int
parse_provider(struct parser *parser)
{
    parser->probe = NULL;
    parser->names = NULL;
    return parse_name(parser, &parser->provider, "the provider's name") != 0 ? -1 : need_end(parser);
}

/* Cuts a number off the front of `text`, up to `separator` or the end. */
static bool
cut_number(struct slice *text, char separator, int *number)
{
    const char *end = memchr(text->ptr, separator, text->len);
    size_t len = end != NULL ? (size_t)(end - text->ptr) : text->len;
    uint64_t value;
    if (!text_number((struct slice){text->ptr, len}, USDT_MAX_ARGS, &value))
        return false;
    *number = (int)value;
    text->ptr += len + (end != NULL);
    text->len -= len + (end != NULL);
    return true;
}

static bool
cut_prefix(struct slice *text, const char *prefix)
{
    size_t len = strlen(prefix);
    if (text->len < len || memcmp(text->ptr, prefix, len) != 0)
        return false;
    text->ptr += len;
    text->len -= len;
    return true;
}

/* "2:8": argument 2 has 8 bytes. */
static bool
parse_size(struct slice text, struct catalog_condition *condition)
{
    if (!cut_number(&text, ':', &condition->arg) || !cut_number(&text, ' ', &condition->number))
        return false;
    return condition->arg < USDT_MAX_ARGS && usdt_is_size((uint64_t)condition->number);
}

/* "ack_send", "stream_send/8" */
static bool
parse_companion(struct parser *parser, struct slice text, struct catalog_condition *condition)
{
    const char *slash = memchr(text.ptr, '/', text.len);
    struct slice name = {text.ptr, slash != NULL ? (size_t)(slash - text.ptr) : text.len};
    struct slice number = {name.ptr + name.len + 1, slash != NULL ? text.len - name.len - 1 : 0};
    condition->probe = mem_strndup(parser->mem, name.ptr, name.len);
    return text_is_name(name) && (slash == NULL || (cut_number(&number, ' ', &condition->number) && number.len == 0));
}

static int
parse_condition(struct parser *parser, struct slice word)
{
    struct catalog_condition condition = {.number = -1};
    struct slice rest = word;
    bool is_good = false;
    if (cut_prefix(&rest, "args=")) {
        condition.kind = CATALOG_ARGS;
        is_good = cut_number(&rest, ' ', &condition.number);
    } else if (cut_prefix(&rest, "size=")) {
        condition.kind = CATALOG_SIZE;
        is_good = parse_size(rest, &condition);
    } else if (cut_prefix(&rest, "with=")) {
        condition.kind = CATALOG_WITH;
        is_good = parse_companion(parser, rest, &condition);
    } else if (cut_prefix(&rest, "without=")) {
        condition.kind = CATALOG_WITHOUT;
        is_good = parse_companion(parser, rest, &condition);
    }
    if (!is_good || parser->probe->nconditions == CATALOG_MAX_CONDITIONS)
        return bad_word(parser, word, "not a condition",
                        "args=N, size=N:BYTES, with=PROBE[/N] or without=PROBE[/N], four at most");
    parser->probe->conditions[parser->probe->nconditions++] = condition;
    return 0;
}

/* A probe without a condition fits always, so nothing may follow it. */
static int
check_reachable(struct parser *parser, const struct catalog_probe *probe)
{
    for (size_t i = 0; i < parser->catalog->count; i++) {
        const struct catalog_probe *other = &parser->catalog->probes[i];
        if (other->nconditions == 0 && strcmp(other->provider, probe->provider) == 0 && strcmp(other->name, probe->name) == 0)
            return diag_at(parser->diag, probe->pos, "probe %s:%s is there already, without a condition, at %s:%d",
                           probe->provider, probe->name, other->pos.file, other->pos.line);
    }
    return 0;
}

static int
parse_probe(struct parser *parser)
{
    struct diag_pos pos = position(parser, parser->line_start);
    const char *name;
    if (parser->provider == NULL)
        return diag_at(parser->diag, pos, "a probe before any provider; expected a line \"provider NAME\" first");
    if (parse_name(parser, &name, "the probe's name") != 0)
        return -1;
    struct catalog_probe probe = catalog_probe_new(parser->provider, name, pos);
    if (check_reachable(parser, &probe) != 0)
        return -1;
    parser->probe = catalog_add_probe(parser->catalog, &probe, parser->mem);
    parser->names = NULL;
    parser->seen = 0;
    for (struct slice word; text_word(&parser->rest, &word);)
        if (parse_condition(parser, word) != 0)
            return -1;
    return 0;
}

static int
parse_type(struct parser *parser)
{
    struct catalog_probe *probe = parser->probe;
    bool has_own_tag = probe->tag != probe->type;
    if (parse_name(parser, &probe->type, "the event's name") != 0)
        return -1;
    if (!has_own_tag)
        probe->tag = probe->type;
    return need_end(parser);
}

static int
parse_now(struct parser *parser)
{
    return parse_name(parser, &parser->probe->now, "the newer probe's name") != 0 ? -1 : need_end(parser);
}

static int
parse_tag(struct parser *parser)
{
    return parse_name(parser, &parser->probe->tag, "the probe's tag") != 0 ? -1 : need_end(parser);
}

static int
parse_group(struct parser *parser)
{
    return parse_name(parser, &parser->probe->group, "the probe's group") != 0 ? -1 : need_end(parser);
}

/* The rest of the line. */
static int
parse_text(struct parser *parser, const char **text, const char *expected)
{
    struct slice rest = take_rest(parser);
    if (rest.len == 0)
        return need_word(parser, &rest, expected);
    *text = mem_strndup(parser->mem, rest.ptr, rest.len);
    return 0;
}

static int
parse_summary(struct parser *parser)
{
    return parse_text(parser, &parser->probe->summary, "a sentence");
}

static int
parse_absent(struct parser *parser)
{
    return parse_text(parser, &parser->probe->absent, "the reason");
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
    if (need_word(parser, &word, "a role") != 0)
        return -1;
    for (enum catalog_role role = CATALOG_REQUEST; role <= CATALOG_CLOSE; role++) {
        if (!text_is(word, names[role]))
            continue;
        parser->probe->role = role;
        return need_end(parser);
    }
    return bad_word(parser, word, "unknown role", "request, request-header, response, response-header or close");
}

static int
parse_arg_number(struct parser *parser, struct slice word, int *arg)
{
    uint64_t number;
    if (!text_number(word, USDT_MAX_ARGS - 1, &number))
        return bad_word(parser, word, "not an argument", "its number, 0 to 11");
    *arg = (int)number;
    return 0;
}

static const struct catalog_names *
find_names(const struct catalog *catalog, struct slice name)
{
    for (size_t i = 0; i < catalog->nnames; i++)
        if (text_is(name, catalog->names[i].name))
            return &catalog->names[i];
    return NULL;
}

static int
parse_names_attribute(struct parser *parser, struct slice word, struct slice name, struct catalog_field *field)
{
    field->names = find_names(parser->catalog, name);
    return field->names != NULL ? 0 : bad_word(parser, word, "no such table", "names=TABLE, with \"names TABLE\" before it");
}

static int
parse_offset(struct parser *parser, struct slice word, struct slice number, struct catalog_field *field)
{
    uint64_t offset;
    if (!text_number(number, 65535, &offset) || field->type->wire != TYPES_NUMBER)
        return bad_word(parser, word, "not an offset", "at=BYTES, of a number");
    field->offset = (int)offset;
    return 0;
}

static int
parse_named_by(struct parser *parser, struct slice word, struct slice name, struct catalog_field *field)
{
    int index = catalog_field(parser->probe, name);
    const struct catalog_field *other = index >= 0 ? &parser->probe->fields[index] : NULL;
    if (field->type->wire == TYPES_TEXT && other != NULL && other->type->wire == TYPES_TEXT && !other->is_app_data &&
        !other->is_secret)
        field->named_by = index;
    return field->named_by >= 0 ? 0 : bad_word(parser, word, "no such name", "named-by=FIELD, a str above this str");
}

static int
parse_attribute(struct parser *parser, struct slice word, struct catalog_field *field)
{
    struct slice rest = word;
    if (cut_prefix(&rest, "len="))
        return parse_arg_number(parser, rest, &field->len_arg);
    if (cut_prefix(&rest, "at="))
        return parse_offset(parser, word, rest, field);
    if (cut_prefix(&rest, "names="))
        return parse_names_attribute(parser, word, rest, field);
    if (cut_prefix(&rest, "named-by="))
        return parse_named_by(parser, word, rest, field);
    const struct {
        const char *word;
        bool *flag;
    } flags[] = {
        {"null", &field->may_be_null},
        {"optional", &field->is_optional},
        {"app-data", &field->is_app_data},
        {"secret", &field->is_secret},
        {"request-header", &field->is_request_header},
        {"response-header", &field->is_response_header},
    };
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (!text_is(word, flags[i].word))
            continue;
        *flags[i].flag = true;
        return 0;
    }
    return bad_word(parser, word, "unknown attribute",
                    "len=, at=, names=, named-by=, null, optional, app-data, secret, request-header or response-header");
}

static int
parse_attributes(struct parser *parser, struct slice type_word, struct catalog_field *field)
{
    for (struct slice word; text_word(&parser->rest, &word);)
        if (parse_attribute(parser, word, field) != 0)
            return -1;
    if (field->may_be_null && field->is_optional)
        return bad_word(parser, type_word, "both null and optional for", "one of them");
    if (field->type->needs_len != (field->len_arg >= 0))
        return bad_word(parser, type_word, field->type->needs_len ? "no length for type" : "a length for type",
                        field->type->needs_len ? "len=ARGUMENT after it" : "no len=");
    return 0;
}

static int
parse_arg(struct parser *parser)
{
    struct catalog_probe *probe = parser->probe;
    struct catalog_field field = catalog_field_new(NULL, NULL, -1);
    struct slice number, word;
    if (need_word(parser, &number, "the argument's number") != 0 || parse_arg_number(parser, number, &field.arg) != 0)
        return -1;
    if (parse_name(parser, &field.name, "the field's name") != 0 || need_word(parser, &word, "the field's type") != 0)
        return -1;
    if (catalog_field(probe, text_of(field.name)) >= 0)
        return bad_word(parser, number, "repeated field name at argument", "each name once");
    field.type = types_find(word);
    if (field.type == NULL)
        return bad_word(parser, word, "unknown type", "one of those in probes/README.md");
    if (parse_attributes(parser, word, &field) != 0)
        return -1;
    if (!catalog_add_field(probe, field))
        return bad_word(parser, number, "too many fields at argument", "16 at most");
    return 0;
}

/* "names TABLE" */
static int
parse_names(struct parser *parser)
{
    struct catalog *catalog = parser->catalog;
    struct catalog_names names = {0};
    struct slice rest = parser->rest, word;
    parser->probe = NULL;
    if (parse_name(parser, &names.name, "the table's name") != 0 || need_end(parser) != 0)
        return -1;
    if (find_names(catalog, text_of(names.name)) != NULL && text_word(&rest, &word))
        return bad_word(parser, word, "repeated table", "each name once");
    if (catalog->nnames == MAX_NAMES)
        return diag_at(parser->diag, position(parser, parser->line_start), "more than %d tables of names", MAX_NAMES);
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
    struct slice rest = take_rest(parser);
    if (!text_number(word, UINT64_MAX, &label.value))
        return bad_word(parser, word, "not a value", "a number and its name");
    if (rest.len == 0)
        return bad_word(parser, word, "no name for", "a number and its name");
    label.label = mem_strndup(parser->mem, rest.ptr, rest.len);
    names->labels = mem_grow(parser->mem, names->labels, names->count, sizeof(label));
    names->labels[names->count++] = label;
    return 0;
}

static void
add_piece(struct parser *parser, struct catalog_piece piece)
{
    struct catalog_probe *probe = parser->probe;
    probe->line = mem_grow(parser->mem, probe->line, probe->npieces, sizeof(piece));
    probe->line[probe->npieces++] = piece;
}

static int
add_reference(struct parser *parser, struct slice name)
{
    int field = text_is(name, "tag") ? TAG : catalog_field(parser->probe, name);
    if (field == -1)
        return bad_word(parser, name, "unknown field", "tag, or a field of an arg line above");
    add_piece(parser, (struct catalog_piece){.field = field});
    return 0;
}

/* "${conn_id} ${req_id} ${tag} ${name} ${value}"; the pieces point into the file's text. */
static int
parse_line(struct parser *parser)
{
    struct slice rest = take_rest(parser);
    while (rest.len > 0) {
        const char *open = memmem(rest.ptr, rest.len, "${", 2);
        size_t literal = open != NULL ? (size_t)(open - rest.ptr) : rest.len;
        if (literal > 0)
            add_piece(parser, (struct catalog_piece){{rest.ptr, literal}, -1});
        rest.ptr += literal, rest.len -= literal;
        if (open == NULL)
            break;
        const char *close = memchr(rest.ptr, '}', rest.len);
        if (close == NULL)
            return bad_word(parser, rest, "no end of", "${NAME}");
        if (add_reference(parser, (struct slice){open + 2, (size_t)(close - open) - 2}) != 0)
            return -1;
        rest.len -= (size_t)(close + 1 - rest.ptr);
        rest.ptr = close + 1;
    }
    return 0;
}

static const struct directive {
    const char *word;
    bool belongs_to_probe; /* is indented, below a probe line */
    int (*parse)(struct parser *);
} directives[] = {
    {"provider", false, parse_provider}, {"probe", false, parse_probe}, {"names", false, parse_names},
    {"type", true, parse_type},          {"tag", true, parse_tag},      {"group", true, parse_group},
    {"summary", true, parse_summary},    {"now", true, parse_now},      {"role", true, parse_role},
    {"absent", true, parse_absent},      {"arg", true, parse_arg},      {"line", true, parse_line},
};

/* Whether a probe has no such line yet, or may have several. */
static bool
is_new(struct parser *parser, size_t row)
{
    bool may_repeat = !directives[row].belongs_to_probe || directives[row].parse == parse_arg;
    bool was_seen = (parser->seen >> row & 1) != 0;
    parser->seen |= 1u << row;
    return may_repeat || !was_seen;
}

static int
parse_directive(struct parser *parser, struct slice word)
{
    bool is_indented = word.ptr != parser->line_start;
    if (is_indented && parser->names != NULL)
        return parse_label(parser, word);
    for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
        if (!text_is(word, directives[i].word))
            continue;
        if (directives[i].belongs_to_probe != is_indented)
            return bad_word(parser, word, is_indented ? "indented" : "not indented",
                            is_indented ? "it at the start of the line" : "it below a probe, indented");
        if (is_indented && parser->probe == NULL)
            return bad_word(parser, word, "no probe for", "a line \"probe NAME\" before it");
        bool is_first = is_new(parser, i);
        return is_first ? directives[i].parse(parser) : bad_word(parser, word, "repeated", "one such line for a probe");
    }
    return bad_word(parser, word, "unknown word",
                    "provider, probe, names, type, tag, group, summary, now, role, absent, arg or line");
}

static int
parse_file(struct parser *parser, const struct file *file)
{
    struct slice text = file->text, word;
    parser->file = file->name;
    parser->provider = NULL;
    parser->probe = NULL;
    parser->names = NULL;
    for (parser->line_number = 1; text_line(&text, &parser->rest); parser->line_number++) {
        parser->line_start = parser->rest.ptr;
        const char *comment = memchr(parser->rest.ptr, '#', parser->rest.len);
        if (comment != NULL)
            parser->rest.len = (size_t)(comment - parser->rest.ptr);
        if (text_word(&parser->rest, &word) && parse_directive(parser, word) != 0)
            return -1;
    }
    return 0;
}

/* What every probe must have is checked when all of it has been read. */
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

/* What the records of a role must say. */
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

static void
fill_in_tag(struct catalog_probe *probe, struct mem *mem)
{
    for (size_t i = 0; i < probe->npieces; i++)
        if (probe->line[i].field == TAG)
            probe->line[i] = (struct catalog_piece){text_of(mem_printf(mem, "%-10s", probe->tag)), -1};
}

int
catalog_parse(struct catalog *catalog, const struct files *files, struct mem *mem, struct diag *diag)
{
    *catalog = (struct catalog){.names = mem_alloc(mem, MAX_NAMES * sizeof(*catalog->names))};
    struct parser parser = {.catalog = catalog, .mem = mem, .diag = diag};
    for (size_t i = 0; i < files->count; i++)
        if (parse_file(&parser, &files->items[i]) != 0)
            return -1;
    for (size_t i = 0; i < catalog->count; i++) {
        if (check_probe(&catalog->probes[i], diag) != 0 || check_role(&catalog->probes[i], diag) != 0)
            return -1;
        fill_in_tag(&catalog->probes[i], mem);
    }
    return 0;
}

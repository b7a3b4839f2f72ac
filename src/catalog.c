#include "catalog.h"

#include <stdio.h>
#include <string.h>

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
    for (size_t i = 0; i < word.len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", word.ptr[i]) == NULL)
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
    return parse_name(parser, &parser->provider, "the provider's name") != 0 ? -1 : need_end(parser);
}

static int
parse_probe(struct parser *parser)
{
    struct catalog *catalog = parser->catalog;
    struct catalog_probe probe = {.provider = parser->provider, .pos = position(parser, parser->line_start)};
    if (parser->provider == NULL)
        return diag_at(parser->diag, probe.pos, "a probe before any provider; expected a line \"provider NAME\" first");
    if (parse_name(parser, &probe.name, "the probe's name") != 0 || need_end(parser) != 0)
        return -1;
    for (size_t i = 0; i < catalog->count; i++)
        if (strcmp(catalog->probes[i].provider, probe.provider) == 0 && strcmp(catalog->probes[i].name, probe.name) == 0)
            return diag_at(parser->diag, probe.pos, "probe %s:%s is there already, at %s:%d", probe.provider, probe.name,
                           catalog->probes[i].pos.file, catalog->probes[i].pos.line);
    catalog->probes = mem_grow(parser->mem, catalog->probes, catalog->count, sizeof(probe));
    parser->probe = &catalog->probes[catalog->count++];
    *parser->probe = probe;
    return 0;
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

static int
parse_summary(struct parser *parser)
{
    struct slice rest = take_rest(parser);
    parser->probe->summary = mem_strndup(parser->mem, rest.ptr, rest.len);
    return 0;
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

static int
parse_len(struct parser *parser, struct catalog_field *field, struct slice type_word)
{
    struct slice word;
    field->len_arg = -1;
    if (!text_word(&parser->rest, &word))
        return field->type->needs_len ? bad_word(parser, type_word, "no length for type", "len=ARGUMENT after it") : 0;
    if (!field->type->needs_len || word.len < 5 || memcmp(word.ptr, "len=", 4) != 0)
        return bad_word(parser, word, "unexpected", field->type->needs_len ? "len=ARGUMENT" : "the end of the line");
    return parse_arg_number(parser, (struct slice){word.ptr + 4, word.len - 4}, &field->len_arg);
}

static int
parse_arg(struct parser *parser)
{
    struct catalog_probe *probe = parser->probe;
    struct catalog_field field;
    struct slice number, word;
    if (need_word(parser, &number, "the argument's number") != 0 || parse_arg_number(parser, number, &field.arg) != 0)
        return -1;
    if (parse_name(parser, &field.name, "the field's name") != 0 || need_word(parser, &word, "the field's type") != 0)
        return -1;
    for (int i = 0; i < probe->nfields; i++)
        if (strcmp(probe->fields[i].name, field.name) == 0 || probe->fields[i].arg == field.arg)
            return bad_word(parser, number, "repeated argument or field name", "each argument and each name once");
    field.type = types_find(word);
    if (field.type == NULL)
        return bad_word(parser, word, "unknown type", "one of those in probes/README.md");
    if (parse_len(parser, &field, word) != 0 || need_end(parser) != 0)
        return -1;
    probe->fields[probe->nfields++] = field; /* arguments differ, so there are 12 at most */
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
    struct catalog_probe *probe = parser->probe;
    if (text_is(name, "tag")) {
        char *tag = mem_printf(parser->mem, "%-10s", probe->tag != NULL ? probe->tag : "");
        add_piece(parser, (struct catalog_piece){text_of(tag), -1});
        return 0;
    }
    for (int i = 0; i < probe->nfields; i++) {
        if (text_is(name, probe->fields[i].name)) {
            add_piece(parser, (struct catalog_piece){.field = i});
            return 0;
        }
    }
    return bad_word(parser, name, "unknown field", "tag, or a field of an arg line above");
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
    {"provider", false, parse_provider}, {"probe", false, parse_probe},    {"tag", true, parse_tag}, {"group", true, parse_group},
    {"summary", true, parse_summary},    {"arg", true, parse_arg}, {"line", true, parse_line},
};

static int
parse_directive(struct parser *parser, struct slice word)
{
    bool is_indented = word.ptr != parser->line_start;
    for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
        if (!text_is(word, directives[i].word))
            continue;
        if (directives[i].belongs_to_probe != is_indented)
            return bad_word(parser, word, is_indented ? "indented" : "not indented",
                            is_indented ? "it at the start of the line" : "it below a probe, indented");
        if (is_indented && parser->probe == NULL)
            return bad_word(parser, word, "no probe for", "a line \"probe NAME\" before it");
        return directives[i].parse(parser);
    }
    return bad_word(parser, word, "unknown word", "provider, probe, tag, group, summary, arg or line");
}

static int
parse_file(struct parser *parser, const struct file *file)
{
    struct slice text = file->text, word;
    parser->file = file->name;
    parser->provider = NULL;
    parser->probe = NULL;
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
    const char *missing = probe->tag == NULL       ? "tag"
                          : probe->group == NULL   ? "group"
                          : probe->summary == NULL ? "summary"
                          : probe->nfields == 0    ? "arg"
                          : probe->npieces == 0    ? "line"
                                                   : NULL;
    if (missing == NULL)
        return 0;
    return diag_at(diag, probe->pos, "probe %s has no %s; expected a line \"%s ...\" below it", probe->name, missing, missing);
}

int
catalog_parse(struct catalog *catalog, const struct files *files, struct mem *mem, struct diag *diag)
{
    *catalog = (struct catalog){0};
    struct parser parser = {.catalog = catalog, .mem = mem, .diag = diag};
    for (size_t i = 0; i < files->count; i++)
        if (parse_file(&parser, &files->items[i]) != 0)
            return -1;
    for (size_t i = 0; i < catalog->count; i++)
        if (check_probe(&catalog->probes[i], diag) != 0)
            return -1;
    return 0;
}

#include "catalog/argument.h"

#include <stddef.h>

/* The line, and what it is read for. */
struct line {
    struct words *words;
    const struct catalog *catalog; /* has the tables of names */
    struct catalog_probe *probe;
};

static int
parse_arg_number(const struct line *line, struct slice word, int *arg)
{
    uint64_t number;
    if (!text_number(word, USDT_MAX_ARGS - 1, &number))
        return words_bad(line->words, word, "not an argument", "its number, 0 to 11");
    *arg = (int)number;
    return 0;
}

static int
parse_names_attribute(const struct line *line, struct slice word, struct slice name, struct catalog_field *field)
{
    field->names = catalog_names(line->catalog, name);
    return field->names != NULL ? 0
                                : words_bad(line->words, word, "no such table", "names=TABLE, with \"names TABLE\" before it");
}

static int
parse_len(const struct line *line, struct slice word, struct slice number, struct catalog_field *field)
{
    (void)word;
    return parse_arg_number(line, number, &field->len_arg);
}

static int
parse_offset(const struct line *line, struct slice word, struct slice number, struct catalog_field *field)
{
    uint64_t offset;
    if (!text_number(number, 65535, &offset) || field->type->wire != TYPES_NUMBER)
        return words_bad(line->words, word, "not an offset", "at=BYTES, of a number");
    field->offset = (int)offset;
    return 0;
}

static int
parse_named_by(const struct line *line, struct slice word, struct slice name, struct catalog_field *field)
{
    int index = catalog_field(line->probe, name);
    const struct catalog_field *other = index >= 0 ? &line->probe->fields[index] : NULL;
    if (field->type->wire == TYPES_TEXT && other != NULL && other->type->wire == TYPES_TEXT && !other->is_app_data &&
        !other->is_secret)
        field->named_by = index;
    return field->named_by >= 0 ? 0 : words_bad(line->words, word, "no such name", "named-by=FIELD, a str above this str");
}

static int
parse_known_by(const struct line *line, struct slice word, struct slice number, struct catalog_field *field)
{
    (void)word;
    return parse_arg_number(line, number, &field->known_by);
}

static const struct {
    const char *prefix;
    int (*parse)(const struct line *line, struct slice word, struct slice value, struct catalog_field *field);
} attributes[] = {
    {"len=", parse_len},           {"at=", parse_offset},         {"names=", parse_names_attribute},
    {"named-by=", parse_named_by}, {"known-by=", parse_known_by},
};

static const struct {
    const char *word;
    size_t member; /* of struct catalog_field, a bool */
} flags[] = {
    {"null", offsetof(struct catalog_field, may_be_null)},
    {"optional", offsetof(struct catalog_field, is_optional)},
    {"app-data", offsetof(struct catalog_field, is_app_data)},
    {"secret", offsetof(struct catalog_field, is_secret)},
    {"request-header", offsetof(struct catalog_field, is_request_header)},
    {"response-header", offsetof(struct catalog_field, is_response_header)},
};

static int
parse_attribute(const struct line *line, struct slice word, struct catalog_field *field)
{
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        struct slice value = word;
        if (text_skip_prefix(&value, attributes[i].prefix))
            return attributes[i].parse(line, word, value, field);
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (!text_is(word, flags[i].word))
            continue;
        *(bool *)((char *)field + flags[i].member) = true;
        return 0;
    }
    return words_bad(
        line->words, word, "unknown attribute",
        "len=, at=, names=, named-by=, known-by=, null, optional, app-data, secret, request-header or response-header");
}

static int
parse_attributes(const struct line *line, struct slice type_word, struct catalog_field *field)
{
    for (struct slice word; text_word(&line->words->rest, &word);)
        if (parse_attribute(line, word, field) != 0)
            return -1;
    if (field->may_be_null && field->is_optional)
        return words_bad(line->words, type_word, "both null and optional for", "one of them");
    if (field->type->needs_len != (field->len_arg >= 0))
        return words_bad(line->words, type_word, field->type->needs_len ? "no length for type" : "a length for type",
                         field->type->needs_len ? "len=ARGUMENT after it" : "no len=");
    return 0;
}

int
argument_parse(struct words *words, const struct catalog *catalog, struct catalog_probe *probe)
{
    const struct line line = {words, catalog, probe};
    struct catalog_field field = catalog_field_new(NULL, NULL, -1);
    struct slice number, word;
    if (words_need(words, &number, "the argument's number") != 0 || parse_arg_number(&line, number, &field.arg) != 0)
        return -1;
    if (words_name(words, &field.name, "the field's name") != 0 || words_need(words, &word, "the field's type") != 0)
        return -1;
    if (catalog_field(probe, text_of(field.name)) >= 0)
        return words_bad(words, number, "repeated field name at argument", "each name once");
    field.type = types_find(word);
    if (field.type == NULL)
        return words_bad(words, word, "unknown type", "one of those in probes/README.md");
    if (parse_attributes(&line, word, &field) != 0)
        return -1;
    if (!catalog_add_field(probe, field))
        return words_bad(words, number, "too many fields at argument", "16 at most");
    return 0;
}

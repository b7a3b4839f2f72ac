#include "catalog/dtrace.h"

#include <stdio.h>
#include <string.h>

struct scanner {
    struct catalog *catalog;
    const struct file *file;
    struct mem *mem;
    struct diag *diag;
    const char *at, *end;
    struct slice token;   /* a word, or one character */
    struct slice comment; /* the last one right before the token; empty: there is none */
    struct slice appdata; /* the comment that holds @appdata */
};

/* An argument as it is declared. */
struct parameter {
    struct slice type; /* "const char *" as the words "const char" */
    struct slice name;
    int pointers;
};

enum { MAX_PARAMETERS = USDT_MAX_ARGS };

static bool
is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool
is_at(const struct scanner *scanner, const char *words)
{
    return text_starts_with((struct slice){scanner->at, (size_t)(scanner->end - scanner->at)}, words);
}

static void
skip_past(struct scanner *scanner, const char *words)
{
    size_t len = strlen(words);
    const char *found = text_find((struct slice){scanner->at, (size_t)(scanner->end - scanner->at)}, words);
    scanner->at = found != NULL ? found + len : scanner->end;
}

/* The @appdata comment is about all probes, so it is not the summary of the next one. */
static void
skip_comment(struct scanner *scanner)
{
    const char *start = scanner->at;
    skip_past(scanner, "*/");
    struct slice comment = {start, (size_t)(scanner->at - start)};
    if (text_find(comment, "@appdata") != NULL)
        scanner->appdata = comment;
    else
        scanner->comment = comment;
}

/* Blanks, comments, and lines of the preprocessor. */
static void
skip_blanks(struct scanner *scanner)
{
    while (scanner->at < scanner->end) {
        if (is_at(scanner, "/*"))
            skip_comment(scanner);
        else if (is_at(scanner, "//") || *scanner->at == '#')
            skip_past(scanner, "\n");
        else if (memchr(" \t\r\n", *scanner->at, 4) != NULL)
            scanner->at++;
        else
            return;
    }
}

/* The next token; empty at the end. */
static void
next(struct scanner *scanner)
{
    scanner->comment = (struct slice){0};
    skip_blanks(scanner);
    const char *start = scanner->at;
    while (scanner->at < scanner->end && is_word_byte(*scanner->at))
        scanner->at++;
    if (scanner->at == start && start < scanner->end)
        scanner->at++;
    scanner->token = (struct slice){start, (size_t)(scanner->at - start)};
}

static int
unexpected(const struct scanner *scanner, const char *expected)
{
    char quoted[64];
    const char *what = scanner->token.len > 0 ? diag_quote(quoted, sizeof(quoted), scanner->token) : "the end of the file";
    return diag_at(scanner->diag, files_position(scanner->file, scanner->token.ptr), "unexpected \"%s\"; expected %s", what,
                   expected);
}

static int
take(struct scanner *scanner, const char *token)
{
    if (!text_is(scanner->token, token))
        return unexpected(scanner, token);
    next(scanner);
    return 0;
}

static int
take_name(struct scanner *scanner, struct slice *name, const char *expected)
{
    if (scanner->token.len == 0 || !is_word_byte(*scanner->token.ptr))
        return unexpected(scanner, expected);
    *name = scanner->token;
    next(scanner);
    return 0;
}

/* "const struct sockaddr *dest": the last word is the name, what stands before is the type. */
static int
take_parameter(struct scanner *scanner, struct parameter *parameter)
{
    *parameter = (struct parameter){.type = {scanner->token.ptr, 0}};
    while (scanner->token.len > 0 && !text_is(scanner->token, ",") && !text_is(scanner->token, ")")) {
        if (text_is(scanner->token, "*")) {
            parameter->pointers++;
        } else {
            if (parameter->name.len > 0)
                parameter->type.len = (size_t)(parameter->name.ptr + parameter->name.len - parameter->type.ptr);
            if (take_name(scanner, &parameter->name, "a C type and a name") != 0)
                return -1;
            continue;
        }
        next(scanner);
    }
    return parameter->type.len > 0 ? 0 : unexpected(scanner, "a C type and a name");
}

static int
take_parameters(struct scanner *scanner, struct parameter *parameters, int *count)
{
    *count = 0;
    if (take(scanner, "(") != 0)
        return -1;
    while (!text_is(scanner->token, ")")) {
        if (*count == MAX_PARAMETERS)
            return unexpected(scanner, "12 arguments at most");
        if (take_parameter(scanner, &parameters[(*count)++]) != 0)
            return -1;
        if (!text_is(scanner->token, ")") && take(scanner, ",") != 0)
            return -1;
    }
    next(scanner);
    return take(scanner, ";");
}

/* C types that are numbers, on the 64-bit machines that h2olog runs on. */
static const struct {
    const char *c, *type;
} numbers[] = {
    {"int", "i32"},   {"unsigned", "u32"}, {"unsigned int", "u32"},  {"size_t", "u64"},   {"ssize_t", "i64"},
    {"pid_t", "i32"}, {"uint8_t", "u8"},   {"uint16_t", "u16"},      {"uint32_t", "u32"}, {"uint64_t", "u64"},
    {"int8_t", "i8"}, {"int16_t", "i16"},  {"int32_t", "i32"},       {"int64_t", "i64"},  {"char", "i8"},
    {"short", "i16"}, {"long", "i64"},     {"unsigned long", "u64"},
};

/* The fields that are read through a pointer to a C type. One without a name has that of the argument. */
static const struct pointed {
    const char *c, *name, *type;
    int offset;
    bool is_optional, may_be_null;
} pointed[] = {
    {"struct st_quicly_conn_t", "master_conn_id", "u32", 16, false, false},
    {"struct st_quicly_stream_t", "stream_id", "i64", 8, false, false},
    {"struct quicly_rtt_t", "rtt_minimum", "u32", 0, false, false},
    {"struct quicly_rtt_t", "rtt_smoothed", "u32", 4, false, false},
    {"struct quicly_rtt_t", "rtt_variance", "u32", 8, false, false},
    {"struct quicly_rtt_t", "rtt_latest", "u32", 12, false, false},
    {"struct st_quicly_address_token_plaintext_t", "address_token_type", "i32", 0, true, false},
    {"struct st_quicly_address_token_plaintext_t", "address_token_issued_at", "u64", 8, true, false},
    {"struct sockaddr", "", "sockaddr", -1, false, true},
};

/* Arguments whose output has another name than their declaration. */
static const struct {
    const char *argument, *field;
} renamed[] = {
    {"pn", "packet_num"},
    {"maximum", "limit"},
    {"generation", "token_generation"},
};

static struct slice
without_const(struct slice type)
{
    text_skip_prefix(&type, "const ");
    return type;
}

static const char *
field_name(struct scanner *scanner, struct slice argument)
{
    for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
        if (text_is(argument, renamed[i].argument))
            return renamed[i].field;
    return mem_strndup(scanner->mem, argument.ptr, argument.len);
}

/* Whether the file's @appdata comment, a JSON object of lists, names the argument of the probe. */
static bool
is_named_app_data(const struct scanner *scanner, struct slice probe, struct slice argument)
{
    char words[2][128];
    if (probe.len > 120 || argument.len > 120)
        return false;
    snprintf(words[0], sizeof(words[0]), "\"%.*s\"", (int)probe.len, probe.ptr);
    snprintf(words[1], sizeof(words[1]), "\"%.*s\"", (int)argument.len, argument.ptr);
    struct slice rest = scanner->appdata;
    const char *list = text_find(rest, words[0]);
    if (list == NULL)
        return false;
    text_skip(&rest, (size_t)(list - rest.ptr));
    return text_find(text_cut(&rest, ']'), words[1]) != NULL;
}

/* A token is as good as a password: whoever has it can reset a connection, or pass for its client. */
static bool
is_app_data(const struct scanner *scanner, const struct catalog_probe *probe, const struct parameter *parameter)
{
    bool is_token = parameter->pointers > 0 && text_find(parameter->name, "token") != NULL;
    return is_token || is_named_app_data(scanner, text_of(probe->name), parameter->name);
}

/* "value" is followed by "value_len", "bytes" by "len" or "num_bytes". */
static bool
is_length(const struct parameter *parameter)
{
    return parameter->pointers == 0 && text_is(parameter->type, "size_t") &&
           (text_ends_with(parameter->name, "len") || text_is(parameter->name, "num_bytes"));
}

/* A pointer whose target is known. false: it is not. */
static bool
add_pointed(struct scanner *scanner, struct catalog_probe *probe, const struct parameter *parameter, int arg)
{
    bool is_known = false;
    for (size_t i = 0; i < sizeof(pointed) / sizeof(pointed[0]); i++) {
        const struct pointed *row = &pointed[i];
        if (parameter->pointers != 1 || !text_is(without_const(parameter->type), row->c))
            continue;
        is_known = true;
        const char *name = *row->name != '\0' ? row->name : field_name(scanner, parameter->name);
        struct catalog_field field = catalog_field_new(name, types_find(text_of(row->type)), arg);
        field.offset = row->offset;
        field.is_optional = row->is_optional;
        field.may_be_null = row->may_be_null;
        catalog_add_field(probe, field);
    }
    return is_known;
}

/* Text or bytes, by the pointer's type and what follows it; other pointers are shown as numbers. */
static const char *
pointer_type(const struct parameter *parameter, bool has_length, bool is_secret)
{
    if (parameter->pointers != 1)
        return "u64";
    bool is_char = text_is(without_const(parameter->type), "char");
    bool is_bytes = text_is(without_const(parameter->type), "void") || text_is(without_const(parameter->type), "uint8_t");
    if (is_secret && is_char && !has_length)
        return "hexstr";
    if (is_char)
        return has_length ? "str" : "cstr";
    return is_bytes && has_length ? "bytes" : "u64";
}

static const char *
number_type(const struct parameter *parameter)
{
    if (text_is(parameter->type, "int64_t") && (text_is(parameter->name, "at") || text_is(parameter->name, "now")))
        return "ms";
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (text_is(without_const(parameter->type), numbers[i].c))
            return numbers[i].type;
    return "u64";
}

static void
add_parameter(struct scanner *scanner, struct catalog_probe *probe, const struct parameter *parameters, int count, int arg)
{
    const struct parameter *parameter = &parameters[arg];
    if (parameter->pointers > 0 && add_pointed(scanner, probe, parameter, arg))
        return;
    bool has_length = parameter->pointers > 0 && arg + 1 < count && is_length(&parameters[arg + 1]);
    bool is_secret = text_find(parameter->name, "secret") != NULL;
    const char *type = parameter->pointers > 0 ? pointer_type(parameter, has_length, is_secret) : number_type(parameter);
    const char *name = strcmp(type, "ms") == 0 ? "at" : field_name(scanner, parameter->name);
    struct catalog_field field = catalog_field_new(name, types_find(text_of(type)), arg);
    field.is_secret = is_secret;
    field.is_app_data = is_app_data(scanner, probe, parameter);
    if (field.type->needs_len) {
        field.len_arg = arg + 1;
        field.may_be_null = true;
    }
    catalog_add_field(probe, field);
}

/* The first line of a comment with words in it. */
static const char *
summary(struct scanner *scanner, struct slice comment)
{
    struct slice line;
    while (text_line(&comment, &line)) {
        line = text_trim(line, " \t\r/*");
        char quoted[256];
        if (line.len > 0)
            return mem_strdup(scanner->mem, diag_quote(quoted, sizeof(quoted), line));
    }
    char file[256];
    return mem_printf(scanner->mem, "Declared in %s.", diag_quote(file, sizeof(file), text_of(scanner->file->name)));
}

static const char *
group_of(const char *provider)
{
    return strcmp(provider, "quicly") == 0 ? "quic" : strcmp(provider, "picotls") == 0 ? "tls" : provider;
}

/* A probe that the catalogue describes without a condition needs no further description. */
static void
add_probe(struct scanner *scanner, const struct catalog_probe *probe)
{
    struct catalog *catalog = scanner->catalog;
    if (probe->nfields == 0 || catalog_unconditional(catalog, probe->provider, probe->name) != NULL)
        return;
    catalog_add_probe(catalog, probe, scanner->mem);
}

/* "probe NAME(TYPE NAME, ...);" */
static int
parse_probe(struct scanner *scanner, const char *provider)
{
    struct slice name = {0}, comment = scanner->comment;
    struct diag_pos pos = files_position(scanner->file, scanner->token.ptr);
    struct parameter parameters[MAX_PARAMETERS];
    int count;
    if (take(scanner, "probe") != 0 || take_name(scanner, &name, "the probe's name") != 0 ||
        take_parameters(scanner, parameters, &count) != 0)
        return -1;
    struct catalog_probe probe = catalog_probe_new(provider, mem_strndup(scanner->mem, name.ptr, name.len), pos);
    probe.group = group_of(provider);
    probe.summary = summary(scanner, comment);
    probe.conditions[probe.nconditions++] = (struct catalog_condition){.kind = CATALOG_ARGS, .number = count};
    for (int arg = 0; arg < count; arg++)
        add_parameter(scanner, &probe, parameters, count, arg);
    add_probe(scanner, &probe);
    return 0;
}

/* "provider NAME { probe ... };" */
static int
parse_provider(struct scanner *scanner)
{
    struct slice name = {0};
    if (take(scanner, "provider") != 0 || take_name(scanner, &name, "the provider's name") != 0 || take(scanner, "{") != 0)
        return -1;
    const char *provider = mem_strndup(scanner->mem, name.ptr, name.len);
    while (!text_is(scanner->token, "}"))
        if (parse_probe(scanner, provider) != 0)
            return -1;
    next(scanner);
    return take(scanner, ";");
}

int
dtrace_parse(struct catalog *catalog, const struct file *file, struct mem *mem, struct diag *diag)
{
    struct scanner scanner = {.catalog = catalog,
                              .file = file,
                              .mem = mem,
                              .diag = diag,
                              .at = file->text.ptr,
                              .end = file->text.ptr + file->text.len,
                              .appdata = {"", 0}};
    for (next(&scanner); scanner.token.len > 0;)
        if (parse_provider(&scanner) != 0)
            return -1;
    return 0;
}

bool
dtrace_is_file(const char *path)
{
    return strlen(path) > 2 && text_ends_with(text_of(path), ".d");
}

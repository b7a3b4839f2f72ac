#include "program/numbers.h"

#include "program/whole_program.h"

#include <string.h>

/* Columns of a key: what they read, and the expression. */
static const struct column {
    const char *name, *variable, *expression;
    bool is_text;
} columns[] = {
    {"path", "$path", NULL, true}, {"host", "$authority", NULL, true}, {"method", "$method", NULL, true},
    {"sni", "$sni", NULL, true},   {"status", NULL, "$status", false}, {"protocol", NULL, "$http_version >> 8", false},
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* Values: what they are, from what on, and where they are known. */
static const struct value {
    const char *name, *map, *expression, *known;
    const char *variables[2];
} values[] = {
    {"ttfb", "@ttfb_us", "$response_start_at - $begin_at", "$response_start_at != 0", {"$begin_at", "$response_start_at"}},
    {"duration", "@duration_us", "$response_end_at - $begin_at", "$response_end_at != 0", {"$begin_at", "$response_end_at"}},
    {"bytes", "@bytes", "$bytes", "$bytes != (uint64)-1", {"$bytes"}},
    {"request_bytes", "@request_bytes", "$request_bytes", "$request_bytes != (uint64)-1", {"$request_bytes"}},
};

enum { VALUES = sizeof(values) / sizeof(values[0]), TTFB = 0, DURATION, BYTES, REQUEST_BYTES };

/* What is being written. */
struct emitter {
    struct writer writer;
    const struct numbers *numbers;
    const char *variables[NUMBERS_MOST_COLUMNS + 2 * VALUES]; /* that are read */
    size_t nvariables;
    struct outbuf counts, prints;
    const char *key; /* of the maps, as "[$key0, $status]"; "" without one */
};

static void
need(struct emitter *emitter, const char *variable)
{
    for (size_t i = 0; i < emitter->nvariables; i++)
        if (strcmp(emitter->variables[i], variable) == 0)
            return;
    emitter->variables[emitter->nvariables++] = variable;
}

/* ---- The key. */

static const struct column *
find_column(const char *name)
{
    for (int i = 0; i < COLUMNS; i++)
        if (strcmp(columns[i].name, name) == 0)
            return &columns[i];
    return NULL;
}

/* A text is read for each map: bpftrace before 0.23 takes the memory of a variable that is a key for the value. */
static const char *
key_part(struct emitter *emitter, const struct column *column)
{
    struct mem *mem = emitter->writer.mem;
    if (!column->is_text)
        return column->expression;
    need(emitter, column->variable);
    if (strcmp(column->name, "sni") == 0)
        return mem_printf(mem, "str(%s)", column->variable);
    return mem_printf(mem, "str(%s, %s_len%s)", column->variable, column->variable,
                      emitter->writer.plan->bpftrace->row.str_extra);
}

static int
put_key(struct emitter *emitter)
{
    struct outbuf key = {0};
    int status = 0;
    emitter->key = "";
    for (size_t i = 0; status == 0 && i < emitter->numbers->ncolumns; i++) {
        const char *name = emitter->numbers->columns[i];
        const struct column *column = find_column(name);
        char quoted[128];
        if (column == NULL)
            status =
                diag_set(emitter->writer.diag, DIAG_USAGE,
                         "a program by itself cannot count by \"%s\"; it can by path, host, method, sni, status and protocol",
                         diag_quote(quoted, sizeof(quoted), text_of(name)));
        else
            text_printf(&key, "%s%s", i > 0 ? ", " : "[", key_part(emitter, column));
    }
    if (status == 0 && key.len > 0) {
        text_putc(&key, ']');
        emitter->key = text_keep(&key, emitter->writer.mem);
    }
    text_free(&key);
    return status;
}

/* ---- What is counted. */

/* "@requests[$key0] = count();", for hits that `condition` holds for, and how the map is printed. */
static void
count(struct emitter *emitter, const char *map, const char *function, const char *condition)
{
    struct outbuf *out = &emitter->counts;
    bool has_lines = emitter->numbers->kind == NUMBERS_TOP;
    if (condition != NULL)
        text_printf(out, "    if (%s) {\n        %s%s = %s;\n    }\n", condition, map, emitter->key, function);
    else
        text_printf(out, "    %s%s = %s;\n", map, emitter->key, function);
    if (has_lines)
        text_printf(&emitter->prints, "    print(%s, %u);\n", map, emitter->numbers->lines);
    else
        text_printf(&emitter->prints, "    print(%s);\n", map);
}

/* The function of all values of a request, as "hist". */
static void
count_value(struct emitter *emitter, int index, const char *function)
{
    const struct value *value = &values[index];
    for (size_t i = 0; i < 2 && value->variables[i] != NULL; i++)
        need(emitter, value->variables[i]);
    count(emitter, value->map, mem_printf(emitter->writer.mem, "%s(%s)", function, value->expression), value->known);
}

/* Maps with a key of their own. */
static void
count_by(struct emitter *emitter, const char *map, const char *key)
{
    emitter->key = key;
    count(emitter, map, "count()", NULL);
    emitter->key = "";
}

static void
put_stat(struct emitter *emitter)
{
    count(emitter, "@requests", "count()", NULL);
    count_by(emitter, "@of_protocol", "[$http_version >> 8]");
    count_by(emitter, "@of_class", "[$status / 100]");
    count_value(emitter, BYTES, "sum");
    count_value(emitter, REQUEST_BYTES, "sum");
    count_value(emitter, TTFB, "hist");
    count_value(emitter, DURATION, "hist");
}

static void
put_top(struct emitter *emitter)
{
    count(emitter, "@requests", "count()", NULL);
    count(emitter, "@errors_4xx", "count()", "$status / 100 == 4");
    count(emitter, "@errors_5xx", "count()", "$status / 100 == 5");
    count_value(emitter, DURATION, "stats");
    count_value(emitter, BYTES, "sum");
}

static int
put_hist(struct emitter *emitter)
{
    for (int i = 0; i < VALUES; i++)
        if (strcmp(values[i].name, emitter->numbers->value) == 0) {
            count_value(emitter, i, "hist");
            return 0;
        }
    return diag_set(emitter->writer.diag, DIAG_USAGE, "a program by itself has no histogram of %s", emitter->numbers->value);
}

static int
put_counts(struct emitter *emitter)
{
    if (put_key(emitter) != 0)
        return -1;
    if (emitter->numbers->kind == NUMBERS_HIST)
        return put_hist(emitter);
    if (emitter->numbers->kind == NUMBERS_TOP)
        put_top(emitter);
    else
        put_stat(emitter);
    return 0;
}

/* ---- The program. */

static void
define_limits(struct writer *writer, const struct numbers *numbers)
{
    const struct bpftrace_row *row = &writer->plan->bpftrace->row;
    struct outbuf out = {0};
    text_puts(&out, "// - Numbers of the interval and of the last minute. Here all are since the start.\n");
    if (numbers->ncolumns > 0)
        text_printf(
            &out,
            "// - Texts of clients are escaped. Here they come as they are, and one can look like a row of its own. They end "
            "before %u bytes;\n//   sudo %s=N bpftrace ... reads more.\n"
            "// - What has no room is told. Here it is dropped; sudo %s=N bpftrace ... makes room.\n",
            row->default_string_size, row->string_size_variable, row->map_keys_variable);
    if (numbers->kind != NUMBERS_STAT)
        text_puts(&out, "// - Percentiles within 3.2 %. Here there are averages, or histograms of powers of two.\n");
    else
        text_puts(&out,
                  "// - What the server counts by itself, and percentiles. Here there are histograms of powers of two.\n");
    if (numbers->halves != NULL)
        text_printf(&out, "// - All of the query, of which %s. Here only what the program decides is.\n", numbers->halves);
    writer_define_buffer(writer, "limits", &out);
}

static void
define_offsets(struct writer *writer)
{
    struct outbuf lines = {0};
    const struct target *target = writer->plan->target;
    member_reader_define(&lines, writer->names, target->places, target->wanted, writer->mem);
    writer_define_buffer(writer, "lines", &lines);
}

int
numbers_write(struct outbuf *out, const struct plan *plan, const struct numbers *numbers, const struct files *templates,
              struct mem *mem, struct diag *diag)
{
    struct member_names names = {0};
    struct emitter emitter = {
        .writer = {.plan = plan, .templates = templates, .nonce = "", .mem = mem, .diag = diag, .names = &names},
        .numbers = numbers};
    struct writer *writer = &emitter.writer;
    struct member_reader reader = {.places = plan->target->places, .names = &names, .mem = mem};
    int status = put_counts(&emitter);
    attach_read(&writer->arguments, plan, plan->whole->sent[WHOLE_END], false, mem);
    text_puts(&reader.statements, writer->arguments.statements);
    whole_program_read(writer, &reader, emitter.variables, emitter.nvariables);
    writer_define_buffer(writer, "reads", &reader.statements);
    writer_define_buffer(writer, "counts", &emitter.counts);
    writer_define_buffer(writer, "prints", &emitter.prints);
    writer_define(writer, "version", PACKAGE_STRING);
    writer_define(writer, "command", numbers->command);
    writer_define(writer, "server", plan->target->command);
    writer_define(writer, "pid", mem_printf(mem, "%d", plan->target->pid));
    writer_define(writer, "bpftrace", mem_printf(mem, "%d.%d", plan->bpftrace->major, plan->bpftrace->minor));
    writer_define_number(writer, "interval", numbers->interval_ms);
    writer_define(writer, "attach", attach_function(plan, plan->target->request_function, "", mem));
    define_limits(writer, numbers);
    define_offsets(writer);
    return status != 0 ? -1 : writer_expand(writer, out, "numbers.bt");
}

#include "program/wire_program.h"

#include "program/contract.h"
#include "program/writer.h"

#include <string.h>

/* The numbers of a record: as conversions of a printf, as a list of expressions, and the statements that must stand before. */
struct values {
    bool is_stored;
    int count;
    struct outbuf formats, list, statements;
};

/* How a field that a filter asks for is read, into a variable of its own. */
static struct filter_value
put_asked(const struct writer *writer, struct outbuf *out, int index)
{
    const struct catalog_field *field = &writer->event->probe->fields[index];
    const char *const *arguments = writer->arguments.expressions, *argument = arguments[field->arg];
    struct filter_value value = {mem_printf(writer->mem, "$asked%d", index), NULL};
    bool is_number = field->type->wire == TYPES_NUMBER;
    text_printf(out, "    %s = %s;\n", value.value, is_number ? attach_number(field, argument, writer->mem) : argument);
    if (field->len_arg >= 0) {
        value.len = mem_printf(writer->mem, "%s_len", value.value);
        text_printf(out, "    %s = %s;\n", value.len, arguments[field->len_arg]);
    }
    return value;
}

/* The beginning of a block: statements that find the arguments, and then the filters, which return from the block if the event
 * is not wanted. */
static void
define_begin(struct writer *writer)
{
    const struct filter *filter = &writer->plan->request->filter;
    const struct catalog_probe *probe = writer->event->probe;
    struct filter_value values[CATALOG_MAX_FIELDS] = {0};
    struct outbuf out = {0};
    text_puts(&out, writer->arguments.statements);
    for (int i = 0; i < probe->nfields; i++)
        if (filter_asks(filter, probe, i))
            values[i] = put_asked(writer, &out, i);
    filter_put(filter, probe, values, &out);
    writer_define_buffer(writer, "begin", &out);
}

/* A number of a record: an argument of printf, or a variable that is put into a map. The variables are read before the branches
 * in which they are stored, since within them bpftrace 0.22 makes accesses of arguments that the kernel's verifier refuses. */
static void
put_number(struct values *values, const char *expression)
{
    text_puts(&values->formats, " %lx");
    if (!values->is_stored) {
        text_printf(&values->list, ", %s", expression);
        return;
    }
    text_printf(&values->statements, "    $number%d = (uint64)(%s);\n", values->count, expression);
    text_printf(&values->list, ", $number%d", values->count++);
}

static void
put_address(struct values *values, const char *pointer, struct mem *mem)
{
    put_number(values, mem_printf(mem, "*(uint32*)%s", pointer));
    put_number(values, mem_printf(mem, "*(uint32*)(%s + 4)", pointer));
    put_number(values, mem_printf(mem, "*(uint64*)(%s + 8)", pointer));
    put_number(values, mem_printf(mem, "*(uint64*)(%s + 16)", pointer));
}

/* The length of text `n` with its last byte, and with a mark if the text may be held back. */
static void
put_length(const struct writer *writer, struct values *values, const struct catalog_field *field, int n)
{
    const char *mark = plan_is_redactable(writer->plan, field) ? mem_printf(writer->mem, " | $held%d", n) : "";
    put_number(values, mem_printf(writer->mem, "$len%d | $last%d%s", n, n, mark));
}

/* The numbers of a field, in the order in which the decoder expects them; `text` counts the texts before it. */
static void
put_value(const struct writer *writer, struct values *values, const struct catalog_field *field, int *text)
{
    const char *value = writer->arguments.expressions[field->arg];
    struct mem *mem = writer->mem;
    if (field->may_be_null || field->is_optional)
        put_number(values, value);
    if (field->type->wire == TYPES_ADDRESS)
        put_address(values, value, mem);
    else if (field->type->wire == TYPES_TEXT)
        put_length(writer, values, field, ++*text);
    else if (field->type->wire == TYPES_CSTR)
        return;
    else if (field->type->wire == TYPES_BYTES)
        put_number(values, writer->arguments.expressions[field->len_arg]);
    else if (field->offset >= 0)
        put_number(values, mem_printf(mem, "*(uint%d*)(%s + %d)", field->type->bits, value, field->offset));
    else
        put_number(values, value);
}

/* The numbers of a record. All records of a map have as many. */
static void
define_values(struct writer *writer)
{
    const struct plan_event *event = writer->event;
    struct values values = {.is_stored = event->layout.store != LAYOUT_PRINTED};
    int texts = 0;
    for (int i = 0; i < event->probe->nfields; i++)
        if (event->is_shown[i])
            put_value(writer, &values, &event->probe->fields[i], &texts);
    writer_define(writer, "values", mem_strndup(writer->mem, values.list.ptr, values.list.len));
    for (int i = values.count; values.is_stored && i < writer->plan->layout.widths[event->layout.store]; i++)
        text_puts(&values.list, ", (uint64)0");
    writer_define_buffer(writer, "formats", &values.formats);
    writer_define_buffer(writer, "statements", &values.statements);
    writer_define_buffer(writer, "stored_values", &values.list);
}

/* Bytes go as hexadecimal digits, in the record. */
static void
define_hex(struct writer *writer)
{
    const struct plan_event *event = writer->event;
    const char *format = "", *value = "";
    if (event->layout.bytes >= 0) {
        const struct catalog_field *field = &event->probe->fields[event->layout.bytes];
        const char *const *arguments = writer->arguments.expressions, *len = arguments[field->len_arg];
        format = " %rh";
        value = mem_printf(writer->mem, ", buf(%s, (uint64)%s > %u ? (uint64)%u : (uint64)%s)", arguments[field->arg], len,
                           field->type->limit, field->type->limit, len);
    }
    writer_define(writer, "hex_format", format);
    writer_define(writer, "hex_value", value);
}

/* What stands behind a text in a map. */
static const char *
stored_mark(const struct writer *writer)
{
    return mem_printf(writer->mem, "(uint64)0x%s", writer->nonce);
}

/* The first part of text `n`, from 1. How much of the text fits is asked where it is read: of a variable that was set before,
 * the verifier of Linux 6.1 may have forgotten the bound. */
static const char *
first_part(const struct writer *writer, int n)
{
    const struct layout *layout = &writer->plan->layout;
    unsigned most = layout_most(layout, n == writer->event->layout.ntexts);
    most = most < layout->chunk ? most : layout->chunk;
    return mem_printf(writer->mem, "str($text%d, ($size%d > %u ? (uint64)%u : $size%d)%s)", n, n, most, most, n,
                      writer->plan->bpftrace->row.str_extra);
}

/* The texts that stand in a record. All records of a map have two strings. */
static void
define_inline_texts(struct writer *writer)
{
    const struct plan_event *event = writer->event;
    struct outbuf formats = {0}, values = {0}, stored = {0};
    for (int i = 1; event->layout.has_inline_texts && i <= event->layout.ntexts; i++) {
        text_printf(&formats, " %%s %s", writer->nonce);
        const char *text = event->layout.has_cstrs
                               ? mem_printf(writer->mem, "str($text%d, %s)", i, writer_value(writer, "cstr_size"))
                               : first_part(writer, i);
        text_printf(&values, ", %s", text);
        text_printf(&stored, ", %s, %s", text, stored_mark(writer));
    }
    if (event->layout.ntexts == 1)
        text_printf(&stored, ", str($text1, 0), %s", stored_mark(writer));
    writer_define_buffer(writer, "text_formats", &formats);
    writer_define_buffer(writer, "text_values", &values);
    writer_define_buffer(writer, "stored_texts", &stored);
}

/* A statement that puts an entry into map `number`. */
static int
define_store(struct writer *writer, const char *name, char store, int number, const char *key, const char *entry)
{
    struct writer inner = *writer;
    writer_define(&inner, "store", mem_printf(writer->mem, "%c", store));
    writer_define_number(&inner, "number", (unsigned)number);
    writer_define(&inner, "key", key);
    writer_define(&inner, "entry", entry);
    return writer_define_from(writer, name, &inner, "store.bt");
}

/* The record itself: a statement that prints it, or one that stores it in map `number`. */
static int
define_record(struct writer *writer, const char *name, int number)
{
    const struct plan_event *event = writer->event;
    if (event->layout.store == LAYOUT_PRINTED)
        return writer_define_expanded(writer, name, "print.bt");
    const char *entry = mem_printf(writer->mem, "((uint64)%zu%s%s)", (size_t)(event - writer->plan->events),
                                   writer_value(writer, "stored_values"), writer_value(writer, "stored_texts"));
    return define_store(writer, name, LAYOUT_STORE_LETTERS[event->layout.store], number, attach_thread(writer->plan), entry);
}

/* What is made of the event: once if the record is printed, or else for each of the two maps that may take it. */
static int
define_either(struct writer *writer, const char *name, int (*define_arm)(struct writer *, const char *, int))
{
    if (writer->event->layout.store == LAYOUT_PRINTED)
        return define_arm(writer, name, 0);
    struct writer inner = *writer;
    if (define_arm(&inner, "first", 0) != 0 || define_arm(&inner, "second", 1) != 0)
        return -1;
    return writer_define_from(writer, name, &inner, "either.bt");
}

/* The condition under which a header's value is held back; it looks at the header's name. */
static void
define_condition(struct writer *writer, const struct catalog_field *field)
{
    int name = 0;
    while (writer->event->layout.texts[name] != field->named_by)
        name++;
    const char *text = mem_printf(writer->mem, "$text%d", name + 1), *len = mem_printf(writer->mem, "$len%d", name + 1);
    struct outbuf scan = {0}, condition = {0};
    redact_scan(&scan, text, len, writer->plan->bpftrace->row.has_ranges);
    redact_condition(writer->plan->redact, &condition, text, len);
    writer_define_buffer(writer, "header_scan", &scan);
    writer_define_buffer(writer, "condition", &condition);
}

/* The first piece of a text that ends with a NUL, if none stands in the record, and the search for that NUL. */
static int
define_cstr_parts(struct writer *writer)
{
    int status = 0;
    if (writer->event->layout.has_inline_texts)
        writer_define(writer, "from", "");
    else
        status = writer_define_expanded(writer, "from", "cstr-begin.bt");
    return status == 0 ? writer_define_expanded(writer, "scan", "cstr-scan.bt") : -1;
}

/* Expands a template once for each text, with its number from 1 as ${n}; or, with `is_redaction`, for each that may be held
 * back. */
static int
define_each(struct writer *writer, const char *name, const char *template, bool is_redaction)
{
    struct outbuf out = {0};
    int status = 0;
    for (int i = 0; status == 0 && i < writer->event->layout.ntexts; i++) {
        const struct catalog_field *field = &writer->event->probe->fields[writer->event->layout.texts[i]];
        if (is_redaction && !plan_is_redactable(writer->plan, field))
            continue;
        struct writer inner = *writer;
        writer_define_number(&inner, "n", (unsigned)i + 1);
        writer_define_number(&inner, "field", (unsigned)i);
        writer_define(&inner, "name", field->name);
        writer_define(&inner, "text", writer->arguments.expressions[field->arg]);
        writer_define(&inner, "len", field->len_arg >= 0 ? writer->arguments.expressions[field->len_arg] : "");
        if (is_redaction)
            define_condition(&inner, field);
        if (writer->event->layout.has_cstrs)
            status = define_cstr_parts(&inner);
        status = status == 0 ? writer_expand(&inner, &out, template) : status;
    }
    writer_define_buffer(writer, name, &out);
    return status;
}

/* How many parts of a text go together behind the record. A map's entry has one. */
static unsigned
parts_of(const struct writer *writer)
{
    return writer->event->layout.store == LAYOUT_PRINTED ? writer->plan->layout.parts : 1;
}

/* A piece of text `n`, from 1, that begins at `at`. `parts` are expressions for its parts. */
static int
define_piece(struct writer *writer, const char *name, int n, const char *at, const char *const *parts, unsigned nparts)
{
    struct outbuf formats = {0}, values = {0};
    for (unsigned i = 0; i < nparts; i++) {
        text_printf(&formats, " %%s %s", writer->nonce);
        text_printf(&values, ", %s", parts[i]);
    }
    struct writer inner = *writer;
    bool is_printed = writer->event->layout.store == LAYOUT_PRINTED;
    writer_define_number(&inner, "field", (unsigned)(n - 1) * (is_printed ? 1 : LAYOUT_PLACE_TEXT));
    writer_define(&inner, "at", at);
    writer_define(&inner, "part", parts[0]);
    writer_define_buffer(&inner, "part_formats", &formats);
    writer_define_buffer(&inner, "parts", &values);
    return writer_define_from(writer, name, &inner, is_printed ? "print-piece.bt" : "store-piece.bt");
}

/* Where no texts stand in the record: the first part of text `n`. */
static int
put_begin(struct writer *writer, struct outbuf *out, int n)
{
    const char *part = first_part(writer, n);
    int status = define_piece(writer, "begin_piece", n, "(uint64)0", &part, 1);
    text_puts(out, writer_value(writer, "begin_piece"));
    return status;
}

/* A loop for the other parts of text `n`. All have the same size, as not every verifier sees the bound of another one; the last
 * one begins within the one before. */
static int
put_pieces(const struct writer *writer, struct outbuf *out, int n, int number)
{
    struct writer inner = *writer;
    struct mem *mem = writer->mem;
    const struct layout *layout = &writer->plan->layout;
    const struct bpftrace_row *row = &writer->plan->bpftrace->row;
    const char *parts[LAYOUT_MAX_PARTS] = {mem_printf(mem, "str($text%d + $at, %u%s)", n, layout->chunk, row->str_extra),
                                           mem_printf(mem, "str($text%d + $next, %u%s)", n, layout->chunk, row->str_extra)};
    writer_define_number(&inner, "n", (unsigned)n);
    writer_define_number(&inner, "number", (unsigned)number);
    unsigned sent = layout_most(layout, n == writer->event->layout.ntexts);
    writer_define_number(&inner, "sent", sent);
    if (!writer->event->layout.has_inline_texts && put_begin(&inner, out, n) != 0)
        return -1;
    if (sent <= layout->chunk)
        return 0;
    writer_define_number(&inner, "most_pieces", sent / layout->chunk - 1);
    if (define_piece(&inner, "piece", n, "$at", parts, parts_of(writer)) != 0)
        return -1;
    return writer_expand(&inner, out, row->has_ranges ? "text-pieces-range.bt" : "text-pieces.bt");
}

/* A record and the pieces of its texts. */
static int
define_whole(struct writer *writer, const char *name, int number)
{
    struct outbuf out = {0};
    struct writer inner = *writer;
    writer_define_number(&inner, "step", writer->plan->layout.chunk * parts_of(writer));
    int status = define_record(&inner, "only", number);
    text_puts(&out, status == 0 ? writer_value(&inner, "only") : "");
    for (int n = 1; status == 0 && n <= writer->event->layout.ntexts; n++)
        status = put_pieces(&inner, &out, n, number);
    writer_define_buffer(writer, name, &out);
    return status;
}

/* Reads which map takes the record. That comes before the clock is read: a record with a time before the maps changed places is
 * then in the map that is printed. */
static int
define_map(struct writer *writer)
{
    if (writer->event->layout.store != LAYOUT_PRINTED)
        return writer_define_expanded(writer, "map", "map.bt");
    writer_define(writer, "map", "");
    return 0;
}

/* Texts with a length: in the record, or as numbers behind it. */
static int
write_texts(struct writer *writer, struct outbuf *out)
{
    if (define_each(writer, "places", "text.bt", false) != 0 || define_each(writer, "redactions", "redact.bt", true) != 0 ||
        define_each(writer, "lasts", "text-last.bt", false) != 0 || define_either(writer, "record", define_whole) != 0)
        return -1;
    return writer_expand(writer, out, "probe-texts.bt");
}

/* What is printed behind a record of texts that end with a NUL: short ones are whole in it. */
static int
define_more(struct writer *writer)
{
    bool has_loop = writer->plan->layout.cstr_limit > 0;
    if (has_loop || !writer->event->layout.has_inline_texts)
        return define_each(writer, "more", has_loop ? "cstr-more.bt" : "cstr-begin.bt", false);
    writer_define(writer, "more", "");
    return 0;
}

/* Numbers, bytes, and texts that end with a NUL. */
static int
write_others(struct writer *writer, struct outbuf *out)
{
    if (define_each(writer, "places", "cstr-place.bt", false) != 0 || define_more(writer) != 0 ||
        define_either(writer, "record", define_record) != 0)
        return -1;
    return writer_expand(writer, out, "probe.bt");
}

static int
write_probe(const struct writer *program, struct outbuf *out, size_t id)
{
    struct writer writer = *program;
    const struct plan_event *event = writer.event = &program->plan->events[id];
    writer_define(&writer, "id", mem_printf(writer.mem, "%zx", id));
    writer_define(&writer, "type", event->probe->type);
    writer_define(&writer, "summary", event->probe->summary);
    bool is_for_run = strcmp(writer.nonce, CONTRACT_NO_NONCE) != 0;
    attach_read(&writer.arguments, writer.plan, event, is_for_run, writer.mem);
    define_begin(&writer);
    writer_define(&writer, "attach", attach_point(writer.plan, event->probe, writer.nonce, writer.mem));
    define_values(&writer);
    define_hex(&writer);
    if (define_map(&writer) != 0)
        return -1;
    define_inline_texts(&writer);
    bool has_texts = event->layout.ntexts > 0 && !event->layout.has_cstrs;
    return has_texts ? write_texts(&writer, out) : write_others(&writer, out);
}

static int
put_flush(const struct writer *writer, struct outbuf *out, char store, const char *number)
{
    struct writer inner = *writer;
    writer_define(&inner, "store", mem_printf(writer->mem, "%c", store));
    writer_define(&inner, "number", number);
    if (store == 'p' && writer_expand(&inner, out, "flush-pieces.bt") != 0)
        return -1;
    return writer_expand(&inner, out, "flush.bt");
}

/* The statements that print and clear all maps of number 0 or 1, and then print how much was put into them. Pieces of texts
 * come before the records that they belong to. */
static int
define_flush(struct writer *writer, const char *name, const char *number)
{
    struct outbuf out = {0};
    const struct layout *layout = &writer->plan->layout;
    int status = layout_has_pieces(layout) ? put_flush(writer, &out, 'p', number) : 0;
    for (int i = LAYOUT_PRINTED + 1; status == 0 && i < LAYOUT_STORES; i++)
        if (layout->nstored[i] > 0)
            status = put_flush(writer, &out, LAYOUT_STORE_LETTERS[i], number);
    text_printf(&out, "            print(@c%s%s);\n", number, writer->nonce);
    writer_define_buffer(writer, name, &out);
    return status;
}

/* A record is printed within three ticks: the maps change places every two, and the map is printed one later. */
static int
define_batch(struct writer *writer)
{
    const struct plan *plan = writer->plan;
    if (!plan_has_batches(plan)) {
        writer_define(writer, "batch", "");
        return 0;
    }
    writer_define_number(writer, "tick", plan->request->batch_ms < 3 ? 1 : plan->request->batch_ms / 3);
    if (define_flush(writer, "flush0", "0") != 0 || define_flush(writer, "flush1", "1") != 0)
        return -1;
    return writer_define_expanded(writer, "batch", "batch.bt");
}

/* The map of processes that are not traced. */
static int
define_others(struct writer *writer)
{
    if (attach_is_by_file(writer->plan)) {
        writer_define(writer, "mark", mem_printf(writer->mem, "%lu", attach_mark(writer->nonce)));
        return writer_define_expanded(writer, "others", "others.bt");
    }
    writer_define(writer, "others", "");
    return 0;
}

int
wire_program_write(struct outbuf *out, const struct plan *plan, const char *nonce, const char *command,
                   const struct files *templates, struct mem *mem, struct diag *diag)
{
    struct writer writer = {.plan = plan, .templates = templates, .nonce = nonce, .mem = mem, .diag = diag};
    writer_define(&writer, "version", PACKAGE_STRING);
    writer_define(&writer, "command", command);
    writer_define(&writer, "nonce", nonce);
    struct outbuf contents = {0};
    contract_describe(&contents, plan);
    writer_define_buffer(&writer, "contents", &contents);
    writer_define(&writer, "str_extra", plan->bpftrace->row.str_extra);
    writer_define(&writer, "thread", attach_thread(plan));
    writer_define(&writer, "tid", attach_tid(plan));
    writer_define_number(&writer, "chunk", plan->layout.chunk);
    writer_define_number(&writer, "last_byte", LAYOUT_LAST_BYTE);
    writer_define_number(&writer, "cstr_limit", plan->layout.cstr_limit);
    writer_define(&writer, "cstr_size",
                  mem_printf(mem, "%u%s", layout_cstr_chunk(&plan->layout), plan->bpftrace->row.str_extra));
    struct outbuf probes = {0};
    int status = 0;
    for (size_t i = 0; status == 0 && i < plan->nevents; i++)
        status = write_probe(&writer, &probes, i);
    writer_define_buffer(&writer, "probes", &probes);
    if (status == 0)
        status = define_batch(&writer);
    if (status == 0)
        status = define_others(&writer);
    if (status == 0)
        status =
            writer_define_expanded(&writer, "clock", plan->bpftrace->row.per_cpu_buffers ? "clock-per-cpu.bt" : "clock.bt");
    return status == 0 ? writer_expand(&writer, out, "program.bt") : -1;
}

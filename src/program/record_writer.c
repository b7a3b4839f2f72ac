#include "program/record_writer.h"

#include "program/attach.h"
#include "request/redact.h"

/* The numbers of a record: as conversions of a printf, as a list of expressions, and the statements that must stand before. */
struct values {
    bool is_stored, has_variables;
    int count;
    struct outbuf formats, list, statements;
};

/* A number of a record: an argument of printf, or a variable that is put into a map. The variables are read before the branches
 * in which they are stored, since within them bpftrace 0.22 makes accesses of arguments that the kernel's verifier refuses.
 * Whole requests have no arguments, and more in a program than the BPF stack holds. */
static void
put_number(struct values *values, const char *expression)
{
    text_puts(&values->formats, " %lx");
    if (!values->has_variables) {
        text_printf(&values->list, values->is_stored ? ", (uint64)(%s)" : ", %s", expression);
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
put_length(const struct writer *writer, struct values *values, int field, int n)
{
    const char *mark = plan_is_redactable(writer->plan, writer->event, field) ? mem_printf(writer->mem, " | $held%d", n) : "";
    put_number(values, mem_printf(writer->mem, "$len%d | $last%d%s", n, n, mark));
}

/* The numbers of a field, in the order in which the decoder expects them; `text` counts the texts before it. */
static void
put_value(const struct writer *writer, struct values *values, int index, int *text)
{
    const struct catalog_field *field = &writer->event->probe->fields[index];
    const char *value = writer->arguments.expressions[field->arg];
    struct mem *mem = writer->mem;
    if (field->may_be_null || field->is_optional)
        put_number(values, value);
    if (field->type->wire == TYPES_ADDRESS)
        put_address(values, value, mem);
    else if (field->type->wire == TYPES_TEXT)
        put_length(writer, values, index, ++*text);
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
    bool is_stored = event->layout.store != LAYOUT_PRINTED;
    struct values values = {.is_stored = is_stored, .has_variables = is_stored && event->whole == NULL};
    int texts = 0;
    for (int i = 0; i < event->probe->nfields; i++)
        if (event->is_shown[i])
            put_value(writer, &values, i, &texts);
    writer_define(writer, "values", mem_strndup(writer->mem, values.list.ptr, values.list.len));
    for (int i = event->layout.numbers; is_stored && i < writer->plan->layout.widths[event->layout.store]; i++)
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

/* The size of text `n`, or `most` if that is less. */
static const char *
size_within(const struct writer *writer, int n, unsigned most)
{
    return mem_printf(writer->mem, "(%u + ((($size%d - %u) >> 63) * ($size%d - %u)))", most, n, most, n, most);
}

/* The same in a loop, where LLVM asks for the bound once, before the loop's branches, and the verifier forgets it. So it is
 * computed, and the mask is what the verifier sees. */
static const char *
bounded_part(const struct writer *writer, int n, unsigned most)
{
    unsigned mask = 1;
    while (mask < most)
        mask = mask * 2 + 1;
    return mem_printf(writer->mem, "str($text%d, (%s & %u)%s)", n, size_within(writer, n, most), mask,
                      writer->plan->bpftrace->row.str_extra);
}

/* The first part of text `n`, from 1. How much of the text fits is asked where it is read: of a variable that was set before,
 * the verifier of Linux 6.1 may have forgotten the bound. */
static const char *
first_part(const struct writer *writer, int n)
{
    const struct layout *layout = &writer->plan->layout;
    unsigned most = layout_most(layout, n == writer->event->layout.ntexts);
    most = most < layout->chunk ? most : layout->chunk;
    if (writer->event->whole != NULL)
        return bounded_part(writer, n, most);
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

/* The condition under which a header's value is held back; it looks at the header's name. That of a field that is always the
 * same header's is known. */
static void
define_condition(struct writer *writer, const struct catalog_field *field)
{
    int name = 0;
    if (field->named_by < 0) {
        writer_define(writer, "header_scan", "");
        writer_define(writer, "condition", "1 == 1");
        return;
    }
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
        if (is_redaction && !plan_is_redactable(writer->plan, writer->event, writer->event->layout.texts[i]))
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

/* Whole requests have several texts at one place, so the verifier is told less of each. The probes' programs are within its
 * limits by branches. */
static const char *
text_template(const struct writer *writer, const char *of_probe, const char *of_request)
{
    return writer->plan->whole != NULL ? of_request : of_probe;
}

/* A piece of a text. `text` is which of the record's, from 0, in a whole request an expression, and `at` where the piece
 * begins; `parts` are expressions for its parts. */
static int
define_piece(struct writer *writer, const char *name, const char *text, const char *at, const char *const *parts,
             unsigned nparts)
{
    struct outbuf formats = {0}, values = {0};
    for (unsigned i = 0; i < nparts; i++) {
        text_printf(&formats, " %%s %s", writer->nonce);
        text_printf(&values, ", %s", parts[i]);
    }
    struct writer inner = *writer;
    writer_define(&inner, "text", text);
    writer_define_number(&inner, "place_text", LAYOUT_PLACE_TEXT);
    writer_define(&inner, "at", at);
    writer_define(&inner, "part", parts[0]);
    writer_define_buffer(&inner, "part_formats", &formats);
    writer_define_buffer(&inner, "parts", &values);
    const char *template = writer->event->layout.store == LAYOUT_PRINTED
                               ? text_template(writer, "print-piece.bt", "server-print-piece.bt")
                               : text_template(writer, "store-piece.bt", "server-store-piece.bt");
    return writer_define_from(writer, name, &inner, template);
}

/* The number of text `n`, from 1; of a probe's as it stands in a record, or in the key of a map. */
static const char *
text_number_of(const struct writer *writer, int n)
{
    bool is_printed = writer->event->layout.store == LAYOUT_PRINTED;
    if (writer->plan->whole != NULL)
        return mem_printf(writer->mem, "(uint64)%d", n - 1);
    return mem_printf(writer->mem, "%d", (n - 1) * (is_printed ? 1 : LAYOUT_PLACE_TEXT));
}

/* Where no texts stand in the record: the first part of text `n`. */
static int
put_begin(struct writer *writer, struct outbuf *out, int n)
{
    const char *part = first_part(writer, n);
    int status = define_piece(writer, "begin_piece", text_number_of(writer, n), "(uint64)0", &part, 1);
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
    if (define_piece(&inner, "piece", text_number_of(writer, n), "$at", parts, parts_of(writer)) != 0)
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

int
record_writer_define_map(struct writer *writer, bool is_stored)
{
    if (is_stored)
        return writer_define_expanded(writer, "map", "map.bt");
    writer_define(writer, "map", "");
    return 0;
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

/* Texts with a length: in the record, or as numbers behind it. */
static int
define_texts(struct writer *writer)
{
    return define_each(writer, "places", "text.bt", false) != 0 || define_each(writer, "redactions", "redact.bt", true) != 0 ||
                   define_each(writer, "lasts", text_template(writer, "text-last.bt", "server-text-last.bt"), false) != 0
               ? -1
               : 0;
}

/* The parts of the record that come before its texts. */
static int
define_numbers(struct writer *writer)
{
    writer_define(writer, "id", mem_printf(writer->mem, "%zx", (size_t)(writer->event - writer->plan->events)));
    writer_define(writer, "type", writer->event->probe->type);
    define_values(writer);
    define_hex(writer);
    if (record_writer_define_map(writer, writer->event->layout.store != LAYOUT_PRINTED) != 0)
        return -1;
    define_inline_texts(writer);
    return 0;
}

bool
record_writer_has_texts(const struct plan_event *event)
{
    return event->layout.ntexts > 0 && !event->layout.has_cstrs;
}

int
record_writer_define(struct writer *writer)
{
    if (define_numbers(writer) != 0)
        return -1;
    if (record_writer_has_texts(writer->event))
        return define_texts(writer) != 0 ? -1 : define_either(writer, "record", define_whole);
    return define_each(writer, "places", "cstr-place.bt", false) != 0 || define_more(writer) != 0
               ? -1
               : define_either(writer, "record", define_record);
}

/* A turn's parts of the text that the turn is at. In a map each has an entry; the last one may be put there twice. */
static int
define_turn_piece(struct writer *writer, const char *name, int number)
{
    static const char *const places[LAYOUT_MAX_PARTS] = {"$from", "$next"};
    const struct layout *layout = &writer->plan->layout;
    const char *extra = writer->plan->bpftrace->row.str_extra, *parts[LAYOUT_MAX_PARTS];
    struct outbuf out = {0};
    struct writer inner = *writer;
    writer_define_number(&inner, "number", (unsigned)number);
    for (int i = 0; i < LAYOUT_MAX_PARTS; i++)
        parts[i] = mem_printf(writer->mem, "str($text + %s, %u%s)", places[i], layout->chunk, extra);
    int status = 0;
    for (unsigned i = 0; status == 0 && i < layout->parts; i += parts_of(writer)) {
        struct writer one = inner;
        status = define_piece(&one, "turn_piece", "$part", places[i], parts + i, parts_of(writer));
        text_puts(&out, status == 0 ? writer_value(&one, "turn_piece") : "");
    }
    writer_define_buffer(writer, name, &out);
    return status;
}

int
record_writer_define_turn(struct writer *writer)
{
    const struct layout *layout = &writer->plan->layout;
    writer_define_number(writer, "step", layout->chunk * layout->parts);
    writer_define_number(writer, "sent_before", layout_most(layout, false));
    writer_define_number(writer, "sent", layout_most(layout, true));
    writer_define_number(writer, "before_step", layout->chunk * (layout->parts - 1));
    writer_define(writer, "size1", size_within(writer, 1, layout_most(layout, false)));
    writer_define(writer, "size2", size_within(writer, 2, layout_most(layout, true)));
    return define_numbers(writer) != 0 || define_texts(writer) != 0 || define_either(writer, "record", define_record) != 0 ||
                   define_either(writer, "piece", define_turn_piece) != 0
               ? -1
               : 0;
}

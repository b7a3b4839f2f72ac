#include "script.h"

#include "attach.h"
#include "program.h"
#include "template.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_VARIABLES = 32 };

struct writer {
    const struct plan *plan;
    const struct plan_event *event;
    const struct files *templates;
    const char *nonce;
    struct mem *mem;
    struct diag *diag;
    struct attach_arguments arguments;                 /* of the event */
    struct template_variable variables[MAX_VARIABLES]; /* what is known so far */
    size_t count;
};

static void
define(struct writer *writer, const char *name, const char *value)
{
    if (writer->count == MAX_VARIABLES)
        abort();
    writer->variables[writer->count++] = (struct template_variable){name, text_of(value)};
}

static void
define_number(struct writer *writer, const char *name, unsigned number)
{
    define(writer, name, mem_printf(writer->mem, "%u", number));
}

/* Keeps the bytes and frees the buffer. */
static void
define_buffer(struct writer *writer, const char *name, struct outbuf *out)
{
    define(writer, name, mem_strndup(writer->mem, out->ptr, out->len));
    text_free(out);
}

static int
expand(const struct writer *writer, struct outbuf *out, const char *template)
{
    return template_use(out, writer->templates, template, writer->variables, writer->count, writer->diag);
}

static int
define_expanded(struct writer *writer, const char *name, const char *template)
{
    struct outbuf out = {0};
    int status = expand(writer, &out, template);
    define_buffer(writer, name, &out);
    return status;
}

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

/* What stands before all else: where arguments are, and the end of what is not wanted. */
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
    define_buffer(writer, "begin", &out);
}

static void
put_address(struct outbuf *out, const char *pointer)
{
    text_printf(out, ", *(uint32*)%s, *(uint32*)(%s + 4), *(uint64*)(%s + 8), *(uint64*)(%s + 16)", pointer, pointer, pointer,
                pointer);
}

/* The numbers of a field, in the order in which the decoder expects them; `text` counts the texts before it. */
static void
put_value(const struct writer *writer, struct outbuf *out, const struct catalog_field *field, int *text)
{
    const char *value = writer->arguments.expressions[field->arg];
    if (field->may_be_null || field->is_optional)
        text_printf(out, ", %s", value);
    if (field->type->wire == TYPES_ADDRESS)
        put_address(out, value);
    else if (field->type->wire == TYPES_TEXT)
        text_printf(out, plan_is_redactable(writer->plan, field) ? ", $len%d | $held" : ", $len%d", ++*text);
    else if (field->type->wire == TYPES_CSTR)
        return;
    else if (field->type->wire == TYPES_BYTES)
        text_printf(out, ", %s", writer->arguments.expressions[field->len_arg]);
    else if (field->offset >= 0)
        text_printf(out, ", *(uint%d*)(%s + %d)", field->type->bits, value, field->offset);
    else
        text_printf(out, ", %s", value);
}

static void
define_values(struct writer *writer)
{
    struct outbuf formats = {0}, values = {0};
    const struct catalog_probe *probe = writer->event->probe;
    int texts = 0;
    for (int i = 0; i < probe->nfields; i++) {
        if (!writer->event->is_shown[i])
            continue;
        for (int j = 0; j < plan_field_numbers(&probe->fields[i]); j++)
            text_puts(&formats, " %lx");
        put_value(writer, &values, &probe->fields[i], &texts);
    }
    define_buffer(writer, "formats", &formats);
    define_buffer(writer, "values", &values);
}

/* Bytes go as hexadecimal digits, in the record. */
static void
define_hex(struct writer *writer)
{
    const struct plan_event *event = writer->event;
    if (event->bytes < 0) {
        define(writer, "hex_format", "");
        define(writer, "hex_value", "");
        return;
    }
    const struct catalog_field *field = &event->probe->fields[event->bytes];
    const char *len = writer->arguments.expressions[field->len_arg];
    define(writer, "hex_format", " %rh");
    define(writer, "hex_value",
           mem_printf(writer->mem, ", buf(%s, (uint64)%s > %u ? (uint64)%u : (uint64)%s)",
                      writer->arguments.expressions[field->arg], len, field->type->limit, field->type->limit, len));
}

/* When the name of a header is one of those whose values are held back. */
static void
define_condition(struct writer *writer, const struct catalog_field *field)
{
    int name = 0;
    while (writer->event->texts[name] != field->named_by)
        name++;
    char *text = mem_printf(writer->mem, "$text%d", name + 1), *len = mem_printf(writer->mem, "$len%d", name + 1);
    struct outbuf condition = {0};
    redact_condition(writer->plan->redact, &condition, text, len);
    define_buffer(writer, "condition", &condition);
}

/* Expands a template once for each text, with ${n} its number from 1; behind it `redaction`, unless it is NULL, for a text that
 * may be held back. */
static int
define_each(struct writer *writer, const char *name, const char *template, const char *redaction)
{
    struct outbuf out = {0};
    int status = 0;
    for (int i = 0; status == 0 && i < writer->event->ntexts; i++) {
        const struct catalog_field *field = &writer->event->probe->fields[writer->event->texts[i]];
        struct writer inner = *writer;
        define_number(&inner, "n", (unsigned)i + 1);
        define_number(&inner, "field", (unsigned)i);
        define(&inner, "name", field->name);
        define(&inner, "text", writer->arguments.expressions[field->arg]);
        define(&inner, "len", field->len_arg >= 0 ? writer->arguments.expressions[field->len_arg] : "");
        status = define_expanded(&inner, "from", "cstr-begin.bt");
        if (writer->event->has_inline_texts)
            inner.variables[inner.count - 1].value.len = 0;
        status = status == 0 ? expand(&inner, &out, template) : status;
        if (status == 0 && redaction != NULL && plan_is_redactable(writer->plan, field)) {
            define_condition(&inner, field);
            status = expand(&inner, &out, redaction);
        }
    }
    define_buffer(writer, name, &out);
    return status;
}

static void
define_inline_texts(struct writer *writer)
{
    struct outbuf formats = {0}, values = {0};
    for (int i = 1; writer->event->has_inline_texts && i <= writer->event->ntexts; i++) {
        if (writer->event->has_cstrs) {
            text_printf(&formats, " %%s %s", writer->nonce);
            text_printf(&values, ", str($text%d, %u%s)", i, writer->plan->chunk, writer->plan->tracer->row->str_extra);
        } else {
            text_puts(&formats, " %s");
            text_printf(&values, ", str($text%d, $size%d%s)", i, i, writer->plan->tracer->row->str_extra);
        }
    }
    define_buffer(writer, "text_formats", &formats);
    define_buffer(writer, "text_values", &values);
}

/* When a text is done, the next one takes its place; as often as there may be short ones in between. */
static int
define_shifts(struct writer *writer)
{
    int ntexts = writer->event->ntexts;
    struct outbuf moves = {0}, shifts = {0};
    for (int i = 1; i < ntexts; i++)
        text_printf(&moves, " $len%d = $len%d; $text%d = $text%d;", i, i + 1, i, i + 1);
    text_printf(&moves, " $len%d = (uint64)0;", ntexts);
    define_buffer(writer, "moves", &moves);
    int status = 0;
    for (int i = 1; status == 0 && (i == 1 || i < ntexts); i++)
        status = expand(writer, &shifts, "chunks-shift.bt");
    define_buffer(writer, "shifts", &shifts);
    return status;
}

/* The two ways to send the rest of a text. */
static const struct chunk_form {
    const char *name, *kind, *format;
    bool is_text;
} chunk_forms[] = {
    {"chunks_text", "s", "%s", true},
    {"chunks_hex", "x", "%rh", false},
};

static int
define_chunks(struct writer *writer, const struct chunk_form *form)
{
    struct writer inner = *writer;
    const char *extra = writer->plan->tracer->row->str_extra;
    bool is_begun = form->is_text && writer->event->has_inline_texts;
    define(&inner, "kind", form->kind);
    define(&inner, "format", form->format);
    define_number(&inner, "first", is_begun ? writer->plan->chunk : 0);
    define(&inner, "function",
           form->is_text ? mem_printf(writer->mem, "str($text1 + $at, $size%s)", extra) : "buf($text1 + $at, $size)");
    if (define_shifts(&inner) != 0 || define_expanded(&inner, form->name, "chunks.bt") != 0)
        return -1;
    writer->variables[writer->count++] = inner.variables[inner.count - 1];
    return 0;
}

/* Texts with a length: whether str() can carry them, and in two ways what comes after the record. */
static int
write_texts(struct writer *writer, struct outbuf *out)
{
    if (define_each(writer, "places", "text.bt", "redact.bt") != 0 ||
        define_each(writer, "checks", "text-check.bt", NULL) != 0 || define_each(writer, "sizes", "text-size.bt", NULL) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(chunk_forms) / sizeof(chunk_forms[0]); i++)
        if (define_chunks(writer, &chunk_forms[i]) != 0)
            return -1;
    return expand(writer, out, "probe-texts.bt");
}

/* Texts that end with a NUL. */
static int
write_cstrs(struct writer *writer, struct outbuf *out)
{
    if (define_each(writer, "places", "cstr-place.bt", NULL) != 0 || define_each(writer, "more", "cstr-more.bt", NULL) != 0)
        return -1;
    return expand(writer, out, "probe-cstrs.bt");
}

static int
write_probe(const struct writer *program, struct outbuf *out, size_t id)
{
    struct writer writer = *program;
    const struct plan_event *event = writer.event = &program->plan->events[id];
    define(&writer, "id", mem_printf(writer.mem, "%zx", id));
    define(&writer, "type", event->probe->type);
    define(&writer, "summary", event->probe->summary);
    attach_read(&writer.arguments, writer.plan, event, writer.mem);
    define_begin(&writer);
    define(&writer, "attach", attach_point(writer.plan, event->probe, writer.mem));
    define_values(&writer);
    define_hex(&writer);
    define_inline_texts(&writer);
    if (event->ntexts == 0)
        return expand(&writer, out, "probe.bt");
    return event->has_cstrs ? write_cstrs(&writer, out) : write_texts(&writer, out);
}

int
script_write(struct outbuf *out, const struct plan *plan, const char *nonce, const char *command, const struct files *templates,
             struct mem *mem, struct diag *diag)
{
    struct writer writer = {.plan = plan, .templates = templates, .nonce = nonce, .mem = mem, .diag = diag};
    define(&writer, "version", PACKAGE_STRING);
    define(&writer, "command", command);
    define(&writer, "nonce", nonce);
    struct outbuf contents = {0};
    program_describe(&contents, plan);
    define_buffer(&writer, "contents", &contents);
    define(&writer, "str_extra", plan->tracer->row->str_extra);
    define_number(&writer, "chunk", plan->chunk);
    define_number(&writer, "limit", plan->limit);
    define_number(&writer, "cstr_limit", TYPES_CSTR_LIMIT);
    struct outbuf probes = {0};
    int status = 0;
    for (size_t i = 0; status == 0 && i < plan->nevents; i++)
        status = write_probe(&writer, &probes, i);
    define_buffer(&writer, "probes", &probes);
    if (status == 0)
        status = define_expanded(&writer, "clock", plan->tracer->row->per_cpu_buffers ? "clock-per-cpu.bt" : "clock.bt");
    return status == 0 ? expand(&writer, out, "program.bt") : -1;
}

#include "script.h"

#include "template.h"

#include <string.h>

enum { MAX_VARIABLES = 24 };

struct writer {
    const struct plan *plan;
    const struct files *templates;
    struct mem *mem;
    struct diag *diag;
    struct template_variable variables[MAX_VARIABLES]; /* what is known so far; later ones hide nothing */
    size_t count;
};

static void
define(struct writer *writer, const char *name, const char *value)
{
    writer->variables[writer->count++] = (struct template_variable){name, text_of(value)};
}

static void
define_number(struct writer *writer, const char *name, unsigned number)
{
    define(writer, name, mem_printf(writer->mem, "%u", number));
}

static int
expand(struct writer *writer, struct outbuf *out, const char *template)
{
    const struct file *file = files_find(writer->templates, template);
    if (file == NULL)
        return diag_set(writer->diag, DIAG_USAGE, "template %s is missing; expected it beside the other templates", template);
    return template_expand(out, file, writer->variables, writer->count, writer->diag);
}

/* Expands into the arena and defines the result as a variable. */
static int
define_expanded(struct writer *writer, const char *name, const char *template)
{
    struct outbuf out = {0};
    int status = expand(writer, &out, template);
    define(writer, name, mem_strndup(writer->mem, out.ptr, out.len));
    text_free(&out);
    return status;
}

/* By pid, unless the binary has no name any more by which bpftrace -p could find it. */
static const char *
attach_point(const struct plan *plan, const struct catalog_probe *probe, struct mem *mem)
{
    if (plan->target == NULL || !plan->target->by_path)
        return mem_printf(mem, "usdt::%s:%s", probe->provider, probe->name);
    pid_t pid = plan->target->pid;
    return mem_printf(mem, "usdt:/proc/%d/exe:%s:%s /pid == %d/", pid, probe->provider, probe->name, pid);
}

/* The integers of a record, in the order of the catalogue; a text is there with its length. */
static void
define_values(struct writer *writer, const struct catalog_probe *probe)
{
    struct outbuf formats = {0}, values = {0};
    for (int i = 0; i < probe->nfields; i++) {
        const struct catalog_field *field = &probe->fields[i];
        text_puts(&formats, " %lx");
        text_printf(&values, ", arg%d", field->type->wire == TYPES_TEXT ? field->len_arg : field->arg);
    }
    define(writer, "formats", mem_strndup(writer->mem, formats.ptr, formats.len));
    define(writer, "values", mem_strndup(writer->mem, values.ptr, values.len));
    text_free(&formats);
    text_free(&values);
}

static const char *const text_names[PLAN_MAX_TEXTS] = {"text1", "text2"};
static const char *const len_names[PLAN_MAX_TEXTS] = {"len1", "len2"};
static const char *const check_names[PLAN_MAX_TEXTS] = {"check1", "check2"};

static int
define_check(struct writer *writer, int text)
{
    struct writer inner = *writer;
    define(&inner, "text", mem_printf(writer->mem, "$%s", text_names[text]));
    define(&inner, "len", mem_printf(writer->mem, "$%s", len_names[text]));
    int status = define_expanded(&inner, "check", "nul-check.bt");
    writer->variables[writer->count] = inner.variables[inner.count - 1];
    writer->variables[writer->count++].name = check_names[text];
    return status;
}

/* The two ways to send the rest of a text; `first` is how much of it is in the record already. */
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
    define(&inner, "kind", form->kind);
    define(&inner, "format", form->format);
    define_number(&inner, "first", form->is_text ? writer->plan->chunk : 0);
    const char *extra = writer->plan->tracer->row->str_extra;
    define(&inner, "function",
           form->is_text ? mem_printf(writer->mem, "str($text1 + $at, $size%s)", extra) : "buf($text1 + $at, $size)");
    int status = define_expanded(&inner, form->name, "chunks.bt");
    writer->variables[writer->count++] = inner.variables[inner.count - 1];
    return status;
}

static int
define_texts(struct writer *writer, const struct plan_event *event)
{
    for (int i = 0; i < event->ntexts; i++) {
        const struct catalog_field *field = &event->probe->fields[event->texts[i]];
        define(writer, text_names[i], mem_printf(writer->mem, "arg%d", field->arg));
        define(writer, len_names[i], mem_printf(writer->mem, "arg%d", field->len_arg));
        if (define_check(writer, i) != 0)
            return -1;
    }
    for (size_t i = 0; i < sizeof(chunk_forms) / sizeof(chunk_forms[0]); i++)
        if (define_chunks(writer, &chunk_forms[i]) != 0)
            return -1;
    return 0;
}

static int
write_probe(const struct writer *program, struct outbuf *out, size_t id)
{
    static const char *const templates[] = {"probe-text0.bt", "probe-text1.bt", "probe-text2.bt"};
    const struct plan_event *event = &program->plan->events[id];
    struct writer writer = *program;
    define(&writer, "id", mem_printf(writer.mem, "%zx", id));
    define(&writer, "tag", event->probe->tag);
    define(&writer, "summary", event->probe->summary);
    define(&writer, "attach", attach_point(writer.plan, event->probe, writer.mem));
    define_values(&writer, event->probe);
    if (event->ntexts > 0 && define_texts(&writer, event) != 0)
        return -1;
    return expand(&writer, out, templates[event->ntexts]);
}

int
script_write(struct outbuf *out, const struct plan *plan, const char *nonce, const char *command, const struct files *templates,
             struct mem *mem, struct diag *diag)
{
    struct writer writer = {.plan = plan, .templates = templates, .mem = mem, .diag = diag};
    define(&writer, "version", PACKAGE_STRING);
    define(&writer, "command", command);
    define(&writer, "nonce", nonce);
    define(&writer, "str_extra", plan->tracer->row->str_extra);
    define_number(&writer, "chunk", plan->chunk);
    define_number(&writer, "limit", plan->limit);
    struct outbuf probes = {0};
    int status = 0;
    for (size_t i = 0; status == 0 && i < plan->nevents; i++)
        status = write_probe(&writer, &probes, i);
    define(&writer, "probes", mem_strndup(mem, probes.ptr, probes.len));
    text_free(&probes);
    if (status == 0)
        status = define_expanded(&writer, "clock", plan->tracer->row->per_cpu_buffers ? "clock-per-cpu.bt" : "clock.bt");
    return status == 0 ? expand(&writer, out, "program.bt") : -1;
}

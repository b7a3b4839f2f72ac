#include "program/wire_program.h"

#include "program/client.h"
#include "program/contract.h"
#include "program/record_writer.h"
#include "program/whole_program.h"
#include "program/writer.h"

#include <string.h>

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
static int
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
    int status = client_put(writer, &out);
    writer_define_buffer(writer, "begin", &out);
    return status;
}

static int
write_probe(const struct writer *program, struct outbuf *out, size_t id)
{
    struct writer writer = *program;
    const struct plan_event *event = writer.event = &program->plan->events[id];
    writer_define(&writer, "summary", event->probe->summary);
    bool is_for_run = strcmp(writer.nonce, CONTRACT_NO_NONCE) != 0;
    attach_read(&writer.arguments, writer.plan, event, is_for_run, writer.mem);
    writer_define(&writer, "attach", attach_point(writer.plan, event->probe, writer.nonce, writer.mem));
    if (define_begin(&writer) != 0 || record_writer_define(&writer) != 0)
        return -1;
    return writer_expand(&writer, out, record_writer_has_texts(event) ? "probe-texts.bt" : "probe.bt");
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

/* The names of offsets, for whoever changes the program. */
static int
define_offsets(struct writer *writer)
{
    const struct target *target = writer->plan->target;
    struct outbuf lines = {0};
    if (writer->names != NULL && target != NULL && target->places != NULL)
        member_reader_define(&lines, writer->names, target->places, target->wanted, writer->mem);
    if (lines.len == 0) {
        writer_define(writer, "offsets", "");
        return 0;
    }
    struct writer inner = *writer;
    writer_define_buffer(&inner, "offsets", &lines);
    return writer_define_from(writer, "offsets", &inner, "server-offsets.bt");
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
    struct member_names names = {0};
    int status = 0;
    writer.names = strcmp(nonce, CONTRACT_NO_NONCE) == 0 ? &names : NULL;
    if (plan->whole != NULL)
        status = whole_program_write(&writer, &probes);
    for (size_t i = 0; status == 0 && plan->whole == NULL && i < plan->nevents; i++)
        status = write_probe(&writer, &probes, i);
    writer_define_buffer(&writer, "probes", &probes);
    if (status == 0)
        status = define_offsets(&writer);
    if (status == 0)
        status = define_batch(&writer);
    if (status == 0)
        status = define_others(&writer);
    if (status == 0)
        status =
            writer_define_expanded(&writer, "clock", plan->bpftrace->row.per_cpu_buffers ? "clock-per-cpu.bt" : "clock.bt");
    return status == 0 ? writer_expand(&writer, out, "program.bt") : -1;
}

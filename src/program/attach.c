#include "program/attach.h"

#include "host/operand.h"

struct reader {
    const struct plan *plan;
    const struct usdt_probe *usdt;
    struct outbuf statements;
    struct mem *mem;
};

/* Reads the operand of every site into a variable, and then takes the variable of the site where the event was. All of them are
 * read, whether needed or not: of reads within branches LLVM makes one access at a computed place, which the kernel's verifier
 * refuses. */
static void
put_sites(const struct reader *reader, struct outbuf *out, int arg)
{
    const struct usdt_probe *usdt = reader->usdt;
    struct outbuf choice = {0};
    text_printf(&choice, "    $extra%d = ", arg);
    for (size_t i = 0; i < usdt->nsites; i++) {
        text_printf(out, "    $extra%d_%zu = (uint64)", arg, i);
        operand_write(out, usdt->sites[i].operands[arg], usdt->machine);
        text_puts(out, ";\n");
        if (i + 1 < usdt->nsites)
            text_printf(&choice, "$site == %lu ? $extra%d_%zu : (", usdt->sites[i].address, arg, i);
        else
            text_printf(&choice, "$extra%d_%zu", arg, i);
    }
    for (size_t i = 1; i < usdt->nsites; i++)
        text_putc(&choice, ')');
    text_puts(&choice, ";\n");
    text_put(out, (struct slice){choice.ptr, choice.len});
    text_free(&choice);
}

/* An argument that bpftrace does not read by itself. */
static const char *
argument_by_note(struct reader *reader, int arg)
{
    const struct usdt_probe *usdt = reader->usdt;
    struct outbuf out = {0};
    bool is_alike = usdt_is_alike(usdt, arg);
    if (is_alike) {
        operand_write(&out, usdt->sites[0].operands[arg], usdt->machine);
    } else {
        put_sites(reader, &out, arg);
        if (reader->statements.len == 0)
            text_printf(&reader->statements, "    $site = reg(\"%s\");\n", operand_program_counter(usdt->machine));
        text_put(&reader->statements, (struct slice){out.ptr, out.len});
        out.len = 0;
        text_printf(&out, "$extra%d", arg);
    }
    const char *expression = mem_strndup(reader->mem, out.ptr, out.len);
    text_free(&out);
    return expression;
}

void
attach_read(struct attach_arguments *arguments, const struct plan *plan, const struct plan_event *event, struct mem *mem)
{
    struct reader reader = {.plan = plan, .usdt = event->usdt, .mem = mem};
    for (int i = 0; i < USDT_MAX_ARGS; i++) {
        const struct usdt_probe *usdt = event->usdt;
        bool is_by_note = usdt != NULL && i < usdt->nargs && usdt->nsites > 0 && plan_reads_by_note(plan, usdt, i) &&
                          usdt_is_readable(usdt, i);
        arguments->expressions[i] = is_by_note ? argument_by_note(&reader, i) : mem_printf(mem, "arg%d", i);
    }
    arguments->statements = mem_strndup(mem, reader.statements.ptr, reader.statements.len);
    text_free(&reader.statements);
}

/* The newest bpftrace complains of a cast to what an argument is anyway. */
const char *
attach_number(const struct catalog_field *field, const char *argument, struct mem *mem)
{
    const char *sign = field->type->is_signed ? "" : "u";
    int bits = field->type->bits;
    if (field->offset >= 0)
        return mem_printf(mem, "*(%sint%d*)(%s + %d)", sign, bits, argument, field->offset);
    return bits == 64 ? argument : mem_printf(mem, "(%sint%d)%s", sign, bits, argument);
}

/* By pid, unless the binary has no name any more by which bpftrace -p could find it. */
const char *
attach_point(const struct plan *plan, const struct catalog_probe *probe, struct mem *mem)
{
    if (plan->target == NULL || !plan->target->by_path)
        return mem_printf(mem, "usdt::%s:%s", probe->provider, probe->name);
    pid_t pid = plan->target->pid;
    return mem_printf(mem, "usdt:/proc/%d/exe:%s:%s /pid == %d/", pid, probe->provider, probe->name, pid);
}

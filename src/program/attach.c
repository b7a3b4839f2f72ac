#include "program/attach.h"

#include "host/operand.h"
#include "program/contract.h"

#include <stdlib.h>

struct reader {
    const struct plan *plan;
    const struct usdt_probe *usdt;
    struct outbuf statements;
    bool has_site; /* they say where the event was */
    struct mem *mem;
};

/* The kernel loads a file at the border of a page, of 4 KiB or more. */
enum { PAGE_MASK = 4095 };

bool
attach_is_by_file(const struct plan *plan)
{
    return plan->target != NULL && plan->target->by_file;
}

/* Those that bpftrace has are not h2olog's. */
static bool
has_own_numbers(const struct plan *plan)
{
    return plan->target != NULL && plan->target->levels > 0;
}

/* Reads the operand of every site into a variable, and then takes the variable of the site where the event was. All of them are
 * read, whether needed or not: of reads within branches LLVM makes one access at a computed place, which the kernel's verifier
 * refuses. */
static void
put_sites(const struct reader *reader, struct outbuf *out, int arg)
{
    const struct usdt_probe *usdt = reader->usdt;
    const uint64_t mask = attach_is_by_file(reader->plan) ? PAGE_MASK : UINT64_MAX;
    struct outbuf choice = {0};
    text_printf(&choice, "    $extra%d = ", arg);
    for (size_t i = 0; i < usdt->nsites; i++) {
        text_printf(out, "    $extra%d_%zu = (uint64)", arg, i);
        operand_write(out, usdt->sites[i].operands[arg], usdt->machine);
        text_puts(out, ";\n");
        if (i + 1 < usdt->nsites)
            text_printf(&choice, "$site == %lu ? $extra%d_%zu : (", usdt->sites[i].address & mask, arg, i);
        else
            text_printf(&choice, "$extra%d_%zu", arg, i);
    }
    for (size_t i = 1; i < usdt->nsites; i++)
        text_putc(&choice, ')');
    text_puts(&choice, ";\n");
    text_put(out, (struct slice){choice.ptr, choice.len});
    text_free(&choice);
}

static void
put_site(struct reader *reader)
{
    const char *counter = operand_program_counter(reader->usdt->machine);
    if (attach_is_by_file(reader->plan))
        text_printf(&reader->statements, "    $site = reg(\"%s\") & %d;\n", counter, PAGE_MASK);
    else
        text_printf(&reader->statements, "    $site = reg(\"%s\");\n", counter);
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
        if (!reader->has_site)
            put_site(reader);
        reader->has_site = true;
        text_put(&reader->statements, (struct slice){out.ptr, out.len});
        out.len = 0;
        text_printf(&out, "$extra%d", arg);
    }
    return text_keep(&out, reader->mem);
}

/* In a pid namespace bpftrace's numbers are the host's before 0.23, and then those of processes of the very same namespace. The
 * kernel keeps all numbers behind struct pid, one a level; before Linux 6.5 the first of them stands in it. The namespace,
 * which is kept with each number, tells which. */
static const char *
number_here(const struct plan *plan, const char *builtin, const char *task, struct mem *mem)
{
    if (!has_own_numbers(plan))
        return builtin;
    int levels = plan->target->levels;
    const char *pid = mem_printf(mem, "((struct task_struct *)curtask)->%sthread_pid", task);
    const char *last = mem_printf(mem, "(uint64)%s + sizeof(struct pid) + 16 * (uint64)%s->level", pid, pid);
    return mem_printf(mem,
                      "(*(uint64*)kptr(%s + 8) == (uint64)((struct task_struct *)curtask)->nsproxy->pid_ns_for_children ? "
                      "*(int32*)kptr(%s - %d) : *(int32*)kptr(%s - %d))",
                      last, last, 16 * (levels - 1), last, 16 * levels);
}

const char *
attach_pid(const struct plan *plan, struct mem *mem)
{
    return number_here(plan, "pid", "group_leader->", mem);
}

/* A program that is kept is run for another process, too. */
static const char *
server_pid(const struct plan *plan, const char *nonce, struct mem *mem)
{
    bool is_kept = strcmp(nonce, CONTRACT_NO_NONCE) == 0;
    return is_kept ? CONTRACT_NO_PID : mem_printf(mem, "%d", plan->target->pid);
}

/* That the process is the server. One of another namespace, as of a second container with the same file, may have its number.
 * Both are asked for by themselves: bpftrace 0.23 does not survive a conditional expression within another one. */
static const char *
is_server(const struct plan *plan, const char *nonce, struct mem *mem)
{
    const struct target *target = plan->target;
    const char *number = attach_pid(plan, mem), *pid = server_pid(plan, nonce, mem);
    if (!has_own_numbers(plan))
        return mem_printf(mem, "%s == %s", number, pid);
    const char *space = "((struct task_struct *)curtask)->nsproxy->pid_ns_for_children";
    for (int level = 1; level < target->levels; level++)
        space = mem_printf(mem, "%s->parent", space);
    return mem_printf(mem, "%s->ns.inum == %lu && %s == %s", space, target->namespace, number, pid);
}

/* Once for a block, as loops may need them. */
static void
put_numbers(struct reader *reader)
{
    if (!has_own_numbers(reader->plan))
        return;
    text_printf(&reader->statements, "    $tid = %s;\n", number_here(reader->plan, "tid", "", reader->mem));
}

/* Whether the ELF note is how the argument is read. */
static bool
is_by_note(const struct plan *plan, const struct usdt_probe *usdt, int arg, bool is_for_run)
{
    if (usdt == NULL || arg >= usdt->nargs || usdt->nsites == 0 || !usdt_is_readable(usdt, arg))
        return false;
    bool is_cheaper = is_for_run && plan->bpftrace->row.has_dear_args && usdt_is_alike(usdt, arg);
    return is_cheaper || plan_reads_by_note(plan, usdt, arg);
}

void
attach_read(struct attach_arguments *arguments, const struct plan *plan, const struct plan_event *event, bool is_for_run,
            struct mem *mem)
{
    struct reader reader = {.plan = plan, .usdt = event->usdt, .mem = mem};
    put_numbers(&reader);
    for (int i = 0; i < USDT_MAX_ARGS; i++) {
        bool is_noted = is_by_note(plan, event->usdt, i, is_for_run);
        arguments->expressions[i] = is_noted ? argument_by_note(&reader, i) : mem_printf(mem, "arg%d", i);
    }
    arguments->statements = text_keep(&reader.statements, mem);
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

/* bpftrace -p sees to it, unless processes that are still to come are to be seen, too, or the binary has no name any more by
 * which it could find it. */
static bool
has_predicate(const struct target *target)
{
    return target != NULL && (target->by_path || target->by_file);
}

static const char *
predicate(const struct plan *plan, const char *nonce, struct mem *mem)
{
    return plan->target->by_file ? mem_printf(mem, "@%c0%s[(uint64)pid] == 0", LAYOUT_OTHERS_LETTER, nonce)
                                 : is_server(plan, nonce, mem);
}

const char *
attach_point(const struct plan *plan, const struct catalog_probe *probe, const char *nonce, struct mem *mem)
{
    if (!has_predicate(plan->target))
        return mem_printf(mem, "usdt::%s:%s", probe->provider, probe->name);
    return mem_printf(mem, "usdt:/proc/%s/exe:%s:%s /%s/", server_pid(plan, nonce, mem), probe->provider, probe->name,
                      predicate(plan, nonce, mem));
}

const char *
attach_function(const struct plan *plan, const char *function, const char *nonce, struct mem *mem)
{
    return mem_printf(mem, "uprobe:/proc/%s/exe:%s /%s/", server_pid(plan, nonce, mem), function, predicate(plan, nonce, mem));
}

uint64_t
attach_mark(const char *nonce)
{
    return strtoull(nonce, NULL, 16) >> 1;
}

const char *
attach_tid(const struct plan *plan)
{
    return has_own_numbers(plan) ? "$tid" : "tid";
}

const char *
attach_thread(const struct plan *plan)
{
    if (has_own_numbers(plan))
        return "(uint64)$tid";
    return attach_is_by_file(plan) ? "((uint64)pid << 32) + (uint64)tid" : "(uint64)tid";
}

static bool
are_told_apart(const struct usdt_probe *usdt, int arg)
{
    for (size_t i = 0; i < usdt->nsites; i++)
        for (size_t k = 0; k < i; k++)
            if (((usdt->sites[i].address ^ usdt->sites[k].address) & PAGE_MASK) == 0 &&
                !text_equal(usdt->sites[i].operands[arg], usdt->sites[k].operands[arg]))
                return false;
    return true;
}

bool
attach_fits_file(const struct plan *plan)
{
    for (size_t i = 0; i < plan->nevents; i++) {
        const struct usdt_probe *usdt = plan->events[i].usdt;
        for (int arg = 0; usdt != NULL && arg < usdt->nargs; arg++)
            if (plan_reads_by_note(plan, usdt, arg) && usdt_is_readable(usdt, arg) && !are_told_apart(usdt, arg))
                return false;
    }
    return true;
}

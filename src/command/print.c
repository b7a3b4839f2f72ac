#include "command/print.h"

#include "base/clock.h"
#include "base/writable.h"
#include "catalog/pattern.h"
#include "command/choose.h"
#include "command/doctor.h"
#include "command/list.h"
#include "program/numbers.h"
#include "program/standalone.h"
#include "program/wire_program.h"
#include "run/launch.h"
#include "run/source.h"
#include "show/query_where.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Writes and frees the text. */
static int
write_stdout(struct outbuf *out, struct diag *diag)
{
    int status = writable_put_all(STDOUT_FILENO, (struct slice){out->ptr, out->len});
    if (status != 0)
        diag_set(diag, DIAG_FAILED, "cannot write the output: %s", strerror(errno));
    text_free(out);
    return status;
}

int
print_help(bool is_table, struct diag *diag)
{
    struct outbuf out = {0};
    options_help(&out, is_table);
    return write_stdout(&out, diag);
}

int
print_version(struct diag *diag)
{
    struct outbuf out = {0};
    text_puts(&out, PACKAGE_STRING "\n");
    return write_stdout(&out, diag);
}

/* ---- The target: the process that -p or --pid-file names, or the file that -e names. */

/* Without -p and -e `is_there` is false. target_close closes it in any case. `source` says where a program for it reads;
 * NULL: only its probes are of interest. */
static int
open_target(struct target *target, bool *is_there, const struct options *options, const struct source *source,
            const struct diag_log *log, struct mem *mem, struct diag *diag)
{
    pid_t pid;
    *target = (struct target){.pidfd = -1};
    if (choose_one(&pid, options, log, mem, diag) != 0)
        return -1;
    *is_there = pid != 0 || options->exe != NULL;
    if (!*is_there)
        return 0;
    if (pid == 0)
        return target_open_file(target, options->exe, options->force, mem, diag);
    return source != NULL ? source_open(source, target, pid, mem, diag) : target_open(target, pid, mem, diag);
}

/* ---- --list and --doctor. */

/* The list for the target, with what the options choose of it. */
static int
write_list(struct outbuf *out, const struct options *options, const struct catalog *catalog, const struct target *target,
           struct mem *mem, struct diag *diag)
{
    const struct options_list *types = &options->types;
    struct select select = {.mode = options->has_mode ? options->mode : NULL,
                            .patterns = types->items,
                            .npatterns = types->count,
                            .was_used = mem_alloc(mem, types->count + 1)};
    const struct list list = {catalog, target, &select, options->has_format && strcmp(options->format, "json") == 0};
    list_write(out, &list);
    const char *unused = select_unused(&select);
    return unused == NULL ? 0 : pattern_explain(unused, catalog, target != NULL ? &target->probes : NULL, diag);
}

int
print_list(const struct options *options, const struct catalog *catalog, const struct diag_log *log, struct mem *mem,
           struct diag *diag)
{
    struct outbuf out = {0};
    struct target target;
    bool has_target;
    int status = open_target(&target, &has_target, options, NULL, log, mem, diag);
    if (status == 0)
        status = write_list(&out, options, catalog, has_target ? &target : NULL, mem, diag);
    status = status == 0 ? write_stdout(&out, diag) : -1;
    text_free(&out);
    target_close(&target);
    return status;
}

int
print_doctor(const struct options *options, const struct setup_files *files, const struct diag_log *log, struct mem *mem,
             struct diag *diag)
{
    struct outbuf out = {0};
    struct doctor doctor = {.bpftrace_path = options->bpftrace,
                            .is_forced = options->force,
                            .catalog = &files->catalog,
                            .structures = &files->structures,
                            .transport = setup_transport(options),
                            .is_json = options->has_format && strcmp(options->format, "json") == 0,
                            .mem = mem};
    if (choose_one(&doctor.pid, options, log, mem, diag) != 0)
        return -1;
    enum diag_status status = doctor_examine(&doctor, &out);
    return write_stdout(&out, diag) == 0 ? (int)status : -1;
}

/* ---- --emit-script. */

/* What a program by itself counts. */
static int
write_numbers(struct outbuf *program, const struct plan *plan, const struct setup *setup, const struct files *templates,
              struct mem *mem, struct diag *diag)
{
    static const enum numbers_kind kinds[] = {
        [SUMMARY_STAT] = NUMBERS_STAT, [SUMMARY_TOP] = NUMBERS_TOP, [SUMMARY_HIST] = NUMBERS_HIST};
    const struct summary_request *summary = &setup->view.summary;
    struct outbuf halves = {0};
    if (setup->view.query.root != NULL)
        query_put_halves(&setup->view.query, &setup->request.redact, setup->request.text_limit, &halves);
    const struct numbers numbers = {.kind = kinds[summary->kind],
                                    .columns = summary->columns,
                                    .ncolumns = summary->ncolumns,
                                    .value = tally_value_names[summary->value],
                                    .interval_ms = (unsigned)summary_interval_ms(summary),
                                    .lines = (unsigned)summary_lines(summary),
                                    .command = setup->command,
                                    .halves = halves.len > 0 ? text_keep(&halves, mem) : NULL};
    if (strcmp(setup->format, "json") == 0)
        return diag_set(diag, DIAG_USAGE, "-f json: a program by itself prints tables; bpftrace -f json prints these as JSON");
    if (plan->whole == NULL)
        return diag_set(diag, DIAG_NOTHING,
                        "a program that counts by itself needs a server's structures; say which with -p PID");
    return numbers_write(program, plan, &numbers, templates, mem, diag);
}

/* What only h2olog does to requests that are counted; NULL: nothing. */
static const char *
undecided_option(const struct setup *setup)
{
    static const char *const options[] = {"sni", "include-regex", "exclude-regex", "hist-of-acks"};
    for (size_t i = 0; i < setup->nwords; i++)
        for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++)
            if (strcmp(setup->words[i].option, options[k]) == 0)
                return options[k];
    return NULL;
}

static int
write_program(struct outbuf *program, const struct plan *plan, const struct setup *setup, const struct files *templates,
              struct mem *mem, struct diag *diag)
{
    const struct options *options = setup->options;
    bool has_numbers = setup->view.summary.kind != SUMMARY_NONE;
    const char *view_option = has_numbers ? undecided_option(setup) : setup_view_option(setup);
    if (strcmp(options->emit_script, "wire") == 0)
        return wire_program_write(program, plan, CONTRACT_NO_NONCE, setup->command, templates, mem, diag);
    if (view_option != NULL)
        return diag_set(diag, DIAG_USAGE,
                        "%s%s: a program by itself cannot do that; --emit-script=wire prints what h2olog runs for it",
                        setup->options->is_of_events ? "" : "--", setup->options->is_of_events ? "this command" : view_option);
    if (has_numbers)
        return write_numbers(program, plan, setup, templates, mem, diag);
    const struct standalone_options standalone = {.command = setup->command,
                                                  .is_json = strcmp(setup->format, "json") == 0,
                                                  .extra = options->extra,
                                                  .names = options->names,
                                                  .realtime_offset = clock_realtime_offset()};
    return standalone_write(program, plan, &standalone, templates, mem, diag);
}

/* A program that is only printed may be for another machine, so this one need not have a bpftrace. Where it has one that h2olog
 * would run, the program is for that. */
static int
choose_bpftrace(struct bpftrace *bpftrace, const struct options *options, const struct diag_log *log, struct mem *mem,
                struct diag *diag)
{
    if (bpftrace_find(bpftrace, options->bpftrace, options->force, mem, diag) == 0)
        return 0;
    if (options->bpftrace != NULL)
        return -1;
    bpftrace_newest(bpftrace);
    diag_note(log, "the program is for bpftrace %d.%d, as %s", bpftrace->major, bpftrace->minor, diag->message);
    *diag = (struct diag){0};
    return 0;
}

static int
print_program_for(const struct target *target, const struct launch *launch, const struct setup *setup, struct mem *mem,
                  struct diag *diag)
{
    struct plan plan;
    struct outbuf program = {0};
    if (launch_plan(launch, target, &plan, mem, diag) != 0)
        return -1;
    if (write_program(&program, &plan, setup, launch->templates, mem, diag) == 0)
        return write_stdout(&program, diag);
    text_free(&program);
    return -1;
}

/* Structures are those of a process. */
static int
check_source(const struct target *target, const struct request *request, bool is_wire, const struct diag_log *log,
             struct diag *diag)
{
    if (target != NULL && target->pid != 0)
        return 0;
    if (request->needs_whole != NULL || request->source == REQUEST_SERVER)
        return diag_set(diag, DIAG_USAGE, "%s is known from the structures of a server that runs; say which with -p PID",
                        request->needs_whole != NULL ? request->needs_whole : "--source=server");
    if (is_wire && request_is_of_exchanges(request) && request->source == REQUEST_EITHER)
        diag_note(log, "the program is for probes; with -p PID it reads whole requests in the server's structures");
    return 0;
}

int
print_program(const struct setup *setup, const struct setup_files *files, const struct diag_log *log, struct mem *mem,
              struct diag *diag)
{
    struct bpftrace bpftrace;
    struct request request = setup->request;
    const struct launch launch = {
        .request = &request, .catalog = &files->catalog, .templates = &files->templates, .bpftrace = &bpftrace, .log = log};
    const struct source source = {&request, &files->structures, &bpftrace, log, 0};
    struct target target;
    bool has_target;
    bool is_wire = strcmp(setup->options->emit_script, "wire") == 0;
    if (choose_bpftrace(&bpftrace, setup->options, log, mem, diag) != 0)
        return -1;
    plan_choose_transport(&request, &bpftrace);
    int status = open_target(&target, &has_target, setup->options, &source, log, mem, diag);
    if (status == 0)
        status = check_source(has_target ? &target : NULL, &request, is_wire, log, diag);
    if (status == 0)
        status = print_program_for(has_target ? &target : NULL, &launch, setup, mem, diag);
    target_close(&target);
    return status;
}

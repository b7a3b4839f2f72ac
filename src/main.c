#include "base/clock.h"
#include "command/doctor.h"
#include "program/standalone.h"
#include "program/wire_program.h"
#include "command/list.h"
#include "command/options.h"
#include "host/find.h"
#include "host/privileges.h"
#include "catalog/dtrace.h"
#include "run/replay.h"
#include "run/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Everything that is known before the loop; memory is the arena's. */
struct context {
    struct options options;
    struct diag_log log;
    struct mem mem;
    struct diag diag;
    const char *command; /* the command line, escaped */
    struct catalog catalog;
    struct files probes, templates;
    struct file provider; /* of --probes NAME.d */
    struct bpftrace tracer;
    struct target target; /* of --list and --emit-script */
    struct request request;
    struct filter_word *words; /* of which the two are made */
    struct filter filter;
    struct view view;
    struct contract contract; /* of --script */
    struct select select;
    struct launch launch;
    struct recording recording;
    struct format format;
    struct paint paint;
    int cpus;        /* that send heartbeats */
    int exit_status; /* of what has not failed */
};

/* So that no file that is opened later is taken for stdin, stdout or stderr. */
static void
open_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static const char *
join_command(struct mem *mem, int argc, char **argv)
{
    struct outbuf out = {0};
    text_puts(&out, "h2olog");
    for (int i = 1; i < argc; i++) {
        text_putc(&out, ' ');
        text_escape(&out, text_of(argv[i]));
    }
    const char *command = mem_strndup(mem, out.ptr, out.len);
    text_free(&out);
    return command;
}

static int
write_stdout(struct outbuf *out, struct diag *diag)
{
    int status = 0;
    for (size_t done = 0; status == 0 && done < out->len;) {
        ssize_t written = write(STDOUT_FILENO, out->ptr + done, out->len - done);
        if (written >= 0)
            done += (size_t)written;
        else if (errno != EINTR)
            status = diag_set(diag, DIAG_FAILED, "cannot write the output: %s", strerror(errno));
    }
    text_free(out);
    return status;
}

static int
print_help(struct context *context)
{
    struct outbuf out = {0};
    options_help(&out, context->options.help_table);
    return write_stdout(&out, &context->diag);
}

static int
print_version(struct context *context)
{
    struct outbuf out = {0};
    text_puts(&out, PACKAGE_STRING "\n");
    return write_stdout(&out, &context->diag);
}

/* A directory replaces the built-in catalogue; a DTrace provider file adds to it. */
static int
load_catalog(struct context *context)
{
    const char *path = context->options.probes_path;
    bool is_provider = path != NULL && dtrace_is_file(path);
    if (files_load(&context->probes, is_provider ? NULL : path, "probes", ".probes", &context->mem, &context->diag) != 0 ||
        catalog_parse(&context->catalog, &context->probes, &context->mem, &context->diag) != 0)
        return -1;
    if (!is_provider)
        return 0;
    return files_read(&context->provider, path, &context->mem, &context->diag) != 0
               ? -1
               : dtrace_parse(&context->catalog, &context->provider, &context->mem, &context->diag);
}

/* A path of the command line, if it was given, and the files that were read from it. */
static int
check_path(const char *option, const char *path, const struct files *files, struct diag *diag)
{
    int status = path != NULL ? privileges_check_path(option, path, diag) : 0;
    for (size_t i = 0; status == 0 && path != NULL && i < files->count; i++)
        status = privileges_check_path(option, files->items[i].name, diag);
    return status;
}

/* What root runs and what root's program is made from must be in nobody else's hands. */
static int
check_paths(struct context *context)
{
    const struct options *options = &context->options;
    const struct files none = {0}, *probes = context->provider.name != NULL ? &none : &context->probes;
    if (geteuid() != 0 || options->force)
        return 0;
    if (check_path("--bpftrace", options->bpftrace, &none, &context->diag) != 0 ||
        check_path("--script", options->script, &none, &context->diag) != 0 ||
        check_path("--probes", options->probes_path, probes, &context->diag) != 0)
        return -1;
    return check_path("--templates", options->templates_dir, &context->templates, &context->diag);
}

static int
load_files(struct context *context)
{
    if (load_catalog(context) != 0 ||
        files_load(&context->templates, context->options.templates_dir, "templates", ".bt", &context->mem, &context->diag) != 0)
        return -1;
    return check_paths(context);
}

static int
one_pid(const struct context *context, pid_t *pid, struct diag *diag)
{
    const struct options_pids *pids = &context->options.pids;
    *pid = pids->count > 0 ? pids->items[0] : 0;
    return pids->count <= 1 ? 0 : diag_set(diag, DIAG_USAGE, "more than one process; this is done for one -p PID only");
}

/* The process that -p names, or the file that -e does, if there is one. */
static int
open_target(struct context *context, struct target **target)
{
    pid_t pid;
    const char *exe = context->options.exe;
    *target = NULL;
    if (one_pid(context, &pid, &context->diag) != 0)
        return -1;
    if (pid != 0 && exe != NULL)
        return diag_set(&context->diag, DIAG_USAGE, "both -p and -e; choose a process or a file");
    if (pid == 0 && exe == NULL)
        return 0;
    *target = &context->target;
    if (exe != NULL)
        return target_open_file(&context->target, exe, &context->mem, &context->diag);
    return target_open(&context->target, pid, &context->mem, &context->diag);
}

static int
list(struct context *context)
{
    struct outbuf out = {0};
    struct target *target;
    if (open_target(context, &target) != 0)
        return -1;
    list_write(&out, &context->catalog, target);
    return write_stdout(&out, &context->diag);
}

static enum request_transport
wanted_transport(const struct options *options)
{
    if (options->transport == NULL)
        return REQUEST_AUTO;
    return strcmp(options->transport, "batch") == 0 ? REQUEST_BATCH : REQUEST_STREAM;
}

static int
examine(struct context *context)
{
    struct outbuf out = {0};
    struct doctor doctor = {.bpftrace = context->options.bpftrace,
                            .catalog = &context->catalog,
                            .transport = wanted_transport(&context->options),
                            .is_json = context->options.has_format && strcmp(context->options.format, "json") == 0,
                            .mem = &context->mem};
    if (one_pid(context, &doctor.pid, &context->diag) != 0)
        return -1;
    context->exit_status = doctor_examine(&doctor, &out);
    return write_stdout(&out, &context->diag);
}

/* The program says what it is for; the command line, what is shown of that. */
static int
load_program(struct context *context)
{
    struct options *options = &context->options;
    struct contract *contract = &context->contract;
    if (contract_read(contract, options->script, &context->mem, &context->diag) != 0)
        return -1;
    const char *mode = options->has_mode || context->view.is_grouped ? options->mode : NULL;
    context->select = (struct select){mode, options->types.items, options->types.count, &context->filter,
                                      mem_alloc(&context->mem, options->types.count + 1)};
    if (!options->has_format)
        options->format = options_format(options->has_mode ? options->mode : contract->request.group);
    context->request = contract->request;
    context->launch.contract = contract;
    return redact_check(&context->request.redact, &context->diag);
}

/* Filters, and what is made of the records. */
static int
set_view(struct context *context)
{
    struct options *options = &context->options;
    const struct options_filters *given = &options->filters;
    context->words = mem_alloc(&context->mem, (given->count + 1) * sizeof(*context->words));
    for (size_t i = 0; i < given->count; i++)
        context->words[i] = (struct filter_word){given->items[i].option, given->items[i].value};
    if (view_make(&context->view, context->words, given->count, strcmp(options->format, "json") == 0, &context->filter,
                  &context->mem, &context->diag) != 0)
        return -1;
    if (!context->view.is_grouped)
        return 0;
    bool is_other = strcmp(options->mode, "http") != 0 || options->types.count > 0;
    options->mode = REQUEST_EXCHANGES;
    return is_other ? diag_set(&context->diag, DIAG_USAGE,
                               "--group, --query and --log-format show HTTP requests; leave out quic, all and -t")
                    : 0;
}

/* The first option that a program cannot do by itself; NULL: there is none. */
static const char *
view_option(const struct context *context)
{
    for (size_t i = 0; i < context->options.filters.count; i++)
        if (view_is_needed(context->words[i].option))
            return context->words[i].option;
    return NULL;
}

static int
set_request(struct context *context)
{
    struct options *options = &context->options;
    struct options_list *redact = &options->redact;
    if (set_view(context) != 0)
        return -1;
    for (size_t i = 0; options->redact_default && i < REDACT_DEFAULTS && redact->count < OPTIONS_MAX_LIST; i++)
        redact->items[redact->count++] = redact_defaults[i];
    context->request =
        (struct request){.group = options->mode,
                         .patterns = options->types.items,
                         .npatterns = options->types.count,
                         .redact = {redact->items, redact->count},
                         .filter = context->filter,
                         .transport = wanted_transport(options),
                         .batch_ms = options->batch_interval_ms != 0 ? (unsigned)options->batch_interval_ms : REQUEST_BATCH_MS,
                         .app_data = options->app_data};
    context->launch = (struct launch){.request = &context->request,
                                      .catalog = &context->catalog,
                                      .templates = &context->templates,
                                      .tracer = &context->tracer,
                                      .command = context->command,
                                      .log = &context->log,
                                      .output = options->output};
    return options->script != NULL ? load_program(context) : redact_check(&context->request.redact, &context->diag);
}

static int
write_program(struct context *context, const struct plan *plan, struct outbuf *program)
{
    const struct options *options = &context->options;
    const char *option = view_option(context);
    if (option != NULL && strcmp(options->emit_script, "wire") != 0)
        return diag_set(&context->diag, DIAG_USAGE,
                        "--%s: a program by itself cannot do that; --emit-script=wire prints what h2olog runs for it", option);
    if (strcmp(options->emit_script, "wire") == 0)
        return wire_program_write(program, plan, CONTRACT_NO_NONCE, context->command, &context->templates, &context->mem,
                                  &context->diag);
    const struct standalone_options standalone = {.command = context->command,
                                                  .is_json = strcmp(options->format, "json") == 0,
                                                  .extra = options->extra,
                                                  .names = options->names,
                                                  .realtime_offset = clock_realtime_offset()};
    return standalone_write(program, plan, &standalone, &context->templates, &context->mem, &context->diag);
}

/* A program that is only printed may be for another machine: this one's bpftrace is asked, but need not be there. */
static int
emit_script(struct context *context)
{
    struct target *target;
    struct plan plan;
    struct outbuf program = {0};
    if (bpftrace_find(&context->tracer, context->options.bpftrace, &context->mem, &context->diag) != 0) {
        if (context->options.bpftrace != NULL)
            return -1;
        bpftrace_newest(&context->tracer);
    }
    plan_choose_transport(&context->request, &context->tracer);
    if (open_target(context, &target) != 0 || launch_plan(&context->launch, target, &plan, &context->mem, &context->diag) != 0)
        return -1;
    if (write_program(context, &plan, &program) == 0)
        return write_stdout(&program, &context->diag);
    text_free(&program);
    return -1;
}

/* Which processes, and that they can be traced at all. */
static int
choose_servers(struct context *context)
{
    struct options_pids *pids = &context->options.pids;
    if (geteuid() != 0)
        return diag_set(&context->diag, DIAG_MACHINE, "tracing needs root; run h2olog with sudo");
    if (pids->count > 0)
        return 0;
    const char *command;
    if (find_server(&pids->items[0], &command, &context->mem, &context->diag) != 0)
        return -1;
    pids->count = 1;
    diag_note(&context->log, "tracing the only h2o here, pid %d (%s)", pids->items[0], command);
    return 0;
}

static int
open_output(struct context *context, struct sink *sink)
{
    const struct options *options = &context->options;
    sink->block = options->buffered ? 64 * 1024 : 0;
    sink->fd = STDOUT_FILENO;
    if (options->output != NULL)
        sink->fd = sink_open(options->output, options->append ? O_APPEND : O_TRUNC, &context->diag);
    context->paint = paint_for(sink->fd, options->color, options->wide);
    return sink->fd < 0 ? -1 : 0;
}

/* The catalogue as it was read. */
static struct files
recorded_files(struct context *context)
{
    struct files files = context->probes;
    if (context->provider.name == NULL)
        return files;
    files.items = mem_alloc(&context->mem, (files.count + 1) * sizeof(*files.items));
    memcpy(files.items, context->probes.items, files.count * sizeof(*files.items));
    files.items[files.count++] = context->provider;
    return files;
}

static int
begin_recording(struct context *context)
{
    char host[HOST_NAME_MAX + 1] = "";
    if (context->options.record == NULL)
        return 0;
    gethostname(host, sizeof(host) - 1);
    struct recording_header header = {.program = PACKAGE_STRING,
                                      .host = host,
                                      .command = context->command,
                                      .request = context->request,
                                      .format = context->options.format,
                                      .extra = context->options.extra,
                                      .names = context->options.names,
                                      .tracer = context->tracer,
                                      .cpus = context->cpus,
                                      .offset = context->format.realtime_offset,
                                      .most = context->options.count,
                                      .words = context->words,
                                      .nwords = view_option(context) != NULL ? context->options.filters.count : 0,
                                      .files = recorded_files(context)};
    context->recording.fd = sink_open(context->options.record, O_TRUNC, &context->diag);
    return context->recording.fd < 0 ? -1 : recording_begin(&context->recording, &header, &context->diag);
}

/* Everything that needs root but the keeper's part. */
static int
prepare(struct context *context, struct sink *sink, struct privileges *privileges)
{
    const struct options *options = &context->options;
    if (choose_servers(context) != 0 || bpftrace_find(&context->tracer, options->bpftrace, &context->mem, &context->diag) != 0)
        return -1;
    diag_debug(&context->log, 1, "%s is version %d.%d.%d", context->tracer.path, context->tracer.major, context->tracer.minor,
               context->tracer.patch);
    if (!bpftrace_is_known(&context->tracer))
        diag_debug(&context->log, 1, "it is newer than any that was tried, and is treated as %d.%d", context->tracer.row->major,
                   context->tracer.row->minor);
    plan_choose_transport(&context->request, &context->tracer);
    if (privileges_find(privileges, options->user, &context->diag) != 0)
        return -1;
    format_init(&context->format, options->format, (struct format_options){options->extra, options->names});
    context->cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (open_output(context, sink) != 0)
        return -1;
    context->format.paint = context->paint;
    return begin_recording(context);
}

/* From here on this process is not root any more, and reads what servers say; the keeper is, and does not. */
static int
supervise(struct context *context, struct keeper *keeper, struct output *output, int signals)
{
    const struct options *options = &context->options;
    bool is_program_given = options->script != NULL;
    struct supervise run = {.keeper = keeper,
                            .request = {&context->request, &context->catalog, &context->tracer,
                                        is_program_given ? &context->select : NULL, context->cpus, NULL},
                            .is_program_foreign = is_program_given,
                            .output = output,
                            .log = &context->log,
                            .recording = options->record != NULL ? &context->recording : NULL,
                            .nservers = options->pids.count,
                            .follow = options->follow,
                            .duration_ms = options->duration_ms,
                            .can_reopen = options->output != NULL,
                            .put_off_ms = 10000};
    return supervise_run(&run, signals, &context->diag);
}

static int
trace(struct context *context)
{
    struct sink sink = {.fd = -1};
    struct output output = {.view = &context->view, .format = &context->format, .sink = &sink, .most = context->options.count};
    struct privileges privileges;
    struct keeper keeper;
    const struct options *options = &context->options;
    int signals = supervise_signals();
    if (prepare(context, &sink, &privileges) != 0)
        return -1;
    struct keeper_services services = launch_services(&context->launch, options->follow);
    if (keeper_start(&keeper, &services, options->pids.items, options->pids.count, &context->diag) != 0)
        return -1;
    output_open(&output);
    int status = options->keep_root ? 0 : privileges_drop(&privileges, &context->diag);
    if (status == 0)
        status = supervise(context, &keeper, &output, signals);
    keeper_stop(&keeper);
    output_close(&output);
    text_free(&sink.pending);
    return status;
}

static int
replay(struct context *context)
{
    struct sink sink = {0};
    const struct options *options = &context->options;
    if (open_output(context, &sink) != 0)
        return -1;
    signal(SIGPIPE, SIG_IGN); /* EPIPE tells more */
    struct replay part = {.path = options->replay,
                          .mode = options->has_mode ? options->mode : NULL,
                          .patterns = options->types.items,
                          .npatterns = options->types.count,
                          .words = context->words,
                          .nwords = options->filters.count,
                          .most = options->count,
                          .format = options->has_format ? options->format : NULL,
                          .format_options = {options->extra, options->names},
                          .paint = context->paint,
                          .sink = &sink,
                          .log = &context->log};
    int status = replay_run(&part, &context->diag);
    text_free(&sink.pending);
    return status;
}

static int
run(struct context *context)
{
    if (context->options.help)
        return print_help(context);
    if (context->options.version)
        return print_version(context);
    if (context->options.replay != NULL)
        return replay(context);
    if (load_files(context) != 0)
        return -1;
    if (context->options.list)
        return list(context);
    if (context->options.doctor)
        return examine(context);
    return context->options.emit_script != NULL ? emit_script(context) : trace(context);
}

int
main(int argc, char **argv)
{
    static struct context context;
    open_standard_files();
    context.target.pidfd = -1;
    context.command = join_command(&context.mem, argc, argv);
    int status = options_parse(&context.options, argc, argv, &context.diag);
    context.log = (struct diag_log){context.options.debug, context.options.quiet};
    if (status == 0)
        status = set_request(&context);
    if (status == 0)
        status = run(&context);
    if (status != 0)
        diag_report(&context.diag);
    view_free(&context.view);
    target_close(&context.target);
    mem_free(&context.launch.mem);
    mem_free(&context.mem);
    return status == 0 ? context.exit_status : context.diag.status;
}

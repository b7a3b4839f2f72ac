#include "command/trace.h"

#include "base/clock.h"
#include "base/writable.h"
#include "command/choose.h"
#include "host/open.h"
#include "host/privileges.h"
#include "show/keys.h"
#include "show/query_where.h"
#include "run/launch.h"
#include "run/replay.h"
#include "run/supervise.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* How long output that still comes may put the end of a run off. */
enum { PUT_OFF_MS = 3500 };

/* ---- Where records go. */

struct destination {
    struct sink sink;
    char name[512]; /* of the file */
    struct format format;
};

/* The inputs alone; and with the output, which stands behind them. */
enum { USED_INPUTS = 4, USED_ALL };

/* What h2olog reads or writes. */
struct used {
    struct open_used items[USED_ALL];
};

static struct used
used_files(const struct options *options)
{
    return (struct used){{{"--replay", options->replay},
                          {"--script", options->script},
                          {"--probes", options->probes_path},
                          {"--bpftrace", options->bpftrace},
                          {"-w", options->output}}};
}

/* As with `h2olog >&-`, and `h2olog --replay FILE >>FILE`. */
static int
check_stdout(const struct used *used, struct diag *diag)
{
    const struct open_used *other = open_find_used(STDOUT_FILENO, used->items, USED_INPUTS);
    if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return diag_set(diag, DIAG_FAILED, "stdout is closed, or not open for writing; write to a file with -w FILE");
    return other == NULL
               ? 0
               : diag_set(diag, DIAG_USAGE, "the output is the file of %s, too; write to another file", other->option);
}

/* The file of --prom is replaced: it must be none that is used besides. What is written is open by now. */
static int
check_prom(const struct options *options, struct diag *diag)
{
    char quoted[256];
    struct used used = used_files(options);
    const struct open_used record = {"--record", options->record};
    int fd = options->prom != NULL ? open(options->prom, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
    const struct open_used *other = fd < 0 ? NULL : open_find_used(fd, used.items, USED_ALL);
    if (other == NULL && fd >= 0)
        other = open_find_used(fd, &record, 1);
    if (fd >= 0)
        close(fd);
    return other == NULL ? 0
                         : diag_set(diag, DIAG_USAGE, "--prom: %s is the file of %s, too; name another file",
                                    diag_quote(quoted, sizeof(quoted), text_of(options->prom)), other->option);
}

static int
open_destination(struct destination *destination, const struct setup *setup, struct diag *diag)
{
    const struct options *options = setup->options;
    const struct used used = used_files(options);
    struct sink *sink = &destination->sink;
    *sink = (struct sink){.fd = STDOUT_FILENO, .block = options->buffered ? 64 * 1024 : 0};
    format_init(&destination->format, setup->format,
                (struct format_options){.extra = options->extra, .names = options->names, .time = setup_time(options)});
    format_set_share(&destination->format, filter_share(&setup->request.filter, &setup->filter));
    if (options->output != NULL) {
        sink->name = diag_quote(destination->name, sizeof(destination->name), text_of(options->output));
        const enum open_mode how = options->is_keylog ? OPEN_SECRET : options->append ? OPEN_CONTINUED : OPEN_EMPTIED;
        sink->fd = open_output_apart(options->output, how, used.items, USED_INPUTS, diag);
    } else if (check_stdout(&used, diag) != 0)
        return -1;
    writable_make_own(sink->fd);
    destination->format.paint = paint_for(sink->fd, options->color, options->wide);
    return sink->fd < 0 ? -1 : 0;
}

/* ---- What is traced, and with what. */

struct machine {
    struct choose chosen;
    struct bpftrace bpftrace;
    struct privileges privileges; /* of h2olog, once the keeper has been started */
    int cpus;
};

static int
find_bpftrace(struct bpftrace *bpftrace, const struct options *options, const struct diag_log *log, struct mem *mem,
              struct diag *diag)
{
    if (bpftrace_find(bpftrace, options->bpftrace, options->force, mem, diag) != 0)
        return -1;
    diag_debug(log, 1, "%s is version %d.%d.%d", bpftrace->path, bpftrace->major, bpftrace->minor, bpftrace->patch);
    if (!bpftrace_is_known(bpftrace))
        diag_debug(log, 1, "it is newer than any that was tried, and is treated as %d.%d", bpftrace->row.major,
                   bpftrace->row.minor);
    return 0;
}

static int
examine_machine(struct machine *machine, const struct options *options, const struct diag_log *log, struct mem *mem,
                struct diag *diag)
{
    machine->cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (geteuid() != 0)
        return diag_set(diag, DIAG_MACHINE, "tracing needs root; run h2olog with sudo");
    if (choose_servers(&machine->chosen, options, log, mem, diag) != 0 ||
        find_bpftrace(&machine->bpftrace, options, log, mem, diag) != 0)
        return -1;
    return privileges_find(&machine->privileges, options->user, diag);
}

/* ---- The recording. */

/* The catalogue's files as they were read, the provider file behind the others. */
static struct files
recorded_files(const struct setup_files *read, struct mem *mem)
{
    struct files files = read->probes;
    if (read->provider.name == NULL)
        return files;
    files.items = mem_alloc(mem, (files.count + 1) * sizeof(*files.items));
    memcpy(files.items, read->probes.items, files.count * sizeof(*files.items));
    files.items[files.count++] = read->provider;
    return files;
}

/* The header, but for what the machine and the choices of the run add to it. */
static struct recording_header
describe(const struct setup *setup, const struct setup_files *files, struct mem *mem)
{
    char host[HOST_NAME_MAX + 1] = "";
    gethostname(host, sizeof(host) - 1);
    return (struct recording_header){.program = PACKAGE_STRING,
                                     .host = mem_strdup(mem, host),
                                     .command = setup->command,
                                     .format = setup->format,
                                     .extra = setup->options->extra,
                                     .names = setup->options->names,
                                     .time = format_time_name(setup_time(setup->options)),
                                     .most = setup->options->count,
                                     .words = setup->words,
                                     .nwords = setup_view_option(setup) != NULL ? setup->nwords : 0,
                                     .files = recorded_files(files, mem)};
}

static int
begin_recording(struct recording *recording, const struct recording_header *header, const struct options *options,
                struct diag *diag)
{
    const struct used used = used_files(options);
    recording->path = options->record;
    recording->fd = open_output_apart(options->record, OPEN_EMPTIED, used.items, USED_ALL, diag);
    return recording->fd < 0 ? -1 : recording_begin(recording, header, diag);
}

/* ---- The run. */

/* Numbers that are drawn on a terminal. */
static bool
has_keys(const struct output *output)
{
    return output->view->summary.kind != SUMMARY_NONE && output->format->paint.terminal >= 0 && !format_is_json(output->format);
}

/* The keeper stays root and does not read what servers say. This process reads it and is not root any more by then, but for
 * --keep-root (`privileges` is NULL). */
static int
supervise(struct supervise *run, struct launch *launch, const struct find_servers *servers, const struct privileges *privileges,
          int signals, struct mem *mem, struct diag *diag)
{
    struct keeper keeper;
    const struct keeper_services services = launch_services(launch);
    if (keeper_start(&keeper, &services, servers->pids, servers->count, diag) != 0)
        return -1;
    run->keeper = &keeper;
    run->nservers = servers->count;
    output_open(run->output);
    if (launch->await != NULL)
        diag_note(run->log, "waiting for %s; Ctrl-C ends", await_words(launch->await, mem));
    int status = privileges != NULL ? privileges_drop(privileges, diag) : 0;
    struct terminal terminal;
    terminal_open(&terminal, has_keys(run->output) ? STDIN_FILENO : -1);
    run->terminal = &terminal;
    if (terminal.fd >= 0)
        keys_begin(run->output);
    if (status == 0)
        status = output_begin_prom(run->output, diag);
    if (status == 0)
        status = supervise_run(run, signals, diag) == 0 ? 0 : -1;
    if (status == 0 && run->output->has_prom_failed)
        status = diag_set(diag, DIAG_FAILED, "--prom: the last numbers are not in the file");
    terminal_close(&terminal);
    keeper_stop(&keeper);
    output_close(run->output);
    return status;
}

/* Everything is chosen and open: traces. `run` has the request, the output and the recording. */
static int
trace(struct supervise *run, struct machine *machine, struct setup *setup, const struct setup_files *files, int signals,
      struct mem *mem, struct diag *diag)
{
    const struct options *options = setup->options;
    struct launch launch = {.request = run->config.request,
                            .catalog = &files->catalog,
                            .structures = &files->structures,
                            .templates = &files->templates,
                            .bpftrace = &machine->bpftrace,
                            .contract = setup->has_contract ? &setup->contract : NULL,
                            .command = setup->command,
                            .log = run->log,
                            .output = options->output,
                            .begun_nsecs = clock_boot_nsecs(),
                            .follows = options->follow,
                            .await = machine->chosen.is_awaited ? &machine->chosen.await : NULL};
    run->config.catalog = &files->catalog;
    run->config.bpftrace = &machine->bpftrace;
    run->config.select = setup->has_contract ? &setup->select : NULL;
    run->config.cpus = machine->cpus;
    run->is_program_foreign = setup->has_contract;
    run->follow = options->follow;
    run->waits = machine->chosen.is_awaited;
    run->duration_ms = options->duration_ms;
    run->can_reopen = options->output != NULL;
    run->put_off_ms = PUT_OFF_MS;
    int status =
        supervise(run, &launch, &machine->chosen.servers, options->keep_root ? NULL : &machine->privileges, signals, mem, diag);
    launch_free(&launch);
    return status;
}

static void
tell_halves(const struct setup *setup, const struct diag_log *log)
{
    struct outbuf halves = {0};
    if (setup->view.query.root == NULL)
        return;
    query_put_halves(&setup->view.query, &setup->request.redact, setup->request.text_limit, &halves);
    diag_debug(log, 1, "of the query, where requests are read in the server's structures, %.*s", (int)halves.len, halves.ptr);
    text_free(&halves);
}

int
trace_servers(struct setup *setup, const struct setup_files *files, const struct diag_log *log, struct mem *mem,
              struct diag *diag)
{
    const struct options *options = setup->options;
    struct machine machine;
    struct destination to;
    struct recording recording = {.fd = -1};
    if (examine_machine(&machine, options, log, mem, diag) != 0 || open_destination(&to, setup, diag) != 0)
        return -1;
    writable_make_own(STDERR_FILENO);
    to.format.options.has_servers = machine.chosen.has_several;
    struct output output = {.view = &setup->view, .format = &to.format, .sink = &to.sink, .log = log, .most = options->count};
    int signals = supervise_signals(
        has_keys(&output)); /* from here on they are read, so nothing that may take long stands before the loop */
    struct request request = setup->request;
    plan_choose_transport(&request, &machine.bpftrace);
    tell_halves(setup, log);
    if (options->record != NULL) {
        struct recording_header header = describe(setup, files, mem);
        header.request = request;
        header.bpftrace = machine.bpftrace;
        header.cpus = machine.cpus;
        header.has_servers = to.format.options.has_servers;
        header.begins_together = machine.chosen.servers.count > 1;
        header.offset = wall_offset(&to.format.wall, 0);
        if (begin_recording(&recording, &header, options, diag) != 0)
            return -1;
    }
    if (check_prom(options, diag) != 0)
        return -1;
    struct supervise run = {.config = {.request = &request},
                            .output = &output,
                            .log = log,
                            .recording = options->record != NULL ? &recording : NULL};
    int status = trace(&run, &machine, setup, files, signals, mem, diag);
    sink_free(&to.sink);
    return status;
}

int
trace_recording(const struct setup *setup, const struct diag_log *log, struct diag *diag)
{
    const struct options *options = setup->options;
    struct destination to;
    if (open_destination(&to, setup, diag) != 0)
        return -1;
    if (check_prom(options, diag) != 0)
        return -1;
    signal(SIGPIPE, SIG_IGN); /* EPIPE tells more */
    const struct replay replay = {
        .path = options->replay,
        .is_forced = options->force,
        .mode = options->has_mode ? options->mode : NULL,
        .patterns = options->types.items,
        .npatterns = options->types.count,
        .words = setup->words,
        .nwords = setup->nwords,
        .redact = setup->request.redact,
        .most = options->count,
        .format = setup_replay_format(options),
        .format_options = {.extra = options->extra, .names = options->names, .time = setup_time(options)},
        .has_time = options->time != NULL,
        .paint = to.format.paint,
        .prom = options->prom,
        .sink = &to.sink,
        .log = log};
    int status = replay_run(&replay, diag);
    sink_free(&to.sink);
    return status;
}

#include "run/launch.h"

#include "base/clock.h"
#include "host/open.h"
#include "program/attach.h"
#include "program/wire_program.h"
#include "run/note.h"
#include "run/count.h"
#include "run/source.h"
#include "run/tracer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often new servers are looked for, in milliseconds. What a server does before it is found is not seen. */
enum { FOLLOW_INTERVAL_MS = 250 };

/* From this level of debugging on bpftrace tells what the kernel's verifier says. */
enum { VERIFIER_LEVEL = 3 };

struct launch_server {
    struct launch_server *next;
    struct target target;
    size_t first_layout;    /* of those that are known: the first one to try */
    struct bpftrace lesser; /* what the smaller program is made for */
    bool is_successor;      /* it came later than the run */
    bool is_unread;         /* another one's tracer sees it, and of `target` only what that needs is known */
    pid_t tracer;           /* who sees it; 0: nobody yet */
    uint64_t lost_nsecs; /* CLOCK_BOOTTIME: since when its tracer has failed, so that it is to be found again; 0: it has not */
    struct mem mem;         /* it stands in itself */
};

int
launch_plan(const struct launch *launch, const struct target *target, struct plan *plan, struct mem *mem, struct diag *diag)
{
    if (plan_make(plan, launch->catalog, target, launch->bpftrace, launch->request, mem, diag) != 0)
        return -1;
    struct slice rest = plan->left_out, line;
    while (text_line(&rest, &line))
        diag_debug(launch->log, 1, "left out: %.*s", (int)line.len, line.ptr);
    for (rest = plan->warnings; text_line(&rest, &line);)
        diag_note(launch->log, "warning: %.*s", (int)line.len, line.ptr);
    return 0;
}

/* bpftrace takes it as a number, too, so it has 63 bits. */
static int
make_nonce(char nonce[WIRE_NONCE_SIZE], struct diag *diag)
{
    uint64_t random;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        return diag_set(diag, DIAG_MACHINE, "no random numbers: %s", strerror(errno));
    snprintf(nonce, WIRE_NONCE_SIZE, "%016lx", random >> 1);
    return 0;
}

static int
make_program(const struct launch *launch, const struct plan *plan, const char *nonce, struct outbuf *program, struct mem *mem,
             struct diag *diag)
{
    if (launch->contract == NULL)
        return wire_program_write(program, plan, nonce, launch->command, launch->templates, mem, diag);
    if (contract_check(launch->contract, plan, diag) != 0)
        return -1;
    contract_write(program, launch->contract, nonce, plan->target->pid);
    return 0;
}

/* bpftrace then compares PIDs as the kernel counts them, and looks for all probes in the executable. */
static bool
may_share(const struct launch *launch, const struct target *target)
{
    bool is_exe = true;
    for (size_t i = 0; i < target->nobjects; i++)
        is_exe &= target->objects[i].is_exe || !target->objects[i].is_ours;
    return launch->follows && launch->contract == NULL && is_exe && target->exe_file.inode != 0 && process_has_kernel_pids();
}

static int
trace(const struct launch *launch, struct launch_server *server, struct note *about, struct child *tracer, struct outbuf *note,
      struct diag *diag)
{
    struct plan plan;
    struct outbuf program = {0};
    struct target *target = &server->target;
    int status = launch_plan(launch, target, &plan, &server->mem, diag);
    if (status == 0) {
        about->has_structures = target->has_structures;
        about->is_by_file = target->by_file = may_share(launch, target) && attach_fits_file(&plan);
        status = note_write(note, about, target, launch->catalog, KEEPER_NOTE_SIZE, diag);
    }
    if (status == 0)
        status = make_program(launch, &plan, about->nonce, &program, &server->mem, diag);
    if (status == 0)
        status = tracer_check(&plan, &program, diag);
    if (status == 0) {
        diag_debug(launch->log, 2, "the program:\n%.*s", (int)program.len, program.ptr);
        target_touch(target);
        status = tracer_start(tracer, &plan, &program, launch->log->debug >= VERIFIER_LEVEL, &server->mem, diag);
    }
    text_free(&program);
    return status;
}

static struct launch_server *
new_server(struct launch *launch)
{
    struct mem mem = {0};
    struct launch_server *server = mem_alloc(&mem, sizeof(*server));
    *server = (struct launch_server){.next = launch->servers, .mem = mem};
    launch->servers = server;
    return server;
}

static void
free_first(struct launch_server **place)
{
    struct launch_server *server = *place;
    struct mem mem = server->mem;
    *place = server->next;
    mem_free(&mem);
}

static bool
has_ended(const struct launch_server *server)
{
    struct process process;
    if (process_read(&process, server->target.pid))
        return process.started != server->target.started;
    return errno != EMFILE && errno != ENFILE;
}

static void
forget_ended(struct launch *launch)
{
    struct launch_server **place = &launch->servers;
    while (*place != NULL)
        if (has_ended(*place))
            free_first(place);
        else
            place = &(*place)->next;
}

/* The latest start for the process, among these and those before; NULL: there was none. */
static struct launch_server *
find_start(struct launch_server *server, pid_t pid)
{
    while (server != NULL && server->target.pid != pid)
        server = server->next;
    return server;
}

/* h2olog asks for the smaller program and has no right to choose another process. So that is started only for a server that the
 * whole program was tried for and that has not ended since, and only once. */
static int
check_lesser(struct launch_server *server, struct diag *diag)
{
    const struct launch_server *before = find_start(server->next, server->target.pid);
    if (before != NULL && bpftrace_is_set(&before->lesser))
        before = NULL;
    if (before == NULL && server->target.pidfd >= 0)
        return diag_set(diag, DIAG_FAILED, "no smaller program is to be tried for pid %d", server->target.pid);
    if (before == NULL || before->target.started != server->target.started)
        return diag_set(diag, DIAG_NOTHING, "pid %d has ended before it could be traced", server->target.pid);
    server->is_successor = before->is_successor;
    return 0;
}

/* Since when nobody sees a server that was found later than the others: what was before the run is not missed, and what was
 * before its tracer failed is told already. */
static uint64_t
unseen_since(const struct launch *launch, const struct launch_server *server)
{
    const struct launch_server *before = find_start(server->next, server->target.pid);
    bool is_lost = before != NULL && before->target.started == server->target.started && before->lost_nsecs != 0;
    const uint64_t started = process_started_nsecs(server->target.started);
    return is_lost ? before->lost_nsecs : started > launch->begun_nsecs ? started : launch->begun_nsecs;
}

/* One that is started once more, with the smaller program, is in its line already. */
static void
remember(struct launch *launch, struct launch_server *server, bool is_again, const struct child *tracer, const char *nonce)
{
    if (launch->await != NULL)
        launch->await->has_begun = true;
    server->tracer = tracer->pid;
    if (!is_again)
        follow_add(&launch->following, server->target.pid, &server->target.exe_file);
    if (server->target.places != NULL)
        places_keep(&launch->places, &server->target.exe_file, server->target.places);
    if (server->target.by_file)
        share_add(&launch->sharing, tracer->pid, &server->target.exe_file, attach_mark(nonce));
}

/* After a program for the server's structures comes one for another layout of them, then one for its probes, and after that a
 * smaller one. */
static void
lessen(struct launch *part, struct launch_server *server, pid_t pid, struct note *about)
{
    const struct launch_server *before = find_start(server->next, pid);
    bool has_structures = before != NULL && before->target.has_structures;
    bool has_probes_left = has_structures && part->request->source == REQUEST_EITHER && part->request->needs_whole == NULL;
    if (has_structures && before->target.next_layout > 0) {
        server->first_layout = before->target.next_layout;
        return;
    }
    if (has_probes_left) {
        struct request *request = mem_alloc(&server->mem, sizeof(*request));
        *request = *part->request;
        request->source = REQUEST_PROBES;
        part->request = request;
        return;
    }
    about->is_lesser = true;
    server->lesser = bpftrace_lessened(part->bpftrace);
    part->bpftrace = &server->lesser;
}

static int
start(void *context, pid_t pid, bool is_lesser, struct child *tracer, int *server_fd, struct outbuf *note, struct diag *diag)
{
    struct launch *launch = context;
    struct launch_server *server = new_server(launch);
    struct launch part = *launch;
    struct note about = {.is_lesser = false};
    if (is_lesser)
        lessen(&part, server, pid, &about);
    server->is_successor = launch->following.has_looked;
    const struct source source = {part.request, part.structures, part.bpftrace, part.log, server->first_layout};
    int status = source_open(&source, &server->target, pid, &server->mem, diag);
    if (is_lesser && (status == 0 || server->target.pidfd < 0))
        status = check_lesser(server, diag);
    if (status == 0)
        status = make_nonce(about.nonce, diag);
    if (server->is_successor)
        about.since = unseen_since(launch, server);
    if (status == 0)
        status = trace(&part, server, &about, tracer, note, diag);
    if (status == 0)
        remember(launch, server, is_lesser, tracer, about.nonce);
    *server_fd = server->target.pidfd;
    server->target.pidfd = -1;
    return status;
}

/* Whether the server that the tracer was started for still has its file, which one that nobody has waited for has not. */
static bool
has_first(const struct launch *launch, pid_t tracer)
{
    enum { FILE_MS = 1000 };
    struct process_file file;
    for (const struct launch_server *server = launch->servers; server != NULL; server = server->next)
        if (server->tracer == tracer && server->target.by_file && !has_ended(server))
            return process_exe_file(server->target.pid, clock_ms() + FILE_MS, &file);
    return false;
}

/* bpftrace fails when the server that it was started for ends while it reads its file. Those that have joined that one are
 * there, and nobody sees them. */
static void
lose_joined(struct launch *launch, pid_t tracer)
{
    for (struct launch_server *server = launch->servers; server != NULL; server = server->next) {
        if (server->tracer != tracer || server->target.by_file)
            continue;
        server->lost_nsecs = clock_boot_nsecs();
        follow_look_again(&launch->following, server->target.pid);
    }
}

static void
ended(void *context, pid_t tracer, int wait_status)
{
    struct launch *launch = context;
    bool has_failed = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0;
    share_remove(&launch->sharing, tracer);
    if (has_failed && !has_first(launch, tracer))
        lose_joined(launch, tracer);
}

/* Of a server that another one's tracer sees nothing was read yet. */
static void
read_joined(struct launch_server *server)
{
    struct target target;
    struct diag ignored;
    if (target_open(&target, server->target.pid, &server->mem, &ignored) == 0 && target.started == server->target.started)
        server->target = target;
    target_close(&target);
    server->target.pidfd = -1;
    server->is_unread = false;
}

static size_t
touch(void *context, pid_t pid)
{
    const struct launch *launch = context;
    struct launch_server *server = find_start(launch->servers, pid);
    if (server != NULL && server->is_unread)
        read_joined(server);
    return server != NULL ? target_touch(&server->target) : 0;
}

/* A server of which nothing was read yet, as another one's tracer sees it, has its values where the other one has them. */
static void
count(void *context, pid_t pid, struct outbuf *out)
{
    const struct launch *launch = context;
    const struct launch_server *server = find_start(launch->servers, pid);
    if (server == NULL || has_ended(server))
        return;
    const struct members_place *places = server->target.places;
    if (places == NULL)
        places = places_find(&launch->places, &server->target.exe_file);
    bool is_of_run = process_started_nsecs(server->target.started) > launch->begun_nsecs;
    if (places != NULL)
        count_read(&server->target, places, is_of_run, out);
}

static int
reopen(void *context, struct diag *diag)
{
    const struct launch *launch = context;
    return open_output_apart(launch->output, OPEN_ANEW, NULL, 0, diag);
}

static bool
is_known(const void *context, const struct process *process)
{
    const struct launch *launch = context;
    const struct launch_server *server = find_start(launch->servers, process->pid);
    return server != NULL && server->target.started == process->started && server->lost_nsecs == 0;
}

static pid_t
find(void *context, struct diag *diag)
{
    struct launch *launch = context;
    if (launch->await != NULL && !await_is_over(launch->await))
        return await_next(launch->await, diag);
    if (!launch->follows)
        return 0;
    forget_ended(launch);
    share_tend(&launch->sharing);
    return follow_find(&launch->following, is_known, launch);
}

/* ---- Servers that a tracer sees already, by their file. */

static struct launch_server *
add_joined(struct launch *launch, const struct process *process, const struct process_file *file)
{
    enum { COMMAND_MS = 1000 };
    struct launch_server *server = new_server(launch);
    server->target = (struct target){.pid = process->pid, .pidfd = -1, .started = process->started, .exe_file = *file};
    server->target.command = process_command(process->pid, clock_ms() + COMMAND_MS, &server->mem);
    server->is_unread = true;
    server->is_successor = launch->following.has_looked;
    follow_add(&launch->following, process->pid, file);
    return server;
}

/* Whether the process is to be traced: it was chosen, is traced already, or is a successor. */
static bool
is_wanted(struct launch *launch, const struct process *process, bool is_chosen)
{
    return is_chosen || is_known(launch, process) || follow_is_successor(&launch->following, process);
}

static bool
join(void *context, pid_t pid, bool is_chosen, struct keeper_join *to, struct outbuf *note)
{
    enum { FILE_MS = 1000 };
    struct launch *launch = context;
    struct process process;
    struct process_file file;
    struct diag ignored;
    *to = (struct keeper_join){.server_fd = -1};
    if (launch->sharing.first == NULL)
        return false;
    to->is_gone = !process_read(&process, pid) || !process_exe_file(pid, clock_ms() + FILE_MS, &file);
    if (to->is_gone)
        return false;
    to->tracer = share_find(&launch->sharing, &file);
    if (to->tracer == 0)
        return false;
    if (!is_wanted(launch, &process, is_chosen)) {
        share_leave_out(&launch->sharing, to->tracer, &process);
        return false;
    }
    struct launch_server *server =
        is_known(launch, &process) ? find_start(launch->servers, pid) : add_joined(launch, &process, &file);
    struct note about = {.nonce = "-", .since = server->is_successor ? unseen_since(launch, server) : 0};
    if (about.since == launch->begun_nsecs)
        about.since = 0; /* it was there, and others were not seen earlier either */
    server->tracer = to->tracer;
    to->server_fd = process_pidfd(&process);
    return note_write(note, &about, &server->target, NULL, KEEPER_NOTE_SIZE, &ignored) == 0;
}

struct keeper_services
launch_services(struct launch *launch)
{
    return (struct keeper_services){.context = launch,
                                    .start = start,
                                    .join = join,
                                    .ended = ended,
                                    .touch = touch,
                                    .count = count,
                                    .reopen = launch->output != NULL ? reopen : NULL,
                                    .find = launch->follows || launch->await != NULL ? find : NULL,
                                    .interval_ms = FOLLOW_INTERVAL_MS};
}

void
launch_free(struct launch *launch)
{
    while (launch->servers != NULL)
        free_first(&launch->servers);
    follow_free(&launch->following);
    share_free(&launch->sharing);
    places_free(&launch->places);
    if (launch->await != NULL)
        await_free(launch->await);
}

#include "run/session.h"

#include "base/clock.h"
#include "base/no_memory.h"
#include "host/signal_pipe.h"
#include "run/intake.h"
#include "run/last_words.h"
#include "run/lifecycle.h"
#include "run/note.h"
#include "run/servers.h"

#include <stdlib.h>

/* What a changed program prints is known before it runs, so a pattern that fits nothing of it is an error at once. */
static int
check_choice(const struct session *session, const struct session_config *config, struct diag *diag)
{
    bool is_any = false;
    for (size_t i = 0; i < session->plan.nevents; i++)
        is_any |= session->is_wanted[i];
    if (!is_any && config->run->output->view->is_grouped)
        return diag_set(diag, DIAG_NOTHING,
                        "there are no records of requests; the catalogue that was used names no roles, or others");
    const char *unused = config->run->is_program_foreign ? select_unused(config->select) : NULL;
    return unused == NULL ? 0 : diag_set(diag, DIAG_NOTHING, "%s: the program prints nothing like that", unused);
}

/* Whether records have the header field: no filter of the run that made them left it out. */
static bool
has_field(const struct session_config *config, const struct exchange_field *field)
{
    const struct catalog *catalog = config->catalog;
    const struct filter *filter = &config->request->filter;
    for (size_t i = 0; i < catalog->count; i++)
        if (catalog->probes[i].role == field->role && filter_wants_probe(filter, &catalog->probes[i]) &&
            filter_fits_name(filter, &catalog->probes[i], field->name))
            return true;
    return false;
}

/* Of columns. */
static int
check_key(const struct session_config *config, const struct exchange_fields *asked, struct diag *diag)
{
    char quoted[128];
    for (size_t i = 0; i < asked->count; i++)
        if (!has_field(config, &asked->items[i]))
            return diag_set(diag, DIAG_NOTHING, "these records do not have \"%s\"; the run that made them did not ask for it",
                            diag_quote(quoted, sizeof(quoted), asked->items[i].name));
    return 0;
}

/* What only structures tell is not in records of probes, nor what was not asked for when they were made. */
static int
check_whole(const struct session *session, const struct view *view, struct diag *diag)
{
    const struct plan_whole *whole = session->plan.whole;
    const char *needs = view_needs_whole(view);
    if (whole == NULL && view->is_grouped && needs != NULL)
        return diag_set(diag, DIAG_NOTHING, "%s is known from the server's structures only, and these records are of probes",
                        needs);
    if (whole != NULL && !view->is_grouped)
        return diag_set(diag, DIAG_NOTHING,
                        "these records are whole requests, read in the server's structures; -g request, -q, -F, stat, top and "
                        "hist show them");
    if (whole != NULL && (session->plan.request->left_out & ~view_left_out(view)) != 0)
        return diag_set(diag, DIAG_NOTHING,
                        "these records do not have all numbers that are to be shown; they are of a program that was made for "
                        "less");
    return whole != NULL && view_wants_sni(view) && whole->sent[WHOLE_SNI] == NULL
               ? diag_set(diag, DIAG_NOTHING,
                          "the names that clients asked TLS for are not in these records; -f json, --sni, -q sni or -F "
                          "'%%{ssl.server-name}x' of the run that made them would have asked for them")
               : 0;
}

static int
choose_events(struct session *session, const struct session_config *config, struct diag *diag)
{
    if (config->select == NULL)
        return 0;
    session->filter = config->select->filter;
    session->is_wanted = select_events(config->select, &session->plan, &session->mem);
    return check_choice(session, config, diag);
}

static int
make_plan(struct session *session, const struct session_config *config, const struct note *note, struct diag *diag)
{
    const struct bpftrace *bpftrace = config->bpftrace;
    session->is_lesser = note->is_lesser;
    if (note->is_lesser) {
        session->lesser = bpftrace_lessened(bpftrace);
        bpftrace = &session->lesser;
    }
    session->command = note->command;
    session->is_later = note->since != 0;
    session->target = (struct target){.pid = session->server,
                                      .pidfd = -1,
                                      .command = note->command,
                                      .probes = note->probes,
                                      .has_structures = note->has_structures};
    return plan_make(&session->plan, config->catalog, &session->target, bpftrace, config->request, &session->mem, diag);
}

/* Without buffers for each CPU and without batches records come in the order of time. */
static void
begin_intake(struct session *session, int cpus, const char *nonce)
{
    struct session_intake *intake = &session->intake;
    bool is_batched = plan_has_batches(&session->plan), has_buffers = session->plan.bpftrace->row.per_cpu_buffers;
    intake->decode = decode_new(&session->plan, nonce, &session->mem);
    if (has_buffers || is_batched)
        intake->reorder = reorder_new(has_buffers ? cpus : 1, is_batched, &session->mem);
}

static int
prepare(struct session *session, const struct session_config *config, struct slice text, struct diag *diag)
{
    struct note note;
    if (note_read(&note, text, &session->mem, diag) != 0 || make_plan(session, config, &note, diag) != 0 ||
        check_whole(session, config->run->output->view, diag) != 0 ||
        check_key(config, &config->run->output->view->summary.key.asked, diag) != 0)
        return -1;
    begin_intake(session, config->cpus, note.nonce);
    if (choose_events(session, config, diag) != 0)
        return -1;
    session->servers.are_by_file = note.is_by_file;
    servers_add(session, session->server, session->files.server, &note);
    session->files.server = -1;
    return 0;
}

static void
free_session(struct session *session)
{
    if (session->intake.reorder != NULL)
        reorder_free(session->intake.reorder);
    last_words_free(session);
    servers_close(session);
    text_free(&session->intake.later);
    mem_free(&session->mem);
    free(session);
}

struct session *
session_open(const struct session_config *config, const struct session_start *start, struct diag *diag)
{
    struct session *session = calloc(1, sizeof(*session));
    if (session == NULL)
        no_memory();
    session->run = config->run;
    session->server = start->server;
    session->tracer = start->tracer;
    session->files = start->files;
    session->servers.ends = -1;
    lifecycle_begin(session);
    if (prepare(session, config, start->note, diag) != 0) {
        free_session(session);
        return NULL;
    }
    session->id = session->run->nsessions++;
    return session;
}

void
session_close(struct session *session)
{
    keeper_close_files(&session->files);
    free_session(session);
}

bool
session_is_of(const struct session *session, pid_t server, pid_t tracer)
{
    return tracer != 0 ? session->tracer == tracer : servers_has(session, server);
}

bool
session_is_idle(const struct session *session)
{
    return session->servers.are_by_file && session->life.is_ready && !servers_are_alive(session);
}

bool
session_has_successor(const struct session *session)
{
    return session->life.is_ready && session->is_later && servers_are_alive(session);
}

bool
session_is_ready(const struct session *session)
{
    return session->life.is_ready;
}

bool
session_is_done(const struct session *session)
{
    return session->life.state == SESSION_DONE;
}

/* ---- Reading. */

enum { ON_SERVER, ON_TRACER, ON_OUT, ON_ERR };

void
session_poll(const struct session *session, struct pollfd fds[SESSION_FILES], bool may_read)
{
    enum session_state state = session->life.state;
    bool is_tracing = state == SESSION_STARTING || state == SESSION_RUNNING;
    bool is_server_wanted = is_tracing || (state == SESSION_STOPPING && !session->life.is_end_expected);
    bool has_tracer = session->life.untold_since == 0 && !session->life.is_told;
    fds[ON_SERVER] = (struct pollfd){is_server_wanted ? session->servers.ends : -1, POLLIN, 0};
    fds[ON_TRACER] = (struct pollfd){has_tracer ? session->files.tracer : -1, POLLIN, 0};
    fds[ON_OUT] = (struct pollfd){may_read && session->intake.asked == 0 ? session->files.out : -1, POLLIN, 0};
    fds[ON_ERR] = (struct pollfd){session->files.err, POLLIN, 0};
}

static void
tell_lifecycle(struct session *session, unsigned news)
{
    if (news & INTAKE_READY)
        lifecycle_happen(session, LIFECYCLE_READY);
    if (news & INTAKE_DOUBTFUL) {
        last_words_doubt(session);
        session->run->counts.servers--;
        lifecycle_happen(session, LIFECYCLE_UNWANTED);
    }
    if (news & INTAKE_COMPLETE)
        lifecycle_happen(session, LIFECYCLE_COMPLETE);
}

static void
read_output(struct session *session)
{
    bool has_come;
    tell_lifecycle(session, intake_read(session, &has_come));
    if (has_come)
        lifecycle_put_off(session);
}

/* With a program by file others may come; what has not begun yet may need the server that it was made for. */
static void
read_ends(struct session *session)
{
    bool may_go_on = session->servers.are_by_file && session->life.is_ready;
    if (!servers_read_ends(session) || may_go_on)
        return;
    if (!servers_are_alive(session))
        lifecycle_happen(session, LIFECYCLE_SERVER_ENDED);
    else if (session->life.state == SESSION_STARTING && session->servers.are_by_file)
        session->life.is_end_expected |= !servers_is_alive(session, session->server);
}

void
session_read(struct session *session, const struct pollfd fds[SESSION_FILES])
{
    if (fds[ON_OUT].revents != 0)
        read_output(session);
    if (fds[ON_ERR].revents != 0)
        last_words_read(session);
    if (fds[ON_SERVER].revents != 0)
        read_ends(session);
    if (fds[ON_TRACER].revents != 0)
        session->life.untold_since = clock_ms();
}

void
session_take_output(struct session *session, struct slice bytes, uint64_t nsecs)
{
    tell_lifecycle(session, intake_take(session, bytes, nsecs));
}

void
session_take_errors(struct session *session, struct slice bytes, uint64_t nsecs)
{
    last_words_take(session, bytes, nsecs);
}

/* ---- Who is served. */

enum { ASK_AGAIN_MS = 1000 };

static void
add_server(struct session *session, pid_t pid, int pidfd, const struct note *note)
{
    bool is_new = !servers_has(session, pid);
    servers_add(session, pid, pidfd, note);
    if (!is_new)
        return;
    diag_note(session->run->log, "following pid %d (%s)", pid, note->command);
    if (session->life.is_ready)
        lifecycle_begin_server(session, pid);
}

int
session_join(struct session *session, pid_t pid, int pidfd, struct slice text, struct diag *diag)
{
    struct note note;
    struct mem mem = {0};
    int status = note_read(&note, text, &mem, diag);
    if (status == 0) {
        servers_record(session, pid, "joined", text);
        add_server(session, pid, pidfd, &note);
        tell_lifecycle(session, intake_judge(session, pid));
    } else {
        child_close(&pidfd);
    }
    mem_free(&mem);
    return status;
}

void
session_refuse(struct session *session, pid_t pid, bool is_gone)
{
    if (session->intake.asked != pid)
        return;
    servers_record(session, pid, is_gone ? "gone" : "other", (struct slice){0});
    tell_lifecycle(session, intake_refuse(session, is_gone));
}

void
session_count(struct session *session, pid_t pid, struct slice counted, uint64_t nsecs)
{
    struct counters counters;
    if (session->run->is_reader_gone || !counters_read(&counters, counted))
        return;
    servers_record(session, pid, "counted", counted);
    output_count(session->run->output, pid, &counters, nsecs);
}

void
session_release(struct session *session)
{
    lifecycle_happen(session, LIFECYCLE_SERVER_ENDED);
}

/* ---- What happens to a session. */

/* How long the keeper may take to tell how bpftrace has ended, where that matters. */
enum { TELL_MS = 1000 };

static bool
is_untold(const struct session *session)
{
    const struct session_life *life = &session->life;
    return life->untold_since != 0 && (life->is_end_expected || clock_ms() >= life->untold_since + TELL_MS);
}

void
session_stop(struct session *session)
{
    lifecycle_happen(session, LIFECYCLE_STOPPED);
}

void
session_abandon(struct session *session)
{
    lifecycle_happen(session, LIFECYCLE_UNWANTED);
}

void
session_tracer_ended(struct session *session, int wait_status)
{
    session->wait_status = wait_status;
    session->life.is_told = true;
    session->life.untold_since = 0;
    lifecycle_happen(session, LIFECYCLE_TRACER_ENDED);
}

void
session_finish(struct session *session, bool is_complete)
{
    session->life.is_complete = is_complete;
    intake_finish(session);
}

/* The earlier one; -1 is never. */
static int64_t
earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* A pause is over with the next heartbeat, long before. */
enum { OVERDUE_MS = 500 };

int64_t
session_deadline(const struct session *session)
{
    const struct session_life *life = &session->life;
    int64_t deadline = earlier(life->deadline, life->untold_since != 0 ? life->untold_since + TELL_MS : -1);
    deadline = earlier(deadline, session->intake.asked != 0 ? session->intake.asked_ms + ASK_AGAIN_MS : -1);
    return earlier(deadline, session->intake.paused != 0 ? session->intake.paused + OVERDUE_MS : -1);
}

bool
session_is_overdue(const struct session *session)
{
    return session->intake.paused != 0 && clock_ms() >= session->intake.paused + OVERDUE_MS;
}

void
session_wait_for_pause(struct session *session, bool is_keeper_silent)
{
    session->intake.paused = clock_ms();
    if (is_keeper_silent)
        signal_pipe_send(session->files.resume);
}

void
session_put_off(struct session *session)
{
    lifecycle_put_off(session);
}

void
session_check(struct session *session, bool is_held_back)
{
    if (session->files.out < 0 && session->files.err < 0)
        lifecycle_happen(session, LIFECYCLE_OUTPUT_ENDED);
    if (is_untold(session))
        session_tracer_ended(session, -1);
    if (is_held_back)
        lifecycle_wait_longer(session);
    if (session->intake.asked != 0 && clock_ms() >= session->intake.asked_ms + ASK_AGAIN_MS)
        intake_ask(session);
    lifecycle_check_deadline(session);
}

int
session_take_server(struct session *session, struct slice bytes, uint64_t nsecs, struct diag *diag)
{
    struct slice line = {0}, pid, what = {0};
    uint64_t number = 0;
    text_line(&bytes, &line);
    bool is_whole = text_word(&line, &pid) && text_number(pid, INT32_MAX, &number) && number != 0 && text_word(&line, &what);
    session->intake.now = nsecs;
    if (is_whole && text_is(what, "joined"))
        return session_join(session, (pid_t)number, -1, bytes, diag);
    if (is_whole && (text_is(what, "other") || text_is(what, "gone")))
        session_refuse(session, (pid_t)number, text_is(what, "gone"));
    else if (is_whole && text_is(what, "counted"))
        session_count(session, (pid_t)number, bytes, nsecs);
    else if (is_whole && text_is(what, "ended"))
        servers_end(session, (pid_t)number);
    else if (!is_whole || !text_is(what, "unseen") || !servers_repeat_unseen(session, (pid_t)number, line))
        return diag_set(diag, DIAG_FAILED,
                        "expected what was said of a process: its pid, and joined, other, gone, ended, counted or unseen");
    return 0;
}

/* ---- What is told. */

/* Whole requests come from one place. */
static size_t
count_probes(const struct session *session)
{
    return session->plan.whole != NULL ? 1 : session->plan.nevents;
}

void
session_ask_counters(const struct session *session)
{
    const struct session_servers *servers = &session->servers;
    for (size_t i = 0; session->life.is_ready && i < servers->count; i++)
        if (servers->items[i].end_nsecs == UINT64_MAX)
            keeper_order(session->run->keeper, KEEPER_COUNT, servers->items[i].pid);
}

void
session_introduce(const struct session *session)
{
    size_t count = count_probes(session);
    diag_note(session->run->log, "attaching %zu probe%s to pid %d (%s)", count, count == 1 ? "" : "s", session->server,
              session->command);
}

void
session_announce(const struct session *session, pid_t server, uint64_t bytes)
{
    diag_debug(session->run->log, 1, "tracing pid %d (%s), probes attached: %zu, pages made readable: %lu KiB", server,
               servers_command(session, server), count_probes(session), bytes / 1024);
}

void
session_record_start(struct session *session, struct slice note)
{
    struct outbuf out = {0};
    text_printf(&out, "%d\n", session->server);
    text_put(&out, note);
    session->intake.now = clock_boot_nsecs();
    intake_record(session, RECORDING_START, (struct slice){out.ptr, out.len});
    text_free(&out);
}

#include "run/servers.h"

#include "base/clock.h"
#include "base/no_memory.h"
#include "run/note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct session_server *
find(const struct session *session, pid_t pid)
{
    const struct session_servers *servers = &session->servers;
    for (size_t i = 0; i < servers->count; i++)
        if (servers->items[i].pid == pid)
            return &servers->items[i];
    return NULL;
}

bool
servers_has(const struct session *session, pid_t pid)
{
    return find(session, pid) != NULL;
}

void
servers_refuse(struct session *session, pid_t pid, uint64_t nsecs, bool is_gone)
{
    struct session_servers *servers = &session->servers;
    servers->others[servers->nothers++ % SESSION_OTHERS] = (struct session_other){pid, nsecs, is_gone};
}

const struct session_other *
servers_refused(const struct session *session, pid_t pid, uint64_t nsecs)
{
    enum { HOLDS_NS = 1000 * 1000 * 1000 };
    const struct session_servers *servers = &session->servers;
    for (size_t i = 0; i < SESSION_OTHERS; i++)
        if (servers->others[i].pid == pid && nsecs < servers->others[i].nsecs + HOLDS_NS)
            return &servers->others[i];
    return NULL;
}

bool
servers_is_alive(const struct session *session, pid_t pid)
{
    const struct session_server *server = find(session, pid);
    return server != NULL && server->end_nsecs == UINT64_MAX;
}

bool
servers_are_alive(const struct session *session)
{
    const struct session_servers *servers = &session->servers;
    for (size_t i = 0; i < servers->count; i++)
        if (servers->items[i].end_nsecs == UINT64_MAX)
            return true;
    return false;
}

const char *
servers_command(const struct session *session, pid_t pid)
{
    const struct session_server *server = find(session, pid);
    return server != NULL ? server->command : session->command;
}

/* Where it cannot be watched its end is not seen; the run goes on. */
static void
watch(struct session_servers *servers, const struct session_server *server)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)server->pid};
    if (server->pidfd < 0)
        return;
    if (servers->ends < 0)
        servers->ends = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(servers->ends, EPOLL_CTL_ADD, server->pidfd, &event);
}

static struct session_server *
place_for_new(struct session_servers *servers)
{
    servers->items = realloc(servers->items, (servers->count + 1) * sizeof(*servers->items));
    if (servers->items == NULL)
        no_memory();
    return &servers->items[servers->count++];
}

static char *
keep_command(const char *command)
{
    char *copy = strdup(command);
    if (copy == NULL)
        no_memory();
    return copy;
}

void
servers_add(struct session *session, pid_t pid, int pidfd, const struct note *note)
{
    if (servers_has(session, pid)) {
        child_close(&pidfd);
        return;
    }
    struct session_server *server = place_for_new(&session->servers);
    *server = (struct session_server){
        .pid = pid, .pidfd = pidfd, .since = note->since, .end_nsecs = UINT64_MAX, .command = keep_command(note->command)};
    watch(&session->servers, server);
    if (session->life.begin_nsecs != 0)
        servers_tell_gaps(session);
}

void
servers_record(struct session *session, pid_t pid, const char *what, struct slice note)
{
    struct outbuf out = {0};
    if (session->run->recording == NULL)
        return;
    text_printf(&out, "%d %s\n", pid, what);
    text_put(&out, note);
    session_run_record(session->run, &(struct recording_block){.kind = RECORDING_SERVER,
                                                               .server = session->id,
                                                               .nsecs = clock_boot_nsecs(),
                                                               .bytes = {out.ptr, out.len}});
    text_free(&out);
}

/* ---- Ends. */

static void
end(struct session *session, struct session_server *server)
{
    diag_note(session->run->log, "process %d has ended", server->pid);
    child_close(&server->pidfd);
    server->end_nsecs = session->run->keeper != NULL ? clock_boot_nsecs() : session->intake.now;
    if (session->servers.are_by_file)
        servers_record(session, server->pid, "ended", (struct slice){0});
}

bool
servers_read_ends(struct session *session)
{
    enum { MOST = 16 };
    struct epoll_event events[MOST];
    int count = epoll_wait(session->servers.ends, events, MOST, 0);
    for (int i = 0; i < count; i++) {
        struct session_server *server = find(session, (pid_t)events[i].data.u64);
        if (server != NULL)
            end(session, server);
    }
    return count > 0;
}

void
servers_end(struct session *session, pid_t pid)
{
    struct session_server *server = find(session, pid);
    if (server != NULL && server->end_nsecs == UINT64_MAX)
        end(session, server);
}

static void
close_server(struct session_server *server)
{
    child_close(&server->pidfd);
    free(server->command);
}

/* Everything of it has come. */
static void
forget(struct session *session, struct session_server *server)
{
    if (!session->run->is_reader_gone)
        output_end(session->run->output, server->pid);
    close_server(server);
    *server = session->servers.items[--session->servers.count];
}

bool
servers_have_begun(const struct session *session, uint64_t nsecs)
{
    uint64_t begin = session->life.begin_nsecs;
    return begin != 0 && nsecs >= begin && nsecs >= session->run->begin_nsecs;
}

void
servers_tick(struct session *session, uint64_t complete)
{
    struct session_servers *servers = &session->servers;
    for (size_t i = servers->count; i-- > 0;) {
        if (!session->run->is_reader_gone && servers_have_begun(session, complete))
            output_tick(session->run->output, servers->items[i].pid, complete);
        if (servers->are_by_file && servers->items[i].end_nsecs <= complete)
            forget(session, &servers->items[i]);
    }
}

void
servers_finish(struct session *session)
{
    while (session->servers.count > 0)
        forget(session, &session->servers.items[0]);
}

void
servers_close(struct session *session)
{
    struct session_servers *servers = &session->servers;
    for (size_t i = 0; i < servers->count; i++)
        close_server(&servers->items[i]);
    free(servers->items);
    child_close(&servers->ends);
}

/* ---- Gaps. */

/* `until`: at the latest. */
static void
tell_gap(struct session *session, struct session_server *server, uint64_t until)
{
    if (!server->is_gap_told && server->since != 0 && server->since < until)
        session_run_tell_gap(session->run, &(struct gap){server->pid, server->since, until});
    server->is_gap_told = true;
}

void
servers_tell_gaps(struct session *session)
{
    for (size_t i = 0; i < session->servers.count; i++)
        tell_gap(session, &session->servers.items[i], session->life.begin_nsecs);
}

static uint64_t
smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void
servers_tell_unseen(struct session *session)
{
    const uint64_t now = smaller(clock_boot_nsecs(), session->run->stop_nsecs);
    for (size_t i = 0; i < session->servers.count; i++) {
        struct session_server *server = &session->servers.items[i];
        const uint64_t until = smaller(now, server->end_nsecs);
        char what[64];
        if (server->since == 0)
            continue;
        snprintf(what, sizeof(what), "unseen %lu %lu", server->since, until);
        servers_record(session, server->pid, what, (struct slice){0});
        tell_gap(session, server, until);
    }
}

bool
servers_repeat_unseen(struct session *session, pid_t pid, struct slice times)
{
    struct slice from, to;
    struct gap gap = {.pid = pid};
    if (!text_word(&times, &from) || !text_word(&times, &to) || !text_number(from, INT64_MAX, &gap.from) ||
        !text_number(to, INT64_MAX, &gap.to) || gap.from > gap.to)
        return false;
    session_run_tell_gap(session->run, &gap);
    return true;
}

void
servers_lose(struct session *session, struct record *loss)
{
    const struct session_servers *servers = &session->servers;
    loss->pid = session->server;
    output_record(session->run->output, loss);
    for (size_t i = 0; i < servers->count; i++) {
        loss->pid = servers->items[i].pid;
        if (loss->pid != session->server)
            output_mark_loss(session->run->output, loss);
    }
}

#include "run/server.h"

#include <stdlib.h>

/* NULL: all are. A program prints what it prints, so a pattern that fits nothing of it is known at once. */
static int
choose_events(struct server *server, const struct server_request *request, struct diag *diag)
{
    if (request->select == NULL)
        return 0;
    server->session.filter = request->select->filter;
    server->session.is_wanted = select_events(request->select, &server->plan, &server->mem);
    bool is_any = false;
    for (size_t i = 0; i < server->plan.nevents; i++)
        is_any |= server->session.is_wanted[i];
    if (!is_any && request->run->output->view->is_grouped)
        return diag_set(diag, DIAG_NOTHING,
                        "there are no records of requests; the catalogue that was used names no roles, or others");
    const char *unused = request->run->is_program_foreign ? select_unused(request->select) : NULL;
    return unused == NULL ? 0 : diag_set(diag, DIAG_NOTHING, "%s: the program prints nothing like that", unused);
}

static int
prepare(struct server *server, const struct server_request *request, const struct server_files *files, struct diag *diag)
{
    struct launch_note note;
    if (launch_read_note(&note, files->note, &server->mem, diag) != 0)
        return -1;
    const struct bpftrace *tracer = request->tracer;
    if (note.is_lesser) {
        bpftrace_lessen(&server->lesser, &server->lesser_row, tracer);
        tracer = &server->lesser;
    }
    server->target = (struct target){.pid = files->pid, .pidfd = -1, .command = note.command, .probes = note.probes};
    if (plan_make(&server->plan, request->catalog, &server->target, tracer, request->plan, &server->mem, diag) != 0)
        return -1;
    bool is_batched = plan_has_batches(&server->plan), has_buffers = tracer->row->per_cpu_buffers;
    server->reorder = reorder_new(has_buffers ? request->cpus : 1, is_batched, &server->mem);
    server->session = (struct session){.run = request->run,
                                       .server = files->pid,
                                       .tracer = files->tracer,
                                       .server_fd = files->server_fd,
                                       .out = files->out,
                                       .err = files->err,
                                       .command = note.command,
                                       .plan = &server->plan,
                                       .is_lesser = note.is_lesser,
                                       .decode = decode_new(&server->plan, note.nonce, &server->mem),
                                       .reorder = has_buffers || is_batched ? server->reorder : NULL};
    return choose_events(server, request, diag);
}

struct server *
server_open(const struct server_request *request, const struct server_files *files, struct diag *diag)
{
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        abort();
    if (prepare(server, request, files, diag) != 0) {
        mem_free(&server->mem);
        free(server);
        return NULL;
    }
    session_begin(&server->session);
    return server;
}

void
server_close(struct server *server)
{
    session_end(&server->session);
    reorder_free(server->reorder);
    mem_free(&server->mem);
    free(server);
}

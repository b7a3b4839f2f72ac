#include "run/replay.h"

#include "catalog/dtrace.h"

#include <poll.h>
#include <string.h>

enum { MAX_SERVERS = 4096 };

struct player {
    const struct replay *part;
    struct mem mem;
    struct diag *diag;
    struct recording_header header;
    struct catalog catalog;
    struct format format;
    struct filter filter;
    struct view view;
    struct output output;
    struct session_run run;
    struct server_request request;
    struct server *servers[MAX_SERVERS]; /* by their number in the recording */
    struct select select;
};

/* The recorded catalogue: its files, and provider files that were added to it. */
static int
load_catalog(struct player *player)
{
    struct files *files = &player->header.files, catalogues = {files->items, 0};
    while (catalogues.count < files->count && !dtrace_is_file(files->items[catalogues.count].name))
        catalogues.count++;
    int status = catalog_parse(&player->catalog, &catalogues, &player->mem, player->diag);
    for (size_t i = catalogues.count; status == 0 && i < files->count; i++)
        status = dtrace_parse(&player->catalog, &files->items[i], &player->mem, player->diag);
    return status;
}

/* 0 is none. */
static uint64_t
smaller_limit(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The view that was recorded holds unless another one is asked for. */
static int
choose_view(struct player *player, bool is_json)
{
    const struct recording_header *header = &player->header;
    bool is_given = player->part->nwords > 0;
    return view_make(&player->view, is_given ? player->part->words : header->words,
                     is_given ? player->part->nwords : header->nwords, is_json, &player->filter, &player->mem, player->diag);
}

static int
choose_format(struct player *player)
{
    const struct recording_header *header = &player->header;
    const struct replay *part = player->part;
    const struct format_options options = {part->format_options.extra || header->extra,
                                           part->format_options.names || header->names};
    if (!format_init(&player->format, part->format != NULL ? part->format : header->format, options))
        return diag_set(player->diag, DIAG_FAILED, "%s: its format is none of this h2olog's", part->path);
    player->format.paint = part->paint;
    player->format.realtime_offset = header->offset;
    return 0;
}

/* A recorded number counts what the recorded view showed. */
static void
open_run(struct player *player)
{
    const struct recording_header *header = &player->header;
    const struct replay *part = player->part;
    bool is_other_view = part->nwords > 0 && (player->view.is_grouped || header->nwords > 0);
    player->output = (struct output){.view = &player->view,
                                     .format = &player->format,
                                     .sink = part->sink,
                                     .most = smaller_limit(part->most, is_other_view ? 0 : header->most)};
    output_open(&player->output);
    player->run =
        (struct session_run){.log = part->log, .output = &player->output, .diag = player->diag, .stop_nsecs = UINT64_MAX};
}

static int
prepare(struct player *player)
{
    const struct recording_header *header = &player->header;
    const struct replay *part = player->part;
    if (load_catalog(player) != 0 || choose_format(player) != 0 || choose_view(player, format_is_json(&player->format)) != 0)
        return -1;
    open_run(player);
    const char *mode = player->view.is_grouped ? REQUEST_EXCHANGES : part->mode;
    player->select =
        (struct select){mode, part->patterns, part->npatterns, &player->filter, mem_alloc(&player->mem, part->npatterns + 1)};
    player->request = (struct server_request){&header->request, &player->catalog, &header->tracer,
                                              &player->select,  header->cpus,     &player->run};
    return 0;
}

/* "PID", LF, and the note. */
static int
start(struct player *player, const struct recording_block *block)
{
    struct slice note = block->bytes, line;
    uint64_t pid;
    if (block->server >= MAX_SERVERS || player->servers[block->server] != NULL || !text_line(&note, &line) ||
        !text_number(line, INT32_MAX, &pid))
        return diag_set(player->diag, DIAG_FAILED, "%s is damaged where server %lu begins", player->part->path, block->server);
    const struct server_files files = {(pid_t)pid, 0, -1, -1, -1, note};
    struct server *server = server_open(&player->request, &files, player->diag);
    if (server == NULL)
        return -1;
    player->servers[block->server] = server;
    return 0;
}

static int
take_block(struct player *player, const struct recording_block *block)
{
    if (block->kind == RECORDING_STOP) {
        player->run.stop_nsecs = block->nsecs;
        return 0;
    }
    if (block->kind == RECORDING_START)
        return start(player, block);
    struct server *server = block->server < MAX_SERVERS ? player->servers[block->server] : NULL;
    if (server == NULL)
        return diag_set(player->diag, DIAG_FAILED, "%s is damaged: there is no server %lu", player->part->path, block->server);
    if (block->kind == RECORDING_OUT)
        session_take_output(&server->session, block->bytes, block->nsecs);
    else if (block->kind == RECORDING_ERR)
        session_take_errors(&server->session, block->bytes, block->nsecs);
    else {
        server->session.is_complete = text_is(block->bytes, "complete");
        session_finish(&server->session);
        player->servers[block->server] = NULL;
        server_close(server);
    }
    return 0;
}

/* Waits as long as the reader takes. `is_last`: everything is to be written. 0: go on; 1: there is no reader any more; -1 with
 * `diag` set. */
static int
flush(struct player *player, bool is_last)
{
    struct sink *sink = player->part->sink;
    enum sink_state state;
    while ((state = (is_last ? sink_flush : sink_pass)(sink, player->diag)) == SINK_FULL)
        poll(&(struct pollfd){sink->fd, POLLOUT, 0}, 1, -1);
    return state == SINK_EMPTY || state == SINK_WAITING ? 0 : state == SINK_GONE ? 1 : -1;
}

/* Servers whose end is not in the recording are at their end here. */
static int
finish(struct player *player)
{
    for (size_t i = 0; i < MAX_SERVERS; i++) {
        if (player->servers[i] == NULL)
            continue;
        session_finish(&player->servers[i]->session);
        server_close(player->servers[i]);
    }
    return flush(player, true);
}

static int
check_patterns(const struct player *player)
{
    const char *unused = select_unused(&player->select);
    return unused == NULL ? 0 : diag_set(player->diag, DIAG_NOTHING, "%s: nothing like that was recorded", unused);
}

static int
play(struct player *player, struct files_stream *stream)
{
    struct recording_block block = {0};
    int more, gone = 0, status = 0;
    while (status == 0 && gone == 0 && !output_is_full(&player->output) &&
           (more = recording_read_block(&block, stream, player->diag)) != 0) {
        status = more < 0 ? -1 : take_block(player, &block);
        if (status == 0)
            gone = flush(player, false);
    }
    if (gone == 0)
        gone = finish(player);
    if (status == 0 && gone == 0 && !output_is_full(&player->output))
        status = check_patterns(player);
    return gone < 0 ? -1 : status;
}

int
replay_run(const struct replay *part, struct diag *diag)
{
    static struct player player;
    player = (struct player){.part = part, .diag = diag};
    struct files_stream stream;
    int status = files_open(&stream, part->path, diag);
    if (status == 0)
        status = recording_read_header(&player.header, &stream, &player.mem, diag);
    if (status == 0)
        status = prepare(&player);
    if (status == 0) {
        status = play(&player, &stream);
        session_summarize(&player.run);
    }
    output_close(&player.output);
    view_free(&player.view);
    mem_free(&player.mem);
    files_close(&stream);
    return status;
}

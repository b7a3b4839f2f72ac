#include "run/replay.h"

#include "catalog/dtrace.h"
#include "host/open.h"

#include <poll.h>
#include <string.h>

/* Servers that are traced at the same time, of which each has a bpftrace of its own. A run may have any number, one after the
 * other. */
enum { MAX_SESSIONS = 256 };

/* The blocks of a recording on their way into the output. */
struct player {
    const char *path;
    struct session_config config;
    struct {
        uint64_t number; /* of the server in the recording */
        struct session *session;
    } sessions[MAX_SESSIONS]; /* those that have begun and not ended */
    size_t nsessions;
    bool breaks_off; /* without the end of the run */
    struct diag *diag;
};

/* ---- The blocks. */

/* `nsessions`: there is no such server. */
static size_t
player_find(const struct player *player, uint64_t number)
{
    size_t i = 0;
    while (i < player->nsessions && player->sessions[i].number != number)
        i++;
    return i;
}

/* What is wrong with the block of a start; NULL: nothing. */
static const char *
bad_start(const struct player *player, uint64_t number, uint64_t pid)
{
    if (player_find(player, number) < player->nsessions)
        return "it has begun already";
    if (pid == 0)
        return "expected its pid";
    return player->nsessions == MAX_SESSIONS ? "256 others are traced at the same time; expected that some have ended" : NULL;
}

/* The block's bytes are "PID", LF, and the note of launch.h. */
static int
player_start(struct player *player, const struct recording_block *block)
{
    struct slice note = block->bytes, line;
    uint64_t pid = 0;
    if (text_line(&note, &line) && !text_number(line, INT32_MAX, &pid))
        pid = 0;
    const char *why = bad_start(player, block->server, pid);
    if (why != NULL)
        return diag_set(player->diag, DIAG_FAILED, "%s is damaged where server %lu begins: %s", player->path, block->server,
                        why);
    const struct session_start start = {(pid_t)pid, 0, KEEPER_NO_FILES, note};
    struct session *session = session_open(&player->config, &start, player->diag);
    if (session == NULL)
        return diag_name(player->diag, player->path);
    player->sessions[player->nsessions].number = block->server;
    player->sessions[player->nsessions++].session = session;
    return 0;
}

static void
player_end(struct player *player, size_t index, bool is_complete)
{
    struct session *session = player->sessions[index].session;
    session_finish(session, is_complete);
    player->nsessions--;
    memmove(&player->sessions[index], &player->sessions[index + 1],
            (player->nsessions - index) * sizeof(player->sessions[0])); /* the others end in the order in which they began */
    session_close(session);
}

static int
player_set_clock(struct player *player, const struct recording_block *block)
{
    int64_t offset;
    if (!recording_read_offset(block->bytes, &offset))
        return diag_set(player->diag, DIAG_FAILED, "%s is damaged: the clock was set to nothing", player->path);
    wall_step(&player->config.run->output->format->wall, block->nsecs, offset);
    return 0;
}

static int
player_take(struct player *player, const struct recording_block *block)
{
    if (block->kind == RECORDING_STOP) {
        player->config.run->stop_nsecs = block->nsecs;
        return 0;
    }
    if (block->kind == RECORDING_BEGIN) {
        player->config.run->begin_nsecs = block->nsecs;
        return 0;
    }
    if (block->kind == RECORDING_CLOCK)
        return player_set_clock(player, block);
    if (block->kind == RECORDING_START)
        return player_start(player, block);
    size_t index = player_find(player, block->server);
    if (index == player->nsessions)
        return diag_set(player->diag, DIAG_FAILED, "%s is damaged: there is no server %lu", player->path, block->server);
    if (block->kind == RECORDING_SERVER)
        return session_take_server(player->sessions[index].session, block->bytes, block->nsecs, player->diag) == 0
                   ? 0
                   : diag_name(player->diag, player->path);
    if (block->kind == RECORDING_OUT)
        session_take_output(player->sessions[index].session, block->bytes, block->nsecs);
    else if (block->kind == RECORDING_ERR)
        session_take_errors(player->sessions[index].session, block->bytes, block->nsecs);
    else
        player_end(player, index, text_is(block->bytes, "complete"));
    return 0;
}

/* Servers whose end is not in the recording end here. `is_wanted`: what they held back is shown. */
static void
player_end_all(struct player *player, bool is_wanted)
{
    for (size_t i = 0; i < player->nsessions; i++) {
        if (is_wanted)
            session_finish(player->sessions[i].session, false);
        session_close(player->sessions[i].session);
    }
    player->nsessions = 0;
}

/* ---- Their output. */

/* Waits as long as the reader takes. `is_last`: everything is to be written. 0: go on; 1: nobody reads any more; -1 with `diag`
 * set. */
static int
flush(struct sink *sink, bool is_last, struct diag *diag)
{
    enum sink_state state;
    while ((state = (is_last ? sink_flush : sink_pass)(sink, diag)) == SINK_FULL)
        poll(&(struct pollfd){sink->fd, POLLOUT, 0}, 1, -1);
    return state == SINK_EMPTY || state == SINK_WAITING ? 0 : state == SINK_GONE ? 1 : -1;
}

static int
check_patterns(const struct player *player)
{
    const struct select *select = player->config.select;
    const char *unused = select_unused(select);
    if (unused != NULL)
        return diag_set(player->diag, DIAG_NOTHING, "%s: nothing like that was recorded", unused);
    if (select->npatterns > 0 || select->mode == NULL || select->nplans == 0 || select->nfound > 0)
        return 0;
    return diag_set(player->diag, DIAG_NOTHING, "no event of \"%s\" was recorded; leave the command out, or give another one",
                    select->mode);
}

static int
play(struct player *player, struct files_stream *stream)
{
    const struct output *output = player->config.run->output;
    struct recording_block block = {0};
    int more = 1, gone = 0, status = 0;
    while (status == 0 && gone == 0 && !output_is_full(output) &&
           (more = recording_read_block(&block, stream, player->diag)) != 0) {
        status = more < 0 ? -1 : player_take(player, &block);
        if (status == 0)
            gone = flush(output->sink, false, player->diag);
    }
    player->breaks_off = more == 0 && player->nsessions > 0 && player->config.run->stop_nsecs == UINT64_MAX;
    player_end_all(player, gone == 0);
    if (gone == 0)
        gone = flush(output->sink, true, player->diag);
    if (status == 0 && gone == 0 && !output_is_full(output))
        status = check_patterns(player);
    return gone < 0 ? -1 : status;
}

/* ---- What is shown, and how. */

/* The recorded catalogue: its files, and behind them the provider files that were added to it. */
static int
load_catalog(struct catalog *catalog, const struct files *files, struct mem *mem, struct diag *diag)
{
    struct files catalogues = {files->items, 0};
    while (catalogues.count < files->count && !dtrace_is_file(files->items[catalogues.count].name))
        catalogues.count++;
    int status = catalog_parse(catalog, &catalogues, mem, diag);
    for (size_t i = catalogues.count; status == 0 && i < files->count; i++)
        status = dtrace_parse(catalog, &files->items[i], mem, diag);
    return status;
}

static bool
has_word(const struct filter_word *words, size_t nwords, const char *option)
{
    for (size_t i = 0; i < nwords; i++)
        if (strcmp(words[i].option, option) == 0)
            return true;
    return false;
}

/* A log that the recorded run did not show has lines, as in a live run, unless JSON is asked for. */
static const char *
format_name(const struct replay *replay, const struct recording_header *header)
{
    const char option[] = "log-format";
    if (replay->format != NULL)
        return replay->format;
    bool is_log_new = has_word(replay->words, replay->nwords, option) && !has_word(header->words, header->nwords, option);
    return is_log_new ? "line" : header->format;
}

static int
choose_format(struct format *format, const struct replay *replay, const struct recording_header *header, struct diag *diag)
{
    struct format_options options = {.extra = replay->format_options.extra || header->extra,
                                     .names = replay->format_options.names || header->names,
                                     .has_servers = header->has_servers,
                                     .time = replay->format_options.time};
    if (!replay->has_time && header->time != NULL && !format_find_time(&options.time, header->time))
        return diag_set(diag, DIAG_FAILED, "%s: its time is none of this h2olog's", replay->path);
    if (!format_init(format, format_name(replay, header), options))
        return diag_set(diag, DIAG_FAILED, "%s: its format is none of this h2olog's", replay->path);
    format->paint = replay->paint;
    wall_begin(&format->wall, header->offset);
    return 0;
}

/* 0: there is no limit. */
static uint64_t
smaller_limit(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* A limit that was recorded counts what the recorded view showed: it says nothing about another view. */
static uint64_t
choose_limit(const struct replay *replay, const struct recording_header *header, const struct view *view)
{
    bool is_other_view = replay->nwords > 0 && (view->is_grouped || header->nwords > 0);
    return smaller_limit(replay->most, is_other_view ? 0 : header->most);
}

/* Plays the blocks into the output, and says what they came to. `config`: without its run. */
static int
play_into(struct output *output, const struct session_config *config, const struct replay *replay,
          const struct recording_header *header, struct files_stream *stream, struct diag *diag)
{
    struct session_run run = {.log = replay->log,
                              .output = output,
                              .diag = diag,
                              .begin_nsecs = header->begins_together ? UINT64_MAX : 0,
                              .stop_nsecs = UINT64_MAX};
    struct player player = {.path = replay->path, .config = *config, .diag = diag};
    player.config.run = &run;
    output_open(output);
    int status = output_begin_prom(output, diag);
    if (status == 0)
        status = play(&player, stream);
    if (status == 0)
        session_run_summarize(&run);
    if (status == 0 && player.breaks_off)
        status = diag_set(diag, DIAG_FAILED, "%s breaks off at its end: the run was not ended", player.path);
    output_close(output);
    return status;
}

/* The options of a view. */
struct view_words {
    const struct filter_word *items;
    size_t count;
};

/* A line of a log has none of what these choose. */
static bool
is_for_lines(const char *option)
{
    static const char *const options[] = {"include",       "exclude",        "include-regex",
                                          "exclude-regex", "request-header", "response-header"};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (strcmp(options[i], option) == 0)
            return true;
    return false;
}

static bool
has_any(const struct filter_word *words, size_t nwords, bool (*is_one)(const char *option))
{
    for (size_t i = 0; i < nwords; i++)
        if (is_one(words[i].option))
            return true;
    return false;
}

/* Filters that are given come to those that were recorded of whole requests or of numbers. Those of lines make lines of a log.
 */
static struct view_words
join_words(const struct replay *replay, const struct recording_header *header, struct mem *mem)
{
    static const struct filter_word group = {"group", "request"};
    bool has_lines = has_any(replay->words, replay->nwords, is_for_lines);
    struct filter_word *words = mem_alloc(mem, (header->nwords + replay->nwords + 1) * sizeof(*words));
    size_t count = 0;
    if (has_any(header->words, header->nwords, view_groups))
        words[count++] = group;
    for (size_t i = 0; i < header->nwords; i++)
        if (!has_lines || strcmp(header->words[i].option, "log-format") != 0)
            words[count++] = header->words[i];
    for (size_t i = 0; i < replay->nwords; i++)
        words[count++] = replay->words[i];
    return (struct view_words){words, count};
}

/* The view that was recorded holds unless another one is asked for. */
static struct view_words
choose_words(const struct replay *replay, const struct recording_header *header, struct mem *mem)
{
    bool is_of_events = (replay->mode != NULL && strcmp(replay->mode, "http") != 0) || replay->npatterns > 0;
    bool showed_records = !has_any(header->words, header->nwords, view_is_of_many);
    if (is_of_events && !showed_records)
        return (struct view_words){replay->words, replay->nwords};
    if (replay->nwords == 0)
        return (struct view_words){header->words, header->nwords};
    if (showed_records || has_any(replay->words, replay->nwords, view_is_of_many))
        return (struct view_words){replay->words, replay->nwords};
    return join_words(replay, header, mem);
}

static int
show(const struct replay *replay, const struct recording_header *header, struct files_stream *stream, struct mem *mem,
     struct diag *diag)
{
    struct catalog catalog = {0};
    struct format format;
    struct filter filter = {0};
    struct view view = {0};
    bool is_view_given = replay->nwords > 0;
    int status = load_catalog(&catalog, &header->files, mem, diag);
    if (status == 0)
        status = view_check(replay->words, replay->nwords, &catalog, mem, diag);
    if (status == 0)
        status = choose_format(&format, replay, header, diag);
    const struct view_words words = choose_words(replay, header, mem);
    if (status == 0)
        status = view_make(&view, words.items, words.count, format_is_json(&format), &filter, mem, diag);
    if (status == 0 && is_view_given && !view.is_grouped && view_needs_whole(&view) != NULL)
        status =
            diag_set(diag, DIAG_USAGE,
                     "%s: a recording of single events does not say whose client they are of; give it to the run that records",
                     view_needs_whole(&view));
    if (status == 0 && replay->has_time)
        status = view_check_time(view_is_json(&view, format_is_json(&format)), format.options.time, diag);
    if (status == 0) {
        view.summary.prom = replay->prom;
        struct output output = {.view = &view,
                                .format = &format,
                                .sink = replay->sink,
                                .log = replay->log,
                                .most = choose_limit(replay, header, &view)};
        format_set_share(&format, filter_share(&header->request.filter, &filter));
        const char *mode = view.is_grouped ? REQUEST_EXCHANGES : replay->mode;
        struct select select = {.mode = mode, .patterns = replay->patterns, .npatterns = replay->npatterns, .filter = &filter};
        select.was_used = mem_alloc(mem, replay->npatterns + 1);
        const struct session_config config = {&header->request, &catalog, &header->bpftrace, &select, header->cpus, NULL};
        status = play_into(&output, &config, replay, header, stream, diag);
    }
    view_free(&view);
    return status;
}

/* What a live run would not have read is removed from what was recorded, before anything looks at it. */
static void
hold_back(struct recording_header *header, const struct replay *replay, struct mem *mem)
{
    header->request.redact = redact_join(&header->request.redact, &replay->redact, mem);
    if (replay->redact.count > 0 && header->request.app_data)
        diag_note(replay->log, "warning: there is application data in the recording, in which the values of redacted headers "
                               "may stand");
}

int
replay_run(const struct replay *replay, struct diag *diag)
{
    struct mem mem = {0};
    struct recording_header header = {0};
    struct files_stream stream;
    const struct open_input input = {
        .option = "--replay", .expected = "a recording", .kind = OPEN_STREAM, .is_forced = replay->is_forced};
    struct replay quoted = *replay;
    char path[1024];
    quoted.path = diag_quote(path, sizeof(path), text_of(replay->path));
    files_begin(&stream, replay->path, open_input(&input, replay->path, diag));
    int status = stream.fd >= 0 ? 0 : -1;
    if (status == 0)
        status = recording_read_header(&header, &stream, &mem, diag);
    if (status == 0)
        hold_back(&header, replay, &mem);
    if (status == 0)
        status = show(&quoted, &header, &stream, &mem, diag);
    mem_free(&mem);
    files_close(&stream);
    return status;
}

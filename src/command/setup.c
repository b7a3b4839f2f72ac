#include "command/setup.h"

#include "catalog/dtrace.h"
#include "host/input.h"
#include "request/header.h"

#include <string.h>

/* ---- The request and the view. */

static enum request_source
source_of(const struct options *options)
{
    if (options->source == NULL || strcmp(options->source, "auto") == 0)
        return REQUEST_EITHER;
    return strcmp(options->source, "server") == 0 ? REQUEST_SERVER : REQUEST_PROBES;
}

enum request_transport
setup_transport(const struct options *options)
{
    if (options->transport == NULL)
        return REQUEST_AUTO;
    return strcmp(options->transport, "batch") == 0 ? REQUEST_BATCH : REQUEST_STREAM;
}

/* Only whole requests have two sources, and those that wait only one. */
static int
check_source(const struct setup *setup, struct diag *diag)
{
    if (setup->options->source == NULL)
        return 0;
    if (!setup->view.is_grouped)
        return diag_set(diag, DIAG_USAGE, "--source is for --group, --query, --log-format, stat, top and hist");
    return setup->view.pending_ns != 0 && source_of(setup->options) == REQUEST_SERVER
               ? diag_set(diag, DIAG_USAGE, "both --source=server and --pending; only the probes tell of requests that wait")
               : 0;
}

/* Whole requests are made of what the mode http shows, and of nothing else. */
static int
check_grouped(const struct options *options, struct diag *diag)
{
    bool is_other = strcmp(options->mode, "http") != 0 || options->types.count > 0;
    if (options->is_of_events)
        return diag_set(
            diag, DIAG_USAGE,
            "hist rtt, hist cwnd and keylog are made of events of QUIC and TLS, and --group, --query and --log-format "
            "are about HTTP requests; choose one");
    return is_other
               ? diag_set(diag, DIAG_USAGE,
                          "--group, --query, --log-format, stat, top and hist show HTTP requests; leave out quic, all and -t")
               : 0;
}

/* The probes of HTTP do not tell whose client it is, and those of QUIC the program only. */
static int
check_clients(const struct setup *setup, struct diag *diag)
{
    const struct options *options = setup->options;
    const char *option = view_needs_whole(&setup->view);
    bool is_of_http = options->replay == NULL && strcmp(options->mode, "http") == 0 && options->types.count == 0;
    if (setup->view.is_grouped || option == NULL)
        return 0;
    if (options->script != NULL)
        return diag_set(diag, DIAG_USAGE, "both --script and %s; that is in the program already; give it to --emit-script=wire",
                        option);
    return is_of_http ? diag_set(diag, DIAG_USAGE,
                                 "%s is for whole requests and for QUIC: give --group, --query, --log-format, stat, top or "
                                 "hist, too, or quic",
                                 option)
                      : 0;
}

/* Keys go into one file of their own, and nowhere else. */
static int
check_keylog(const struct options *options, struct diag *diag)
{
    if (!options->is_keylog)
        return 0;
    if (options->output == NULL)
        return diag_set(diag, DIAG_USAGE, "keylog writes keys into a file of their own; say which with -w FILE");
    if (options->record != NULL || options->emit_script != NULL)
        return diag_set(diag, DIAG_USAGE, "both keylog and --%s; keys go into the file of -w only",
                        options->record != NULL ? "record" : "emit-script");
    bool has_form = options->has_format || options->extra || options->names || options->time != NULL;
    return has_form ? diag_set(diag, DIAG_USAGE, "a key log has a form of its own; leave out -f, -E, --names and --time") : 0;
}

/* Of a recording it is not known yet what is shown. */
static int
check_prom(const struct setup *setup, struct diag *diag)
{
    const struct summary_request *summary = &setup->view.summary;
    bool is_open = setup->options->replay != NULL && summary->kind == SUMMARY_NONE;
    if (setup->options->prom == NULL || is_open || (summary->kind != SUMMARY_NONE && !summary->is_of_acks))
        return 0;
    return diag_set(diag, DIAG_USAGE, "--prom is for stat, top and hist of requests");
}

static int
make_view(struct setup *setup, struct mem *mem, struct diag *diag)
{
    const struct options_filters *given = &setup->options->filters;
    setup->nwords = given->count;
    setup->words = mem_alloc(mem, (given->count + 1) * sizeof(*setup->words));
    for (size_t i = 0; i < given->count; i++)
        setup->words[i] = (struct filter_word){given->items[i].option, given->items[i].value};
    if (view_make(&setup->view, setup->words, setup->nwords, strcmp(setup->format, "json") == 0, &setup->filter, mem, diag) !=
        0)
        return -1;
    setup->view.summary.prom = setup->options->prom;
    if (check_prom(setup, diag) != 0 || check_source(setup, diag) != 0 || check_clients(setup, diag) != 0 ||
        check_keylog(setup->options, diag) != 0)
        return -1;
    return setup->view.is_grouped ? check_grouped(setup->options, diag) : 0;
}

enum format_time
setup_time(const struct options *options)
{
    enum format_time time = FORMAT_NO_TIME;
    if (options->time != NULL)
        format_find_time(&time, options->time);
    return time;
}

const char *
setup_replay_format(const struct options *options)
{
    return options->has_format || options->has_mode ? options->format : NULL;
}

/* The format of a recording is not known yet. */
static int
check_time(const struct setup *setup, struct diag *diag)
{
    bool is_open = setup->options->replay != NULL && setup_replay_format(setup->options) == NULL;
    bool is_json = view_is_json(&setup->view, !is_open && strcmp(setup->format, "json") == 0);
    return view_check_time(is_json, setup_time(setup->options), diag);
}

/* Names as h2o tells them, of requests and responses alike. */
static struct redact
given_names(const struct options_list *list, struct mem *mem)
{
    const char **names = mem_alloc(mem, (list->count + 1) * sizeof(*names));
    for (size_t i = 0; i < list->count; i++)
        names[i] = header_in_request(list->items[i]);
    return (struct redact){names, list->count};
}

/* --redact, and behind it what --redact-default stands for. */
static struct redact
redacted_names(const struct options *options, struct mem *mem)
{
    const struct redact given = given_names(&options->redact, mem);
    const struct redact defaults = {redact_defaults, options->redact_default ? REDACT_DEFAULTS : 0};
    return redact_join(&given, &defaults, mem);
}

static size_t
text_limit(const struct options *options)
{
    return options->text_limit != 0 ? options->text_limit : REQUEST_TEXT_LIMIT;
}

/* The part of the view that a program decides. A recording has all whole requests. */
static const char *
where_of(const struct setup *setup, const struct redact *redact, struct mem *mem)
{
    bool is_recorded = setup->view.is_grouped && setup->options->record != NULL;
    return is_recorded ? NULL : view_where(&setup->view, redact, text_limit(setup->options), mem);
}

/* Numbers that are not looked at. A recording may be asked for all of them later. */
static uint32_t
left_out(const struct setup *setup)
{
    return setup->options->record != NULL ? 0 : view_left_out(&setup->view);
}

/* Objects have it, but lines do not. A recording may be asked for it later. */
static bool
has_sni(const struct setup *setup)
{
    const struct view *view = &setup->view;
    bool has_objects = strcmp(setup->format, "json") == 0 && view->log.npieces == 0 && view->summary.kind == SUMMARY_NONE;
    return has_objects || view_wants_sni(view) || setup->options->record != NULL;
}

/* Requests that wait are not in the structures of those that have ended. */
static void
make_request(struct setup *setup, struct mem *mem)
{
    const struct options *options = setup->options;
    const struct redact redact = redacted_names(options, mem);
    setup->request =
        (struct request){.group = setup->view.is_grouped ? REQUEST_EXCHANGES : options->mode,
                         .patterns = options->types.items,
                         .npatterns = options->types.count,
                         .redact = redact,
                         .filter = setup->filter,
                         .transport = setup_transport(options),
                         .source = setup->view.pending_ns != 0 ? REQUEST_PROBES : source_of(options),
                         .where = where_of(setup, &redact, mem),
                         .batch_ms = options->batch_interval_ms != 0 ? (unsigned)options->batch_interval_ms : REQUEST_BATCH_MS,
                         .text_limit = text_limit(options),
                         .needs_whole = view_needs_whole(&setup->view),
                         .shows_whole = setup->view.log.shows_whole,
                         .wants_sni = has_sni(setup),
                         .left_out = left_out(setup),
                         .buffer = options->buffer,
                         .app_data = options->app_data};
}

/* What root runs, and what root's program is made from, must be in nobody else's hands. */
static struct open_input
believed(const char *option, const char *expected, enum open_kind kind, const struct options *options)
{
    return (struct open_input){option, expected, kind, .is_believed = true, .is_forced = options->force};
}

/* The program says what it records. The command line says what is shown of that. */
static int
read_program(struct setup *setup, struct mem *mem, struct diag *diag)
{
    const struct options *options = setup->options;
    const char *mode = setup->view.is_grouped ? REQUEST_EXCHANGES : options->has_mode ? options->mode : NULL;
    const struct open_input input = believed("--script", "a program of --emit-script=wire", OPEN_FILE, options);
    struct file file;
    if (input_read(&file, &input, options->script, mem, diag) != 0 || contract_read(&setup->contract, &file, mem, diag) != 0)
        return -1;
    if (request_is_of_exchanges(&setup->contract.request) && setup->contract.request.source == REQUEST_SERVER && mode == NULL)
        return diag_set(diag, DIAG_USAGE,
                        "%s reads whole requests: give -g request, -q, -F, stat, top or hist, as it was made with",
                        options->script);
    setup->has_contract = true;
    setup->request = setup->contract.request;
    setup->request.buffer = options->buffer;
    setup->select = (struct select){.mode = mode,
                                    .patterns = options->types.items,
                                    .npatterns = options->types.count,
                                    .filter = &setup->filter,
                                    .was_used = mem_alloc(mem, options->types.count + 1)};
    if (!options->has_format)
        setup->format = options_format(mode != NULL ? mode : setup->request.group);
    return 0;
}

int
setup_make(struct setup *setup, const struct options *options, const char *command, struct mem *mem, struct diag *diag)
{
    *setup = (struct setup){.options = options, .command = command, .format = options->format};
    if (make_view(setup, mem, diag) != 0)
        return -1;
    make_request(setup, mem);
    if (options->script != NULL && read_program(setup, mem, diag) != 0)
        return -1;
    return check_time(setup, diag) != 0 ? -1 : redact_check(&setup->request.redact, diag);
}

/* A tag may be that of a probe that only the server knows, which -t and all show, too. */
int
setup_check(const struct setup *setup, const struct catalog *catalog, const struct diag_log *log, struct mem *mem,
            struct diag *diag)
{
    const struct options *options = setup->options;
    if (view_check(setup->words, setup->nwords, catalog, mem, diag) == 0)
        return 0;
    if (options->types.count == 0 && strcmp(options->mode, "all") != 0)
        return -1;
    diag_note(log, "warning: %s", diag->message);
    *diag = (struct diag){0};
    return 0;
}

void
setup_free(struct setup *setup)
{
    view_free(&setup->view);
}

const char *
setup_view_option(const struct setup *setup)
{
    for (size_t i = 0; i < setup->nwords; i++)
        if (view_is_needed(setup->words[i].option))
            return setup->words[i].option;
    return NULL;
}

/* ---- Files. */

/* A directory replaces the built-in catalogue; a DTrace provider file adds to it. */
static int
load_catalog(struct setup_files *files, const struct options *options, struct mem *mem, struct diag *diag)
{
    const char *path = options->probes_path;
    bool is_provider = path != NULL && dtrace_is_file(path);
    const struct open_input directory = believed("--probes", "a directory with *.probes files", OPEN_DIRECTORY, options),
                            provider = believed("--probes", "a DTrace provider file", OPEN_FILE, options);
    if (path == NULL || is_provider)
        files_load_builtin(&files->probes, "probes", ".probes", mem);
    else if (input_read_directory(&files->probes, &directory, path, ".probes", mem, diag) != 0)
        return -1;
    if (catalog_parse(&files->catalog, &files->probes, mem, diag) != 0)
        return -1;
    if (!is_provider)
        return 0;
    return input_read(&files->provider, &provider, path, mem, diag) != 0
               ? -1
               : dtrace_parse(&files->catalog, &files->provider, mem, diag);
}

/* A directory without any leaves the built-in ones. */
static int
load_structures(struct setup_files *files, const struct options *options, struct mem *mem, struct diag *diag)
{
    struct files found = {0};
    const char *path = options->probes_path;
    struct open_input directory = believed("--probes", "a directory with *.structures files", OPEN_DIRECTORY, options);
    directory.may_be_empty = true;
    if (path != NULL && !dtrace_is_file(path) && input_read_directory(&found, &directory, path, ".structures", mem, diag) != 0)
        return -1;
    if (found.count == 0)
        files_load_builtin(&found, "probes", ".structures", mem);
    return structures_parse(&files->structures, &found, mem, diag);
}

static int
load_templates(struct setup_files *files, const struct options *options, struct mem *mem, struct diag *diag)
{
    const struct open_input input = believed("--templates", "a directory with *.bt files", OPEN_DIRECTORY, options);
    if (options->templates_dir != NULL)
        return input_read_directory(&files->templates, &input, options->templates_dir, ".bt", mem, diag);
    files_load_builtin(&files->templates, "templates", ".bt", mem);
    return 0;
}

int
setup_load(struct setup_files *files, const struct options *options, struct mem *mem, struct diag *diag)
{
    *files = (struct setup_files){0};
    if (load_catalog(files, options, mem, diag) != 0 || load_structures(files, options, mem, diag) != 0)
        return -1;
    return load_templates(files, options, mem, diag);
}

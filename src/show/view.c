#include "show/view.h"

#include "request/header.h"
#include "show/query_where.h"
#include "show/summary_parse.h"

#include <fnmatch.h>
#include <string.h>

enum { DEFAULT_MAX_REQUESTS = 1000, HIGHEST_MAX_REQUESTS = 1000000 };

/* The program has a condition for each name. With more names than this it sends all header fields instead. */
enum { MAX_NAMES = 12 };

struct view_maker {
    struct view *view;
    bool is_json;
    bool has_regexes;      /* there is an --include-regex */
    struct filter *filter; /* of the program */
    struct filter unused;  /* of whole requests: tags that only the lines are tested for */
    struct mem *mem;
    struct diag *diag;
};

static int
view_set_group(struct view_maker *maker, const struct filter_word *word)
{
    char quoted[64];
    if (strcmp(word->value, "request") == 0)
        return 0;
    return diag_set(maker->diag, DIAG_USAGE, "--group: cannot group by \"%s\"; expected request",
                    diag_quote(quoted, sizeof(quoted), text_of(word->value)));
}

static int
view_set_query(struct view_maker *maker, const struct filter_word *word)
{
    return query_parse(&maker->view->query, word->value, maker->mem, maker->diag);
}

static int
view_set_log(struct view_maker *maker, const struct filter_word *word)
{
    return access_log_parse(&maker->view->log, word->value, maker->is_json, maker->mem, maker->diag);
}

static int
view_set_pending(struct view_maker *maker, const struct filter_word *word)
{
    enum { NS_A_MS = 1000000 };
    char quoted[64];
    uint64_t ms;
    if (!text_duration(text_of(word->value), &ms))
        return diag_set(maker->diag, DIAG_USAGE, "--pending: \"%s\" is not a time, as 30s, 500ms, 5m or 1h",
                        diag_quote(quoted, sizeof(quoted), text_of(word->value)));
    maker->view->pending_ns = ms * NS_A_MS;
    return 0;
}

static int
view_set_keylog(struct view_maker *maker, const struct filter_word *word)
{
    (void)word;
    maker->view->is_keylog = true;
    return 0;
}

static int
view_set_summary(struct view_maker *maker, const struct filter_word *word)
{
    return summary_parse(&maker->view->summary, word->option, word->value, maker->mem, maker->diag);
}

static int
view_set_max(struct view_maker *maker, const struct filter_word *word)
{
    char quoted[64];
    if (!maker->view->is_grouped)
        return diag_set(maker->diag, DIAG_USAGE, "--max-requests is for --group, --query, --log-format and --pending");
    if (text_number(text_of(word->value), HIGHEST_MAX_REQUESTS, &maker->view->max_requests) && maker->view->max_requests > 0)
        return 0;
    return diag_set(maker->diag, DIAG_USAGE, "--max-requests: \"%s\" is not a number from 1 to %d",
                    diag_quote(quoted, sizeof(quoted), text_of(word->value)), HIGHEST_MAX_REQUESTS);
}

static int
view_add_filter(struct view_maker *maker, struct filter *filter, const struct filter_word *word)
{
    return filter_add(filter, word->option, word->value, maker->mem, maker->diag);
}

/* Tags decide which probes are attached; but of whole requests they only decide which lines are shown. */
static int
view_add_tags(struct view_maker *maker, const struct filter_word *word)
{
    bool is_grouped = maker->view->is_grouped;
    if (view_add_filter(maker, is_grouped ? &maker->unused : maker->filter, word) != 0)
        return -1;
    bool is_for_lines = is_grouped || (maker->has_regexes && strcmp(word->option, "include") == 0);
    return is_for_lines ? line_filter_add(&maker->view->line_filter, word->option, word->value, maker->mem, maker->diag) : 0;
}

static int
view_add_regex(struct view_maker *maker, const struct filter_word *word)
{
    const char *tag = line_filter_tag(word->value, maker->mem);
    const struct filter_word tags = {"include", tag != NULL ? tag : "*"};
    if (line_filter_add(&maker->view->line_filter, word->option, word->value, maker->mem, maker->diag) != 0)
        return -1;
    bool is_for_program = !maker->view->is_grouped && strcmp(word->option, "include-regex") == 0;
    return is_for_program ? view_add_filter(maker, maker->filter, &tags) : 0;
}

static int
view_add_header(struct view_maker *maker, const struct filter_word *word)
{
    return view_add_filter(maker, maker->view->is_grouped ? &maker->view->line_filter.filter : maker->filter, word);
}

static int
view_add_status(struct view_maker *maker, const struct filter_word *word)
{
    return view_add_filter(maker, maker->view->is_grouped ? &maker->view->statuses : maker->filter, word);
}

/* Adds each word of a list with commas. */
static int
add_each(struct view_maker *maker, const struct filter_word *word, int (*add)(struct view_maker *maker, const char *item))
{
    char *rest = mem_strdup(maker->mem, word->value);
    int status = 0;
    for (char *item; status == 0 && (item = strsep(&rest, ",")) != NULL;)
        status = add(maker, item);
    return status;
}

static int
add_address(struct view_maker *maker, const char *item)
{
    char quoted[128];
    struct view_addresses *addresses = &maker->view->addresses;
    addresses->items = mem_grow(maker->mem, addresses->items, addresses->count, sizeof(*addresses->items));
    if (condition_parse_address(text_of(item), &addresses->items[addresses->count++]))
        return 0;
    return diag_set(maker->diag, DIAG_USAGE, "--address: \"%s\" is not an address, as 127.0.0.1, 10.0.0.0/8 or 2001:db8::/32",
                    diag_quote(quoted, sizeof(quoted), text_of(item)));
}

static int
add_name(struct view_maker *maker, const char *item)
{
    char quoted[128];
    struct view_names *names = &maker->view->names;
    if (*item == '\0')
        return diag_set(maker->diag, DIAG_USAGE, "--sni: an empty word; expected a name, as *.example.com");
    if (!maker->view->is_grouped && !header_is_pattern(item))
        return diag_set(
            maker->diag, DIAG_USAGE,
            "--sni: \"%s\" is not a name of up to 64 characters; without --group, --query or --log-format ? and one * "
            "may stand in it",
            diag_quote(quoted, sizeof(quoted), text_of(item)));
    names->items = mem_grow(maker->mem, names->items, names->count, sizeof(*names->items));
    names->items[names->count++] = item;
    return 0;
}

static int
view_add_addresses(struct view_maker *maker, const struct filter_word *word)
{
    return add_each(maker, word, add_address);
}

static int
view_add_names(struct view_maker *maker, const struct filter_word *word)
{
    return add_each(maker, word, add_name);
}

/* Options that are not here are filters of the program, however records are shown. */
static const struct view_row {
    const char *option;
    bool is_needed; /* as view_is_needed says */
    enum { LINES, REQUESTS, EVENTS } shows; /* lines as they come; whole requests; something made of several events */
    int (*add)(struct view_maker *maker, const struct filter_word *word);
} view_rows[] = {
    {"group", true, REQUESTS, view_set_group},
    {"query", true, REQUESTS, view_set_query},
    {"log-format", true, REQUESTS, view_set_log},
    {"pending", true, REQUESTS, view_set_pending},
    {"stat", true, REQUESTS, view_set_summary},
    {"top", true, REQUESTS, view_set_summary},
    {"hist", true, REQUESTS, view_set_summary},
    {"hist-of-acks", true, EVENTS, view_set_summary},
    {"keylog", true, EVENTS, view_set_keylog},
    {"by", false, LINES, view_set_summary},
    {"sort", false, LINES, view_set_summary},
    {"lines", false, LINES, view_set_summary},
    {"interval", false, LINES, view_set_summary},
    {"window", false, LINES, view_set_summary},
    {"cumulative", false, LINES, view_set_summary},
    {"max-requests", false, LINES, view_set_max},
    {"include-regex", true, LINES, view_add_regex},
    {"exclude-regex", true, LINES, view_add_regex},
    {"include", false, LINES, view_add_tags},
    {"exclude", false, LINES, view_add_tags},
    {"request-header", false, LINES, view_add_header},
    {"response-header", false, LINES, view_add_header},
    {"status", false, LINES, view_add_status},
    {"address", true, LINES, view_add_addresses},
    {"sni", true, LINES, view_add_names},
};

static const struct view_row *
find_view_row(const char *option)
{
    for (size_t i = 0; i < sizeof(view_rows) / sizeof(view_rows[0]); i++)
        if (strcmp(view_rows[i].option, option) == 0)
            return &view_rows[i];
    return NULL;
}

bool
view_is_needed(const char *option)
{
    const struct view_row *row = find_view_row(option);
    return row != NULL && row->is_needed;
}

bool
view_groups(const char *option)
{
    const struct view_row *row = find_view_row(option);
    return row != NULL && row->shows == REQUESTS;
}

bool
view_is_of_many(const char *option)
{
    const struct view_row *row = find_view_row(option);
    return row != NULL && row->shows != LINES;
}

static int
view_add_word(struct view_maker *maker, const struct filter_word *word)
{
    const struct view_row *row = find_view_row(word->option);
    return row != NULL ? row->add(maker, word) : view_add_filter(maker, maker->filter, word);
}

/* ---- Which header fields the program must send. */

struct names {
    enum catalog_role role;
    struct outbuf list; /* with commas between them */
    size_t count;
    bool is_all;
};

static void
need(struct names *names, const struct exchange_fields *asked, struct mem *mem)
{
    for (size_t i = 0; i < asked->count; i++) {
        struct slice name = asked->items[i].name;
        if (asked->items[i].role != names->role)
            continue;
        names->is_all |= !header_is_pattern(mem_strndup(mem, name.ptr, name.len)) || names->count == MAX_NAMES;
        text_puts(&names->list, names->count++ > 0 ? "," : "");
        text_put(&names->list, name);
    }
}

/* Requests with this one become HTTP/2 (group.h), and there are few of them. */
static const char upgrade[] = "http2-settings";

static int
limit_headers(struct view_maker *maker, enum catalog_role role, const char *option, const char *tag)
{
    struct names names = {.role = role};
    need(&names, &maker->view->log.asked, maker->mem);
    need(&names, &maker->view->summary.key.asked, maker->mem);
    need(&names, &maker->view->query.asked, maker->mem);
    if (role == CATALOG_REQUEST_HEADER && names.count > 0)
        text_printf(&names.list, ",%s", upgrade);
    const struct filter_word only = {option, mem_strndup(maker->mem, names.list.ptr, names.list.len)};
    const struct filter_word none = {"exclude", tag};
    text_free(&names.list);
    return names.is_all ? 0 : view_add_filter(maker, maker->filter, names.count > 0 ? &only : &none);
}

/* An access log, numbers and a query need a few header fields only. Lines and objects show all. */
static int
limit_program(struct view_maker *maker)
{
    if (maker->view->log.npieces == 0 && maker->view->summary.kind == SUMMARY_NONE)
        return 0;
    int status = limit_headers(maker, CATALOG_REQUEST_HEADER, "request-header", "RxHeader");
    return status != 0 ? -1 : limit_headers(maker, CATALOG_RESPONSE_HEADER, "response-header", "TxHeader");
}

/* What goes with numbers, and with these ones. */
static int
check_summary(const struct view_maker *maker, const struct filter_word *words, size_t nwords)
{
    const struct view *view = maker->view;
    bool has_numbers = view->summary.kind != SUMMARY_NONE;
    for (size_t i = 0; i < nwords; i++) {
        const struct view_row *row = find_view_row(words[i].option);
        if (row == NULL || row->add != view_set_summary || row->shows != LINES)
            continue;
        if (!has_numbers)
            return diag_set(maker->diag, DIAG_USAGE, "--%s is for stat, top and hist", words[i].option);
        if (!summary_takes(&view->summary, words[i].option))
            return diag_set(maker->diag, DIAG_USAGE, "--%s means nothing for %s", words[i].option,
                            summary_name(&view->summary));
    }
    if (!has_numbers || (view->log.npieces == 0 && view->pending_ns == 0))
        return 0;
    return diag_set(maker->diag, DIAG_USAGE, "--%s shows requests, and stat, top and hist numbers of them; choose one",
                    view->log.npieces > 0 ? "log-format" : "pending");
}

static int
check_word(const struct filter_word *word, struct diag *diag)
{
    if (strchr(word->value, '\n') == NULL)
        return 0;
    return diag_caret(diag, word->option, text_of(word->value), strcspn(word->value, "\n"), "a line feed; expected one line");
}

int
view_make(struct view *view, const struct filter_word *words, size_t nwords, bool is_json, struct filter *filter,
          struct mem *mem, struct diag *diag)
{
    struct view_maker maker = {.view = view, .is_json = is_json, .filter = filter, .mem = mem, .diag = diag};
    *view = (struct view){.max_requests = DEFAULT_MAX_REQUESTS};
    for (size_t i = 0; i < nwords; i++) {
        view->is_grouped |= view_groups(words[i].option);
        maker.has_regexes |= strcmp(words[i].option, "include-regex") == 0;
    }
    for (size_t i = 0; i < nwords; i++)
        if (check_word(&words[i], diag) != 0 || view_add_word(&maker, &words[i]) != 0)
            return -1;
    return check_summary(&maker, words, nwords) != 0 ? -1 : limit_program(&maker);
}

/* That it says which events whole requests are made of. */
static int
check_roles(const char *option, const struct catalog *catalog, struct diag *diag)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (catalog->probes[i].role != CATALOG_NO_ROLE)
            return 0;
    return diag_set(diag, DIAG_USAGE, "--%s: the catalogue does not say which events are requests and responses", option);
}

static int
check_against(const struct filter_word *word, const struct catalog *catalog, struct mem *mem, struct diag *diag)
{
    const struct view_row *row = find_view_row(word->option);
    const char *tag = row != NULL && row->add == view_add_regex ? line_filter_tag(word->value, mem) : NULL;
    if (row != NULL && row->shows == REQUESTS)
        return check_roles(word->option, catalog, diag);
    return tag != NULL ? filter_check_tag(word->option, tag, catalog, diag) : filter_check(word, catalog, mem, diag);
}

int
view_check(const struct filter_word *words, size_t nwords, const struct catalog *catalog, struct mem *mem, struct diag *diag)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < nwords; i++)
        status = check_against(&words[i], catalog, mem, diag);
    return status;
}

void
view_free(struct view *view)
{
    query_free(&view->query);
    line_filter_free(&view->line_filter);
}

/* With --status a request must have a response, which must fit. */
static bool
has_status(const struct view *view, const struct exchange *exchange)
{
    struct record record;
    for (size_t at = 0; exchange_next(exchange, &at, &record);)
        if (record.event->probe->role == CATALOG_RESPONSE && filter_fits(&view->statuses, record.event->probe, record.values))
            return true;
    return view->statuses.count == 0;
}

/* Whether the client's address is one of those. */
static bool
has_address(const struct view *view, const struct exchange *exchange)
{
    char address[TYPES_ADDRESS_TEXT];
    unsigned port;
    bool is_there = view->addresses.count > 0 && exchange_address(exchange, address, &port);
    for (size_t i = 0; is_there && i < view->addresses.count; i++)
        if (condition_address_fits(&view->addresses.items[i], address))
            return true;
    return view->addresses.count == 0;
}

/* Names have no case. */
static bool
has_name(const struct view *view, const struct exchange *exchange)
{
    for (size_t i = 0; i < view->names.count; i++)
        if (*exchange->whole.sni != '\0' && fnmatch(view->names.items[i], exchange->whole.sni, FNM_CASEFOLD) == 0)
            return true;
    return view->names.count == 0;
}

/* One that was answered between two looks has not been shown before. */
static bool
has_waited(const struct view *view, const struct exchange *exchange)
{
    double ms;
    return view->pending_ns == 0 || exchange->waited != 0 ||
           (exchange_ttfb(exchange, &ms) && ms * 1e6 >= (double)view->pending_ns);
}

bool
view_wants(const struct view *view, const struct exchange *exchange)
{
    return has_waited(view, exchange) && has_status(view, exchange) && has_address(view, exchange) &&
           has_name(view, exchange) && (view->query.root == NULL || query_fits(&view->query, exchange));
}

bool
view_is_json(const struct view *view, bool is_json)
{
    return view->log.npieces > 0 ? view->log.is_json : is_json;
}

int
view_check_time(bool is_json, enum format_time time, struct diag *diag)
{
    if (!is_json || time == FORMAT_NO_TIME)
        return 0;
    return diag_set(diag, DIAG_USAGE, "--time is for lines; JSON has \"at\" in every record. Leave it out, or give -f line");
}

uint64_t
view_given_up(const struct view *view)
{
    uint64_t count = line_filter_given_up(&view->line_filter);
    for (size_t i = 0; i < view->query.nregexes; i++)
        count += view->query.regexes[i]->given_up;
    return count;
}

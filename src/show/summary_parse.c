#include "show/summary_parse.h"

#include "base/near.h"

#include <string.h>

/* Columns of a key, in the notation of an access log. */
static const struct {
    const char *name, *format;
    bool is_whole; /* only the server's structures have it */
} columns[] = {
    {"path", "%U%q", false},
    {"path-without-query", "%U", false},
    {"host", "%V", false},
    {"method", "%m", false},
    {"status", "%s", false},
    {"protocol", "%H", false},
    {"user-agent", "%{user-agent}i", false},
    {"referer", "%{referer}i", false},
    {"address", "%h", true},
    {"sni", "%{ssl.server-name}x", true},
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static int
bad_column(const char *option, const char *name, struct diag *diag)
{
    static const char expected[] =
        "; expected path, path-without-query, host, method, status, protocol, user-agent, referer, address, sni, req.NAME, "
        "resp.NAME or what --log-format takes, as %m";
    char quoted[128], question[512];
    struct near near = near_to(text_of(name));
    for (size_t i = 0; i < COLUMNS; i++)
        near_offer(&near, text_of(columns[i].name));
    return diag_set(diag, DIAG_USAGE, "%s: there is no column \"%s\"%s", option,
                    diag_quote(quoted, sizeof(quoted), text_of(name)),
                    near_ask(&near, "", expected, question, sizeof(question)));
}

/* The notation of a column; NULL: there is none. */
static const char *
column_format(const char *name, struct mem *mem)
{
    struct slice header = text_of(name);
    for (size_t i = 0; i < COLUMNS; i++)
        if (strcmp(columns[i].name, name) == 0)
            return columns[i].format;
    if (strpbrk(name, "\t\n\r") != NULL)
        return NULL; /* a tab is between columns */
    if (strchr(name, '%') != NULL)
        return name;
    bool is_plain = strpbrk(name, "{}") == NULL;
    if (text_skip_prefix(&header, "req.") && header.len > 0 && is_plain)
        return mem_printf(mem, "%%{%s}i", header.ptr);
    return text_skip_prefix(&header, "resp.") && header.len > 0 && is_plain ? mem_printf(mem, "%%{%s}o", header.ptr) : NULL;
}

/* The next word up to a comma that is not in braces; NULL: there is none. */
static char *
next_column(char **rest)
{
    char *name = *rest, *end = name;
    for (bool is_inside = false; end != NULL && *end != '\0' && (is_inside || *end != ','); end++)
        is_inside = *end == '{' || (is_inside && *end != '}');
    if (name == NULL)
        return NULL;
    *rest = *end != '\0' ? end + 1 : NULL;
    *end = '\0';
    return name;
}

static int
set_columns(struct summary_request *request, const char *option, const char *value, struct mem *mem, struct diag *diag)
{
    char *rest = mem_strdup(mem, value);
    struct outbuf format = {0};
    int status = 0;
    request->ncolumns = 0;
    request->key = (struct access_log){0};
    for (char *name; status == 0 && (name = next_column(&rest)) != NULL;) {
        const char *column = column_format(name, mem);
        if (column == NULL)
            status = bad_column(option, name, diag);
        else if (request->ncolumns == SUMMARY_COLUMNS)
            status = diag_set(diag, DIAG_USAGE, "%s: more than %d columns", option, SUMMARY_COLUMNS);
        else
            request->columns[request->ncolumns++] = name;
        text_printf(&format, "%s%s", format.len > 0 ? "\t" : "", column != NULL ? column : "");
    }
    const char *text = text_keep(&format, mem);
    if (status == 0)
        status = access_log_parse(&request->key, text, false, mem, diag);
    request->key.tells_incomplete = true; /* a key says nothing of that */
    return status;
}

static int
set_kind(struct summary_request *request, enum summary_kind kind, struct diag *diag)
{
    if (request->kind != SUMMARY_NONE && request->kind != kind)
        return diag_set(diag, DIAG_USAGE, "stat, top and hist: choose one");
    request->kind = kind;
    return 0;
}

static int
set_value(struct summary_request *request, const char *name, struct diag *diag)
{
    char quoted[128];
    for (int i = 0; i < TALLY_VALUES; i++) {
        request->value = (enum tally_value)i;
        if (strcmp(name, tally_value_names[request->value]) == 0)
            return 0;
    }
    return diag_set(diag, DIAG_USAGE,
                    "hist: there is no histogram of \"%s\"; expected ttfb, duration, bytes, request_bytes, rtt or cwnd",
                    diag_quote(quoted, sizeof(quoted), text_of(name)));
}

static int
set_time(uint64_t *ms, const char *option, const char *value, struct diag *diag)
{
    char quoted[64];
    if (text_duration(text_of(value), ms))
        return 0;
    return diag_set(diag, DIAG_USAGE, "--%s: \"%s\" is not a time, as 1s, 500ms, 5m or 1h", option,
                    diag_quote(quoted, sizeof(quoted), text_of(value)));
}

static int
set_lines(struct summary_request *request, const char *value, struct diag *diag)
{
    char quoted[64];
    uint64_t lines;
    if (!text_number(text_of(value), SUMMARY_MOST_LINES, &lines) || lines == 0)
        return diag_set(diag, DIAG_USAGE, "--lines: \"%s\" is not a number from 1 to %d",
                        diag_quote(quoted, sizeof(quoted), text_of(value)), SUMMARY_MOST_LINES);
    request->lines = (size_t)lines;
    return 0;
}

static int
set_sort(struct summary_request *request, const char *value, struct diag *diag)
{
    char quoted[64];
    for (size_t i = 0; i < SUMMARY_SORTS; i++) {
        request->sort = (enum summary_sort)i;
        if (strcmp(value, summary_sort_names[i]) == 0)
            return 0;
    }
    return diag_set(diag, DIAG_USAGE, "--sort: cannot sort by \"%s\"; expected requests, errors, p50, p99, max or bytes",
                    diag_quote(quoted, sizeof(quoted), text_of(value)));
}

int
summary_parse(struct summary_request *request, const char *option, const char *value, struct mem *mem, struct diag *diag)
{
    if (strcmp(option, "stat") == 0)
        return set_kind(request, SUMMARY_STAT, diag);
    if (strcmp(option, "top") == 0)
        return set_kind(request, SUMMARY_TOP, diag) != 0 ? -1 : set_columns(request, option, value, mem, diag);
    if (strcmp(option, "hist") == 0)
        return set_kind(request, SUMMARY_HIST, diag) != 0 ? -1 : set_value(request, value, diag);
    if (strcmp(option, "hist-of-acks") == 0) {
        request->is_of_acks = true;
        return set_kind(request, SUMMARY_HIST, diag) != 0 ? -1 : set_value(request, value, diag);
    }
    if (strcmp(option, "by") == 0)
        return set_columns(request, "--by", value, mem, diag);
    if (strcmp(option, "sort") == 0)
        return set_sort(request, value, diag);
    if (strcmp(option, "lines") == 0)
        return set_lines(request, value, diag);
    if (strcmp(option, "cumulative") == 0) {
        request->is_cumulative = true;
        return 0;
    }
    return set_time(strcmp(option, "window") == 0 ? &request->window_ms : &request->interval_ms, option, value, diag);
}

bool
summary_takes(const struct summary_request *request, const char *option)
{
    static const struct {
        const char *option;
        bool by[SUMMARY_HIST + 1];
    } rows[] = {
        {"window", {[SUMMARY_STAT] = true, [SUMMARY_TOP] = true}},
        {"cumulative", {[SUMMARY_TOP] = true}},
        {"sort", {[SUMMARY_TOP] = true}},
        {"lines", {[SUMMARY_TOP] = true, [SUMMARY_HIST] = true}},
        {"by", {[SUMMARY_HIST] = true}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].option, option) == 0)
            return rows[i].by[request->kind] && !request->is_of_acks;
    return true;
}

const char *
summary_needs_whole(const struct summary_request *request)
{
    if (request->is_of_acks)
        return NULL;
    if (request->kind == SUMMARY_HIST && request->value != TALLY_TTFB)
        return tally_value_names[request->value];
    for (size_t i = 0; i < request->ncolumns; i++)
        for (size_t k = 0; k < COLUMNS; k++)
            if (columns[k].is_whole && strcmp(columns[k].name, request->columns[i]) == 0)
                return columns[k].name;
    return NULL;
}

/* Numbers that a histogram is of. */
static uint32_t
needed_by_hist(enum tally_value value)
{
    switch (value) {
    case TALLY_TTFB:
        return 1u << WHOLE_RESPONSE_START_AT;
    case TALLY_DURATION:
        return 1u << WHOLE_RESPONSE_END_AT;
    case TALLY_BYTES:
        return 1u << WHOLE_BYTES;
    default:
        return 1u << WHOLE_REQUEST_BYTES;
    }
}

uint32_t
summary_left_out(const struct summary_request *request)
{
    static const uint32_t always = 1u << WHOLE_CONN_ID | 1u << WHOLE_REQ_ID | 1u << WHOLE_HTTP_VERSION | 1u << WHOLE_STATUS |
                                   1u << WHOLE_BEGIN_AT,
                          counted = 1u << WHOLE_BYTES | 1u << WHOLE_REQUEST_BYTES | 1u << WHOLE_RESPONSE_START_AT |
                                    1u << WHOLE_RESPONSE_END_AT | 1u << WHOLE_RTT;
    bool is_of_one = request->kind == SUMMARY_HIST && request->prom == NULL;
    if (request->kind == SUMMARY_NONE || request->key.shows_whole)
        return 0;
    return ~(always | (is_of_one ? needed_by_hist(request->value) : counted)) & ((1u << WHOLE_FIELDS) - 1);
}

const char *
summary_name(const struct summary_request *request)
{
    static const char *const names[] = {
        [SUMMARY_NONE] = "", [SUMMARY_STAT] = "stat", [SUMMARY_TOP] = "top", [SUMMARY_HIST] = "hist"};
    return request->is_of_acks ? "hist rtt and cwnd" : names[request->kind];
}

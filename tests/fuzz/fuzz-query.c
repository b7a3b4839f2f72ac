/* Any query, access-log format and regular expression, over a request with any header fields: an error that shows where, or an
 * answer; and the ready formats print one line each, the JSON one a valid object. */
#include "fuzz.h"

#include "show/report.h"
#include "show/view.h"

static const char catalogue[] =
    "provider h2o\n"
    "probe req\n group g\n role request\n summary s\n arg 0 conn_id u64\n arg 1 req_id u64\n arg 2 http_version http_version\n"
    "probe req_h\n group g\n role request-header\n summary s\n arg 0 conn_id u64\n arg 1 req_id u64\n"
    " arg 2 name str len=3 request-header\n arg 4 value str len=5 named-by=name\n"
    "probe resp\n group g\n role response\n summary s\n arg 0 conn_id u64\n arg 1 req_id u64\n arg 2 status i32\n"
    "probe resp_h\n group g\n role response-header\n summary s\n arg 0 conn_id u64\n arg 1 req_id u64\n"
    " arg 2 name str len=3 response-header\n arg 4 value str len=5 named-by=name\n";

static struct mem mem;
static struct catalog catalog;
static struct bpftrace bpftrace;
static struct plan plan;
static const struct request request = {.group = "g"};

static void
set_up(void)
{
    struct diag diag = {0};
    struct file file = {"t.probes", {catalogue, sizeof(catalogue) - 1}};
    struct files files = {&file, 1};
    if (plan.events != NULL)
        return;
    FUZZ_CHECK(catalog_parse(&catalog, &files, &mem, &diag) == 0);
    FUZZ_CHECK(bpftrace_parse_version(&bpftrace, text_of("bpftrace v0.23.0"), &diag) == 0);
    FUZZ_CHECK(plan_make(&plan, &catalog, NULL, &bpftrace, &request, &mem, &diag) == 0);
}

static void
add(struct exchange *exchange, int event, uint64_t number, const char *name, struct slice value)
{
    struct record record = {.event = &plan.events[event], .nsecs = 1000 + exchange->records.len, .tid = 3, .pid = 7};
    record.values[2] = (struct types_value){.number = name != NULL ? strlen(name) : number, .text = text_of(name != NULL ? name : "")};
    record.values[3] = (struct types_value){.number = value.len, .text = value};
    exchange_add(exchange, &record);
}

/* The first byte says what the rest is; behind the first LF stands a value of header fields. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const options[] = {"query", "log-format", "include-regex", "exclude-regex"};
    struct mem own = {0};
    struct diag diag = {.status = DIAG_OK};
    struct slice whole = {(const char *)data + 1, size - 1}, text, rest;
    struct exchange exchange = {0};
    struct filter filter = {0};
    struct outbuf out = {0};
    struct format format;
    struct view view;
    if (size == 0)
        return 0;
    set_up();
    rest = whole;
    if (!text_line(&rest, &text))
        text = (struct slice){"", 0};
    add(&exchange, 0, 0x101, NULL, text_of(""));
    add(&exchange, 1, 0, ":method", text_of("GET"));
    add(&exchange, 1, 0, ":path", rest);
    add(&exchange, 1, 0, "a", rest);
    add(&exchange, 2, 200, NULL, text_of(""));
    add(&exchange, 3, 0, "b", rest);
    const struct filter_word words[] = {{options[*data % 4], mem_strndup(&own, text.ptr, text.len)}, {"group", "request"}};
    bool is_json = *data & 4;
    if (view_make(&view, words, 2, is_json, &filter, &own, &diag) != 0) {
        bool has_caret = strstr(diag.message, "\n    ") != NULL && strchr(diag.message, '^') != NULL;
        FUZZ_CHECK(diag.status == DIAG_USAGE && (has_caret || words[0].value[0] == '\0')); /* in nothing there is no place */
    } else if (view_wants(&view, &exchange)) {
        const struct report report = {&format, &view.line_filter, view.log.npieces > 0 ? &view.log : NULL};
        format_init(&format, is_json ? "json" : "line", (struct format_options){0});
        report_put(&report, &out, &exchange);
        if (is_json && report.log == NULL)
            fuzz_check_json((struct slice){out.ptr, out.len});
    }
    view_free(&view);
    static const char *const presets[] = {"combined", "json"};
    for (int i = 0; i < 2; i++) {
        struct access_log log;
        out.len = 0;
        FUZZ_CHECK(access_log_parse(&log, presets[i], false, &own, &diag) == 0);
        access_log_put(&log, &out, &exchange, 0);
        text_putc(&out, '\n');
        (i == 0 ? fuzz_check_line : fuzz_check_json)((struct slice){out.ptr, out.len});
    }
    text_free(&exchange.records);
    text_free(&out);
    mem_free(&own);
    return 0;
}

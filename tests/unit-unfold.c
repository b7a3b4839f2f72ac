#include "show/unfold.h"

#include "plan/planner.h"
#include "show/group.h"
#include "unit-requests.h"
#include "unit.h"

#include <string.h>

/* Requests that come whole, by a plan for a server whose structures are read. */

static struct fixture fixture;
static struct target target;
static struct group group;
static struct outbuf seen;

static void
set_up(void)
{
    requests_plan(&fixture);
    target = (struct target){.pid = 7, .has_structures = true};
    fixture.request = (struct request){.group = REQUEST_EXCHANGES, .wants_sni = true};
    ck_assert_msg(plan_make(&fixture.plan, &fixture.catalog, &target, &fixture.bpftrace, &fixture.request, &fixture.mem,
                            &fixture.diag) == 0,
                  "%s", fixture.diag.message);
    group_init(&group, 3, 0);
}

static void
tear_down(void)
{
    group_free(&group);
    text_free(&seen);
    fixture_free(&fixture);
}

static struct types_value
text(const char *string)
{
    return (struct types_value){.number = strlen(string), .text = text_of(string)};
}

static void
collect(void)
{
    const struct exchange *exchange;
    while ((exchange = group_next(&group)) != NULL) {
        struct record record;
        text_printf(&seen, "%lu/%lu", exchange->conn_id, exchange->req_id);
        for (size_t at = 0; exchange_next(exchange, &at, &record);) {
            text_printf(&seen, " %s", record.event->probe->tag);
            const int value = record.event->probe->field_of[CATALOG_HEADER_VALUE];
            if (value >= 0)
                text_printf(&seen, "=%.*s", (int)record.values[value].text.len, record.values[value].text.ptr);
        }
        text_printf(&seen, " %lu %s", exchange->whole.numbers[WHOLE_BYTES], exchange->whole.sni);
        text_puts(&seen, exchange->incomplete != 0 ? " ~" : "");
        exchange_put_incomplete(exchange, &seen, ",");
        text_putc(&seen, ';');
    }
}

/* Parts of a request: a letter each. */
static void
add(uint64_t conn, uint64_t tid, uint64_t ms, char part, uint64_t version, int status)
{
    const struct plan_whole *whole = fixture.plan.whole;
    struct record record = {.nsecs = ms * 1000000, .tid = tid, .pid = 7};
    const char letters[] = "LTESC";
    const char *at = strchr(letters, part);
    record.event = part == 'r' ? whole->request_header : part == 'R' ? whole->response_header : whole->sent[at - letters];
    const enum whole_event events[] = {WHOLE_LINE, WHOLE_TARGET, WHOLE_END, WHOLE_SNI, WHOLE_CUT};
    if (at != NULL)
        record.event = whole->sent[events[at - letters]];
    for (int i = 0; i < record.event->probe->nfields; i++)
        record.values[i] = (struct types_value){0};
    record.values[0].number = conn;
    record.values[1].number = 1;
    uint64_t words[TYPES_ADDRESS_WORDS] = {2};
    switch (part) {
    case 'L':
        record.values[WHOLE_LINE_HTTP_VERSION].number = version;
        record.values[WHOLE_METHOD] = text("GET");
        record.values[WHOLE_PATH] = text("/p");
        break;
    case 'T':
        record.values[WHOLE_SCHEME] = text("http");
        break;
    case 'E':
        record.values[WHOLE_HTTP_VERSION].number = version;
        record.values[WHOLE_STATUS].number = (uint64_t)status;
        record.values[WHOLE_BYTES].number = 5;
        record.values[WHOLE_ADDRESS].text = (struct slice){(const char *)words, sizeof(words)};
        break;
    case 'S':
        record.values[WHOLE_SERVER_NAME] = text("name");
        break;
    case 'C':
        record.values[WHOLE_IS_RESPONSE].number = 1;
        break;
    default:
        record.values[2] = text("n");
        record.values[3] = text(part == 'r' ? "q" : "a");
    }
    group_add(&group, &record);
    collect();
}

static void
add_all(uint64_t conn, uint64_t ms, const char *parts)
{
    for (; *parts != '\0'; parts++)
        add(conn, 3, ms, *parts, 0x101, 200);
}

static void
expect(const char *expected)
{
    text_putc(&seen, '\0');
    ck_assert_str_eq(seen.ptr, expected);
    text_free(&seen);
}

static void
tick(uint64_t ms)
{
    group_tick(&group, 7, ms * 1000000);
    collect();
    if (seen.len == 0)
        text_puts(&seen, "");
}

static const char whole_request[] =
    "1/1 RxProtocol RxHeader=GET RxHeader=/p RxHeader=http RxHeader=q RxHeader=q TxStatus TxHeader=a 5 name;";

START_TEST(parts_come_in_any_order)
{
    static const char *const orders[] = {"LTrrERS", "RESrrTL", "ESLTrrR", "rrRTLSE"};
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        add_all(1, 1000 * (i + 1), orders[i]);
        tick(1000 * (i + 1) + 49);
        ck_assert_uint_eq(seen.len, 0);
        tick(1000 * (i + 1) + 50);
        expect(whole_request);
    }
}
END_TEST

START_TEST(a_thread_that_goes_on_has_sent_all)
{
    add_all(1, 1000, "LTrrERS");
    add(2, 4, 1001, 'E', 0x101, 200); /* another thread */
    ck_assert_uint_eq(seen.len, 0);
    add(3, 3, 1002, 'E', 0x101, 200);
    expect(whole_request);
    tick(2000);
    expect("2/1 RxProtocol TxStatus 5  ~request,request-headers;3/1 RxProtocol TxStatus 5  ~request,request-headers;");
}
END_TEST

START_TEST(what_is_missing_is_marked)
{
    add_all(1, 1000, "ERS");
    tick(2000);
    expect("1/1 RxProtocol TxStatus TxHeader=a 5 name ~request,request-headers;");
    add_all(1, 3000, "LTrS");
    tick(4000);
    expect("1/1 RxProtocol RxHeader=GET RxHeader=/p RxHeader=http RxHeader=q 0 name ~response,response-headers;");
    add_all(1, 5000, "LTEC");
    tick(6000);
    expect("1/1 RxProtocol RxHeader=GET RxHeader=/p RxHeader=http TxStatus 5  ~response-headers;");
}
END_TEST

/* One without a version could not be parsed, and one without a status was not answered; nothing of either is missing. */
START_TEST(requests_without_a_version_or_a_status)
{
    add(1, 3, 1000, 'L', 0, 0);
    add(1, 3, 1000, 'T', 0, 0);
    add(1, 3, 1000, 'E', 0, 400);
    tick(2000);
    expect("1/1 RxHeader=GET RxHeader=/p RxHeader=http TxStatus 5 ;");
    add(2, 3, 3000, 'L', 0x200, 0);
    add(2, 3, 3000, 'T', 0x200, 0);
    add(2, 3, 3000, 'E', 0x200, 0);
    tick(4000);
    expect("2/1 RxProtocol RxHeader=GET RxHeader=/p RxHeader=http 5 ;");
}
END_TEST

START_TEST(the_program_sends_what_is_asked_for)
{
    ck_assert_int_eq(filter_add(&fixture.request.filter, "request-header", ":path", &fixture.mem, &fixture.diag), 0);
    ck_assert_int_eq(filter_add(&fixture.request.filter, "exclude", "TxHeader", &fixture.mem, &fixture.diag), 0);
    fixture.request.wants_sni = false;
    ck_assert_int_eq(
        plan_make(&fixture.plan, &fixture.catalog, &target, &fixture.bpftrace, &fixture.request, &fixture.mem, &fixture.diag),
        0);
    const struct plan_whole *whole = fixture.plan.whole;
    ck_assert_ptr_nonnull(whole->sent[WHOLE_LINE]);
    ck_assert_ptr_null(whole->sent[WHOLE_TARGET]);
    ck_assert_ptr_nonnull(whole->sent[WHOLE_END]);
    ck_assert_ptr_null(whole->sent[WHOLE_SNI]);
    ck_assert_ptr_nonnull(whole->request_header);
    ck_assert_ptr_null(whole->response_header);
}
END_TEST

Suite *
unfold_suite(void)
{
    Suite *suite = suite_create("unfold");
    TCase *tcase = tcase_create("unfold");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, parts_come_in_any_order);
    tcase_add_test(tcase, a_thread_that_goes_on_has_sent_all);
    tcase_add_test(tcase, what_is_missing_is_marked);
    tcase_add_test(tcase, requests_without_a_version_or_a_status);
    tcase_add_test(tcase, the_program_sends_what_is_asked_for);
    suite_add_tcase(suite, tcase);
    return suite;
}

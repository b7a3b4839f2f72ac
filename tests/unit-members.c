#include "host/members.h"

#include "base/clock.h"
#include "unit-fixture.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char source[] =
    "typedef struct st_conn_t conn_t;\n"
    "typedef struct st_iovec_t { char *base; unsigned long len; } iovec_t;\n"
    "struct st_conn_t { void *ctx; unsigned long id; };\n"
    "struct st_http1_t { conn_t super; int fd; struct { unsigned flag : 1; short port; }; struct st_req_t *own; };\n"
    "typedef const struct st_req_t { conn_t *conn; struct { iovec_t path; } input; volatile int status; double odd;\n"
    "    struct { struct { iovec_t *entries; unsigned long size; } headers; } res; struct st_unknown *unknown; conn_t "
    "*several[3]; } req_t;\n"
    "struct st_stream_t { unsigned id; char more[60]; struct st_req_t req; };\n"
    "struct { int count; struct st_stream_t *streams; } held = {1}; extern int elsewhere;\n"
    "struct st_http1_t one; struct st_stream_t two; req_t three;\n";

static char dir[] = "/tmp/h2olog-unit-XXXXXX";
static struct diag diag;
static struct members_place place;

/* A file with debugging information of the source. */
static int
compile(const char *options)
{
    char command[256], path[64];
    snprintf(path, sizeof(path), "%s/x.c", dir);
    FILE *file = fopen(path, "w");
    ck_assert(file != NULL && fputs(source, file) >= 0 && fclose(file) == 0);
    snprintf(command, sizeof(command), "cc %s -shared -nostdlib -fPIC -o %s/x.so %s", options, dir, path);
    ck_assert_int_eq(system(command), 0);
    snprintf(path, sizeof(path), "%s/x.so", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void
set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
tear_down(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
    strcpy(dir, "/tmp/h2olog-unit-XXXXXX");
}

static int
find(int fd, const char *path)
{
    const struct sandbox_file file = {.fd = fd};
    const struct members_wanted wanted = {&path, 1, false};
    return members_find(&place, &wanted, 1, &file, clock_ms() + 5000, &diag);
}

START_TEST(members_are_where_the_compiler_put_them)
{
    static const struct {
        const char *path;
        int nsteps;
        int32_t offsets[3];
        unsigned size;
        bool is_signed;
    } rows[] = {
        {"st_req_t.status", 1, {24}, 4, true},
        {"st_req_t.input.path", 1, {8}, 0, false},
        {"st_req_t.input.path.len", 1, {16}, 8, false},
        {"st_req_t.res.headers.entries", 1, {40}, 8, false},
        {"st_req_t.conn->id", 2, {0, 8}, 8, false}, /* only declared where it is used */
        {"st_req_t.conn->{st_http1_t}fd", 2, {0, 16}, 4, true},
        {"st_req_t.conn->{st_http1_t}port", 2, {0, 22}, 2, true}, /* in a structure without a name */
        {"st_req_t.conn->{st_http1_t}own->conn->id", 4, {0, 24, 0}, 8, false},
        {"st_stream_t(req).id", 1, {-64}, 4, false},
        {"st_stream_t(req).req.conn->id", 2, {0, 8}, 8, false},
        {"st_req_t.several[0]->id", 2, {64, 8}, 8, false},
        {"sizeof(st_conn_t)", 1, {16}, 0, false},
    };
    for (int dwarf = 4; dwarf <= 5; dwarf++) {
        int fd = compile(dwarf == 4 ? "-gdwarf-4 -O2" : "-gdwarf-5 -O0 -g3");
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            ck_assert_msg(find(fd, rows[i].path) == 0, "%s: %s", rows[i].path, diag.message);
            ck_assert_int_eq(place.nsteps, rows[i].nsteps);
            for (int step = 0; step < place.nsteps && step < 3; step++)
                ck_assert_int_eq(place.offsets[step], rows[i].offsets[step]);
            ck_assert_uint_eq(place.size, rows[i].size);
            ck_assert(place.is_signed == rows[i].is_signed);
        }
        close(fd);
    }
}
END_TEST

static int32_t
first_offset(int fd, const char *path)
{
    ck_assert_msg(find(fd, path) == 0, "%s: %s", path, diag.message);
    return place.offsets[0];
}

START_TEST(variables_are_where_the_linker_put_them)
{
    int fd = compile("-g");
    int32_t begin = first_offset(fd, "@held");
    ck_assert_int_eq(place.size, 0);
    ck_assert_int_ne(begin, 0);
    ck_assert_int_eq(first_offset(fd, "@held.streams") - begin, 8);
    ck_assert_int_eq(place.size, 8);
    ck_assert_int_eq(first_offset(fd, "@held.streams->req.status") - begin, 8);
    ck_assert_int_eq(place.nsteps, 2);
    ck_assert_int_eq(place.offsets[1], 64 + 24);
    ck_assert_int_eq(place.size, 4);
    ck_assert_int_eq(first_offset(fd, "sizeof(*@held.streams)"), 64 + 88);
    close(fd);
}
END_TEST

START_TEST(what_cannot_be_found_is_named)
{
    static const char *const rows[][2] = {
        {"st_none_t.x", "there is no struct st_none_t"},
        {"st_req_t.none", "there is no member none"},
        {"st_http1_t.flag", "there is no member flag"}, /* a bit of a number */
        {"st_req_t.status->x", "there is no pointer before x"},
        {"st_req_t.unknown->x", "there is no struct st_unknown"},
        {"st_req_t.conn->{st_none_t}x", "there is no struct st_none_t"},
        {"st_req_t,status", "expected . or -> at ,status"},
        {"st_req_t.", "expected a name at "},
        {"st_stream_t(req.id", "expected ) at .id"},
        {"st_stream_t(none).id", "there is no member none"},
        {"st_stream_t.more", "it is no number: st_stream_t.more"},
        {"st_req_t.status[0]", "there is no array before "},
        {"sizeof(st_none_t)", "there is no struct st_none_t"},
        {"sizeof(st_conn_t", "expected ) at "},
        {"@nothing", "there is no variable nothing"},
        {"@elsewhere", "there is no variable elsewhere"}, /* only declared */
        {"@held.none", "there is no member none"},
        {"@held.count->id", "there is no pointer before id"},
        {"sizeof(*@held.count)", "there is no size of what it points to: count"},
        {"sizeof(*@held)", "expected a variable's member before )"},
        {"st_http1_t.own->conn->{st_http1_t}own->conn->{st_http1_t}own->conn->{st_http1_t}own->conn->id",
         "too long a way before "},
    };
    int fd = compile("-g");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(find(fd, rows[i][0]), -1);
        ck_assert_msg(strncmp(diag.message, rows[i][1], strlen(rows[i][1])) == 0, "%s", diag.message);
    }
    close(fd);
    fd = compile("-g0");
    ck_assert_int_eq(find(fd, "st_req_t.status"), -1);
    ck_assert_str_eq(diag.message, "there is no debugging information");
    close(fd);
}
END_TEST

START_TEST(the_first_path_that_is_there_is_taken)
{
    static const char *const paths[] = {"st_req_t.none", "st_req_t.status", "st_req_t.conn"};
    static const struct members_wanted wanted[] = {
        {paths, 3, false}, {paths, 1, true}, {paths + 2, 1, true}, {paths, 1, false}};
    struct members_place places[4];
    int fd = compile("-g");
    const struct sandbox_file file = {.fd = fd};
    ck_assert_int_eq(members_find(places, wanted, 3, &file, clock_ms() + 5000, &diag), 0);
    ck_assert_int_eq(places[0].nsteps, 1);
    ck_assert_int_eq(places[0].offsets[0], 24);
    ck_assert_int_eq(places[1].nsteps, 0);
    ck_assert_int_eq(places[2].offsets[0], 0);
    ck_assert_int_eq(members_find(places, wanted, 4, &file, clock_ms() + 5000, &diag), -1);
    ck_assert_str_eq(diag.message, "there is no member none");
    close(fd);
}
END_TEST

START_TEST(a_file_that_is_none)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(find(fd, "st_req_t.status"), -1);
    ck_assert_str_eq(diag.message, "there is no debugging information");
    close(fd);
}
END_TEST

Suite *
members_suite(void)
{
    Suite *suite = suite_create("members");
    TCase *tcase = tcase_create("members");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, members_are_where_the_compiler_put_them);
    tcase_add_test(tcase, variables_are_where_the_linker_put_them);
    tcase_add_test(tcase, what_cannot_be_found_is_named);
    tcase_add_test(tcase, the_first_path_that_is_there_is_taken);
    tcase_add_test(tcase, a_file_that_is_none);
    suite_add_tcase(suite, tcase);
    return suite;
}

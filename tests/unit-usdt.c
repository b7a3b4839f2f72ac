#include "usdt.h"

#include "target.h"
#include "unit-fixture.h"
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct mem mem;
static struct diag diag;

/* The bytes of the test server, which has the probes of h2o; NULL if it was not built. */
static char *
read_server(size_t *len)
{
    const char *path = getenv("SERVER");
    int fd = path != NULL ? open(path, O_RDONLY) : -1;
    struct outbuf bytes = {0};
    ssize_t got;
    while (fd >= 0 && (got = read(fd, text_reserve(&bytes, 65536), 65536)) > 0)
        bytes.len += (size_t)got;
    if (fd >= 0)
        close(fd);
    *len = bytes.len;
    return bytes.ptr;
}

static int
read_bytes(struct usdt_probes *probes, const char *bytes, size_t len)
{
    int fd = memfd_create("elf", MFD_CLOEXEC);
    *probes = (struct usdt_probes){0};
    diag = (struct diag){0};
    ck_assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    int status = usdt_read(probes, fd, "FILE", &mem, &diag);
    close(fd);
    return status;
}

START_TEST(the_test_server_has_h2o_probes)
{
    size_t len;
    char *bytes = read_server(&len);
    struct usdt_probes probes;
    ck_assert_msg(len > 0, "SERVER does not name the test server");
    ck_assert_msg(read_bytes(&probes, bytes, len) == 0, "%s", diag.message);
    ck_assert_uint_eq(probes.count, 135);
    const struct usdt_probe *request = usdt_find(&probes, "h2o", "receive_request");
    ck_assert_ptr_nonnull(request);
    ck_assert_int_eq(request->nargs, 3);
    ck_assert_int_eq((int)request->nsites, 3);
    ck_assert(request->args[0].size == 8 && !request->args[0].is_signed && request->args[2].size == 4 &&
              request->args[2].is_signed);
    ck_assert_int_eq(usdt_find(&probes, "h2o", "receive_request_header")->nargs, 6);
    ck_assert_int_eq(usdt_find(&probes, "h2o", "h3s_destroy")->nargs, 12);
    ck_assert_uint_gt(usdt_find(&probes, "h2o", "h3s_destroy")->sites[0].offset, 0);
    ck_assert_uint_gt(usdt_find(&probes, "h2o", "h3s_destroy")->sites[0].operands[11].len, 2);
    ck_assert(usdt_has_provider(&probes, "quicly") && usdt_has_provider(&probes, "picotls") &&
              !usdt_has_provider(&probes, "q"));
    ck_assert_ptr_null(usdt_find(&probes, "quicly", "receive_request"));
    free(bytes);
    mem_free(&mem);
}
END_TEST

START_TEST(files_without_notes_have_no_probes)
{
    struct usdt_probes probes;
    ck_assert(read_bytes(&probes, "", 0) == 0 && probes.count == 0);
    ck_assert(read_bytes(&probes, "#!/bin/sh\n", 10) == 0 && probes.count == 0);
    ck_assert(read_bytes(&probes, "\177ELF", 4) == 0 && probes.count == 0);
}
END_TEST

/* Cut off anywhere, and with bytes of headers and notes changed: no harm, and an error has its words. */
START_TEST(hostile_files_do_no_harm)
{
    size_t len;
    char *bytes = read_server(&len);
    struct usdt_probes probes;
    uint32_t seed = 11;
    ck_assert_uint_gt(len, 0);
    char *notes = memmem(bytes, len, "stapsdt", 8), *copy = malloc(len);
    ck_assert_ptr_nonnull(notes);
    for (int round = 0; round < 400; round++) {
        memcpy(copy, bytes, len);
        for (int change = 0; change < 1 + round % 8; change++) {
            size_t at = fixture_random(&seed) % 4096, from = round % 3 == 0   ? 0
                                                             : round % 3 == 1 ? (size_t)(notes - bytes) - 12
                                                                              : len - 4096;
            fixture_fill(copy + from + at, 1, round % 2 ? "\x01\x02\x04@%()[-8 \xff" : NULL, &seed);
        }
        int status = read_bytes(&probes, copy, round % 5 == 0 ? fixture_random(&seed) % len : len);
        ck_assert(status == 0 || (strncmp(diag.message, "FILE: ", 6) == 0 && diag.status == DIAG_NOTHING));
        mem_free(&mem);
    }
    free(copy);
    free(bytes);
}
END_TEST

START_TEST(processes_that_cannot_be_traced)
{
    struct target target;
    ck_assert_int_eq(target_open(&target, 4194304, &mem, &diag), -1);
    ck_assert_int_eq(diag.status, DIAG_NOTHING);
    ck_assert_ptr_nonnull(strstr(diag.message, "there is no process 4194304"));
    ck_assert_int_eq(target_open(&target, getpid(), &mem, &diag), -1);
    ck_assert_int_eq(diag.status, DIAG_NOTHING);
    ck_assert_ptr_nonnull(strstr(diag.message, "has none of h2o's probes"));
    ck_assert_ptr_nonnull(strstr(diag.message, "-DWITH_DTRACE=on"));
    target_close(&target);
    mem_free(&mem);
}
END_TEST

Suite *
usdt_suite(void)
{
    Suite *suite = suite_create("usdt");
    TCase *tcase = tcase_create("usdt");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_test_server_has_h2o_probes);
    tcase_add_test(tcase, files_without_notes_have_no_probes);
    tcase_add_test(tcase, hostile_files_do_no_harm);
    tcase_add_test(tcase, processes_that_cannot_be_traced);
    suite_add_tcase(suite, tcase);
    return suite;
}

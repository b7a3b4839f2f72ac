/* Any recording: an error, or valid lines. */
#include "fuzz.h"

#include "run/replay.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void
check_output(int fd)
{
    struct outbuf out = {0};
    ssize_t got;
    lseek(fd, 0, SEEK_SET);
    while ((got = read(fd, text_reserve(&out, 65536), 65536)) > 0)
        out.len += (size_t)got;
    struct slice rest = {out.ptr, out.len}, line;
    while (text_line(&rest, &line))
        fuzz_check_line((struct slice){line.ptr, line.len + 1});
    text_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct diag_log log = {.quiet = true};
    char path[64];
    int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
    struct sink sink = {.fd = out};
    struct diag diag = {0};
    FUZZ_CHECK(in >= 0 && out >= 0 && write(in, data, size) == (ssize_t)size && lseek(in, 0, SEEK_SET) == 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", in);
    struct replay replay = {.path = path, .sink = &sink, .log = &log};
    if (replay_run(&replay, &diag) != 0)
        FUZZ_CHECK(diag.message[0] != '\0');
    check_output(out);
    text_free(&sink.pending);
    close(in);
    close(out);
    return 0;
}

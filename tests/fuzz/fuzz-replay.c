/* Any recording: an error, or valid lines.
 *
 * Of any bytes hardly a recording is one. So what does not begin as one is frames, behind a byte each that choose the header's
 * lines and how it is replayed: the header then says one thing, and the frames say another. FUZZ_MARK stands for the nonce. */
#include "fuzz.h"

#include "run/replay.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* Numbers, texts that are redacted, texts up to NUL, bytes and pointers, three texts; and the roles of requests. */
static const char catalogue[] =
    "provider p\n"
    "probe q\n group g\n summary s\n role request\n arg 0 conn_id u64\n arg 1 req_id u64\n arg 2 http_version http_version\n"
    "probe h\n group g\n summary s\n role request-header\n arg 0 conn_id u64\n arg 1 req_id u64\n"
    " arg 2 name str len=3 request-header\n arg 4 value str len=5 named-by=name\n"
    " line ${conn_id} ${req_id} ${tag} ${name} ${value}\n"
    "probe r\n group g\n summary s\n role response\n arg 0 conn_id u64\n arg 1 req_id u64\n arg 2 status i32\n"
    "probe c\n group g\n summary s\n arg 0 r cstr\n arg 1 s cstr\n"
    "probe b\n group g\n summary s\n arg 0 x bytes len=1 null app-data\n arg 2 t u32 at=8 optional\n arg 3 at ms\n"
    " arg 4 peer sockaddr null\n"
    "probe t\n group g\n summary s\n arg 0 a str len=1\n arg 2 b str len=3\n arg 4 c str len=5\n";

static const char note[] = "12\n" FUZZ_NONCE "%s\nserver\n"
                           "p q 8 8 4\np h 8 8 8 8 8 8\np r 8 8 -4\np c 8 8\np b 8 8 8 8 8\np t 8 8 8 8 8 8\np u 8 4\n";

struct source {
    const uint8_t *at, *end;
};

static unsigned
take(struct source *source, unsigned choices)
{
    return source->at < source->end ? *source->at++ % choices : 0;
}

static void
put_block(struct outbuf *out, const char *kind, unsigned server, unsigned nsecs, struct slice bytes)
{
    text_printf(out, "%s %u %u %zu\n", kind, server, nsecs, bytes.len);
    text_put(out, bytes);
    text_putc(out, '\n');
}

static void
put_start(struct outbuf *out, bool is_lesser)
{
    struct outbuf text = {0};
    text_printf(&text, note, is_lesser ? " lesser" : "");
    put_block(out, "start", 0, 5, (struct slice){text.ptr, text.len});
    text_free(&text);
}

static void
put_header(struct outbuf *out, struct source *source)
{
    static const char *const versions[] = {"0.12.0", "0.17.0", "0.19.0", "0.20.0", "0.22.0", "0.24.0", "0.27.0", "9.0.0"};
    static const char *const cpus[] = {"1", "2", "4096"}, *const offsets[] = {"0", "1700000000000000000",
                                                                              "-4611686018427387904"};
    unsigned flags = take(source, 256);
    text_printf(out, "h2olog-recording 1\nbpftrace %s\ncpus %s\noffset %s\nmode g\n", versions[take(source, 8)],
                cpus[take(source, 3)], offsets[take(source, 3)]);
    text_puts(out, flags & 1 ? "transport batch\n" : "");
    text_printf(out, "format %s\nextra %d\nnames %d\napp-data %d\n", flags & 2 ? "json" : "line", (flags & 4) != 0,
                (flags & 8) != 0, (flags & 16) != 0);
    text_puts(out, flags & 32 ? "redact cookie\n" : "");
    text_puts(out, flags & 64 ? "show group request\n" : "");
    text_printf(out, "file %zu t.probes\n%s\nbegin\n", sizeof(catalogue) - 1, catalogue);
    put_start(out, (flags & 128) != 0);
}

/* The frames in two pieces, as bpftrace's buffers are cut anywhere. */
static void
put_frames(struct outbuf *out, struct source *source)
{
    struct outbuf frames = {0};
    size_t cut = take(source, 256);
    text_reserve(&frames, 1);
    for (; source->at < source->end; source->at++) {
        if (*source->at == FUZZ_MARK)
            text_puts(&frames, FUZZ_NONCE);
        else
            text_putc(&frames, (char)*source->at);
    }
    cut = cut < frames.len ? cut : frames.len;
    put_block(out, "out", 0, 100, (struct slice){frames.ptr, cut});
    put_block(out, "out", 0, 200, (struct slice){frames.ptr + cut, frames.len - cut});
    put_block(out, "end", 0, 300, text_of("complete"));
    text_free(&frames);
}

static void
make_recording(struct outbuf *out, struct source *source)
{
    struct slice all = {(const char *)source->at, (size_t)(source->end - source->at)};
    if (text_starts_with(all, "h2olog-recording")) {
        text_put(out, all);
        return;
    }
    put_header(out, source);
    put_frames(out, source);
}

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

/* As it was recorded, or redacting, or another view. */
static struct replay
choose_replay(struct source *source)
{
    static const char *const cookie = "c*e";
    static const struct filter_word words[] = {
        {"query", "req.cookie ~ a or status >= 400"}, {"log-format", "%r %{cookie}i %s"}, {"conn", "1"}};
    unsigned choice = take(source, 5);
    struct replay replay = {.redact = {&cookie, choice > 0}};
    if (choice > 1) {
        replay.words = &words[choice - 2];
        replay.nwords = 1;
    }
    return replay;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct diag_log log = {.quiet = true};
    char path[64];
    int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
    struct sink sink = {.fd = out};
    struct diag diag = {0};
    struct source source = {data, data + size};
    struct replay replay = size > 0 && *data != 'h' ? choose_replay(&source) : (struct replay){0};
    struct outbuf recording = {0};
    make_recording(&recording, &source);
    FUZZ_CHECK(in >= 0 && out >= 0 && write(in, recording.ptr, recording.len) == (ssize_t)recording.len &&
               lseek(in, 0, SEEK_SET) == 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", in);
    replay.path = path;
    replay.sink = &sink;
    replay.log = &log;
    if (replay_run(&replay, &diag) != 0)
        FUZZ_CHECK(diag.message[0] != '\0');
    check_output(out);
    text_free(&recording);
    sink_free(&sink);
    close(in);
    close(out);
    return 0;
}

#include "host/cause.h"
#include "host/child.h"
#include "base/clock.h"
#include "command/doctor.h"

#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if HAVE_SYS_SDT_H
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

/* As h2o's probes have one: the kernel counts it up while somebody traces. */
__extension__ unsigned short h2olog_doctor_semaphore __attribute__((unused)) __attribute__((section(".probes")));

enum { ANSWER = 42, PATIENCE_MS = 15000 };

static const char program[] = "usdt::h2olog:doctor { printf(\"fired %d\\n\", arg0); }";

static bool
was_seen(const struct outbuf *said)
{
    return said->len > 0 && memmem(said->ptr, said->len, "fired 42", 8) != NULL;
}

/* Fires until bpftrace has seen it, has ended, or has taken too long. */
static bool
fire_until_seen(struct child *tracer, struct outbuf *said, struct outbuf *complaints)
{
    int64_t end = clock_ms() + PATIENCE_MS;
    bool has_ended = false;
    while (!has_ended && !was_seen(said) && clock_ms() < end) {
        struct pollfd fd = {tracer->pidfd, POLLIN, 0};
        STAP_PROBE1(h2olog, doctor, ANSWER);
        has_ended = poll(&fd, 1, 20) > 0;
        child_read(&tracer->out, said);
        child_read(&tracer->err, complaints);
    }
    return was_seen(said);
}

/* The line that tells of an error, or else the first one. */
static const char *
complaint(const struct outbuf *complaints, struct mem *mem)
{
    struct slice line;
    char quoted[512];
    cause_find((struct slice){complaints->ptr, complaints->len}, &line);
    return mem_strdup(mem, diag_quote(quoted, sizeof(quoted), line));
}

static struct doctor_finding
conclude(const struct doctor *doctor, bool has_fired, int64_t ms, const struct outbuf *complaints)
{
    const char *line = complaint(complaints, doctor->mem);
    if (has_fired)
        return (struct doctor_finding){
            DOCTOR_OK, mem_printf(doctor->mem, "bpftrace saw h2olog's own probe fire after %.1f s", (double)ms / 1000), NULL};
    if (*line != '\0')
        return (struct doctor_finding){DOCTOR_PROBLEM, mem_printf(doctor->mem, "bpftrace says: %s", line),
                                       "what is named above may be the reason; h2olog -ddd -p PID shows more"};
    return (struct doctor_finding){DOCTOR_PROBLEM, "bpftrace attached to nothing within 15 s, without a word",
                                   "try: sudo bpftrace -e 'interval:s:1 { printf(\"hello\\n\"); }'"};
}

struct doctor_finding
doctor_attach(struct doctor *doctor)
{
    char *path = mem_strdup(doctor->mem, doctor->tracer.path), *pid = mem_printf(doctor->mem, "%d", getpid());
    char *argv[] = {path, "-q", "--no-warnings", "-p", pid, "-e", (char *)program, NULL};
    struct outbuf said = {0}, complaints = {0};
    struct child tracer;
    struct diag diag;
    int64_t begin = clock_ms();
    if (child_start(&tracer, path, argv, bpftrace_environment(&doctor->tracer, false, doctor->mem), -1, &diag) != 0)
        return (struct doctor_finding){DOCTOR_PROBLEM, mem_strdup(doctor->mem, diag.message), NULL};
    bool has_fired = fire_until_seen(&tracer, &said, &complaints);
    int64_t taken = clock_ms() - begin;
    child_signal(&tracer, SIGKILL);
    child_wait(&tracer);
    struct doctor_finding finding = conclude(doctor, has_fired, taken, &complaints);
    text_free(&said);
    text_free(&complaints);
    return finding;
}

#else

struct doctor_finding
doctor_attach(struct doctor *doctor)
{
    (void)doctor;
    return (struct doctor_finding){DOCTOR_NOTE, "not tried: this h2olog was built without sys/sdt.h", NULL};
}

#endif

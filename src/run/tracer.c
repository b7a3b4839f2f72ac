#include "run/tracer.h"

#include "base/writable.h"
#include "plan/buffers.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bytes of a program; that of all events of today's h2o has a seventh of it. */
enum { MAX_PROGRAM = 1024 * 1024 };

/* A server may have many probes with many sites each, all of which the program has to tell apart. */
static int
check_size(const struct outbuf *program, struct diag *diag)
{
    if (program->len <= MAX_PROGRAM)
        return 0;
    return diag_set(diag, DIAG_NOTHING,
                    "the program for this server has %zu bytes; bpftrace is given at most %d; -t chooses fewer events",
                    program->len, MAX_PROGRAM);
}

/* A bpftrace that has no more files may say something else, as that the kernel refuses the program. */
static int
check_files(const struct plan *plan, struct diag *diag)
{
    enum { BESIDE = 15 };
    size_t sites = 0, most = child_raise_files();
    for (size_t i = 0; i < plan->nevents; i++)
        sites += plan->events[i].usdt != NULL ? plan->events[i].usdt->nsites : 0;
    size_t needed = sites * plan->bpftrace->row.files_a_site + BESIDE;
    if (needed <= most)
        return 0;
    return diag_set(
        diag, DIAG_MACHINE,
        "bpftrace needs %zu open files at least for %zu probes, and may have %zu; allow more, as with ulimit -n 65536, "
        "or trace fewer events with -t",
        needed, plan->nevents, most);
}

int
tracer_check(const struct plan *plan, const struct outbuf *program, struct diag *diag)
{
    return check_size(program, diag) != 0 ? -1 : check_files(plan, diag);
}

/* Puts the program into a file without a name: nobody else can read the nonce in it, and nothing is left behind. */
static int
program_file(const struct outbuf *program, struct diag *diag)
{
    int fd = memfd_create("h2olog.bt", MFD_CLOEXEC);
    if (fd >= 0 && writable_put_all(fd, (struct slice){program->ptr, program->len}) == 0)
        return fd;
    const char *advice = errno == EFBIG ? "; allow larger files, as with ulimit -f unlimited" : "";
    diag_set(diag, DIAG_MACHINE, "cannot keep the program in memory: %s%s", strerror(errno), advice);
    if (fd >= 0)
        close(fd);
    return -1;
}

int
tracer_start(struct child *tracer, const struct plan *plan, const struct outbuf *program, bool is_verbose, struct mem *mem,
             struct diag *diag)
{
    const struct target *target = plan->target;
    const struct bpftrace *bpftrace = plan->bpftrace;
    int fd = program_file(program, diag);
    if (fd < 0)
        return -1;
    char *pid = mem_printf(mem, "%d", target->pid), *file = mem_printf(mem, "/proc/self/fd/%d", fd);
    char *path = mem_strdup(mem, bpftrace->path);
    char *argv[10] = {path, "-q", "--no-warnings", "-B", "full"}, **next = argv + 5;
    if (is_verbose)
        *next++ = "-v";
    if (!target->by_path && !target->by_file)
        *next++ = "-p", *next++ = pid;
    *next = file;
    struct bpftrace_memory memory =
        buffers_of(&plan->layout, &bpftrace->row, plan->request, (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
    int status =
        child_start(tracer, bpftrace->program, argv, bpftrace_environment(bpftrace, memory, is_verbose, mem), fd, diag);
    close(fd);
    return status;
}

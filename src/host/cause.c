#include "host/cause.h"

/* A row that stands earlier tells more: the first one that is found in any line is the cause. */
static const struct cause causes[] = {
    {"only supports running as the root", DIAG_MACHINE, "run h2olog as root, as with sudo", false},
    {"Kernel lockdown", DIAG_MACHINE, "the kernel is locked down against tracing; boot it without lockdown=confidentiality",
     false},
    {"tracing/available_events", DIAG_MACHINE,
     "this bpftrace needs tracefs; mount -t tracefs tracefs /sys/kernel/tracing, in the container too", false},
    {"Too many open files", DIAG_MACHINE,
     "bpftrace keeps two files open for each probe; allow more, as with ulimit -n 65536, or trace fewer events with -t", false},
    {"File too large", DIAG_MACHINE, "files may not grow so large here; allow more, as with ulimit -f unlimited", false},
    {"Missing CAP_", DIAG_MACHINE, "root lacks this capability here; a container must be given it, as with --cap-add", false},
    {"mmap: Operation not permitted", DIAG_MACHINE,
     "bpftrace may not lock memory for its buffer; a container needs CAP_IPC_LOCK", false},
    {"Operation not permitted", DIAG_MACHINE, "the kernel does not let this user trace; a container needs CAP_SYS_ADMIN",
     false},
    {"couldn't get argument", DIAG_MACHINE, "bpftrace cannot reach the server's binary; restart the server if it was upgraded",
     false},
    {"Argument list too long", DIAG_MACHINE,
     "this bpftrace does not take so many probes at once; trace fewer events with -t, or name another with --bpftrace PATH",
     false},
    {"has no valid attach points", DIAG_NOTHING, "the server's binary has changed since it was started; restart the server",
     false},
    {"No probes to attach", DIAG_NOTHING, "the server's binary has changed since it was started; restart the server", false},
    {"Error loading", DIAG_MACHINE, "the kernel's verifier refused the program; h2olog -ddd shows why", true},
    {"log buffer not big enough", DIAG_MACHINE, "the kernel's verifier refused the program; its last words stand above", true},
    {"stack limit", DIAG_MACHINE, "the program is too large for this bpftrace; please report it", true},
    {"Cannot allocate memory", DIAG_MACHINE, "there is not enough memory for the trace buffers", false},
    {"Failed to open perf buffer", DIAG_MACHINE,
     "the kernel gives bpftrace no buffer; a container needs CAP_SYS_ADMIN, or CAP_PERFMON", false},
    {"Unknown BPF object load failure", DIAG_MACHINE,
     "the kernel takes no program of bpftrace's; a container needs CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON", false},
    {"Error attaching probe", DIAG_MACHINE, "the kernel does not let bpftrace attach; a container needs CAP_SYS_ADMIN", false},
    {"'linux/types.h' file not found", DIAG_MACHINE, "this bpftrace needs the kernel's headers; apt-get install linux-libc-dev",
     false},
    {"ERROR", DIAG_FAILED, "h2olog -dd shows the program", false},
    {"error", DIAG_FAILED, "h2olog -dd shows the program", false},
};

/* The next line that is not empty. bpftrace's note on RLIMIT_MEMLOCK is passed over, as it is no error. */
static bool
next_line(struct slice *rest, struct slice *line)
{
    while (text_line(rest, line))
        if (line->len > 0 && text_find(*line, "RLIMIT_MEMLOCK") == NULL)
            return true;
    return false;
}

const struct cause *
cause_find(struct slice errors, struct slice *found)
{
    struct slice rest;
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
        for (rest = errors; next_line(&rest, found);)
            if (text_find(*found, causes[i].words) != NULL)
                return &causes[i];
    rest = errors;
    if (!next_line(&rest, found))
        *found = (struct slice){"", 0};
    return NULL;
}

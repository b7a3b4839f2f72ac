#include "command/doctor.h"

#include "base/json.h"
#include "host/elf_reader.h"
#include "host/find.h"
#include "run/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Bits of CapEff in /proc/PID/status (linux/capability.h). */
enum { CAP_SYS_PTRACE_BIT = 19, CAP_SYS_ADMIN_BIT = 21 };

static struct doctor_finding
finding(enum doctor_state state, const char *detail, const char *advice)
{
    return (struct doctor_finding){state, detail, advice};
}

/* A diag's message: what is wrong, a semicolon, what to do. */
static struct doctor_finding
problem_of(const struct doctor *doctor, const struct diag *diag)
{
    const char *semicolon = strstr(diag->message, "; ");
    if (semicolon == NULL)
        return finding(DOCTOR_PROBLEM, mem_strdup(doctor->mem, diag->message), NULL);
    return finding(DOCTOR_PROBLEM, mem_strndup(doctor->mem, diag->message, (size_t)(semicolon - diag->message)),
                   mem_strdup(doctor->mem, semicolon + 2));
}

/* The first line of a file; NULL: it cannot be read. */
static const char *
read_line(const char *path, struct mem *mem)
{
    char line[256] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
    if (fd >= 0)
        close(fd);
    return got < 0 ? NULL : mem_strndup(mem, line, strcspn(line, "\n"));
}

/* ---- The user and the kernel. */

/* false: /proc does not tell. */
static bool
read_capabilities(uint64_t *set)
{
    char line[256];
    bool is_there = false;
    FILE *status = fopen("/proc/self/status", "re");
    while (status != NULL && !is_there && fgets(line, sizeof(line), status) != NULL)
        is_there = sscanf(line, "CapEff: %lx", set) == 1;
    if (status != NULL)
        fclose(status);
    return is_there;
}

static struct doctor_finding
check_user(struct doctor *doctor)
{
    uint64_t set;
    if (!read_capabilities(&set))
        return finding(DOCTOR_PROBLEM, "there is no /proc", "mount -t proc proc /proc");
    if (geteuid() != 0)
        return finding(DOCTOR_PROBLEM, mem_printf(doctor->mem, "user %u, not root", geteuid()), "run h2olog with sudo");
    if ((set >> CAP_SYS_ADMIN_BIT & 1) == 0 || (set >> CAP_SYS_PTRACE_BIT & 1) == 0)
        return finding(DOCTOR_PROBLEM,
                       mem_printf(doctor->mem, "root without CAP_SYS_ADMIN or CAP_SYS_PTRACE (its capabilities: %lx)", set),
                       "give them to the container, as docker run --privileged --pid=host does");
    return finding(DOCTOR_OK, "root, with CAP_SYS_ADMIN and CAP_SYS_PTRACE", NULL);
}

static struct doctor_finding
check_kernel(struct doctor *doctor)
{
    struct utsname name;
    int major = 0, minor = 0;
    uname(&name);
    sscanf(name.release, "%d.%d", &major, &minor);
    const char *detail = mem_printf(doctor->mem, "Linux %s on %s", name.release, name.machine);
    if (major < 5 || (major == 5 && minor < 3))
        return finding(DOCTOR_PROBLEM, detail, "h2olog needs Linux 5.3 or later");
    return finding(DOCTOR_OK, detail, NULL);
}

static struct doctor_finding
check_uprobes(struct doctor *doctor)
{
    static const char path[] = "/sys/bus/event_source/devices/uprobe/type";
    const char *type = read_line(path, doctor->mem);
    if (type != NULL)
        return finding(DOCTOR_OK, "the kernel has uprobes", NULL);
    return finding(DOCTOR_PROBLEM, mem_printf(doctor->mem, "there is no %s", path),
                   "mount sysfs on /sys, or boot a kernel with CONFIG_UPROBE_EVENTS");
}

static struct doctor_finding
check_bpf(struct doctor *doctor)
{
    union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1};
    if (geteuid() != 0)
        return finding(DOCTOR_NOTE, "not tried without root", NULL);
    int fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
    if (fd >= 0) {
        close(fd);
        return finding(DOCTOR_OK, "bpf(2) works", NULL);
    }
    return finding(DOCTOR_PROBLEM, mem_printf(doctor->mem, "bpf(2) does not work: %s", strerror(errno)),
                   errno == ENOSYS ? "boot a kernel with CONFIG_BPF_SYSCALL"
                                   : "a container needs CAP_SYS_ADMIN, and seccomp must let bpf(2) through");
}

static struct doctor_finding
check_lockdown(struct doctor *doctor)
{
    const char *line = read_line("/sys/kernel/security/lockdown", doctor->mem);
    if (line == NULL)
        return finding(DOCTOR_OK, "none", NULL);
    if (strstr(line, "[confidentiality]") != NULL)
        return finding(DOCTOR_PROBLEM, line, "boot without lockdown=confidentiality");
    return finding(DOCTOR_OK, line, NULL);
}

static struct doctor_finding
check_sysctls(struct doctor *doctor)
{
    const char *paranoid = read_line("/proc/sys/kernel/perf_event_paranoid", doctor->mem);
    const char *unprivileged = read_line("/proc/sys/kernel/unprivileged_bpf_disabled", doctor->mem);
    return finding(DOCTOR_OK,
                   mem_printf(doctor->mem, "perf_event_paranoid %s, unprivileged_bpf_disabled %s; root may trace with any",
                              paranoid != NULL ? paranoid : "-", unprivileged != NULL ? unprivileged : "-"),
                   NULL);
}

static struct doctor_finding
check_memlock(struct doctor *doctor)
{
    struct rlimit limit = {0, 0};
    getrlimit(RLIMIT_MEMLOCK, &limit);
    const char *detail =
        limit.rlim_max == RLIM_INFINITY ? "unlimited" : mem_printf(doctor->mem, "%lu KiB", limit.rlim_max / 1024);
    return finding(DOCTOR_OK,
                   mem_printf(doctor->mem, "%s; bpftrace raises it as root, and Linux 5.11 counts BPF elsewhere", detail),
                   NULL);
}

/* ---- bpftrace, and what it needs. */

static struct doctor_finding
check_bpftrace(struct doctor *doctor)
{
    struct diag diag;
    if (bpftrace_find(&doctor->bpftrace, doctor->bpftrace_path, doctor->is_forced, doctor->mem, &diag) != 0) {
        doctor->bpftrace = (struct bpftrace){0};
        return problem_of(doctor, &diag);
    }
    const struct bpftrace *bpftrace = &doctor->bpftrace;
    return finding(bpftrace_is_known(bpftrace) ? DOCTOR_OK : DOCTOR_NOTE,
                   mem_printf(doctor->mem, "%s is %d.%d.%d, works as %d.%d does%s", bpftrace->path, bpftrace->major,
                              bpftrace->minor, bpftrace->patch, bpftrace->row.major, bpftrace->row.minor,
                              bpftrace_is_known(bpftrace) ? "" : "; it is newer than any that was tried"),
                   NULL);
}

static struct doctor_finding
check_need(const struct doctor *doctor, const char *path, const char *what, const char *advice)
{
    bool is_needed = bpftrace_is_set(&doctor->bpftrace) && doctor->bpftrace.row.needs_btf_and_tracefs;
    if (access(path, R_OK) == 0)
        return finding(DOCTOR_OK, path, NULL);
    if (geteuid() != 0)
        return finding(DOCTOR_NOTE, mem_printf(doctor->mem, "%s is not to be seen without root", what), NULL);
    if (is_needed)
        return finding(DOCTOR_PROBLEM, mem_printf(doctor->mem, "no %s, which this bpftrace needs", what), advice);
    return finding(DOCTOR_OK, mem_printf(doctor->mem, "no %s; bpftrace before 0.25 does without", what), NULL);
}

static struct doctor_finding
check_tracefs(struct doctor *doctor)
{
    return check_need(doctor, "/sys/kernel/tracing/available_events", "tracefs",
                      "mount -t tracefs tracefs /sys/kernel/tracing");
}

static struct doctor_finding
check_btf(struct doctor *doctor)
{
    return check_need(doctor, "/sys/kernel/btf/vmlinux", "BTF of the kernel", "boot a kernel with CONFIG_DEBUG_INFO_BTF");
}

static struct doctor_finding
check_attach(struct doctor *doctor)
{
    if (geteuid() != 0)
        return finding(DOCTOR_NOTE, "not tried without root", NULL);
    if (!bpftrace_is_set(&doctor->bpftrace))
        return finding(DOCTOR_NOTE, "not tried, as there is no bpftrace that works", NULL);
    return doctor_attach(doctor);
}

/* ---- The server. */

/* Probes of the server's that the catalogue does not have at all. */
static size_t
count_unknown(const struct doctor *doctor, const struct target *target, size_t *known)
{
    size_t unknown = 0;
    *known = 0;
    for (size_t i = 0; i < target->probes.count; i++) {
        const struct usdt_probe *probe = &target->probes.items[i];
        bool is_known = catalog_has_probe(doctor->catalog, probe->provider, probe->name);
        unknown += !is_known && catalog_has_provider(doctor->catalog, probe->provider);
        *known += is_known;
    }
    return unknown;
}

static const char *
build_id(const struct target *target, struct mem *mem)
{
    const char *id = elf_reader_build_id(target->pid, mem);
    return id != NULL ? id : "none";
}

/* Descriptions of probes that do not fit the server. */
static const char *
mismatches(const struct doctor *doctor, const struct target *target)
{
    struct plan plan;
    struct diag diag;
    struct bpftrace newest;
    const struct request all = {.group = "all"};
    bpftrace_newest(&newest);
    const struct bpftrace *bpftrace = bpftrace_is_set(&doctor->bpftrace) ? &doctor->bpftrace : &newest;
    if (plan_make(&plan, doctor->catalog, target, bpftrace, &all, doctor->mem, &diag) != 0)
        return mem_strdup(doctor->mem, diag.message);
    return plan.left_out.len > 0 ? mem_strndup(doctor->mem, plan.left_out.ptr, strcspn(plan.left_out.ptr, "\n")) : NULL;
}

static struct doctor_finding
describe_server(struct doctor *doctor, const struct target *target)
{
    size_t known, unknown = count_unknown(doctor, target, &known);
    char quoted[256];
    const char *mismatch = known > 0 ? mismatches(doctor, target) : NULL;
    const char *detail =
        mem_printf(doctor->mem, "pid %d, %s, build id %s: %zu probes of the catalogue, %zu unknown to it%s%s%s%s", target->pid,
                   diag_quote(quoted, sizeof(quoted), text_of(target->exe.path)), build_id(target, doctor->mem), known, unknown,
                   target->by_path ? ", reached by /proc/PID/exe" : "",
                   target->has_structures ? ", whole requests from its structures" : ", whole requests from its probes",
                   mismatch != NULL ? "; left out: " : "", mismatch != NULL ? mismatch : "");
    if (known == 0)
        return finding(DOCTOR_NOTE, detail,
                       "-g request, -q and -F are all that it can be asked for; others need -DWITH_DTRACE=on");
    if (unknown > 0)
        return finding(DOCTOR_NOTE, detail,
                       "--probes FILE.d adds the provider file of its sources; h2olog --list -p PID names them");
    return finding(DOCTOR_OK, detail, NULL);
}

static struct doctor_finding
check_server(struct doctor *doctor)
{
    struct target target = {.pidfd = -1};
    struct diag diag;
    struct bpftrace newest;
    const struct diag_log silent = {.quiet = true};
    const struct request request = {.group = REQUEST_EXCHANGES};
    bpftrace_newest(&newest);
    const struct source source = {&request, doctor->structures,
                                  bpftrace_is_set(&doctor->bpftrace) ? &doctor->bpftrace : &newest, &silent, 0};
    if (doctor->pid == 0 && geteuid() != 0)
        return finding(DOCTOR_NOTE, "processes of other users are not to be seen without root", "run h2olog with sudo");
    if (doctor->pid == 0 && find_server(&doctor->pid, doctor->mem, &diag) != 0) {
        struct doctor_finding none = problem_of(doctor, &diag);
        none.state = DOCTOR_NOTE;
        return none;
    }
    if (source_open(&source, &target, doctor->pid, doctor->mem, &diag) != 0)
        return problem_of(doctor, &diag);
    struct doctor_finding result = describe_server(doctor, &target);
    target_close(&target);
    return result;
}

/* In this order: later ones use what earlier ones have found. */
static const struct check {
    const char *name;
    struct doctor_finding (*run)(struct doctor *doctor);
    enum diag_status status; /* if it is a problem */
} checks[] = {
    {"user", check_user, DIAG_MACHINE},         {"kernel", check_kernel, DIAG_MACHINE},
    {"uprobes", check_uprobes, DIAG_MACHINE},   {"bpf", check_bpf, DIAG_MACHINE},
    {"lockdown", check_lockdown, DIAG_MACHINE}, {"sysctl", check_sysctls, DIAG_MACHINE},
    {"memlock", check_memlock, DIAG_MACHINE},   {"bpftrace", check_bpftrace, DIAG_MACHINE},
    {"tracefs", check_tracefs, DIAG_MACHINE},   {"btf", check_btf, DIAG_MACHINE},
    {"attach", check_attach, DIAG_MACHINE},     {"server", check_server, DIAG_NOTHING},
};

static const char *const state_names[] = {"ok", "note", "problem"};

static void
put_line(struct outbuf *out, const char *name, const struct doctor_finding *found)
{
    text_printf(out, "%-8s %-9s %s\n", state_names[found->state], name, found->detail);
    if (found->advice != NULL && found->state != DOCTOR_OK)
        text_printf(out, "%18s -> %s\n", "", found->advice);
}

static void
put_object(struct outbuf *out, const char *name, const struct doctor_finding *found)
{
    const char *const members[][2] = {
        {"check", name}, {"state", state_names[found->state]}, {"detail", found->detail}, {"advice", found->advice}};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        text_puts(out, i == 0 ? "{" : ", ");
        json_key(out, members[i][0], "");
        if (members[i][1] != NULL)
            json_string(out, text_of(members[i][1]));
        else
            text_puts(out, "null");
    }
    text_puts(out, "}\n");
}

enum diag_status
doctor_examine(struct doctor *doctor, struct outbuf *out)
{
    enum diag_status status = DIAG_OK;
    int problems = 0;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        struct doctor_finding found = checks[i].run(doctor);
        (doctor->is_json ? put_object : put_line)(out, checks[i].name, &found);
        if (found.state != DOCTOR_PROBLEM)
            continue;
        problems++;
        status = status == DIAG_OK ? checks[i].status : status;
    }
    struct doctor_finding sum = {
        problems == 0 ? DOCTOR_OK : DOCTOR_PROBLEM,
        problems == 0 ? "tracing will work"
                      : mem_printf(doctor->mem, "tracing will not work: %d problem%s", problems, problems > 1 ? "s" : ""),
        NULL};
    (doctor->is_json ? put_object : put_line)(out, "summary", &sum);
    return status;
}

#include "host/cause.h"
#include "host/child.h"
#include "host/elf_reader.h"
#include "base/clock.h"
#include "record/decode.h"
#include "command/doctor.h"
#include "command/specimen.h"
#include "program/wire_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

/* Records begin with it. It may be known, since only h2olog itself could forge records here. */
static const char nonce[WIRE_NONCE_SIZE] = "5ca1ab1e0ddba115";

/* bpftrace with the program for h2olog's own probe. */
struct trial {
    struct doctor *doctor;
    const struct bpftrace *bpftrace;
    struct catalog catalog;
    struct files templates;
    struct target target;
    struct request request;
    struct plan plan;
    struct outbuf program, complaints;
    struct decode *decode;
    struct child child;
    int64_t began; /* when bpftrace was started, in milliseconds */
    int patience_ms;
    bool is_attached, has_ended;
    struct record seen[SPECIMEN_SHOTS]; /* in the order of time, which is that of the shots: all come from one thread */
    int nseen;
};

static struct doctor_finding
problem(const char *detail, const char *advice)
{
    return (struct doctor_finding){DOCTOR_PROBLEM, detail, advice};
}

static int
read_own_probe(struct trial *trial, struct diag *diag)
{
    static const char path[] = "/proc/self/exe";
    trial->target = (struct target){.pid = getpid(), .pidfd = -1, .command = "h2olog --doctor", .exe.path = path};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return diag_set(diag, DIAG_MACHINE, "cannot read %s; mount -t proc proc /proc", path);
    const struct sandbox_file file = {.fd = fd};
    int status =
        elf_reader_probes(&trial->target.probes, &file, path, clock_ms() + ELF_READER_MS, NULL, trial->doctor->mem, diag);
    close(fd);
    return status;
}

/* The program is made as all of h2olog's are: if the kernel and bpftrace accept this one, they accept those. */
static int
make_program(struct trial *trial, struct diag *diag)
{
    struct doctor *doctor = trial->doctor;
    struct file file = specimen_catalog;
    const struct files files = {&file, 1};
    trial->request = (struct request){.group = "doctor", .transport = doctor->transport, .batch_ms = REQUEST_BATCH_MS};
    plan_choose_transport(&trial->request, trial->bpftrace);
    files_load_builtin(&trial->templates, "templates", ".bt", doctor->mem);
    if (catalog_parse(&trial->catalog, &files, doctor->mem, diag) != 0 || read_own_probe(trial, diag) != 0 ||
        plan_make(&trial->plan, &trial->catalog, &trial->target, trial->bpftrace, &trial->request, doctor->mem, diag) != 0 ||
        wire_program_write(&trial->program, &trial->plan, nonce, trial->target.command, &trial->templates, doctor->mem, diag) !=
            0)
        return -1;
    text_putc(&trial->program, '\0');
    trial->decode = decode_new(&trial->plan, nonce, doctor->mem);
    return 0;
}

static int
trial_start(struct trial *trial, struct diag *diag)
{
    struct mem *mem = trial->doctor->mem;
    char *path = mem_strdup(mem, trial->bpftrace->path), *pid = mem_printf(mem, "%d", trial->target.pid);
    char *argv[] = {path, "-q", "--no-warnings", "-B", "full", "-p", pid, "-e", trial->program.ptr, NULL};
    struct bpftrace_memory memory = {.print_buffer = 1 << 20, .map_keys = 1024};
    trial->began = clock_ms();
    char **envp = bpftrace_environment(trial->bpftrace, memory, false, mem);
    return child_start(&trial->child, trial->bpftrace->program, argv, envp, -1, diag);
}

/* Keeps a copy, as the record's texts are valid until the next one only. */
static void
trial_keep(struct trial *trial, const struct record *record)
{
    int at = trial->nseen;
    if (at == SPECIMEN_SHOTS)
        return;
    for (; at > 0 && trial->seen[at - 1].nsecs > record->nsecs; at--)
        trial->seen[at] = trial->seen[at - 1];
    trial->seen[at] = *record;
    for (int i = SPECIMEN_NAME; i < SPECIMEN_FIELDS; i++) {
        struct slice *text = &trial->seen[at].values[i].text;
        text->ptr = mem_strndup(trial->doctor->mem, text->ptr, text->len);
    }
    trial->nseen++;
}

/* The first heartbeat shows that bpftrace is attached. The shots are fired once, so that each is known by its place. */
static void
trial_take_item(struct trial *trial, const struct decode_item *item)
{
    if (item->kind == DECODE_RECORD)
        trial_keep(trial, &item->record);
    if (item->kind != DECODE_TICK || trial->is_attached)
        return;
    trial->is_attached = true;
    specimen_fire();
}

/* false: nothing was there. */
static bool
trial_take_output(struct trial *trial)
{
    struct decode_item item;
    size_t room;
    char *bytes = decode_room(trial->decode, &room);
    ssize_t got = read(trial->child.out, bytes, room);
    if (got == 0)
        child_close(&trial->child.out);
    if (got <= 0)
        return false;
    decode_fill(trial->decode, (size_t)got);
    while (decode_next(trial->decode, &item))
        trial_take_item(trial, &item);
    return true;
}

static bool
is_over(const struct trial *trial)
{
    return trial->has_ended || trial->nseen == SPECIMEN_SHOTS || decode_damaged(trial->decode) > 0;
}

/* What bpftrace says is kept up to a length, so that one that never stops does not fill the memory. false: nothing was there.
 */
static bool
trial_take_complaints(struct trial *trial)
{
    enum { MOST = 64 * 1024 };
    size_t before = trial->complaints.len;
    child_read(&trial->child.err, &trial->complaints);
    bool has_come = trial->complaints.len > before;
    if (trial->complaints.len > MOST)
        trial->complaints.len = MOST;
    return has_come;
}

/* Until all was seen, bpftrace has ended and all that it said is read, or it has taken too long. */
static void
watch(struct trial *trial)
{
    bool has_more = false;
    int64_t left;
    while ((has_more || !is_over(trial)) && (left = trial->began + trial->patience_ms - clock_ms()) > 0) {
        struct pollfd fds[] = {{trial->child.out, POLLIN, 0}, {trial->child.err, POLLIN, 0}, {trial->child.pidfd, POLLIN, 0}};
        if (!has_more && poll(fds, 3, (int)left) <= 0)
            continue;
        trial->has_ended |= fds[2].revents != 0;
        bool has_output = trial_take_output(trial), has_complaints = trial_take_complaints(trial);
        has_more = trial->has_ended && (has_output || has_complaints);
    }
}

/* What bpftrace complained of: the line that tells of an error, or else the first one. */
static struct doctor_finding
complaint(const struct trial *trial, struct slice line, const struct cause *cause)
{
    char quoted[512];
    bool is_known = cause != NULL && cause->status != DIAG_FAILED;
    return problem(mem_printf(trial->doctor->mem, "bpftrace says: %s", diag_quote(quoted, sizeof(quoted), line)),
                   is_known ? cause->advice : "what is named above may be the reason; h2olog -ddd -p PID shows more");
}

#define SMALLEST_TRIAL "try: sudo bpftrace -e 'interval:s:1 { printf(\"hello\\n\"); }'"

/* bpftrace did not show what was fired. */
static struct doctor_finding
explain_silence(const struct trial *trial, double seconds)
{
    static const char patience[] = "the host may be slow or busy: try again, or " SMALLEST_TRIAL;
    struct mem *mem = trial->doctor->mem;
    double patience_s = trial->patience_ms / 1000.0;
    struct slice line;
    const struct cause *cause = cause_find((struct slice){trial->complaints.ptr, trial->complaints.len}, &line);
    if (cause != NULL || (line.len > 0 && trial->has_ended))
        return complaint(trial, line, cause);
    if (trial->has_ended)
        return problem(mem_printf(mem, "bpftrace ended after %.1f s, without a word", seconds), SMALLEST_TRIAL);
    if (!trial->is_attached)
        return problem(mem_printf(mem, "bpftrace has attached to nothing, and has not ended, within %g s", patience_s),
                       patience);
    return problem(mem_printf(mem, "bpftrace is attached, but has shown %d of %d events within %g s", trial->nseen,
                              SPECIMEN_SHOTS, patience_s),
                   patience);
}

static struct doctor_finding
conclude(const struct trial *trial, double seconds)
{
    static const char advice[] = "values of this server's would be wrong, too: try another bpftrace (--bpftrace PATH), and "
                                 "please report it";
    struct mem *mem = trial->doctor->mem;
    struct outbuf wrong = {0};
    bool is_right = decode_damaged(trial->decode) == 0;
    if (!is_right)
        decode_explain(&wrong, &trial->plan, &trial->plan.events[0]);
    else if (trial->nseen < SPECIMEN_SHOTS)
        return explain_silence(trial, seconds);
    for (int i = 0; is_right && i < SPECIMEN_SHOTS; i++)
        is_right = specimen_is_right(&trial->plan.events[0], i, trial->seen[i].values, &wrong);
    const char *words = mem_strndup(mem, wrong.ptr, wrong.len);
    text_free(&wrong);
    if (decode_damaged(trial->decode) > 0)
        return problem(mem_printf(mem, "bpftrace prints records wrongly; expected: %s", words), advice);
    if (!is_right)
        return problem(mem_printf(mem, "bpftrace reads h2olog's own probe wrongly: %s", words), advice);
    return (struct doctor_finding){
        DOCTOR_OK, mem_printf(mem, "bpftrace saw h2olog's own probe fire after %.1f s, with every argument right", seconds),
        NULL};
}

/* `is_refused`: the program was too large for the kernel or for bpftrace. */
static struct doctor_finding
run_trial(struct doctor *doctor, const struct bpftrace *bpftrace, bool *is_refused)
{
    struct trial trial = {.doctor = doctor,
                          .bpftrace = bpftrace,
                          .patience_ms = doctor->patience_ms > 0 ? doctor->patience_ms : DOCTOR_PATIENCE_MS};
    struct doctor_finding finding;
    struct diag diag;
    if (make_program(&trial, &diag) != 0 || trial_start(&trial, &diag) != 0) {
        finding = problem(mem_strdup(doctor->mem, diag.message), NULL);
    } else {
        watch(&trial);
        double seconds = (double)(clock_ms() - trial.began) / 1000;
        child_signal(&trial.child, SIGKILL);
        child_wait(&trial.child);
        finding = conclude(&trial, seconds);
    }
    struct slice line;
    const struct cause *cause = cause_find((struct slice){trial.complaints.ptr, trial.complaints.len}, &line);
    *is_refused = finding.state == DOCTOR_PROBLEM && cause != NULL && cause->is_refusal;
    text_free(&trial.program);
    text_free(&trial.complaints);
    return finding;
}

/* Where the whole program is refused h2olog goes on with shorter texts, so that is no problem. */
struct doctor_finding
doctor_attach(struct doctor *doctor)
{
    bool is_refused;
    if (!specimen_is_built())
        return (struct doctor_finding){DOCTOR_NOTE, "not tried: this h2olog was built without sys/sdt.h", NULL};
    struct doctor_finding whole = run_trial(doctor, &doctor->bpftrace, &is_refused);
    if (!is_refused)
        return whole;
    struct bpftrace lesser = bpftrace_lessened(&doctor->bpftrace);
    struct doctor_finding part = run_trial(doctor, &lesser, &is_refused);
    if (part.state != DOCTOR_OK)
        return whole;
    return (struct doctor_finding){
        DOCTOR_NOTE,
        mem_printf(doctor->mem, "%s; but with texts of %d bytes at most %s", whole.detail, BPFTRACE_LESSER_LIMIT, part.detail),
        whole.advice};
}

#include "format.h"
#include "list.h"
#include "options.h"
#include "provider.h"
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* Everything that is known before the loop; memory is the arena's. */
struct context {
    struct options options;
    struct diag_log log;
    struct mem mem;
    struct diag diag;
    const char *command; /* the command line, escaped */
    struct catalog catalog;
    struct files templates;
    struct tracer tracer;
    struct target target;
    struct plan plan;
    char nonce[SCRIPT_NONCE_SIZE];
    struct outbuf program;
};

/* So that no file that is opened later is taken for stdin, stdout or stderr. */
static void
open_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static const char *
join_command(struct mem *mem, int argc, char **argv)
{
    struct outbuf out = {0};
    text_puts(&out, "h2olog");
    for (int i = 1; i < argc; i++) {
        text_putc(&out, ' ');
        text_escape(&out, text_of(argv[i]));
    }
    const char *command = mem_strndup(mem, out.ptr, out.len);
    text_free(&out);
    return command;
}

static int
write_stdout(struct outbuf *out, struct diag *diag)
{
    int status = 0;
    for (size_t done = 0; status == 0 && done < out->len;) {
        ssize_t written = write(STDOUT_FILENO, out->ptr + done, out->len - done);
        if (written >= 0)
            done += (size_t)written;
        else if (errno != EINTR)
            status = diag_set(diag, DIAG_FAILED, "cannot write the output: %s", strerror(errno));
    }
    text_free(out);
    return status;
}

static int
print_help(struct context *context)
{
    struct outbuf out = {0};
    options_help(&out, context->options.help_mdoc);
    return write_stdout(&out, &context->diag);
}

static int
print_version(struct context *context)
{
    struct outbuf out = {0};
    text_puts(&out, PACKAGE_STRING "\n");
    return write_stdout(&out, &context->diag);
}

static bool
is_provider_file(const char *path)
{
    size_t len = path != NULL ? strlen(path) : 0;
    return len > 2 && strcmp(path + len - 2, ".d") == 0;
}

/* A directory replaces the built-in catalogue; a DTrace provider file adds to it. */
static int
load_catalog(struct context *context)
{
    const char *path = context->options.probes_path;
    bool is_provider = is_provider_file(path);
    struct files probes;
    struct file provider;
    if (files_load(&probes, is_provider ? NULL : path, "probes", ".probes", &context->mem, &context->diag) != 0 ||
        catalog_parse(&context->catalog, &probes, &context->mem, &context->diag) != 0)
        return -1;
    if (!is_provider)
        return 0;
    return files_read(&provider, path, &context->mem, &context->diag) != 0
               ? -1
               : provider_parse(&context->catalog, &provider, &context->mem, &context->diag);
}

static int
load_files(struct context *context)
{
    if (load_catalog(context) != 0)
        return -1;
    return files_load(&context->templates, context->options.templates_dir, "templates", ".bt", &context->mem, &context->diag);
}

static int
open_target(struct context *context)
{
    return target_open(&context->target, context->options.pid, &context->mem, &context->diag);
}

static int
list(struct context *context)
{
    struct outbuf out = {0};
    bool has_target = context->options.pid != 0;
    if (has_target && open_target(context) != 0)
        return -1;
    list_write(&out, &context->catalog, has_target ? &context->target : NULL);
    return write_stdout(&out, &context->diag);
}

static int
make_program(struct context *context)
{
    const struct target *target = context->target.pid != 0 ? &context->target : NULL;
    const struct options *options = &context->options;
    struct plan_request request = {options->mode, options->types.items, options->types.count, options->app_data};
    if (plan_make(&context->plan, &context->catalog, target, &context->tracer, &request, &context->mem, &context->diag) != 0)
        return -1;
    struct slice rest = context->plan.left_out, line;
    while (text_line(&rest, &line))
        diag_debug(&context->log, 1, "left out: %.*s", (int)line.len, line.ptr);
    for (rest = context->plan.warnings; text_line(&rest, &line);)
        diag_note("warning: %.*s", (int)line.len, line.ptr);
    return script_write(&context->program, &context->plan, context->nonce, context->command, &context->templates, &context->mem,
                        &context->diag);
}

/* A program that is only printed may be for another machine: this one's bpftrace is asked, but need not be there. */
static int
emit_script(struct context *context)
{
    memset(context->nonce, '0', sizeof(context->nonce) - 1);
    if (tracer_find(&context->tracer, context->options.bpftrace, &context->mem, &context->diag) != 0) {
        if (context->options.bpftrace != NULL)
            return -1;
        tracer_newest(&context->tracer);
    }
    if (context->options.pid != 0 && open_target(context) != 0)
        return -1;
    return make_program(context) != 0 ? -1 : write_stdout(&context->program, &context->diag);
}

static int
make_nonce(struct context *context)
{
    uint64_t random;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        return diag_set(&context->diag, DIAG_MACHINE, "no random numbers: %s", strerror(errno));
    for (int i = 0; i < SCRIPT_NONCE_SIZE - 1; i++, random >>= 4)
        context->nonce[i] = "0123456789abcdef"[random & 15];
    return 0;
}

static int
choose_target(struct context *context)
{
    if (geteuid() != 0)
        return diag_set(&context->diag, DIAG_MACHINE, "tracing needs root; run h2olog with sudo");
    bool was_named = context->options.pid != 0;
    if (!was_named && target_find(&context->options.pid, &context->mem, &context->diag) != 0)
        return -1;
    if (open_target(context) != 0)
        return -1;
    if (!was_named)
        diag_note("tracing the only h2o here, pid %d (%s)", context->target.pid, context->target.command);
    return 0;
}

static int
prepare(struct context *context)
{
    if (choose_target(context) != 0)
        return -1;
    if (tracer_find(&context->tracer, context->options.bpftrace, &context->mem, &context->diag) != 0)
        return -1;
    diag_debug(&context->log, 1, "%s is version %d.%d.%d", context->tracer.path, context->tracer.major, context->tracer.minor,
               context->tracer.patch);
    return make_nonce(context) != 0 ? -1 : make_program(context);
}

/* The program in a file that has no name, so that nobody else can read the nonce or leave it behind. */
static int
program_file(struct context *context)
{
    int fd = memfd_create("h2olog.bt", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, context->program.ptr, context->program.len) == (ssize_t)context->program.len)
        return fd;
    if (fd >= 0)
        close(fd);
    return diag_set(&context->diag, DIAG_FAILED, "cannot keep the program in memory: %s", strerror(errno));
}

static int
start_bpftrace(struct context *context, struct child *child)
{
    int fd = program_file(context);
    if (fd < 0)
        return -1;
    struct mem *mem = &context->mem;
    char *pid = mem_printf(mem, "%d", context->target.pid), *file = mem_printf(mem, "/proc/self/fd/%d", fd);
    char *path = mem_strdup(mem, context->tracer.path);
    char *by_pid[] = {path, "-q", "--no-warnings", "-B", "full", "-p", pid, file, NULL};
    char *by_path[] = {path, "-q", "--no-warnings", "-B", "full", file, NULL};
    int status = child_start(child, path, context->target.by_path ? by_path : by_pid, tracer_environment(&context->tracer, mem),
                             fd, &context->diag);
    close(fd);
    return status;
}

static int
trace(struct context *context)
{
    int signals = supervise_signals();
    if (prepare(context) != 0)
        return -1;
    diag_debug(&context->log, 2, "the program:\n%.*s", (int)context->program.len, context->program.ptr);
    struct child child;
    struct decode decode;
    struct order order;
    struct sink sink = {.fd = STDOUT_FILENO};
    struct format format;
    struct format_options format_options = {context->options.extra, context->options.names};
    format_init(&format, context->options.format, format_options);
    decode_init(&decode, &context->plan, context->nonce, &context->mem);
    order_init(&order, (int)sysconf(_SC_NPROCESSORS_ONLN), &context->mem);
    target_touch(&context->target);
    if (start_bpftrace(context, &child) != 0)
        return -1;
    struct supervise run = {&child, &context->target, &decode, context->tracer.row->per_cpu_buffers ? &order : NULL,
                            &sink,  &context->log,    &format, 10000};
    int status = supervise_run(&run, signals, &context->diag);
    order_free(&order);
    text_free(&sink.pending);
    return status;
}

static int
run(struct context *context)
{
    if (context->options.help)
        return print_help(context);
    if (context->options.version)
        return print_version(context);
    if (load_files(context) != 0)
        return -1;
    if (context->options.list)
        return list(context);
    return context->options.emit_script ? emit_script(context) : trace(context);
}

int
main(int argc, char **argv)
{
    static struct context context;
    open_standard_files();
    context.target.pidfd = -1;
    context.command = join_command(&context.mem, argc, argv);
    int status = options_parse(&context.options, argc, argv, &context.diag);
    context.log.debug = context.options.debug;
    if (status == 0)
        status = run(&context);
    if (status != 0)
        diag_report(&context.diag);
    target_close(&context.target);
    text_free(&context.program);
    mem_free(&context.mem);
    return status == 0 ? 0 : context.diag.status;
}

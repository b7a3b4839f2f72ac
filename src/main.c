#include "command/options.h"
#include "command/print.h"
#include "command/setup.h"
#include "command/trace.h"
#include "host/privileges.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* A file that is opened later must not be taken for stdin, stdout or stderr, so these are opened if they are closed: stdout so
 * that writing to it is an error, as nobody would get it. */
static void
open_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", fcntl(STDOUT_FILENO, F_GETFD) < 0 ? O_RDONLY : O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* Who started h2olog may have left it signals blocked, so that nothing would end it before it traces; and SIGCHLD ignored, so
 * that it could not tell how its processes have ended. */
static void
reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGXFSZ, SIG_IGN); /* EFBIG tells more */
}

/* The command line for programs and recordings, escaped. */
static const char *
join_command(struct mem *mem, int argc, char **argv)
{
    struct outbuf out = {0};
    text_puts(&out, "h2olog");
    for (int i = 1; i < argc; i++) {
        text_putc(&out, ' ');
        text_escape(&out, text_of(argv[i]));
    }
    return text_keep(&out, mem);
}

/* The commands that need the catalogue. */
static int
run_with_files(struct setup *setup, const struct diag_log *log, struct mem *mem, struct diag *diag)
{
    const struct options *options = setup->options;
    struct setup_files files;
    if (setup_load(&files, options, mem, diag) != 0 || setup_check(setup, &files.catalog, log, mem, diag) != 0)
        return -1;
    if (options->list)
        return print_list(options, &files.catalog, log, mem, diag);
    if (options->doctor)
        return print_doctor(options, &files, log, mem, diag);
    if (options->emit_script != NULL)
        return print_program(setup, &files, log, mem, diag);
    return trace_servers(setup, &files, log, mem, diag);
}

/* Does what is asked for. Returns the exit status, or -1 with `diag` set. */
static int
run(struct setup *setup, const struct diag_log *log, struct mem *mem, struct diag *diag)
{
    const struct options *options = setup->options;
    if (options->help)
        return print_help(options->help_table, diag);
    if (options->version)
        return print_version(diag);
    if (options->replay != NULL)
        return trace_recording(setup, log, diag);
    return run_with_files(setup, log, mem, diag);
}

int
main(int argc, char **argv)
{
    static struct options options;
    static struct setup setup;
    struct mem mem = {0};
    struct diag diag = {0};
    open_standard_files();
    reset_signals();
    privileges_hide_memory();
    const char *command = join_command(&mem, argc, argv);
    int status = options_parse(&options, argc, argv, &diag);
    const struct diag_log log = {options.debug, options.quiet};
    if (status == 0)
        status = setup_make(&setup, &options, command, &mem, &diag);
    if (status == 0)
        status = run(&setup, &log, &mem, &diag);
    if (status < 0)
        diag_report(&diag);
    setup_free(&setup);
    mem_free(&mem);
    return status < 0 ? diag.status : status;
}

#define _GNU_SOURCE 1
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "finish.h"
#include "http.h"
#include "probes.h"
#include "script.h"
#include "structures.h"
#include "tokens.h"

struct options {
    uint16_t port;
    unsigned threads;
    unsigned lifetime; /* seconds */
    const char *script;
    bool http;
    bool dump;
};

enum { USAGE_ERROR = 2, LIFETIME_OVER = 3, MAX_THREADS = 64, MAX_LIFETIME = 86400 };

static const char usage[] = "usage: usdt-server [OPTION]...\n"
                            "Answers HTTP/1 on the loopback address and fires the probes that h2o would fire.\n"
                            "\n"
                            "  --port N        listen on this port (default: a free one)\n"
                            "  --threads N     serve with this many threads (default: 1)\n"
                            "  --script FILE   run a script besides (-: standard input)\n"
                            "  --no-http       run the script only\n"
                            "  --lifetime N    end after this many seconds, with status 3 (default: 600)\n"
                            "  --dump          print provider:name, argument count and semaphore of every probe\n"
                            "  --layout        print where the members of h2o's structures are\n"
                            "  --help          print this\n";

static _Noreturn __attribute__((format(printf, 2, 3))) void
fail(int status, const char *format, ...)
{
    va_list args;
    fputs("usdt-server: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    finish(status);
}

static unsigned
parse_number(const char *text, unsigned min, unsigned max)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value < min || value > max)
        fail(USAGE_ERROR, "%s: a number from %u to %u expected", text, min, max);
    return (unsigned)value;
}

static const struct option long_options[] = {
    {"port", required_argument, NULL, 'p'},
    {"threads", required_argument, NULL, 't'},
    {"script", required_argument, NULL, 's'},
    {"no-http", no_argument, NULL, 'n'},
    {"lifetime", required_argument, NULL, 'l'},
    {"dump", no_argument, NULL, 'd'},
    {"layout", no_argument, NULL, 'y'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void
set_option(struct options *options, int option)
{
    switch (option) {
    case 'p':
        options->port = (uint16_t)parse_number(optarg, 0, UINT16_MAX);
        break;
    case 't':
        options->threads = parse_number(optarg, 1, MAX_THREADS);
        break;
    case 's':
        options->script = optarg;
        break;
    case 'n':
        options->http = false;
        break;
    case 'l':
        options->lifetime = parse_number(optarg, 1, MAX_LIFETIME);
        break;
    case 'd':
        options->dump = true;
        break;
    case 'y':
        structures_print();
        finish(0);
    case 'h':
        fputs(usage, stdout);
        finish(0);
    default:
        fputs(usage, stderr);
        finish(USAGE_ERROR);
    }
}

static struct options
parse_options(int argc, char **argv)
{
    struct options options = {.threads = 1, .lifetime = 600, .http = true};
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
        set_option(&options, option);
    if (optind < argc)
        fail(USAGE_ERROR, "unexpected argument: %s", argv[optind]);
    if (!options.http && !options.script && !options.dump)
        fail(USAGE_ERROR, "--no-http needs a script");
    return options;
}

static void
dump(void)
{
    for (size_t i = 0; i < PROBE_COUNT; i++)
        printf("%s:%s %u %u\n", probes[i].provider, probes[i].name, probes[i].nargs, *probes[i].semaphore);
}

static void
start_http(const struct options *options)
{
    uint16_t port = options->port;
    int listener = http_listen(&port);
    if (listener < 0)
        fail(1, "cannot listen on port %u: %s", options->port, strerror(errno));
    for (unsigned i = 0; i < options->threads; i++) {
        int error = http_start(listener);
        if (error)
            fail(1, "no thread: %s", strerror(error));
    }
    printf("listening on 127.0.0.1:%u pid %ld\n", port, (long)getpid());
    fflush(stdout);
}

static FILE *
open_script(const char *name)
{
    FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
    if (!in)
        fail(USAGE_ERROR, "%s: %s", name, strerror(errno));
    return in;
}

static void *
run_script(void *argument)
{
    const struct options *options = argument;
    FILE *in = open_script(options->script);
    script_run(options->script, in);
    fclose(in);
    if (!options->http)
        finish(0);
    return NULL;
}

static void
start_script(struct options *options)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, run_script, options);
    if (error)
        fail(1, "no thread: %s", strerror(error));
    pthread_detach(thread);
}

/* Every thread inherits the mask, so that these signals wait for wait_for_end(). */
static sigset_t
block_signals(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    return ends;
}

static _Noreturn void
wait_for_end(const sigset_t *ends, unsigned lifetime)
{
    const struct timespec limit = {lifetime, 0};
    int caught;
    do
        caught = sigtimedwait(ends, NULL, &limit);
    while (caught < 0 && errno == EINTR);
    if (caught < 0)
        fail(LIFETIME_OVER, "the lifetime of %u seconds is over", lifetime);
    finish(0);
}

int
main(int argc, char **argv)
{
    struct options options = parse_options(argc, argv);
    if (options.dump) {
        dump();
        finish(0);
    }
    sigset_t ends = block_signals();
    if (tokens_drop() != 0)
        fail(1, "cannot drop the page of well-known names: %s", strerror(errno));
    if (options.http)
        start_http(&options);
    if (options.script)
        start_script(&options);
    wait_for_end(&ends, options.lifetime);
}

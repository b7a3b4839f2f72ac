#define _GNU_SOURCE 1
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clock.h"
#include "finish.h"
#include "probes.h"
#include "counters.h"
#include "structures.h"
#include "values.h"

enum { MAX_THREADS = 64, MAX_COUNT = 1000000000, MAX_SLEEP_MS = 3600000 };

/* A line of a `thread` block. */
struct line {
    struct line *next;
    unsigned number;
    char text[];
};

struct script {
    const char *name;
    FILE *in;
    char *text; /* the current line */
    size_t capacity;
    unsigned number;
    pthread_t threads[MAX_THREADS];
    size_t thread_count;
};

/* A `thread` block that was read, for its thread. */
struct block {
    const char *name; /* of the script */
    struct line *lines;
};

static struct cursor
cursor_of(const char *name, unsigned number, const char *text)
{
    return (struct cursor){name, number, text, text};
}

static bool
is_word(struct text word, const char *expected)
{
    return word.len == strlen(expected) && memcmp(word.base, expected, word.len) == 0;
}

static const struct probe *
read_probe(struct cursor *c)
{
    struct text id = cursor_word(c);
    const struct probe *probe = probe_find(id.base, id.len);
    if (!probe)
        cursor_fail(c, id.base, "no such probe: %.*s", (int)id.len, id.base);
    return probe;
}

static void
read_args(struct cursor *c, const struct probe *probe, struct values *values, uint64_t *args)
{
    unsigned count = 0;
    while (!cursor_at_end(c)) {
        if (count == probe->nargs)
            cursor_fail(c, c->at, "%s:%s has %u arguments only", probe->provider, probe->name, probe->nargs);
        args[count++] = values_read(values, c);
    }
    if (count < probe->nargs)
        cursor_fail(c, c->at, "%s:%s has %u arguments", probe->provider, probe->name, probe->nargs);
}

static void
run_fire(struct cursor *c)
{
    struct values values = {.has_counter = false};
    uint64_t args[MAX_PROBE_ARGS];
    const struct probe *probe = read_probe(c);
    read_args(c, probe, &values, args);
    probe_fire(probe, args);
    values_clear(&values);
}

/* Waits until the i-th of `rate` events a second is due. `reached` is how far the clock is known to have come; at high
 * rates the sleep is a little too long, and what became due meanwhile follows without any. */
static void
pace(int64_t start, uint64_t i, uint64_t rate, int64_t *reached)
{
    const int64_t slack = rate > 1000 ? NS_PER_MS / 2 : 0;
    int64_t due = (int64_t)(i / rate) * NS_PER_S + (int64_t)(i % rate * NS_PER_S / rate);
    if (due <= *reached)
        return;
    clock_sleep_until(start + due + slack);
    *reached = clock_now() - start;
}

/* The arguments are made anew each time only if they depend on the counter. */
static void
run_repeat(struct cursor *c)
{
    struct values values = {.has_counter = true};
    uint64_t args[MAX_PROBE_ARGS];
    uint64_t count = cursor_number_up_to(c, MAX_COUNT);
    uint64_t rate = cursor_number_up_to(c, MAX_COUNT);
    struct text command = cursor_word(c);
    if (!is_word(command, "fire"))
        cursor_fail(c, command.base, "fire expected");
    const struct probe *probe = read_probe(c);
    struct cursor first_arg = *c;
    int64_t start = clock_now(), reached = 0;
    read_args(c, probe, &values, args);
    for (uint64_t i = 0; i < count; i++) {
        if (i && values.counter_used) {
            struct cursor again = first_arg;
            values_clear(&values);
            values.counter = i;
            read_args(&again, probe, &values, args);
        }
        if (rate)
            pace(start, i, rate, &reached);
        probe_fire(probe, args);
    }
    values_clear(&values);
}

static void
run_wait(struct cursor *c)
{
    const struct probe *probe = read_probe(c);
    cursor_expect_end(c);
    while (*probe->semaphore == 0)
        clock_sleep_until(clock_now() + NS_PER_MS);
}

static void
run_wait_gone(struct cursor *c)
{
    const struct probe *probe = read_probe(c);
    cursor_expect_end(c);
    while (*probe->semaphore != 0)
        clock_sleep_until(clock_now() + NS_PER_MS);
}

static void
run_sleep(struct cursor *c)
{
    int64_t ms = (int64_t)cursor_number_up_to(c, MAX_SLEEP_MS);
    cursor_expect_end(c);
    clock_sleep_until(clock_now() + ms * NS_PER_MS);
}

static void
run_print(struct cursor *c)
{
    if (*c->at)
        c->at++; /* the blank after the command */
    printf("%s\n", c->at);
    fflush(stdout);
}

/* A mapping may be longer than the file. */
static void
run_map(struct cursor *c)
{
    uint64_t count = cursor_number_up_to(c, 120);
    cursor_expect_end(c);
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    for (uint64_t i = 0; i < count; i++)
        if (mmap(NULL, (size_t)1 << 40, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd, 0) == MAP_FAILED)
            cursor_fail(c, c->start, "mapping %lu: %s", i + 1, strerror(errno));
    close(fd);
}

/* As h2o forks the process that keeps the TLS keys: it executes nothing, and ends with the server. */
static void
run_helper(struct cursor *c)
{
    cursor_expect_end(c);
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        cursor_fail(c, c->start, "cannot fork: %s", strerror(errno));
    if (pid > 0) {
        printf("helper %d\n", pid);
        fflush(stdout);
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == parent)
        pause();
    _exit(0);
}

static struct text
read_text(struct cursor *c, struct values *values)
{
    const char *base = (const char *)(uintptr_t)values_read(values, c);
    return (struct text){base, base ? values->length : 0};
}

enum { MAX_DISPOSED_FIELDS = 200 };

/* Header fields of the request, and behind the word "response" those of the response. */
static void
read_fields(struct cursor *c, struct values *values, struct structures_request *request, struct structures_field *fields)
{
    unsigned message = 0, count = 0;
    request->fields[0] = fields;
    while (!cursor_at_end(c)) {
        struct cursor ahead = *c;
        if (message == 0 && is_word(cursor_word(&ahead), "response")) {
            *c = ahead;
            request->fields[++message] = fields + count;
            continue;
        }
        if (count == MAX_DISPOSED_FIELDS)
            cursor_fail(c, c->at, "more than %d header fields", MAX_DISPOSED_FIELDS);
        fields[count].name = read_text(c, values);
        fields[count++].value = read_text(c, values);
        request->counts[message]++;
    }
}

/* dispose HTTP CONN_ID REQ_ID VERSION STATUS BYTES METHOD PATH AUTHORITY PEER SNI [NAME VALUE]... [response [NAME VALUE]...] */
static void
run_dispose(struct cursor *c)
{
    enum { BEGIN_S = 1700000000 };
    static _Thread_local struct structures_field fields[MAX_DISPOSED_FIELDS];
    struct values values = {.has_counter = false};
    struct structures_request request = {.begin_us = (int64_t)BEGIN_S * 1000000 + 250, .request_bytes = 7};
    request.http = (unsigned)cursor_number_up_to(c, 5);
    request.conn_id = cursor_number(c);
    request.req_id = cursor_number(c);
    request.version = (int)cursor_number_up_to(c, 0xffff);
    request.status = (int)cursor_number_up_to(c, 99999);
    request.bytes = cursor_number(c);
    request.method = read_text(c, &values);
    request.path = read_text(c, &values);
    request.authority = read_text(c, &values);
    request.peer = (const struct sockaddr *)(uintptr_t)values_read(&values, c);
    request.sni = (const char *)(uintptr_t)values_read(&values, c);
    request.start_us = request.status ? request.begin_us + 125000 : 0;
    request.end_us = request.status ? request.begin_us + 1500000 : 0;
    read_fields(c, &values, &request, fields);
    structures_dispose(&request);
    values_clear(&values);
}

/* count NAME NUMBER [THREAD]: adds to what the server counts by itself */
static void
run_count(struct cursor *c)
{
    struct text name = cursor_word(c);
    uint64_t number = (cursor_at_end(c), cursor_number(c));
    unsigned thread = cursor_at_end(c) ? 0 : (unsigned)cursor_number_up_to(c, 1);
    cursor_expect_end(c);
    if (!counters_add(name, thread, number))
        cursor_fail(c, name.base, "no member that is counted: %.*s", (int)name.len, name.base);
}

static void
run_exit(struct cursor *c)
{
    int status = cursor_at_end(c) ? 0 : (int)cursor_number_up_to(c, 255);
    cursor_expect_end(c);
    finish(status);
}

static const struct command {
    const char *name;
    void (*run)(struct cursor *cursor);
} commands[] = {
    {"fire", run_fire},     {"repeat", run_repeat},   {"wait", run_wait},   {"wait-gone", run_wait_gone},
    {"sleep", run_sleep},   {"print", run_print},     {"exit", run_exit},   {"map", run_map},
    {"helper", run_helper}, {"dispose", run_dispose}, {"count", run_count},
};

static void
run_command(struct cursor *c, struct text name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (is_word(name, commands[i].name)) {
            commands[i].run(c);
            return;
        }
    cursor_fail(c, name.base, "unknown command: %.*s", (int)name.len, name.base);
}

static void *
run_block(void *argument)
{
    struct block *block = argument;
    while (block->lines) {
        struct line *line = block->lines;
        struct cursor c = cursor_of(block->name, line->number, line->text);
        if (!cursor_at_end(&c))
            run_command(&c, cursor_word(&c));
        block->lines = line->next;
        free(line);
    }
    free(block);
    return NULL;
}

/* Reads the next line, without its newline; false at the end. */
static bool
next_line(struct script *s)
{
    ssize_t len = getline(&s->text, &s->capacity, s->in);
    if (len < 0)
        return false;
    if (len && s->text[len - 1] == '\n')
        s->text[len - 1] = '\0';
    s->number++;
    return true;
}

static struct line *
keep_line(const struct script *s, const struct cursor *c)
{
    size_t size = strlen(s->text) + 1;
    struct line *line = malloc(sizeof(*line) + size);
    if (!line)
        cursor_fail(c, c->at, "no memory");
    line->next = NULL;
    line->number = s->number;
    memcpy(line->text, s->text, size);
    return line;
}

static bool
is_line(const struct script *s, const char *word)
{
    struct cursor c = cursor_of(s->name, s->number, s->text);
    return is_word(cursor_word(&c), word);
}

/* The lines up to `end`. */
static struct line *
read_block(struct script *s, const struct cursor *c)
{
    unsigned first = s->number;
    struct line *lines = NULL, **tail = &lines;
    while (next_line(s)) {
        if (is_line(s, "end"))
            return lines;
        *tail = keep_line(s, c);
        tail = &(*tail)->next;
    }
    struct cursor opening = cursor_of(s->name, first, "");
    cursor_fail(&opening, opening.at, "this thread has no end");
}

static void
start_thread(struct script *s, struct cursor *c)
{
    cursor_expect_end(c);
    if (s->thread_count == MAX_THREADS)
        cursor_fail(c, c->start, "more than %d threads without a join", MAX_THREADS);
    struct block *block = malloc(sizeof(*block));
    if (!block)
        cursor_fail(c, c->start, "no memory");
    struct cursor opening = cursor_of(s->name, s->number, "");
    *block = (struct block){s->name, read_block(s, &opening)};
    int error = pthread_create(&s->threads[s->thread_count++], NULL, run_block, block);
    if (error)
        cursor_fail(&opening, opening.at, "no thread: %s", strerror(error));
}

static void
join_threads(struct script *s)
{
    while (s->thread_count)
        pthread_join(s->threads[--s->thread_count], NULL);
}

static void
run_line(struct script *s)
{
    struct cursor c = cursor_of(s->name, s->number, s->text);
    if (cursor_at_end(&c))
        return;
    struct text name = cursor_word(&c);
    if (is_word(name, "thread")) {
        start_thread(s, &c);
    } else if (is_word(name, "join")) {
        cursor_expect_end(&c);
        join_threads(s);
    } else {
        run_command(&c, name);
    }
}

void
script_run(const char *name, FILE *in)
{
    struct script script = {.name = name, .in = in};
    while (next_line(&script))
        run_line(&script);
    join_threads(&script);
    free(script.text);
}

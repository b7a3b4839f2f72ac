#include "run/last_words.h"

#include "base/clock.h"
#include "host/cause.h"
#include "run/intake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* From 0.24 on bpftrace says "Lost N events" on stderr. */
static void
read_line(struct session *session, struct slice line)
{
    intake_debug_line(session, line);
    struct slice rest = line, word[2];
    uint64_t lost;
    if (text_word(&rest, &word[0]) && text_word(&rest, &word[1]) && text_is(word[0], "Lost") &&
        text_number(word[1], UINT64_MAX, &lost))
        intake_lose(session, lost);
}

/* Why bpftrace failed stands at the end, so that much is kept. */
static void
forget_beginning(struct session_words *words)
{
    enum { KEPT = 16 * 1024 };
    if (words->text.len <= 2 * KEPT)
        return;
    size_t gone = words->text.len - KEPT;
    memmove(words->text.ptr, words->text.ptr + gone, KEPT);
    words->text.len = KEPT;
    words->line = words->line > gone ? words->line - gone : 0;
}

void
last_words_take(struct session *session, struct slice bytes, uint64_t nsecs)
{
    struct session_words *words = &session->words;
    struct outbuf *text = &words->text;
    const char *end;
    session->intake.now = nsecs;
    if (bytes.len == 0)
        return;
    text_put(text, bytes);
    while ((end = memchr(text->ptr + words->line, '\n', text->len - words->line)) != NULL) {
        const char *start = text->ptr + words->line;
        read_line(session, (struct slice){start, (size_t)(end - start)});
        words->line = (size_t)(end + 1 - text->ptr);
    }
    forget_beginning(words);
}

void
last_words_read(struct session *session)
{
    char bytes[4096];
    ssize_t got = read(session->files.err, bytes, sizeof(bytes));
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        child_close(&session->files.err);
        return;
    }
    session->intake.now = clock_boot_nsecs();
    intake_record(session, RECORDING_ERR, (struct slice){bytes, (size_t)got});
    last_words_take(session, (struct slice){bytes, (size_t)got}, session->intake.now);
}

static const struct cause *
find_cause(const struct session *session, struct slice *line)
{
    const struct outbuf *text = &session->words.text;
    return cause_find((struct slice){text->ptr, text->len}, line);
}

/* It is tried once. A program that somebody has changed cannot be made smaller. */
bool
last_words_want_lesser(const struct session *session)
{
    struct slice ignored;
    const struct session_run *run = session->run;
    const struct cause *cause = find_cause(session, &ignored);
    bool is_refusal = cause != NULL && cause->is_refusal && !session->life.is_ready && !session->life.is_end_expected;
    return is_refusal && !session->is_lesser && run->keeper != NULL && !run->is_program_foreign;
}

/* Whether the next program is one of probes. */
static bool
gives_up_structures(const struct session *session)
{
    const struct request *request = session->plan.request;
    return session->plan.whole != NULL && request->source == REQUEST_EITHER && request->needs_whole == NULL;
}

static void
order_lesser(const struct session *session)
{
    session->run->nlesser++;
    keeper_order(session->run->keeper, KEEPER_START_LESSER, session->server);
}

static bool
is_ending(const struct session_run *run)
{
    return run->stop_nsecs != UINT64_MAX || run->is_reader_gone;
}

static void
try_lesser(const struct session *session)
{
    const struct session_run *run = session->run;
    if (is_ending(run))
        return;
    if (gives_up_structures(session))
        diag_note(run->log, "the program for the structures of pid %d is refused; its probes are traced instead",
                  session->server);
    else
        diag_note(
            run->log,
            "the program for pid %d is refused as too large; trying a smaller one, which shows %d bytes of a text at most",
            session->server, BPFTRACE_LESSER_LIMIT);
    order_lesser(session);
}

void
last_words_doubt(const struct session *session)
{
    struct session_run *run = session->run;
    if (is_ending(run) || run->keeper == NULL)
        return;
    if (gives_up_structures(session) && !run->is_program_foreign) {
        diag_note(
            run->log,
            "the requests of pid %d are not where its structures were taken to be; another layout, or its probes, are tried",
            session->server);
        order_lesser(session);
    } else if (run->diag->status == DIAG_OK)
        diag_set(run->diag, DIAG_FAILED,
                 "the requests of pid %d are not where its structures were taken to be; --source=probes traces its probes",
                 session->server);
}

/* What may be behind a refusal: the program is written for versions that were tried. */
static const char *
newer(const struct session *session, char *words, size_t size)
{
    const struct bpftrace *bpftrace = session->plan.bpftrace;
    if (session->life.is_ready || bpftrace_is_known(bpftrace))
        return "";
    snprintf(
        words, size,
        "; bpftrace %d.%d is newer than any that this h2olog was tried with, and is given a program for %d.%d: an older one "
        "can be named with --bpftrace PATH",
        bpftrace->major, bpftrace->minor, bpftrace->row.major, bpftrace->row.minor);
    return words;
}

void
last_words_explain(struct session *session)
{
    struct diag *diag = session->run->diag;
    struct slice line = {0};
    const struct cause *cause = find_cause(session, &line);
    const char *when = session->life.is_ready ? "before it was told to" : "before it could trace";
    int wait_status = session->wait_status;
    char quoted[512], words[256];
    const char *suspect = newer(session, words, sizeof(words));
    bool is_known = cause != NULL && cause->status != DIAG_FAILED;
    if (last_words_want_lesser(session)) {
        try_lesser(session);
        return;
    }
    if (diag->status != DIAG_OK)
        return;
    if (!session->life.is_told && cause == NULL) {
        diag_set(diag, DIAG_FAILED,
                 "bpftrace was killed or has ended before it was told to; pid %d was not traced to the end of the run",
                 session->server);
    } else if (wait_status < 0) {
        diag_set(diag, DIAG_FAILED,
                 "bpftrace has ended, and h2olog's root process does not answer; pid %d is not traced any more",
                 session->server);
    } else if (WIFSIGNALED(wait_status) && !is_known) { /* it aborts where it has no more files */
        diag_set(diag, DIAG_FAILED, "bpftrace was killed by signal %d (%s)%s; pid %d is not traced%s%s", WTERMSIG(wait_status),
                 strsignal(WTERMSIG(wait_status)), session->life.is_ready ? "" : " before it could trace", session->server,
                 session->life.is_ready ? " any more" : "", suspect);
        diag->status = DIAG_SIGNALLED + WTERMSIG(wait_status);
    } else if (cause != NULL)
        diag_set(diag, cause->status, "bpftrace ended %s: %s; %s%s", when, diag_quote(quoted, sizeof(quoted), line),
                 cause->advice, suspect);
    else
        diag_set(diag, DIAG_FAILED, "bpftrace ended %s, with status %d and without a word; h2olog -ddd shows more%s", when,
                 WEXITSTATUS(wait_status), suspect);
}

void
last_words_free(struct session *session)
{
    text_free(&session->words.text);
}

#include "show/summary_prom.h"

#include "base/writable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
put_head(struct outbuf *out, const char *name, const char *type, const char *help)
{
    text_printf(out, "# HELP h2olog_%s %s\n# TYPE h2olog_%s %s\n", name, help, name, type);
}

static void
put_number(struct outbuf *out, const char *name, const char *type, const char *help, uint64_t number)
{
    put_head(out, name, type, help);
    text_printf(out, "h2olog_%s %lu\n", name, number);
}

static void
put_counter(struct outbuf *out, const char *name, const char *help, uint64_t number)
{
    put_number(out, name, "counter", help, number);
}

/* Nothing where requests came and none had the value. */
static void
put_sum(struct outbuf *out, const char *name, const char *help, const struct tally *tally, enum tally_value value)
{
    if (tally->values[value].total > 0 || tally->requests == 0)
        put_counter(out, name, help, tally->values[value].sum);
}

static void
put_classes(struct outbuf *out, const struct tally *tally)
{
    put_head(out, "responses_total", "counter", "Responses by the class of their status.");
    for (int i = 1; i < TALLY_CLASSES; i++)
        text_printf(out, "h2olog_responses_total{class=\"%dxx\"} %lu\n", i, tally->classes[i]);
}

static void
put_protocols(struct outbuf *out, const struct tally *tally)
{
    put_head(out, "requests_by_protocol_total", "counter", "Requests that have ended, by protocol.");
    for (int i = 0; i < TALLY_PROTOCOLS; i++)
        text_printf(out, "h2olog_requests_by_protocol_total{protocol=\"%s\"} %lu\n", tally_protocol_names[i],
                    tally->protocols[i]);
}

/* Buckets end with powers of two of microseconds less one, where the counts are exact. */
static void
put_histogram(struct outbuf *out, const char *name, const char *help, const struct histogram *times)
{
    enum { LOWEST = 6, HIGHEST = 26, US_A_S = 1000000 };
    put_head(out, name, "histogram", help);
    for (unsigned i = LOWEST; i <= HIGHEST; i++) {
        uint64_t bound = ((uint64_t)1 << i) - 1;
        text_printf(out, "h2olog_%s_bucket{le=\"%lu.%06lu\"} %lu\n", name, bound / US_A_S, bound % US_A_S,
                    histogram_below(times, bound));
    }
    text_printf(out, "h2olog_%s_bucket{le=\"+Inf\"} %lu\n", name, times->total);
    text_printf(out, "h2olog_%s_sum %lu.%06lu\n", name, times->sum / US_A_S, times->sum % US_A_S);
    text_printf(out, "h2olog_%s_count %lu\n", name, times->total);
}

static void
put_counted(struct outbuf *out, const struct counted *counted)
{
    for (int i = 0; i < COUNTERS; i++) {
        const struct counter_row *row = &counter_rows[i];
        char name[64];
        snprintf(name, sizeof(name), "%s%s", row->name, row->is_level ? "" : "_total");
        if (!counted_is_known(counted, (enum counter)i))
            continue;
        if (row->is_level)
            put_number(out, name, "gauge", row->help, counted_level(counted, (enum counter)i));
        else
            put_counter(out, name, row->help, counted->sums.numbers[i]);
    }
}

void
summary_prom_put(const struct summary *summary, struct outbuf *out)
{
    struct tally total = summary_total(summary);
    put_counter(out, "requests_total", "Requests that have ended.", total.requests);
    put_protocols(out, &total);
    put_classes(out, &total);
    put_counter(out, "unanswered_requests_total", "Requests that ended without a response.", total.unanswered);
    put_counter(out, "incomplete_requests_total", "Requests of which something may be missing.", total.incomplete);
    put_sum(out, "response_bytes_total", "Bytes of response bodies.", &total, TALLY_BYTES);
    put_sum(out, "request_bytes_total", "Bytes of request bodies.", &total, TALLY_REQUEST_BYTES);
    put_counter(out, "lost_events_total", "Events that came faster than they could be read.", summary->lost);
    put_histogram(out, "ttfb_seconds", "From the beginning of a request to that of its response.", &total.values[TALLY_TTFB]);
    put_histogram(out, "request_duration_seconds", "From the beginning of a request to the end of its response.",
                  &total.values[TALLY_DURATION]);
    put_counted(out, &summary->counted);
    tally_free(&total);
}

/* A file beside the other one with the text; it has its name in `temporary`. */
static int
write_beside(char *temporary, struct slice text)
{
    int fd = mkostemp(temporary, 0), status = -1;
    if (fd < 0)
        return -1;
    if (fchmod(fd, 0644) == 0 && writable_put_all(fd, text) == 0)
        status = 0;
    if (close(fd) != 0 || status != 0) {
        int error = errno;
        unlink(temporary);
        errno = error;
        return -1;
    }
    return 0;
}

static void
cannot_write(const char *path, int error, struct diag *diag)
{
    char quoted[256];
    bool is_right = error == EACCES || error == EPERM;
    diag_set(
        diag, DIAG_FAILED, "--prom: cannot write %s: %s%s", diag_quote(quoted, sizeof(quoted), text_of(path)), strerror(error),
        is_right ? "; the file must be the own one of the user that h2olog becomes (--user), and its directory writable for him"
                 : diag_remedy(error));
}

int
summary_prom_write(const struct summary *summary, const char *path, struct diag *diag)
{
    char quoted[256];
    struct stat old;
    struct outbuf text = {0}, temporary = {0};
    if (*path == '\0')
        return diag_set(diag, DIAG_USAGE, "--prom: the name of a file is missing");
    if (lstat(path, &old) == 0 && !S_ISREG(old.st_mode))
        return diag_set(diag, DIAG_FAILED, "--prom: %s is no regular file, and is not replaced by one",
                        diag_quote(quoted, sizeof(quoted), text_of(path)));
    summary_prom_put(summary, &text);
    text_printf(&temporary, "%s.XXXXXX", path);
    text_putc(&temporary, '\0');
    int status = write_beside(temporary.ptr, (struct slice){text.ptr, text.len});
    if (status == 0 && rename(temporary.ptr, path) != 0) {
        int error = errno;
        unlink(temporary.ptr);
        errno = error;
        status = -1;
    }
    if (status != 0)
        cannot_write(path, errno, diag);
    text_free(&text);
    text_free(&temporary);
    return status;
}

#include "show/tally.h"

const char *const tally_value_names[TALLY_VALUES] = {
    [TALLY_TTFB] = "ttfb", [TALLY_DURATION] = "duration", [TALLY_BYTES] = "bytes", [TALLY_REQUEST_BYTES] = "request_bytes",
    [TALLY_RTT] = "rtt",   [TALLY_CWND] = "cwnd"};

const char *const tally_protocol_names[TALLY_PROTOCOLS] = {"unknown", "HTTP/1", "HTTP/2", "HTTP/3"};

bool
tally_is_time(enum tally_value value)
{
    return value == TALLY_TTFB || value == TALLY_DURATION || value == TALLY_RTT;
}

/* A clock that was set back between two times makes nothing of them. */
static bool
ttfb_of(const struct exchange *exchange, uint64_t *number)
{
    int64_t ns;
    bool is_there = exchange_ttfb_ns(exchange, &ns) && ns >= 0;
    *number = is_there ? (uint64_t)ns / 1000 : 0;
    return is_there;
}

/* A value of a request; false: it has none, or it is not known. */
static bool
value_of(const struct exchange *exchange, enum tally_value value, uint64_t *number)
{
    int64_t usec;
    switch (value) {
    case TALLY_TTFB:
        return ttfb_of(exchange, number);
    case TALLY_DURATION:
        if (!exchange_between(exchange, WHOLE_BEGIN_AT, WHOLE_RESPONSE_END_AT, &usec) || usec < 0)
            return false;
        *number = (uint64_t)usec;
        return true;
    case TALLY_BYTES:
        return exchange_number(exchange, WHOLE_BYTES, number);
    case TALLY_REQUEST_BYTES:
        return exchange_number(exchange, WHOLE_REQUEST_BYTES, number);
    case TALLY_RTT:
        if (!exchange_number(exchange, WHOLE_RTT, number) || *number == 0)
            return false;
        *number *= 1000;
        return true;
    default:
        return false;
    }
}

uint64_t
tally_errors(const struct tally *tally)
{
    return tally->classes[4] + tally->classes[5];
}

void
tally_add(struct tally *tally, const struct exchange *exchange)
{
    unsigned class = exchange->responded != 0 ? (unsigned)exchange->status / 100 : 0;
    unsigned protocol = (unsigned)(exchange->http_version >> 8);
    uint64_t number;
    tally->requests++;
    tally->classes[class < TALLY_CLASSES ? class : 0]++;
    tally->protocols[protocol < TALLY_PROTOCOLS ? protocol : 0]++;
    tally->unanswered += exchange->responded == 0;
    tally->incomplete += exchange->incomplete != 0;
    for (int i = 0; i < TALLY_OF_REQUESTS; i++)
        if (value_of(exchange, (enum tally_value)i, &number))
            histogram_add(&tally->values[i], number);
}

void
tally_merge(struct tally *tally, const struct tally *other)
{
    tally->requests += other->requests;
    tally->unanswered += other->unanswered;
    tally->incomplete += other->incomplete;
    for (int i = 0; i < TALLY_CLASSES; i++)
        tally->classes[i] += other->classes[i];
    for (int i = 0; i < TALLY_PROTOCOLS; i++)
        tally->protocols[i] += other->protocols[i];
    for (int i = 0; i < TALLY_VALUES; i++)
        histogram_merge(&tally->values[i], &other->values[i]);
}

void
tally_free(struct tally *tally)
{
    for (int i = 0; i < TALLY_VALUES; i++)
        histogram_free(&tally->values[i]);
    *tally = (struct tally){0};
}

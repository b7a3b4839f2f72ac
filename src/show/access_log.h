#ifndef ACCESS_LOG_H
#define ACCESS_LOG_H

#include "show/exchange.h"

/* A line a request in the notation of h2o's access log (https://h2o.examp1e.net/configure/access_log_directives.html),
 * compiled. Escaping is h2o's, too: "apache", or with `is_json` "json". What the probes do not show is "-", or null in
 * JSON. A line of which something may be missing ends in " ~incomplete:request,response", unless the format shows that
 * itself: no value can hold that, as "~" is escaped. */
struct access_log {
    struct access_log_piece *pieces;
    size_t npieces;
    struct exchange_fields asked;
    bool is_json;
    bool shows_whole;      /* it has what only the server's structures tell */
    bool wants_sni;        /* it has %{ssl.server-name}x */
    bool tells_incomplete; /* the format has %{incomplete}x */
};

/* `text`: a format, or common, combined or json, which is one in JSON. Memory is the arena's. 0, or -1 with `diag` set. */
int access_log_parse(struct access_log *log, const char *text, bool is_json, struct mem *mem, struct diag *diag);

/* Appends the line without its LF. `realtime_offset`: CLOCK_REALTIME - CLOCK_BOOTTIME in nanoseconds, when
 * the exchange began. */
void access_log_put(const struct access_log *log, struct outbuf *out, const struct exchange *exchange, int64_t realtime_offset);

#endif

#ifndef VIEW_H
#define VIEW_H

#include "program/condition.h"
#include "show/access_log.h"
#include "show/query.h"
#include "show/line_filter.h"
#include "show/summary.h"

/* What is done with the records that the program prints: --group, --query, --log-format, -I and -X, and those filters that a
 * program cannot do when whole requests are wanted. */
struct view {
    bool is_grouped;       /* by request */
    bool is_keylog;        /* lines of keys, of events of TLS */
    uint64_t max_requests; /* how many are held at most, if so */
    uint64_t pending_ns;   /* only those that have waited so long for a response; 0: all */
    struct query query;    /* no root: none */
    struct access_log log; /* no pieces: none */
    struct summary_request summary;
    struct line_filter line_filter;
    struct filter statuses; /* --status, of whole requests */
    struct view_addresses { /* --address, of whole requests; none: any */
        struct condition_address *items;
        size_t count;
    } addresses;
    struct view_names { /* --sni, globs; none: any */
        const char **items;
        size_t count;
    } names;
};

/* Makes the view that the words ask for, and adds to `filter` what the program can do. The words must last as long as the view.
 * Memory is the arena's, and what view_free frees, after an error too. 0, or -1 with `diag` set. */
int view_make(struct view *view, const struct filter_word *words, size_t nwords, bool is_json, struct filter *filter,
              struct mem *mem, struct diag *diag);
void view_free(struct view *view);

/* Whether the catalogue has the tags and fields that the words name. 0, or -1 with `diag` set. */
int view_check(const struct filter_word *words, size_t nwords, const struct catalog *catalog, struct mem *mem,
               struct diag *diag);

/* Whether the option asks for what a program cannot do by itself. */
bool view_is_needed(const char *option);

/* Whether the option shows whole requests. */
bool view_groups(const char *option);

/* Whether the option shows something that is made of several records: whole requests, or numbers. */
bool view_is_of_many(const char *option);

/* Whether what is shown is JSON: an access log is what its own format says, everything else what `is_json` says. */
bool view_is_json(const struct view *view, bool is_json);

/* That a time is asked for where there are lines only. 0, or -1 with `diag` set. */
int view_check_time(bool is_json, enum format_time time, struct diag *diag);

/* What it needs that only the server's structures have, as "bytes" or "--address"; NULL: nothing. */
const char *view_needs_whole(const struct view *view);

/* Whether it needs the name that the client asked TLS for. */
bool view_wants_sni(const struct view *view);

/* Which numbers of a whole request it does not look at, as bits by field of WHOLE_END. */
uint32_t view_left_out(const struct view *view);

/* What a program that reads whole requests in the server can decide of that (query_where.h); NULL: nothing. The arena's. */
const char *view_where(const struct view *view, const struct redact *redact, size_t text_limit, struct mem *mem);

/* Whether the exchange is wanted. */
bool view_wants(const struct view *view, const struct exchange *exchange);

/* How many texts were too much work for the regular expressions. */
uint64_t view_given_up(const struct view *view);

#endif

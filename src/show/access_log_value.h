#ifndef ACCESS_LOG_VALUE_H
#define ACCESS_LOG_VALUE_H

#include "show/exchange.h"

/* The values that an access log shows of a request, by the letters and words that h2o has for them. */

/* What is the same for all pieces of a line. */
struct access_log_scene {
    const struct exchange *exchange;
    bool is_json;
    int64_t realtime_offset; /* CLOCK_REALTIME - CLOCK_BOOTTIME in nanoseconds */
};

struct access_log_piece;

/* Appends a value, escaped if it is text. false, and nothing is appended: it is not there. */
typedef bool access_log_put_function(struct outbuf *out, const struct access_log_piece *piece,
                                     const struct access_log_scene *scene);

/* A part of a format: a literal, and the value behind it. */
struct access_log_piece {
    struct slice literal;
    access_log_put_function *put; /* NULL: there is no value */
    bool is_number;
    enum catalog_role role; /* of the header field that it shows */
    const char *name;       /* of that, or a format of strftime */
    enum {
        ACCESS_LOG_BARE,   /* outside of a string in JSON, or no JSON */
        ACCESS_LOG_WITHIN, /* in the midst of a string */
        ACCESS_LOG_WHOLE,  /* a whole string: its quotes are not in the literals */
    } place;
};

/* %X */
struct access_log_letter {
    char letter;
    access_log_put_function *put;
    bool is_number;
    const char *name;  /* of a request's header field, or a format of strftime */
    const char *other; /* a second header field that it shows; NULL: there is none */
};

/* %{word}X */
struct access_log_word {
    char letter; /* X */
    const char *word;
    access_log_put_function *put;
    bool is_number;
};

/* Whether only the server's structures have the value. */
bool access_log_is_whole(const struct access_log_piece *piece);

/* NULL: h2o has no such letter; there is no such word of that letter. Words are found in any case. */
const struct access_log_letter *access_log_find_letter(char letter);
const struct access_log_word *access_log_find_word(char letter, const char *word);

/* The header field of the piece; all of its name, with commas between them; its format of strftime; what may be missing;
 * the name of TLS; nothing, for what the probes do not show. */
access_log_put_function access_log_put_header, access_log_put_headers, access_log_put_strftime, access_log_put_incomplete,
    access_log_put_nothing, access_log_put_sni;

#endif

#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "record/record_copy.h"

/* What may be missing of an exchange, as bits. */
enum exchange_part {
    EXCHANGE_REQUEST = 1, /* its line */
    EXCHANGE_REQUEST_HEADERS = 2,
    EXCHANGE_RESPONSE = 4, /* its status */
    EXCHANGE_RESPONSE_HEADERS = 8,
};

/* What only the server's structures tell of a request. */
struct exchange_whole {
    bool is_there;
    uint64_t numbers[WHOLE_FIELDS];        /* by field of WHOLE_END */
    uint64_t address[TYPES_ADDRESS_WORDS]; /* of the client, as types.h has it */
    char sni[256];                         /* ""; it is not known, or there is none */
};

/* An exchange is a request and its response, as far as they were seen. */
struct exchange {
    pid_t pid; /* of the server */
    uint64_t conn_id, req_id;
    uint64_t begun, last;          /* CLOCK_BOOTTIME in nanoseconds: of the first record and of the last */
    uint64_t requested, responded; /* the same of the request line and of the status line; 0: it was not seen */
    uint64_t http_version;         /* major * 256 + minor; 0: it is not known */
    int32_t status;                /* if responded */
    uint64_t tid;                  /* the thread that responded */
    unsigned incomplete;           /* what may be missing */
    uint64_t waited;               /* nanoseconds without a response when --pending told of it (group.h); 0: it has not */
    bool is_waiting;               /* it tells of it now */
    struct exchange_whole whole;
    struct outbuf records;         /* as record_copy.h has them, in their order */
};

/* Header fields that somebody asks for, pseudo ones such as :path too. */
struct exchange_fields {
    struct exchange_field {
        enum catalog_role role;
        struct slice name;
    } * items;
    size_t count;
};

/* Adds a field. Memory is the arena's; the name must last as long. */
void exchange_ask(struct exchange_fields *fields, struct exchange_field field, struct mem *mem);

/* Takes a record of its request, of which it keeps a copy. */
void exchange_add(struct exchange *exchange, const struct record *record);

/* Notes that the record was seen, without keeping it. */
void exchange_touch(struct exchange *exchange, const struct record *record);

/* Makes it an exchange without records. */
void exchange_clear(struct exchange *exchange);

/* The records, one after the other: `*at` is 0 for the first. false: there is none left. */
bool exchange_next(const struct exchange *exchange, size_t *at, struct record *record);

/* Whether a header field has that name, in any case. One that was cut has none that is known. */
bool exchange_is_named(const struct record *record, struct slice name);

/* The value of the next header field of that role and that name, in any case, and the record that holds it. `*at` as above.
 * NULL: there is none left. */
const struct types_value *exchange_header(const struct exchange *exchange, enum catalog_role role, struct slice name,
                                          size_t *at, struct record *record);

/* Appends the names of what may be missing, as "request" and "response-headers", with the separator between them. */
void exchange_put_incomplete(const struct exchange *exchange, struct outbuf *out, const char *separator);

/* What only the server's structures tell; false: they do not, or were not read. A number by field of WHOLE_END; the
 * microseconds between two such times; and the client's address, which is there for IPv4 and IPv6. */
bool exchange_number(const struct exchange *exchange, int field, uint64_t *number);
bool exchange_between(const struct exchange *exchange, int from, int until, int64_t *usec);
bool exchange_address(const struct exchange *exchange, char text[TYPES_ADDRESS_TEXT], unsigned *port);

/* An authority up to its port: to the first colon that is not in brackets. */
struct slice exchange_host(struct slice authority);

/* Nanoseconds, or milliseconds, from the request to the first byte of the response. false: one of them was not seen. */
bool exchange_ttfb_ns(const struct exchange *exchange, int64_t *ns);
bool exchange_ttfb(const struct exchange *exchange, double *ms);

#endif

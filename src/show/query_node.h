#ifndef QUERY_NODE_H
#define QUERY_NODE_H

#include "base/regex.h"
#include "program/condition.h"
#include "show/exchange.h"

/* What a query is made of, for what reads it and what asks it. */

enum { QUERY_FIELDS = 17, QUERY_TEXT = 256 };

/* What can be asked for. */
struct query_field {
    const char *name;
    bool (*number)(const struct exchange *exchange, long double *number); /* false: it is not there */
    bool is_time;                                                         /* nanoseconds */
    bool is_address;                                                      /* a text that is compared with networks */
    bool is_whole;                                                        /* only the server's structures have it */
    const char *header;                                                   /* a text: that of this pseudo header field */
    /* Another text, which may stand in `buffer`. false: it is not there. */
    bool (*text)(const struct exchange *exchange, char buffer[QUERY_TEXT], struct slice *text);
};

extern const struct query_field query_fields[QUERY_FIELDS];

enum query_relation { EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };

struct query_comparison {
    const char *name;
    enum { NUMBER, TEXT, REGEX } of;
    bool is_negated;
    enum query_relation relation;
};

struct query_node {
    enum { OR, AND, NOT, TEST } kind;
    struct query_node *left, *right;
    const struct query_field *field; /* NULL: `header` */
    struct exchange_field header;
    const struct query_comparison *comparison; /* NULL: whether it is there */
    long double number;
    struct slice text;
    bool is_network; /* the text is `network` */
    struct condition_address network;
    struct slice source; /* of a test: as it was written */
    struct regex *regex;
};

/* The number that `text` begins with, and what stands behind it. false: it begins with none. */
bool query_number(struct slice text, long double *number, struct slice *rest);

#endif

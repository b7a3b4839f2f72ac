/* The head of an HTTP/1 request. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

#define MAX_FIELDS 1024

struct field {
    struct text name;
    struct text value;
};

struct request {
    struct text method;
    struct text path;
    struct text authority;
    unsigned version; /* major * 256 + minor */
    struct field fields[MAX_FIELDS]; /* without `host`; names in lower case */
    size_t field_count;
    uint64_t body_len;
    bool keep_alive;
    bool expects_continue;
};

/* How long the head at the start of `buf` is, with the empty line; 0 if its end is not there yet. */
size_t
request_head_len(const char *buf, size_t len);

/* Parses a complete head in place: the request points into it. Returns 0 or the HTTP status of the refusal. */
int
request_parse(struct request *request, char *head, size_t len);

#endif

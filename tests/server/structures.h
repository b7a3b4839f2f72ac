/* h2o's structures of a request, as far as h2olog reads them, and the function that h2o calls when a request ends. */
#ifndef STRUCTURES_H
#define STRUCTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "text.h"

struct structures_field {
    struct text name, value;
};

/* A request that ends. */
struct structures_request {
    unsigned http; /* 1, 2 or 3; 4: one of another connection than it says; 5: one of HTTP/2 that no path was found for */
    uint64_t conn_id, req_id;
    int version, status;
    uint64_t bytes, request_bytes;
    struct text method, path, authority;
    const struct sockaddr *peer;              /* NULL: none is known */
    const char *sni;                          /* NULL: none */
    int64_t begin_us, start_us, end_us;       /* microseconds since 1970; 0: it was not */
    const struct structures_field *fields[2]; /* of the request, of the response */
    size_t counts[2];
};

/* Whether this server is compiled with them. */
bool structures_exist(void);

/* Prints where their members are, as lines of a layout in *.structures have it. */
void structures_print(void);

/* Builds the structures and calls the function, if they exist. */
void structures_dispose(const struct structures_request *request);

/* A quicly connection in `memory`, which has structures_client_size bytes and is zeroed: the numbers are what stands at 16 and
 * 20. Without structures its client is not there. */
size_t structures_client_size(void);
void *structures_client(void *memory, const uint32_t numbers[2], const struct sockaddr *peer, const char *sni);

#endif

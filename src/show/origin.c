#include "show/origin.h"

#include "base/no_memory.h"

#include <stdlib.h>
#include <utlist.h>

/* Connections that are remembered. */
enum { CONNECTIONS = 4096 };

/* A connection that was accepted before tracing began may take so long to send its first request. */
static const uint64_t settle_ns = 1000 * 1000 * 1000;

struct origin_server {
    pid_t pid;
    uint64_t began;       /* CLOCK_BOOTTIME in nanoseconds: its first record */
    bool has_first;       /* the first request of a connection was seen */
    uint64_t old;         /* connections up to this one may be older than tracing */
    uint64_t given_up;    /* requests of connections up to this one may have been given up */
    uint64_t lossy_until; /* CLOCK_BOOTTIME: losses happened before; 0: there were none */
    struct origin_server *next;
};

struct origin_connection {
    pid_t pid; /* 0: there is none */
    uint64_t id;
    uint64_t first; /* the lowest request number of it that was seen */
    uint64_t version;
};

void
origins_init(struct origins *origins)
{
    *origins = (struct origins){.connections = calloc(CONNECTIONS, sizeof(*origins->connections))};
    if (origins->connections == NULL)
        no_memory();
}

void
origins_free(struct origins *origins)
{
    struct origin_server *server, *next;
    LL_FOREACH_SAFE(origins->servers, server, next)
    free(server);
    free(origins->connections);
    *origins = (struct origins){0};
}

/* NULL: nothing came from it yet. */
static struct origin_server *
find_server(const struct origins *origins, pid_t pid)
{
    struct origin_server *server;
    LL_SEARCH_SCALAR(origins->servers, server, pid, pid);
    return server;
}

static struct origin_server *
need_server(struct origins *origins, pid_t pid)
{
    struct origin_server *server = find_server(origins, pid);
    if (server != NULL)
        return server;
    server = calloc(1, sizeof(*server));
    if (server == NULL)
        no_memory();
    server->pid = pid;
    LL_PREPEND(origins->servers, server);
    return server;
}

static uint64_t
number_of(const struct record *record, enum catalog_meaning meaning)
{
    return record->values[record->event->probe->field_of[meaning]].number;
}

static struct origin_connection *
slot_of(const struct origins *origins, const struct record *record)
{
    return &origins->connections[(number_of(record, CATALOG_CONN_ID) + (uint64_t)record->pid * 31) % CONNECTIONS];
}

/* NULL: no request of its connection was seen, or it is forgotten. */
static const struct origin_connection *
find_connection(const struct origins *origins, const struct record *record)
{
    const struct origin_connection *connection = slot_of(origins, record);
    bool is_it = connection->pid == record->pid && connection->id == number_of(record, CATALOG_CONN_ID);
    return is_it ? connection : NULL;
}

static void
note_request(struct origins *origins, const struct record *record)
{
    if (find_connection(origins, record) != NULL)
        return;
    *slot_of(origins, record) =
        (struct origin_connection){record->pid, number_of(record, CATALOG_CONN_ID), number_of(record, CATALOG_REQ_ID),
                                   number_of(record, CATALOG_HTTP_VERSION)};
}

/* Whose first request is seen is new, if it did not wait with that, and so are later connections. */
void
origins_note(struct origins *origins, const struct record *record)
{
    struct origin_server *server = need_server(origins, record->pid);
    uint64_t conn_id = number_of(record, CATALOG_CONN_ID);
    if (server->began == 0)
        server->began = record->nsecs;
    if ((!server->has_first || record->nsecs < server->began + settle_ns) && conn_id > server->old)
        server->old = conn_id;
    if (record->event->probe->role != CATALOG_REQUEST)
        return;
    server->has_first |= number_of(record, CATALOG_REQ_ID) <= 1; /* HTTP/3 counts from 0 */
    note_request(origins, record);
}

void
origins_give_up(struct origins *origins, pid_t pid, uint64_t conn_id)
{
    struct origin_server *server = need_server(origins, pid);
    server->given_up = conn_id > server->given_up ? conn_id : server->given_up;
}

void
origins_lose(struct origins *origins, const struct record *loss)
{
    need_server(origins, loss->pid)->lossy_until = loss->values[RECORD_LOST_UNTIL].number;
}

void
origins_end(struct origins *origins, pid_t pid)
{
    struct origin_server *server = find_server(origins, pid);
    if (server == NULL)
        return;
    LL_DELETE(origins->servers, server);
    free(server);
}

bool
origins_are_lossy(const struct origins *origins, pid_t pid, uint64_t nsecs)
{
    const struct origin_server *server = find_server(origins, pid);
    return server != NULL && nsecs <= server->lossy_until;
}

static bool
is_pushed(const struct origin_connection *connection, uint64_t req_id)
{
    return connection != NULL && connection->version == 0x200 && req_id % 2 == 0;
}

/* Requests of a connection that came after one that was seen were traced, or there was no record of them. */
static bool
is_new(const struct origin_server *server, const struct origin_connection *connection, const struct record *status)
{
    return number_of(status, CATALOG_CONN_ID) > server->old ||
           (connection != NULL && number_of(status, CATALOG_REQ_ID) > connection->first);
}

enum origin
origins_find(const struct origins *origins, const struct record *status, uint64_t *version)
{
    const struct origin_server *server = find_server(origins, status->pid);
    const struct origin_connection *connection = find_connection(origins, status);
    *version = connection != NULL ? connection->version : 0;
    if (is_pushed(connection, number_of(status, CATALOG_REQ_ID)))
        return ORIGIN_PUSHED;
    if (number_of(status, CATALOG_CONN_ID) <= server->given_up)
        return ORIGIN_GIVEN_UP;
    if (server->lossy_until != 0)
        return ORIGIN_LOST;
    return is_new(server, connection, status) ? ORIGIN_UNPARSED : ORIGIN_BEFORE;
}

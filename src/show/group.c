#include "show/group.h"

#include "base/no_memory.h"
#include "show/unfold.h"

#include <stdlib.h>
#include <string.h>
#define uthash_fatal(message) no_memory()
#include <uthash.h>
#include <utlist.h>

/* A response is complete when its thread goes on with another one, or when its last header field is this old. Between two of
 * them a thread may be interrupted; on a machine with ten threads for each CPU 0.1 s was too short for one response of 20,000.
 */
static const uint64_t complete_ns = 500 * 1000 * 1000;

/* One that comes whole is complete when its last record is this old. The server's thread may be interrupted between the parts
 * of a hit, and each may be in another map. */
static const uint64_t whole_ns = 50 * 1000 * 1000;

/* The records of all held requests take no more than this. */
enum { MAX_BYTES = 64 * 1024 * 1024 };

/* Responses by themselves that are held: they end at once, so a few of each thread of the server are enough. */
enum { MAX_BARE = 64 };

struct key {
    uint64_t pid, conn_id, req_id; /* all of one size, as their bytes are hashed */
};

/* Keys of the last requests that were handed out because of the time: their thread may go on with them. */
struct group_overdue {
    struct key keys[64];
    size_t next;
};

enum { OVERDUE = sizeof(((struct group_overdue *)0)->keys) / sizeof(struct key) };

/* A member that is held is in the hash table, which keeps the order of arrival. If its response has begun, it is in the list of
 * those that respond, too; if its connection was upgraded, in the list of those. A member that is not held is in the list of
 * the free ones or of those that are done. */
struct group_member {
    struct exchange exchange;
    struct key key;
    bool is_bare; /* a response by itself */
    bool is_responding, is_upgrading;
    bool is_whole; /* unfold.h; it is in the list of those that respond, too */
    bool has_lost; /* its response may be among what was lost */
    UT_hash_handle hh;
    struct group_member *prev, *next;
};

void
group_init(struct group *group, size_t max, uint64_t pending_ns)
{
    size_t count = max + 1 + MAX_BARE; /* the next one comes before the oldest goes */
    *group = (struct group){.max = max, .pending_ns = pending_ns};
    group->members = calloc(count, sizeof(*group->members));
    group->overdue = calloc(1, sizeof(*group->overdue));
    if (group->members == NULL || group->overdue == NULL)
        no_memory();
    for (size_t i = 0; i < count; i++)
        LL_PREPEND(group->free, &group->members[i]);
    origins_init(&group->origins);
}

void
group_free(struct group *group)
{
    HASH_CLEAR(hh, group->held);
    for (size_t i = 0; group->members != NULL && i < group->max + 1 + MAX_BARE; i++)
        text_free(&group->members[i].exchange.records);
    free(group->members);
    free(group->overdue);
    origins_free(&group->origins);
    *group = (struct group){0};
}

/* ---- How a request ends. */

static void
leave_upgrading(struct group *group, struct group_member *member)
{
    DL_DELETE(group->upgrading, member);
    member->is_upgrading = false;
}

static void
member_finish(struct group *group, struct group_member *member)
{
    struct exchange *exchange = &member->exchange;
    HASH_DELETE(hh, group->held, member);
    group->bytes -= exchange->records.len;
    if (member->is_responding)
        DL_DELETE(group->responding, member);
    if (member->is_upgrading)
        leave_upgrading(group, member);
    if (member->is_whole)
        unfold(exchange);
    else if (exchange->responded == 0 && (member->has_lost || member->is_responding))
        exchange->incomplete |= EXCHANGE_RESPONSE | EXCHANGE_RESPONSE_HEADERS;
    group->bare -= member->is_bare;
    group->count -= !member->is_bare;
    exchange->is_waiting = false;
    DL_APPEND(group->done, member);
}

static void
member_give_up(struct group *group, struct group_member *member)
{
    group->given_up++;
    origins_give_up(&group->origins, member->exchange.pid, member->key.conn_id);
    member->has_lost = true;
    if (member->is_responding)
        member->exchange.incomplete |= EXCHANGE_RESPONSE_HEADERS;
    member_finish(group, member);
}

/* One whose response is coming will soon be done. */
static struct group_member *
find_oldest(const struct group *group)
{
    struct group_member *member, *next, *responding = NULL;
    HASH_ITER(hh, group->held, member, next)
    {
        if (!member->is_responding)
            return member;
        if (responding == NULL && !member->is_bare)
            responding = member;
    }
    return responding != NULL ? responding : group->held;
}

/* A thread that fires another probe has sent all header fields of the response it was at. */
static void
finish_response(struct group *group, const struct record *record, const struct group_member *own)
{
    struct group_member *member, *next;
    bool goes_on = record->event->probe->role == CATALOG_RESPONSE_HEADER || unfold_is_whole(record);
    DL_FOREACH_SAFE(group->responding, member, next)
    {
        const struct exchange *exchange = &member->exchange;
        if (exchange->tid == record->tid && exchange->pid == record->pid && !(goes_on && member == own))
            member_finish(group, member);
    }
}

/* Whether its connection goes on as one of HTTP/2 with a number of its own, which tells of the response. */
static bool
is_upgrade(const struct exchange *exchange)
{
    struct record record;
    size_t at = 0;
    return exchange->requested != 0 && exchange->responded == 0 && exchange->http_version < 0x200 &&
           exchange_header(exchange, CATALOG_REQUEST_HEADER, text_of("http2-settings"), &at, &record) != NULL;
}

static void
close_connection(struct group *group, const struct key *key)
{
    struct group_member *member, *next;
    HASH_ITER(hh, group->held, member, next)
    {
        if (member->key.pid != key->pid || member->key.conn_id != key->conn_id || member->is_upgrading)
            continue;
        if (is_upgrade(&member->exchange) && !member->is_responding) {
            member->is_upgrading = true;
            DL_APPEND(group->upgrading, member);
        } else
            member_finish(group, member);
    }
}

/* ---- How a request begins. */

static struct group_member *
member_find(struct group *group, const struct key *key)
{
    struct group_member *member;
    HASH_FIND(hh, group->held, key, sizeof(*key), member);
    return member;
}

static struct group_member *
member_begin(struct group *group, const struct key *key, const struct record *record)
{
    struct group_member *member = group->free;
    LL_DELETE(group->free, member);
    exchange_clear(&member->exchange);
    *member = (struct group_member){.exchange = member->exchange, .key = *key};
    member->exchange.pid = record->pid;
    member->exchange.conn_id = key->conn_id;
    member->exchange.req_id = key->req_id;
    HASH_ADD(hh, group->held, key, sizeof(member->key), member);
    return member;
}

static struct group_member *
begin_request(struct group *group, const struct key *key, const struct record *record)
{
    struct group_member *member = member_begin(group, key, record);
    group->count++;
    member->has_lost = origins_are_lossy(&group->origins, record->pid, record->nsecs);
    if (member->has_lost)
        member->exchange.incomplete = EXCHANGE_REQUEST_HEADERS;
    return member;
}

/* Without the request's line. */
static struct group_member *
begin_headers(struct group *group, const struct key *key, const struct record *record)
{
    uint64_t version;
    if (origins_find(&group->origins, record, &version) != ORIGIN_LOST)
        return NULL;
    struct group_member *member = begin_request(group, key, record);
    member->exchange.incomplete |= EXCHANGE_REQUEST | EXCHANGE_REQUEST_HEADERS;
    return member;
}

/* A connection that is upgraded stays with its thread. With two of that thread nobody knows whose response it is. */
static struct group_member *
find_upgrade(const struct group *group, const struct key *key, const struct record *record)
{
    struct group_member *member, *found = NULL;
    DL_FOREACH(group->upgrading, member)
    {
        struct record first;
        size_t at = 0;
        exchange_next(&member->exchange, &at, &first);
        if (member->key.pid != key->pid || member->key.conn_id >= key->conn_id || first.tid != record->tid)
            continue;
        if (found != NULL)
            return NULL;
        found = member;
    }
    return found;
}

/* The request of an upgraded connection is stream 1 of the new one, as h2o's own log has it. NULL: the response is not of such
 * a request. */
static struct group_member *
join_upgrade(struct group *group, const struct key *key, const struct record *record)
{
    struct group_member *member = key->req_id == 1 ? find_upgrade(group, key, record) : NULL;
    if (member == NULL)
        return NULL;
    leave_upgrading(group, member);
    HASH_DELETE(hh, group->held, member);
    member->key = *key;
    member->exchange.conn_id = key->conn_id;
    member->exchange.req_id = key->req_id;
    member->exchange.http_version = 0x200;
    HASH_ADD(hh, group->held, key, sizeof(member->key), member);
    return member;
}

static struct group_member *
begin_bare(struct group *group, const struct key *key, const struct record *record, enum origin origin, uint64_t version)
{
    struct group_member *member = member_begin(group, key, record);
    member->is_bare = true;
    group->bare++;
    member->exchange.http_version = version >= 0x200 ? version : 0; /* HTTP/1.0 and 1.1 mix */
    if (origin == ORIGIN_LOST)
        member->exchange.incomplete = EXCHANGE_REQUEST | EXCHANGE_REQUEST_HEADERS;
    return member;
}

static struct group_member *
begin_response(struct group *group, const struct key *key, const struct record *record)
{
    struct group_member *member = join_upgrade(group, key, record);
    if (member != NULL)
        return member;
    uint64_t version;
    enum origin origin = origins_find(&group->origins, record, &version);
    bool is_shown = origin != ORIGIN_BEFORE && origin != ORIGIN_GIVEN_UP && group->bare < MAX_BARE;
    if (is_shown)
        return begin_bare(group, key, record, origin, version);
    if (origin == ORIGIN_BEFORE)
        group->before++;
    else
        group->late++;
    return NULL;
}

/* A header field of a response that is not held begins nothing. */
static struct group_member *
count_field(struct group *group, const struct key *key, const struct record *record)
{
    (void)record;
    for (size_t i = 0; i < OVERDUE; i++)
        if (memcmp(&group->overdue->keys[i], key, sizeof(*key)) == 0)
            group->late_fields++;
    return NULL;
}

/* By role of a record whose request is not held. NULL: it is dropped. */
static struct group_member *(*const begin[])(struct group *group, const struct key *key, const struct record *record) = {
    [CATALOG_REQUEST] = begin_request,
    [CATALOG_REQUEST_HEADER] = begin_headers,
    [CATALOG_RESPONSE] = begin_response,
    [CATALOG_RESPONSE_HEADER] = count_field,
};

/* ---- Records. */

static void
note_response(struct group *group, struct group_member *member, const struct record *record)
{
    enum catalog_role role = record->event->probe->role;
    if (role != CATALOG_RESPONSE && role != CATALOG_RESPONSE_HEADER)
        return;
    if (origins_are_lossy(&group->origins, record->pid, record->nsecs))
        member->exchange.incomplete |= EXCHANGE_RESPONSE_HEADERS;
    if (member->is_responding)
        return;
    if (member->is_upgrading)
        leave_upgrading(group, member);
    member->is_responding = true;
    DL_APPEND(group->responding, member);
}

static void
member_add(struct group *group, const struct record *record, const struct key *key)
{
    enum catalog_role role = record->event->probe->role;
    struct group_member *member = member_find(group, key); /* finish_response may have ended it */
    if (member != NULL && role == CATALOG_REQUEST) {
        member_finish(group, member);
        member = NULL;
    }
    if (member == NULL)
        member = begin[role](group, key, record);
    if (member == NULL)
        return;
    struct exchange *exchange = &member->exchange;
    size_t before = exchange->records.len;
    exchange_add(exchange, record);
    group->bytes += exchange->records.len - before;
    note_response(group, member, record);
    while (group->count > group->max || (group->bytes > MAX_BYTES && group->held != NULL))
        member_give_up(group, find_oldest(group));
}

/* ---- Requests that come whole. All records of one come from its thread at once, when it has ended. */

static void
add_whole(struct group *group, const struct record *record, const struct key *key)
{
    struct group_member *member = member_find(group, key);
    finish_response(group, record, member);
    if (member == NULL)
        member = begin_request(group, key, record);
    if (!member->is_responding) {
        member->is_responding = member->is_whole = true;
        DL_APPEND(group->responding, member);
    }
    size_t before = member->exchange.records.len;
    unfold_add(&member->exchange, record);
    group->bytes += member->exchange.records.len - before;
    while (group->count > group->max || (group->bytes > MAX_BYTES && group->held != NULL))
        member_give_up(group, find_oldest(group));
}

static void
add_event(struct group *group, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    struct key key = {(uint64_t)record->pid, 0, 0};
    bool is_of_request = probe->role != CATALOG_NO_ROLE && probe->role != CATALOG_CLOSE;
    if (probe->role != CATALOG_NO_ROLE)
        key.conn_id = record->values[probe->field_of[CATALOG_CONN_ID]].number;
    if (is_of_request)
        key.req_id = record->values[probe->field_of[CATALOG_REQ_ID]].number;
    if (is_of_request && unfold_is_whole(record)) {
        add_whole(group, record, &key);
        return;
    }
    finish_response(group, record, is_of_request ? member_find(group, &key) : NULL);
    if (probe->role == CATALOG_CLOSE)
        close_connection(group, &key);
    if (!is_of_request)
        return;
    origins_note(&group->origins, record);
    member_add(group, record, &key);
}

/* Header fields of a request come at once, so those of one that has waited are there. */
static void
add_loss(struct group *group, const struct record *loss)
{
    struct group_member *member, *next;
    origins_lose(&group->origins, loss);
    HASH_ITER(hh, group->held, member, next)
    {
        struct exchange *exchange = &member->exchange;
        if (exchange->pid != loss->pid)
            continue;
        member->has_lost = true;
        if (member->is_responding)
            exchange->incomplete |= EXCHANGE_RESPONSE_HEADERS;
        else if (exchange->last + complete_ns > loss->nsecs)
            exchange->incomplete |= EXCHANGE_REQUEST_HEADERS;
    }
}

void
group_add(struct group *group, const struct record *record)
{
    (record->event != NULL ? add_event : add_loss)(group, record);
}

void
group_tick(struct group *group, pid_t pid, uint64_t nsecs)
{
    struct group_member *member, *next;
    DL_FOREACH_SAFE(group->responding, member, next)
    {
        const struct exchange *exchange = &member->exchange;
        if (exchange->pid != pid || exchange->last + (member->is_whole ? whole_ns : complete_ns) > nsecs)
            continue;
        group->overdue->keys[group->overdue->next++ % OVERDUE] = member->key;
        member_finish(group, member);
    }
}

void
group_end(struct group *group, pid_t pid)
{
    struct group_member *member, *next;
    HASH_ITER(hh, group->held, member, next)
    {
        if (member->exchange.pid == pid)
            member_finish(group, member);
    }
    origins_end(&group->origins, pid);
}

const struct exchange *
group_next(struct group *group)
{
    if (group->out != NULL)
        LL_PREPEND(group->free, group->out);
    group->out = group->done;
    if (group->out == NULL)
        return NULL;
    DL_DELETE(group->done, group->out);
    return &group->out->exchange;
}

/* The hash table has them in the order of their arrival. */
const struct exchange *
group_next_pending(struct group *group, pid_t pid, uint64_t nsecs)
{
    struct group_member *member, *next;
    if (group->pending_ns == 0)
        return NULL;
    HASH_ITER(hh, group->held, member, next)
    {
        struct exchange *exchange = &member->exchange;
        if (exchange->begun + group->pending_ns > nsecs)
            return NULL;
        if (exchange->pid != pid || exchange->responded != 0 || exchange->waited != 0)
            continue;
        exchange->waited = nsecs - exchange->begun;
        exchange->is_waiting = true;
        return exchange;
    }
    return NULL;
}

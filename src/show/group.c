#include "show/group.h"

#include "base/no_memory.h"

#include <stdlib.h>
#include <string.h>
#define uthash_fatal(message) no_memory()
#include <uthash.h>
#include <utlist.h>

/* A response is complete when its last header field is this old. The thread may have been interrupted between two of them. */
static const uint64_t complete_ns = 100 * 1000 * 1000;

/* The records of all held requests take no more than this. */
enum { MAX_BYTES = 64 * 1024 * 1024 };

struct key {
    uint64_t pid, conn_id, req_id; /* all of one size, as their bytes are hashed */
};

/* A member that is held is in the hash table, which keeps the order of arrival. If its response has begun, it is in the list of
 * those that respond, too. A member that is not held is in the list of the free ones or of those that are done. */
struct group_member {
    struct exchange exchange;
    struct key key;
    UT_hash_handle hh;
    struct group_member *prev, *next;
};

void
group_init(struct group *group, size_t max)
{
    *group = (struct group){.max = max};
    group->members = calloc(max + 1, sizeof(*group->members)); /* the next one comes before the oldest goes */
    if (group->members == NULL)
        no_memory();
    for (size_t i = 0; i <= max; i++)
        LL_PREPEND(group->free, &group->members[i]);
}

void
group_free(struct group *group)
{
    HASH_CLEAR(hh, group->held);
    for (size_t i = 0; group->members != NULL && i <= group->max; i++)
        text_free(&group->members[i].exchange.records);
    free(group->members);
    *group = (struct group){0};
}

static void
member_finish(struct group *group, struct group_member *member)
{
    HASH_DELETE(hh, group->held, member);
    if (member->exchange.responded != 0)
        DL_DELETE(group->responding, member);
    group->count--;
    group->bytes -= member->exchange.records.len;
    DL_APPEND(group->done, member);
}

static void
give_up_oldest(struct group *group)
{
    group->given_up++;
    member_finish(group, group->held);
}

static struct group_member *
member_begin(struct group *group, const struct key *key, pid_t pid)
{
    struct group_member *member = group->free;
    LL_DELETE(group->free, member);
    exchange_clear(&member->exchange);
    member->key = *key;
    member->exchange.pid = pid;
    member->exchange.conn_id = key->conn_id;
    member->exchange.req_id = key->req_id;
    HASH_ADD(hh, group->held, key, sizeof(member->key), member);
    group->count++;
    return member;
}

/* A thread that fires another probe has sent all header fields of the response it was at. */
static void
finish_response(struct group *group, const struct record *record, const struct group_member *own)
{
    struct group_member *member, *next;
    bool goes_on = record->event->probe->role == CATALOG_RESPONSE_HEADER;
    DL_FOREACH_SAFE(group->responding, member, next)
    {
        const struct exchange *exchange = &member->exchange;
        if (exchange->tid == record->tid && exchange->pid == record->pid && !(goes_on && member == own))
            member_finish(group, member);
    }
}

static void
close_connection(struct group *group, const struct key *key)
{
    struct group_member *member, *next;
    HASH_ITER(hh, group->held, member, next)
    {
        if (member->key.pid == key->pid && member->key.conn_id == key->conn_id)
            member_finish(group, member);
    }
}

static struct group_member *
member_find(struct group *group, const struct key *key)
{
    struct group_member *member;
    HASH_FIND(hh, group->held, key, sizeof(*key), member);
    return member;
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
        member = member_begin(group, key, record->pid);
    struct exchange *exchange = &member->exchange;
    size_t before = exchange->records.len;
    bool was_responding = exchange->responded != 0;
    exchange_add(exchange, record);
    group->bytes += exchange->records.len - before;
    if (!was_responding && exchange->responded != 0)
        DL_APPEND(group->responding, member);
    while (group->count > group->max || (group->bytes > MAX_BYTES && group->count > 0))
        give_up_oldest(group);
}

void
group_add(struct group *group, const struct record *record)
{
    const struct catalog_probe *probe = record->event->probe;
    struct key key = {(uint64_t)record->pid, 0, 0};
    bool is_of_request = probe->role != CATALOG_NO_ROLE && probe->role != CATALOG_CLOSE;
    if (probe->role != CATALOG_NO_ROLE)
        key.conn_id = record->values[probe->field_of[CATALOG_CONN_ID]].number;
    if (is_of_request)
        key.req_id = record->values[probe->field_of[CATALOG_REQ_ID]].number;
    finish_response(group, record, is_of_request ? member_find(group, &key) : NULL);
    if (probe->role == CATALOG_CLOSE)
        close_connection(group, &key);
    else if (is_of_request)
        member_add(group, record, &key);
}

void
group_tick(struct group *group, pid_t pid, uint64_t nsecs)
{
    struct group_member *member, *next;
    DL_FOREACH_SAFE(group->responding, member, next)
    {
        if (member->exchange.pid == pid && member->exchange.last + complete_ns <= nsecs)
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

#include "show/keylog.h"

#include "base/no_memory.h"

#include <stdlib.h>
#include <string.h>
#define uthash_fatal(message) no_memory()
#include <uthash.h>

/* A ClientHello has 32 random bytes. picotls tells of a session's end, unless that is lost: then the oldest one gives way. */
enum { RANDOM = 64, MOST_SESSIONS = 65536 };

struct session_key {
    uint64_t pid, tls;
};

struct keylog_session {
    UT_hash_handle hh;
    struct session_key key;
    char random[RANDOM];
};

/* The value of a field; NULL: there is none of that name, or it is not there whole. */
static const struct types_value *
find_value(const struct record *record, const char *name)
{
    int field = record_field(record, name);
    if (field < 0)
        return NULL;
    const struct types_value *value = &record->values[field];
    bool is_cut = record->event->probe->fields[field].type->wire != TYPES_NUMBER && value->text.len < value->number;
    return is_cut || value->is_redacted ? NULL : value;
}

static bool
consists_of(struct slice text, const char *bytes)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\0' || strchr(bytes, text.ptr[i]) == NULL)
            return false;
    return text.len > 0;
}

static bool
is_hex(const struct types_value *value)
{
    return value != NULL && value->text.len % 2 == 0 && consists_of(value->text, "0123456789abcdef");
}

static struct keylog_session *
find_session(const struct keylog *keylog, const struct session_key *key)
{
    struct keylog_session *session;
    HASH_FIND(hh, keylog->sessions, key, sizeof(*key), session);
    return session;
}

static void
remove_session(struct keylog *keylog, struct keylog_session *session)
{
    if (session == NULL)
        return;
    HASH_DEL(keylog->sessions, session);
    free(session);
}

/* A client's random bytes are told before its session, so another session may still be there under the same pointer. */
static void
begin_session(struct keylog *keylog, const struct session_key *key, const struct types_value *random)
{
    remove_session(keylog, find_session(keylog, key));
    if (!is_hex(random) || random->text.len != RANDOM)
        return;
    if (HASH_COUNT(keylog->sessions) >= MOST_SESSIONS)
        remove_session(keylog, keylog->sessions);
    struct keylog_session *session = calloc(1, sizeof(*session));
    if (session == NULL)
        no_memory();
    session->key = *key;
    memcpy(session->random, random->text.ptr, RANDOM);
    HASH_ADD(hh, keylog->sessions, key, sizeof(session->key), session);
    keylog->sessions_seen++;
}

static bool
put_secret(struct keylog *keylog, const struct session_key *key, const struct record *record, struct outbuf *out)
{
    const struct keylog_session *session = find_session(keylog, key);
    const struct types_value *label = find_value(record, "label"), *secret = find_value(record, "secret_hex");
    bool is_good = label != NULL && consists_of(label->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") && is_hex(secret);
    if (session == NULL || !is_good) {
        keylog->orphans++;
        return false;
    }
    text_put(out, label->text);
    text_putc(out, ' ');
    text_put(out, (struct slice){session->random, RANDOM});
    text_putc(out, ' ');
    text_put(out, secret->text);
    text_putc(out, '\n');
    keylog->lines++;
    return true;
}

bool
keylog_take(struct keylog *keylog, const struct record *record, struct outbuf *out)
{
    const struct catalog_probe *probe = record->event->probe;
    const struct types_value *tls = find_value(record, "tls");
    if (strcmp(probe->provider, "picotls") != 0 || tls == NULL)
        return false;
    const struct session_key key = {(uint64_t)record->pid, tls->number};
    if (strcmp(probe->name, "client_random") == 0)
        begin_session(keylog, &key, find_value(record, "bytes"));
    else if (strcmp(probe->name, "free") == 0)
        remove_session(keylog, find_session(keylog, &key));
    else if (strcmp(probe->name, "new_secret") == 0)
        return put_secret(keylog, &key, record, out);
    return false;
}

void
keylog_free(struct keylog *keylog)
{
    while (keylog->sessions != NULL)
        remove_session(keylog, keylog->sessions);
}

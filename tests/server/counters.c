#define _GNU_SOURCE 1
#include "counters.h"

#include <stddef.h>
#include <string.h>

#ifdef STRUCTURES

/* The names are h2o's. STRUCTURES=2 has other members between them, in another order. */
struct st_h2o_context_t {
    void *loop;
#if STRUCTURES == 2
    uint64_t emitted_error_status[13];
    struct {
        uint64_t errors, alpn_h1, alpn_h2, handshake_full, handshake_resume;
    } ssl;
#endif
    void *globalconf;
    struct {
        struct {
            size_t idle, active, shutdown;
        } num_conns;
    } _conns;
#if STRUCTURES != 2
    struct {
        uint64_t errors, handshake_full, handshake_resume;
    } ssl;
#endif
    struct {
        uint64_t packet_received;
        struct {
            struct {
                uint64_t received, sent, lost;
            } num_packets;
            struct {
                uint64_t stream, handshake_done;
            } num_frames_sent;
            uint64_t num_handshake_timeouts;
        } quicly;
    } quic_stats;
};

enum { THREADS = 2 };

struct thread {
    struct st_h2o_context_t ctx;
    char more[24];
};

extern struct conf {
    struct {
        void *hosts;
    } globalconf;
    struct {
        int *entries;
        size_t size, capacity;
    } thread_map;
    struct thread *threads;
    struct {
        int _num_connections;
        char _unused[60];
        int _num_quic_connections;
        unsigned long _num_sessions;
    } state;
} conf;

static struct thread threads[THREADS] = {{.ctx.globalconf = &conf.globalconf}, {.ctx.globalconf = &conf.globalconf}};

struct conf conf = {.thread_map.size = THREADS, .threads = threads};

static const struct {
    const char *name;
    size_t offset;
} members[] = {
    {"active", offsetof(struct st_h2o_context_t, _conns.num_conns.active)},
    {"handshake_full", offsetof(struct st_h2o_context_t, ssl.handshake_full)},
    {"handshake_resume", offsetof(struct st_h2o_context_t, ssl.handshake_resume)},
    {"errors", offsetof(struct st_h2o_context_t, ssl.errors)},
    {"handshake_done", offsetof(struct st_h2o_context_t, quic_stats.quicly.num_frames_sent.handshake_done)},
    {"num_handshake_timeouts", offsetof(struct st_h2o_context_t, quic_stats.quicly.num_handshake_timeouts)},
    {"packet_received", offsetof(struct st_h2o_context_t, quic_stats.packet_received)},
    {"sent", offsetof(struct st_h2o_context_t, quic_stats.quicly.num_packets.sent)},
    {"lost", offsetof(struct st_h2o_context_t, quic_stats.quicly.num_packets.lost)},
};

static bool
is_name(struct text text, const char *name)
{
    return text.len == strlen(name) && memcmp(text.base, name, text.len) == 0;
}

/* false: it is none of the server's own. */
static bool
add_to_server(struct text name, uint64_t number)
{
    if (is_name(name, "_num_connections"))
        conf.state._num_connections += (int)number;
    else if (is_name(name, "_num_quic_connections"))
        conf.state._num_quic_connections += (int)number;
    else if (is_name(name, "_num_sessions"))
        conf.state._num_sessions += number;
    else if (is_name(name, "globalconf")) /* contexts of another server's */
        threads[1].ctx.globalconf = &conf.state;
    else
        return false;
    return true;
}

bool
counters_add(struct text name, unsigned thread, uint64_t number)
{
    if (add_to_server(name, number))
        return true;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (is_name(name, members[i].name)) {
            *(uint64_t *)((char *)&threads[thread].ctx + members[i].offset) += number;
            return true;
        }
    return false;
}

#else

bool
counters_add(struct text name, unsigned thread, uint64_t number)
{
    (void)name, (void)thread, (void)number;
    return true;
}

#endif

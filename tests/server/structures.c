#define _GNU_SOURCE 1
#include "structures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#ifdef STRUCTURES

/* The names are h2o's. STRUCTURES=1 has the members in an order as h2o's; 2 has others between them, in another order. */
#if STRUCTURES == 2
#define MOVED(member)           \
    uint64_t moved_##member[3]; \
    char odd_##member;
#else
#define MOVED(member)
#endif

typedef struct st_h2o_iovec_t {
    char *base;
    size_t len;
} h2o_iovec_t;

typedef struct st_h2o_header_t {
    h2o_iovec_t *name;
    const char *orig_name;
    h2o_iovec_t value;
    MOVED(header)
    unsigned flags;
} h2o_header_t;

typedef struct {
    h2o_header_t *entries;
    size_t size, capacity;
} h2o_headers_t;

struct st_h2o_url_scheme_t {
    MOVED(scheme)
    h2o_iovec_t name;
    uint16_t port;
};

struct st_ptls_t {
    void *ctx;
    MOVED(ptls)
    char *server_name;
};

struct st_h2o_socket_ssl_t {
    void *ossl;
    MOVED(ssl)
    struct st_ptls_t *ptls;
};

struct st_h2o_socket_addr_t {
    socklen_t len;
    struct sockaddr_storage addr;
};

struct st_h2o_socket_t {
    void *data;
    MOVED(socket)
    struct st_h2o_socket_ssl_t *ssl;
    struct st_h2o_socket_addr_t *_peername;
};

typedef struct st_h2o_conn_t {
    void *ctx;
    struct timeval connected_at;
    MOVED(conn)
    uint64_t id;
} h2o_conn_t;

typedef struct st_h2o_req_t {
#if STRUCTURES == 2
    uint64_t bytes_sent;
    int version;
#endif
    h2o_conn_t *conn;
    struct {
        const struct st_h2o_url_scheme_t *scheme;
        h2o_iovec_t authority, method;
        MOVED(input)
        h2o_iovec_t path;
    } input;
    void *pathconf;
    h2o_headers_t headers;
    size_t req_body_bytes_received;
    struct {
        struct timeval at;
        void *str;
    } processed_at;
    struct {
        struct timeval request_begin_at, request_body_begin_at;
        MOVED(timestamps)
        struct timeval response_start_at, response_end_at;
    } timestamps;
    struct {
        int status;
        MOVED(res)
        h2o_headers_t headers;
    } res;
#if STRUCTURES != 2
    int version;
    uint64_t bytes_sent, header_bytes_sent;
#endif
} h2o_req_t;

struct st_h2o_http1_conn_t {
    h2o_conn_t super;
    struct st_h2o_socket_t *sock;
    uint64_t _req_index;
    MOVED(http1)
    h2o_req_t req;
};

struct st_h2o_http2_conn_t {
    h2o_conn_t super;
    MOVED(http2)
    struct st_h2o_socket_t *sock;
};

struct st_h2o_http2_stream_t {
    uint32_t stream_id;
    void *_ostr_final;
    MOVED(stream2)
    h2o_req_t req;
};

struct st_h2o_quic_conn_t {
    void *ctx, *quic;
};

struct st_h2o_http3_server_conn_t {
    h2o_conn_t super;
    MOVED(http3)
    struct {
        struct st_h2o_quic_conn_t super;
    } h3;
};

/* The probes' descriptions have the numbers at 16 and 20. */
struct _st_quicly_conn_public_t {
    void *ctx;
    uint64_t state;
    uint32_t numbers[2];
    MOVED(public)
    void *data;
};

struct st_quicly_conn_path_t {
    struct {
        struct sockaddr_storage remote, local;
    } address;
};

struct st_quicly_conn_t {
    struct _st_quicly_conn_public_t super;
    struct st_quicly_conn_path_t *paths[4];
    struct {
        struct st_ptls_t *tls;
    } crypto;
    struct {
        struct {
            struct {
                uint32_t minimum, smoothed;
            } rtt;
        } loss;
    } egress;
};

struct st_quicly_stream_t {
    struct st_quicly_conn_t *conn;
    MOVED(stream)
    int64_t stream_id;
};

struct st_h2o_http3_server_stream_t {
    struct st_quicly_stream_t *quic;
    void *ostr_final;
    MOVED(stream3)
    h2o_req_t req;
};

/* Everything that a request may stand in. */
struct world {
    struct st_h2o_http1_conn_t http1;
    struct st_h2o_http2_conn_t http2;
    struct st_h2o_http2_stream_t stream2;
    struct st_h2o_http3_server_conn_t http3;
    struct st_h2o_http3_server_stream_t stream3;
    struct st_quicly_stream_t quic_stream;
    struct st_quicly_conn_t quic;
    struct st_quicly_conn_path_t path;
    struct st_h2o_socket_t socket;
    struct st_h2o_socket_addr_t peer;
    struct st_h2o_socket_ssl_t ssl;
    struct st_ptls_t tls;
    struct st_h2o_url_scheme_t scheme;
};

void h2o_dispose_request(h2o_req_t *req);

void __attribute__((noinline)) h2o_dispose_request(h2o_req_t *req)
{
    __asm__ volatile("" : : "r"(req) : "memory");
}

static h2o_iovec_t
iovec_of(struct text text)
{
    return (h2o_iovec_t){(char *)text.base, text.len};
}

static struct timeval
time_of(int64_t us)
{
    return (struct timeval){us / 1000000, us % 1000000};
}

/* The caller frees the entries, and the names behind them. */
static h2o_headers_t
headers_of(const struct structures_field *fields, size_t count)
{
    h2o_headers_t headers = {calloc(count + 1, sizeof(h2o_header_t) + sizeof(h2o_iovec_t)), count, count};
    h2o_iovec_t *names = (h2o_iovec_t *)(headers.entries + count);
    for (size_t i = 0; i < count; i++) {
        names[i] = iovec_of(fields[i].name);
        headers.entries[i] = (h2o_header_t){.name = &names[i], .value = iovec_of(fields[i].value)};
    }
    return headers;
}

static void
fill_request(h2o_req_t *req, h2o_conn_t *conn, const struct structures_request *request, struct world *world)
{
    *conn = (h2o_conn_t){.connected_at = time_of(request->begin_us - 500000), .id = request->conn_id};
    *req = (h2o_req_t){.conn = conn, .version = request->version, .bytes_sent = request->bytes};
    req->pathconf = request->http == 5 ? NULL : world;
    req->input.scheme = &world->scheme;
    req->input.authority = iovec_of(request->authority);
    req->input.method = iovec_of(request->method);
    req->input.path = iovec_of(request->path);
    req->req_body_bytes_received = request->request_bytes;
    req->processed_at.at = time_of(request->begin_us);
    req->timestamps.request_begin_at = time_of(request->begin_us);
    req->timestamps.response_start_at = time_of(request->start_us);
    req->timestamps.response_end_at = time_of(request->end_us);
    req->res.status = request->status;
    req->headers = headers_of(request->fields[0], request->counts[0]);
    req->res.headers = headers_of(request->fields[1], request->counts[1]);
}

static void
fill_peer(struct sockaddr_storage *address, const struct sockaddr *peer)
{
    if (peer)
        memcpy(address, peer, peer->sa_family == AF_INET6 ? 28 : peer->sa_family == AF_INET ? 16 : 2);
}

static void
fill_connection(struct world *world, const struct structures_request *request)
{
    world->scheme.name = request->sni ? (h2o_iovec_t){"https", 5} : (h2o_iovec_t){"http", 4};
    world->tls.server_name = (char *)request->sni;
    world->ssl.ptls = &world->tls;
    world->socket.ssl = request->sni ? &world->ssl : NULL;
    world->socket._peername = request->peer ? &world->peer : NULL;
    fill_peer(&world->peer.addr, request->peer);
    fill_peer(&world->path.address.remote, request->peer);
    world->quic.paths[0] = &world->path;
    world->quic.crypto.tls = &world->tls;
    world->quic.egress.loss.rtt.smoothed = 30;
    world->quic.super.data = &world->http3.h3.super;
    world->quic_stream.conn = &world->quic;
    world->quic_stream.stream_id = (int64_t)request->req_id;
}

static h2o_req_t *
place_request(struct world *world, const struct structures_request *request)
{
    h2o_req_t *const requests[] = {&world->http1.req, &world->stream2.req, &world->stream3.req, &world->stream2.req,
                                   &world->stream2.req};
    h2o_conn_t *const conns[] = {&world->http1.super, &world->http2.super, &world->http3.super, &world->http2.super,
                                 &world->http2.super};
    unsigned i = request->http - 1;
    fill_request(requests[i], conns[i], request, world);
    world->http1.sock = world->http2.sock = &world->socket;
    world->socket.data = request->http == 4 ? (void *)world : (void *)conns[i];
    world->http1._req_index = request->req_id;
    world->stream2.stream_id = (uint32_t)request->req_id;
    world->stream3.quic = &world->quic_stream;
    return requests[i];
}

bool
structures_exist(void)
{
    return true;
}

#define AT(value, type, member, size) printf("    %s %zu %s\n", value, offsetof(type, member), size)
#define THEN(value, first, type, member, size) \
    printf("    %s %zu,%zu %s\n", value, (size_t)(first), offsetof(type, member), size)

void
structures_print(void)
{
    const long http1 = (long)offsetof(struct st_h2o_http1_conn_t, req),
               stream2 = (long)offsetof(struct st_h2o_http2_stream_t, req),
               stream3 = (long)offsetof(struct st_h2o_http3_server_stream_t, req);
    const size_t conn = offsetof(h2o_req_t, conn), sock2 = offsetof(struct st_h2o_http2_conn_t, sock);
    const size_t addr = offsetof(struct st_h2o_socket_addr_t, addr), peer = offsetof(struct st_h2o_socket_t, _peername);
    AT("conn", h2o_req_t, conn, "8");
    THEN("conn_id", conn, h2o_conn_t, id, "8");
    AT("http_version", h2o_req_t, version, "-4");
    AT("status", h2o_req_t, res.status, "-4");
    AT("pathconf", h2o_req_t, pathconf, "8");
    AT("bytes", h2o_req_t, bytes_sent, "8");
    AT("request_bytes", h2o_req_t, req_body_bytes_received, "8");
    AT("method", h2o_req_t, input.method, "0");
    AT("path", h2o_req_t, input.path, "0");
    THEN("scheme", offsetof(h2o_req_t, input.scheme), struct st_h2o_url_scheme_t, name, "0");
    AT("authority", h2o_req_t, input.authority, "0");
    THEN("connected_at", conn, h2o_conn_t, connected_at, "0");
    AT("begin_at", h2o_req_t, timestamps.request_begin_at, "0");
    AT("body_begin_at", h2o_req_t, timestamps.request_body_begin_at, "0");
    AT("processed_at", h2o_req_t, processed_at.at, "0");
    AT("response_start_at", h2o_req_t, timestamps.response_start_at, "0");
    AT("response_end_at", h2o_req_t, timestamps.response_end_at, "0");
    AT("request_headers", h2o_req_t, headers.entries, "8");
    AT("nrequest_headers", h2o_req_t, headers.size, "8");
    AT("response_headers", h2o_req_t, res.headers.entries, "8");
    AT("nresponse_headers", h2o_req_t, res.headers.size, "8");
    printf("    header_size %zu 0\n", sizeof(h2o_header_t));
    THEN("header_name", offsetof(h2o_header_t, name), h2o_iovec_t, base, "8");
    THEN("header_name_len", offsetof(h2o_header_t, name), h2o_iovec_t, len, "8");
    AT("header_value", h2o_header_t, value.base, "8");
    AT("header_value_len", h2o_header_t, value.len, "8");
    printf("    http1.self -%ld 0\n    http1.back %zu 8\n", http1, conn);
    printf("    http1.req_id %ld 8\n", (long)offsetof(struct st_h2o_http1_conn_t, _req_index) - http1);
    printf("    http1.address %ld,%zu,%zu 0\n", (long)offsetof(struct st_h2o_http1_conn_t, sock) - http1, peer, addr);
    printf("    http2.self %zu 8\n    http2.back %zu,%zu,0 8\n    http2.req_id -%ld 4\n", conn, conn, sock2, stream2);
    printf("    http2.address %zu,%zu,%zu,%zu 0\n", conn, sock2, peer, addr);
    printf("    http3.self %zu,%zu 0\n", conn, offsetof(struct st_h2o_http3_server_conn_t, h3));
    printf("    http3.back -%ld,0,%zu 8\n", stream3, offsetof(struct st_quicly_conn_t, super.data));
    printf("    http3.req_id -%ld,%zu 8\n", stream3, offsetof(struct st_quicly_stream_t, stream_id));
    printf("    http3.address -%ld,0,%zu,0 0\n", stream3, offsetof(struct st_quicly_conn_t, paths));
    printf("    http3.rtt -%ld,0,%zu 4\n", stream3, offsetof(struct st_quicly_conn_t, egress.loss.rtt.smoothed));
    printf("    quic.address %zu,0 0\n", offsetof(struct st_quicly_conn_t, paths));
}

void
structures_dispose(const struct structures_request *request)
{
    struct world *world = calloc(1, sizeof(*world));
    fill_connection(world, request);
    h2o_req_t *req = place_request(world, request);
    h2o_dispose_request(req);
    free(req->headers.entries);
    free(req->res.headers.entries);
    free(world);
}

size_t
structures_client_size(void)
{
    return sizeof(struct world);
}

void *
structures_client(void *memory, const uint32_t numbers[2], const struct sockaddr *peer, const char *sni)
{
    struct world *world = memory;
    const struct structures_request request = {.peer = peer, .sni = sni};
    fill_connection(world, &request);
    memcpy(world->quic.super.numbers, numbers, sizeof(world->quic.super.numbers));
    return &world->quic;
}

#else

bool
structures_exist(void)
{
    return false;
}

void
structures_print(void)
{
}

void
structures_dispose(const struct structures_request *request)
{
    (void)request;
}

size_t
structures_client_size(void)
{
    return 256;
}

void *
structures_client(void *memory, const uint32_t numbers[2], const struct sockaddr *peer, const char *sni)
{
    (void)peer, (void)sni;
    memcpy((char *)memory + 16, numbers, 2 * sizeof(*numbers));
    return memory;
}

#endif

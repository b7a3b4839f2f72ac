#define _GNU_SOURCE 1
#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "probes.h"
#include "request.h"
#include "structures.h"
#include "tokens.h"

enum { FIRST_CAPACITY = 4096, MAX_HEAD = 256 * 1024, HEAD_TOO_LARGE = 431 };

struct connection {
    int fd;
    uint64_t id; /* in the process */
    uint64_t requests;
    char *in;
    size_t in_len;
    size_t in_capacity;
    char out[512];
    size_t out_len;
    size_t out_sent;
    int status; /* of the answer that is due once the body has arrived; 0: no request */
    uint64_t body_left;
    bool is_head;
    bool keep_alive;
    bool closing; /* after what is in `out` */
    bool eof;
    bool broken;
};

static const struct answer {
    int status;
    const char *reason;
    const char *body;
} answers[] = {
    {200, "OK", "hello\n"},
    {400, "Bad Request", "bad request\n"},
    {404, "Not Found", "not found\n"},
    {431, "Request Header Fields Too Large", "too large\n"},
    {500, "Internal Server Error", "internal server error\n"},
    {501, "Not Implemented", "not implemented\n"},
};

static uint64_t
number(const void *pointer)
{
    return (uintptr_t)pointer;
}

static void
fire_accept(const struct connection *c)
{
    char uuid[37];
    snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-%012llx", (unsigned long long)c->id & 0xffffffffffff);
    /* Before 2021 there was no uuid: that era's probe takes the first three only. */
    probe_fire(&probes[PROBE_h2o_h1_accept], (uint64_t[]){c->id, number(&c->fd), number(c), number(uuid)});
}

static void
fire_header(const struct connection *c, enum probe_id probe, struct text name, struct text value)
{
    const uint64_t args[] = {c->id, c->requests, number(name.base), name.len, number(value.base), value.len};
    probe_fire(&probes[probe], args);
}

static void
fire_request(const struct connection *c, const struct request *request)
{
    const enum probe_id header = PROBE_h2o_receive_request_header;
    probe_fire(&probes[PROBE_h2o_receive_request], (uint64_t[]){c->id, c->requests, request->version});
    fire_header(c, header, token_text(TOKEN_AUTHORITY), request->authority);
    fire_header(c, header, token_text(TOKEN_METHOD), request->method);
    fire_header(c, header, token_text(TOKEN_PATH), request->path);
    fire_header(c, header, token_text(TOKEN_SCHEME), token_text(TOKEN_HTTP));
    for (size_t i = 0; i < request->field_count; i++)
        fire_header(c, header, request->fields[i].name, request->fields[i].value);
}

static void
fire_response(const struct connection *c, const struct answer *answer)
{
    const enum probe_id header = PROBE_h2o_send_response_header;
    char length[24];
    size_t length_len = (size_t)snprintf(length, sizeof(length), "%zu", strlen(answer->body));
    probe_fire(&probes[PROBE_h2o_send_response], (uint64_t[]){c->id, c->requests, (uint64_t)answer->status});
    fire_header(c, header, token_text(TOKEN_CONTENT_LENGTH), (struct text){length, length_len});
    fire_header(c, header, token_text(TOKEN_CONTENT_TYPE), TEXT("text/plain"));
    fire_header(c, header, token_text(TOKEN_SERVER), TEXT("usdt-server"));
}

static const struct answer *
find_answer(int status)
{
    const struct answer *answer = answers;
    while (answer->status != status)
        answer++;
    return answer;
}

static void
write_answer(struct connection *c, const struct answer *answer)
{
    int len = snprintf(c->out + c->out_len, sizeof(c->out) - c->out_len,
                       "HTTP/1.1 %d %s\r\n"
                       "content-length: %zu\r\n"
                       "content-type: text/plain\r\n"
                       "server: usdt-server\r\n"
                       "connection: %s\r\n"
                       "\r\n"
                       "%s",
                       answer->status, answer->reason, strlen(answer->body), c->keep_alive ? "keep-alive" : "close",
                       c->is_head ? "" : answer->body);
    c->out_len += (size_t)len;
    c->closing = !c->keep_alive;
}

static void
respond(struct connection *c)
{
    const struct answer *answer = find_answer(c->status);
    fire_response(c, answer);
    write_answer(c, answer);
    c->status = 0;
}

/* What was not understood is no request: no probes. */
static void
refuse(struct connection *c, int status)
{
    c->keep_alive = false;
    c->is_head = false;
    write_answer(c, find_answer(status));
}

static bool
starts_with(struct text text, struct text start)
{
    return text.len >= start.len && memcmp(text.base, start.base, start.len) == 0;
}

static int
status_of(struct text path)
{
    return starts_with(path, TEXT("/missing")) ? 404 : starts_with(path, TEXT("/error")) ? 500 : 200;
}

static int64_t
now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* This server has the request's head only while it reads it, so it says already then how the request will have ended. */
static void
dispose(const struct connection *c, const struct request *request)
{
    static const struct structures_field response[] = {{TEXT("content-type"), TEXT("text/plain")},
                                                       {TEXT("server"), TEXT("usdt-server")}};
    struct structures_field fields[MAX_FIELDS];
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(peer);
    getpeername(c->fd, (struct sockaddr *)&peer, &len);
    for (size_t i = 0; i < request->field_count; i++)
        fields[i] = (struct structures_field){request->fields[i].name, request->fields[i].value};
    int64_t now = now_us();
    structures_dispose(&(struct structures_request){.http = 1,
                                                    .conn_id = c->id,
                                                    .req_id = c->requests,
                                                    .version = (int)request->version,
                                                    .status = c->status,
                                                    .bytes = strlen(find_answer(c->status)->body),
                                                    .request_bytes = request->body_len,
                                                    .method = request->method,
                                                    .path = request->path,
                                                    .authority = request->authority,
                                                    .peer = (struct sockaddr *)&peer,
                                                    .begin_us = now,
                                                    .start_us = now,
                                                    .end_us = now,
                                                    .fields = {fields, response},
                                                    .counts = {request->field_count, 2}});
}

static void
accept_request(struct connection *c, const struct request *request)
{
    c->requests++;
    c->status = status_of(request->path);
    c->body_left = request->body_len;
    c->is_head = request->method.len == 4 && starts_with(request->method, TEXT("HEAD"));
    c->keep_alive = request->keep_alive;
    fire_request(c, request);
    if (structures_exist())
        dispose(c, request);
    if (request->expects_continue && request->body_len)
        c->out_len = (size_t)snprintf(c->out, sizeof(c->out), "HTTP/1.1 100 Continue\r\n\r\n");
}

static void
consume(struct connection *c, size_t len)
{
    c->in_len -= len;
    memmove(c->in, c->in + len, c->in_len);
}

/* Empty lines before a request are allowed. */
static void
skip_empty_lines(struct connection *c)
{
    while (c->in_len >= 2 && memcmp(c->in, "\r\n", 2) == 0)
        consume(c, 2);
}

static bool
begin_request(struct connection *c)
{
    struct request request;
    skip_empty_lines(c);
    size_t len = c->in_len ? request_head_len(c->in, c->in_len) : 0;
    if (len == 0 && c->in_len < MAX_HEAD)
        return false;
    int refusal = len ? request_parse(&request, c->in, len) : HEAD_TOO_LARGE;
    if (refusal)
        refuse(c, refusal);
    else
        accept_request(c, &request);
    consume(c, len);
    return true;
}

static bool
end_request(struct connection *c)
{
    size_t skipped = c->in_len < c->body_left ? c->in_len : (size_t)c->body_left;
    consume(c, skipped);
    c->body_left -= skipped;
    if (c->body_left)
        return false;
    respond(c);
    return true;
}

/* One step onward; false if that takes more input. */
static bool
step(struct connection *c)
{
    if (c->closing)
        return false;
    return c->status ? end_request(c) : begin_request(c);
}

/* Sends what is to be sent; false while something is left. */
static bool
flush(struct connection *c)
{
    while (c->out_sent < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            c->broken = errno != EAGAIN && errno != EINTR;
            return false;
        }
        c->out_sent += (size_t)n;
    }
    c->out_sent = c->out_len = 0;
    return true;
}

static bool
make_room(struct connection *c)
{
    if (c->in_len < c->in_capacity)
        return true;
    size_t capacity = c->in_capacity ? c->in_capacity * 2 : FIRST_CAPACITY;
    char *in = realloc(c->in, capacity);
    if (!in)
        return false;
    c->in = in;
    c->in_capacity = capacity;
    return true;
}

static void
receive(struct connection *c)
{
    if (!make_room(c)) {
        c->broken = true;
        return;
    }
    ssize_t n = recv(c->fd, c->in + c->in_len, c->in_capacity - c->in_len, MSG_DONTWAIT);
    if (n > 0)
        c->in_len += (size_t)n;
    else if (n == 0)
        c->eof = true;
    else
        c->broken = errno != EAGAIN && errno != EINTR;
}

short
connection_events(const struct connection *c)
{
    return c->out_len ? POLLOUT : POLLIN;
}

bool
connection_ready(struct connection *c, short events)
{
    if (c->out_len == 0 && events)
        receive(c);
    while (!c->broken && flush(c) && step(c))
        continue;
    return !c->broken && (c->out_len || !(c->closing || c->eof));
}

struct connection *
connection_open(int fd)
{
    static atomic_uint_fast64_t last_id;
    struct connection *c = calloc(1, sizeof(*c));
    if (!c) {
        close(fd);
        return NULL;
    }
    c->fd = fd;
    c->id = atomic_fetch_add(&last_id, 1) + 1;
    fire_accept(c);
    return c;
}

void
connection_close(struct connection *c)
{
    probe_fire(&probes[PROBE_h2o_h1_close], &c->id);
    close(c->fd);
    free(c->in);
    free(c);
}

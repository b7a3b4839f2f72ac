#define _GNU_SOURCE 1
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"

enum { MAX_CONNECTIONS = 256 };

struct loop {
    struct pollfd polled[1 + MAX_CONNECTIONS]; /* the listener first */
    struct connection *connections[1 + MAX_CONNECTIONS];
    nfds_t count;
};

int
http_listen(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) != 0 ||
        bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return -1;
    *port = ntohs(address.sin_port);
    return fd;
}

static void
add_connection(struct loop *loop)
{
    int fd = accept4(loop->polled[0].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE)
            usleep(1000); /* the client stays in the queue, so poll(2) would return at once */
        return;
    }
    struct connection *connection = connection_open(fd);
    if (!connection)
        return;
    loop->connections[loop->count] = connection;
    loop->polled[loop->count++] = (struct pollfd){.fd = fd};
}

static void
remove_connection(struct loop *loop, nfds_t i)
{
    connection_close(loop->connections[i]);
    loop->count--;
    loop->connections[i] = loop->connections[loop->count];
    loop->polled[i] = loop->polled[loop->count];
}

static void
choose_events(struct loop *loop)
{
    loop->polled[0].events = loop->count <= MAX_CONNECTIONS ? POLLIN : 0;
    for (nfds_t i = 1; i < loop->count; i++)
        loop->polled[i].events = connection_events(loop->connections[i]);
}

/* From the last to the first: the one that takes a removed one's place has had its turn. */
static void
serve_ready(struct loop *loop)
{
    for (nfds_t i = loop->count - 1; i > 0; i--)
        if (loop->polled[i].revents && !connection_ready(loop->connections[i], loop->polled[i].revents))
            remove_connection(loop, i);
    if (loop->polled[0].revents)
        add_connection(loop);
}

static void *
serve(void *argument)
{
    struct loop *loop = argument;
    for (;;) {
        choose_events(loop);
        if (poll(loop->polled, loop->count, -1) > 0)
            serve_ready(loop);
    }
    return NULL;
}

int
http_start(int listener)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    pthread_t thread;
    if (!loop)
        return ENOMEM;
    loop->polled[0].fd = listener;
    loop->count = 1;
    int error = pthread_create(&thread, NULL, serve, loop);
    if (error)
        free(loop);
    else
        pthread_detach(thread);
    return error;
}

/* One HTTP/1 connection of a client: reads requests, answers them, fires the probes of both. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>

struct connection;

/* Takes over the socket; NULL (and the socket closed) without memory. */
struct connection *
connection_open(int fd);

/* The poll(2) events it waits for. */
short
connection_events(const struct connection *connection);

/* Does what the events that arrived allow; false when the connection is over. */
bool
connection_ready(struct connection *connection, short events);

void
connection_close(struct connection *connection);

#endif

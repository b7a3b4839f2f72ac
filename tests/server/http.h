/* The HTTP/1 service: a listening socket on the loopback address and threads that serve it. */
#ifndef HTTP_H
#define HTTP_H

#include <stdint.h>

/* Listens on 127.0.0.1, on a free port if *port is 0; sets *port. Returns the socket, or -1 with errno. */
int
http_listen(uint16_t *port);

/* Starts a thread that serves the socket; 0 or an error number. Each has a loop of its own. */
int
http_start(int listener);

#endif

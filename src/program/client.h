#ifndef CLIENT_H
#define CLIENT_H

#include "program/writer.h"

/* Whose client sent what an event of QUIC is about: the connection's, in the server's structures, or the sender of a packet. */

/* Appends the statements that end the block of the writer's event if its client is not asked for. The request's `where` may
 * name $address, a pointer to a sockaddr, and $sni and $sni_len, a text. Nothing if it has none. 0, or -1 with `diag` set. */
int client_put(const struct writer *writer, struct outbuf *out);

#endif

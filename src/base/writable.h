#ifndef WRITABLE_H
#define WRITABLE_H

#include <stddef.h>

/* How many bytes a write(2) to the file takes now without waiting; 0: none, and none within `timeout_ms` milliseconds. The file
 * may be shared with other programs, and need not be non-blocking. */
size_t writable(int fd, int timeout_ms);

#endif

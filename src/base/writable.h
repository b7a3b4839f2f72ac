#ifndef WRITABLE_H
#define WRITABLE_H

#include "base/text.h"

/* How many bytes a write(2) to the file takes now without waiting; 0: none, and none within `timeout_ms` milliseconds. The file
 * may be shared with other programs, and need not be non-blocking. */
size_t writable(int fd, int timeout_ms);

/* Writes all of it, however long that takes. 0, or -1 with errno set. */
int writable_put_all(int fd, struct slice text);

/* Gives a pipe or a terminal a description of this process's own under the same number, which does not block: others that share
 * the old one do not notice. Where that cannot be had nothing changes. A write(2) to a terminal may wait although poll(2) says
 * that there is room. */
void writable_make_own(int fd);

#endif

#ifndef SANDBOX_H
#define SANDBOX_H

#include "base/diag.h"

/* What touches what strangers have made is done by a process for it. A file may be on a file system of theirs that never
 * answers: who opens or reads it may wait for ever, and cannot even be killed. And what is in it may be made to take its reader
 * over: so what parses it has one file, can open no other, is nobody without capabilities, and has bounded memory and time. The
 * process answers with a text. */

enum { SANDBOX_MAX_ANSWER = 4 * 1024 * 1024 };

/* What is worked on. */
struct sandbox_file {
    /* Opens it, in that process, while it still has the rights of its parent, but none of its files. What it appends to `head`
     * stands at the begin of the answer, whatever the work does. The descriptor, or -1 with errno set. NULL: `fd` is open. */
    int (*open)(const void *context, struct outbuf *head);
    const void *context;
    int fd;
};

/* Done in that process, without rights: appends the answer to `answer`. `fd` is the file. */
typedef void sandbox_work(int fd, const void *context, struct outbuf *answer);

/* Has the work done, until `deadline` at most, in milliseconds of CLOCK_MONOTONIC, and appends its answer. 0, or -1 with `diag`
 * set to a sentence about "it", the file, and errno to why it could not be opened; 0: there was another reason. Whoever waits
 * can be killed; the process ends with him, or, if it is stuck in the kernel, when the kernel lets it. */
int sandbox_run(const struct sandbox_file *file, sandbox_work *work, const void *context, int64_t deadline,
                struct outbuf *answer, struct diag *diag);

#endif

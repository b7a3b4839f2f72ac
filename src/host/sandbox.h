#ifndef SANDBOX_H
#define SANDBOX_H

#include "base/diag.h"

/* What touches the data of strangers is done by a process that could do nothing with it if they took it over: it has one file,
 * can open no other, is nobody without capabilities, and has bounded memory and time. It answers with a text. */

enum { SANDBOX_MAX_ANSWER = 4 * 1024 * 1024 };

/* Done in that process: appends the answer to `answer`. `fd` is the file. */
typedef void sandbox_work(int fd, const void *context, struct outbuf *answer);

/* Has the work done, until `deadline` at most, in milliseconds of CLOCK_MONOTONIC, and appends its answer. 0, or -1 with `diag`
 * set to a sentence about "it", the process. Whoever waits can be killed; the process ends with him. */
int sandbox_run(sandbox_work *work, const void *context, int fd, int64_t deadline, struct outbuf *answer, struct diag *diag);

#endif

#include "base/no_memory.h"

#include <stdlib.h>
#include <unistd.h>

void
no_memory(void)
{
    static const char message[] = "h2olog: out of memory\n";
    ssize_t written = write(STDERR_FILENO, message, sizeof(message) - 1);
    (void)written; /* there is nobody else who could be told */
    abort();
}

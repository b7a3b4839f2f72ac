#include "show/counted.h"

#include "base/no_memory.h"

#include <stdlib.h>

struct counted_server {
    pid_t pid;
    uint64_t nsecs;
    struct counters last;
};

void
counted_free(struct counted *counted)
{
    free(counted->servers);
    *counted = (struct counted){.servers = NULL};
}

/* NULL: nothing is known of it yet. */
static struct counted_server *
find(const struct counted *counted, pid_t pid)
{
    for (size_t i = 0; i < counted->nservers; i++)
        if (counted->servers[i].pid == pid)
            return &counted->servers[i];
    return NULL;
}

/* What it has counted before the run is no part of that. */
static struct counted_server *
begin(struct counted *counted, pid_t pid, const struct counters *counters)
{
    for (int i = 0; counters->is_of_run && i < COUNTERS; i++)
        if (!counter_rows[i].is_level)
            counted->sums.numbers[i] += counters->numbers[i];
    counted->servers = realloc(counted->servers, (counted->nservers + 1) * sizeof(*counted->servers));
    if (counted->servers == NULL)
        no_memory();
    struct counted_server *server = &counted->servers[counted->nservers++];
    *server = (struct counted_server){pid, 0, *counters};
    return server;
}

/* A number that is smaller than before was read while it changed. */
static void
go_on(struct counted *counted, struct counted_server *server, const struct counters *counters)
{
    for (int i = 0; i < COUNTERS; i++) {
        uint64_t number = counters->numbers[i], last = server->last.numbers[i];
        server->last.are_known[i] = counters->are_known[i];
        if (!counter_rows[i].is_level && number > last)
            counted->sums.numbers[i] += number - last;
        if (counter_rows[i].is_level || number > last)
            server->last.numbers[i] = number;
    }
}

void
counted_add(struct counted *counted, pid_t pid, const struct counters *counters, uint64_t nsecs)
{
    struct counted_server *server = find(counted, pid);
    if (server == NULL)
        server = begin(counted, pid, counters);
    else
        go_on(counted, server, counters);
    server->nsecs = nsecs;
    for (int i = 0; i < COUNTERS; i++)
        counted->were_known[i] = counted_is_known(counted, (enum counter)i);
}

bool
counted_is_current(const struct counted *counted, uint64_t since)
{
    for (size_t i = 0; i < counted->nservers; i++)
        if (counted->servers[i].nsecs < since)
            return false;
    return true;
}

void
counted_end(struct counted *counted, pid_t pid)
{
    struct counted_server *server = find(counted, pid);
    if (server != NULL)
        *server = counted->servers[--counted->nservers];
}

bool
counted_is_known(const struct counted *counted, enum counter counter)
{
    for (size_t i = 0; i < counted->nservers; i++)
        if (!counted->servers[i].last.are_known[counter])
            return false;
    return counted->nservers > 0 || counted->were_known[counter];
}

uint64_t
counted_level(const struct counted *counted, enum counter counter)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < counted->nservers; i++)
        sum += counted->servers[i].last.numbers[counter];
    return sum;
}

bool
counted_is_there(const struct counted *counted)
{
    for (int i = 0; i < COUNTERS; i++)
        if (counted_is_known(counted, (enum counter)i))
            return true;
    return false;
}

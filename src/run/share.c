#include "run/share.h"

#include "base/no_memory.h"
#include "host/bpf_map.h"

#include <stdlib.h>
#include <unistd.h>

void
share_add(struct share *share, pid_t tracer, const struct process_file *file, uint64_t mark)
{
    struct share_tracer *item = calloc(1, sizeof(*item));
    if (item == NULL)
        no_memory();
    item->next = share->first;
    item->tracer = tracer;
    item->file = *file;
    item->mark = mark;
    item->map = -1;
    share->first = item;
}

static void
free_first(struct share_tracer **place)
{
    struct share_tracer *item = *place;
    *place = item->next;
    if (item->map >= 0)
        close(item->map);
    free(item);
}

void
share_remove(struct share *share, pid_t tracer)
{
    struct share_tracer **place = &share->first;
    while (*place != NULL)
        if ((*place)->tracer == tracer)
            free_first(place);
        else
            place = &(*place)->next;
}

pid_t
share_find(const struct share *share, const struct process_file *file)
{
    const struct share_tracer *item = share->first;
    while (item != NULL && !process_is_same_file(&item->file, file))
        item = item->next;
    return item != NULL ? item->tracer : 0;
}

/* ---- Others. */

/* bpftrace makes its maps some time after it was started. */
static void
tell(struct share_tracer *item, struct share_other *other)
{
    if (item->map < 0)
        item->map = bpf_map_find(item->tracer, 0, item->mark);
    other->is_told = item->map >= 0 && bpf_map_set(item->map, (uint64_t)other->pid, 1) == 0;
}

static bool
has_ended(const struct share_other *other)
{
    struct process process;
    return !process_read(&process, other->pid) || process.started != other->started;
}

/* A successor may get the pid of one that has ended. */
static void
forget_ended(struct share_tracer *item)
{
    for (size_t i = item->nothers; i-- > 0;) {
        if (!has_ended(&item->others[i]))
            continue;
        if (item->map >= 0)
            bpf_map_remove(item->map, (uint64_t)item->others[i].pid);
        item->others[i] = item->others[--item->nothers];
    }
}

/* Where it is already, or a new place; NULL: there is no room. */
static struct share_other *
place_of(struct share_tracer *item, pid_t pid)
{
    for (size_t i = 0; i < item->nothers; i++)
        if (item->others[i].pid == pid)
            return &item->others[i];
    return item->nothers < SHARE_MAX_OTHERS ? &item->others[item->nothers++] : NULL;
}

void
share_leave_out(struct share *share, pid_t tracer, const struct process *process)
{
    struct share_tracer *item = share->first;
    while (item != NULL && item->tracer != tracer)
        item = item->next;
    struct share_other *other = item != NULL ? place_of(item, process->pid) : NULL;
    if (other == NULL)
        return;
    *other = (struct share_other){process->pid, process->started, false};
    tell(item, other);
}

void
share_tend(struct share *share)
{
    for (struct share_tracer *item = share->first; item != NULL; item = item->next) {
        forget_ended(item);
        for (size_t i = 0; i < item->nothers; i++)
            if (!item->others[i].is_told)
                tell(item, &item->others[i]);
    }
}

void
share_free(struct share *share)
{
    while (share->first != NULL)
        free_first(&share->first);
}

#include "host/look.h"

#include <string.h>

bool
look_has(const struct look *look, size_t *at, const struct process *process)
{
    while (*at < look->count && look->items[*at].pid < process->pid)
        (*at)++;
    if (*at == look->count)
        return false;
    const struct process *before = &look->items[*at];
    return before->pid == process->pid && before->started == process->started && before->image == process->image;
}

void
look_add(struct look *look, const struct process *process)
{
    look->items = mem_grow(&look->mem, look->items, look->count, sizeof(*look->items));
    look->items[look->count++] = *process;
}

void
look_remove(struct look *look, pid_t pid)
{
    size_t kept = 0;
    for (size_t i = 0; i < look->count; i++)
        if (look->items[i].pid != pid)
            look->items[kept++] = look->items[i];
    look->count = kept;
}

void
look_free(struct look *look)
{
    mem_free(&look->mem);
    *look = (struct look){0};
}

#include "run/follow.h"

void
follow_add(struct follow *follow, pid_t pid, const struct process_file *file)
{
    struct process process;
    if (follow->has_looked || !process_read(&process, pid))
        return;
    follow->lines = mem_grow(&follow->mem, follow->lines, follow->nlines, sizeof(*follow->lines));
    struct follow_line *line = &follow->lines[follow->nlines++];
    *line = (struct follow_line){0};
    kin_read(&line->first, &process, &line->first_mem);
    line->first.file = *file;
}

/* ---- Who is a successor. */

static bool
continues(const struct follow_line *line, struct kin *kin)
{
    return kin_is_successor(&line->first, kin) || (line->last.process.pid != 0 && kin_is_successor(&line->last, kin));
}

/* The line that the process continues; NULL: none. Sets `kin`, which is read once and only where names fit. */
static struct follow_line *
find_line(const struct follow *follow, const struct process *process, struct kin *kin, struct mem *mem)
{
    bool is_read = false;
    for (size_t i = 0; i < follow->nlines; i++) {
        struct follow_line *line = &follow->lines[i];
        if (!kin_has_name(&line->first, process))
            continue;
        if (!is_read)
            kin_read(kin, process, mem);
        is_read = true;
        if (continues(line, kin))
            return line;
    }
    return NULL;
}

/* The file of the latest one may have taken the name of the first one's. */
bool
follow_is_successor(struct follow *follow, const struct process *process)
{
    struct mem mem = {0};
    struct kin kin;
    struct follow_line *line = find_line(follow, process, &kin, &mem);
    if (line == NULL) {
        mem_free(&mem);
        return false;
    }
    kin_read_file(&kin);
    mem_free(&line->last_mem);
    line->last = kin;
    line->last_mem = mem;
    return true;
}

pid_t
follow_find(struct follow *follow, follow_is_known *is_known, const void *context)
{
    struct look now = {0};
    struct process_list processes;
    struct process process;
    size_t at = 0;
    pid_t found = 0;
    follow->has_looked = true;
    if (!process_list_begin(&processes))
        return 0;
    while (process_list_next(&processes, &process)) {
        bool is_old = look_has(&follow->last, &at, &process);
        if (!is_old && found != 0)
            continue; /* is looked at by the next call */
        if (!is_old && !is_known(context, &process) && follow_is_successor(follow, &process))
            found = process.pid;
        look_add(&now, &process);
    }
    process_list_end(&processes);
    look_free(&follow->last);
    follow->last = now;
    return found;
}

void
follow_look_again(struct follow *follow, pid_t pid)
{
    look_remove(&follow->last, pid);
}

void
follow_free(struct follow *follow)
{
    for (size_t i = 0; i < follow->nlines; i++) {
        mem_free(&follow->lines[i].first_mem);
        mem_free(&follow->lines[i].last_mem);
    }
    look_free(&follow->last);
    mem_free(&follow->mem);
}

#include "run/await.h"

#include "base/clock.h"
#include "host/kin.h"
#include "host/pid_file.h"

#include <unistd.h>

const char *
await_words(const struct await *await, struct mem *mem)
{
    char quoted[256];
    const char *name = await->exe != NULL ? await->exe : await->pid_file;
    if (name == NULL)
        return "an h2o";
    diag_quote(quoted, sizeof(quoted), text_of(name));
    return mem_printf(mem, await->exe != NULL ? "an h2o that runs %s" : "the h2o that %s names", quoted);
}

/* ---- A look. */

struct looking {
    struct await *await;
    struct look now;
    size_t at;
};

static bool
is_known(void *context, const struct process *process)
{
    struct looking *looking = context;
    bool is_known = look_has(&looking->await->last, &looking->at, process);
    look_add(&looking->now, process);
    return is_known;
}

/* A server has sockets. An h2o that is about to execute something else, as one that starts the program which starts servers,
 * has none yet. One without that lasts is taken, too. */
static bool
is_settled(pid_t pid)
{
    enum { LASTING_S = 2 };
    struct mem mem = {0};
    struct kin kin;
    struct process process;
    bool is_there = process_read(&process, pid);
    uint64_t now = clock_boot_nsecs() / 1000000000, ticks = (uint64_t)sysconf(_SC_CLK_TCK);
    kin_read(&kin, &process, &mem);
    mem_free(&mem);
    return is_there && (kin.nsockets > 0 || now >= process.started / ticks + LASTING_S);
}

/* Those that are not settled are looked into again. */
static void
keep_settled(struct looking *looking)
{
    struct find_servers *found = &looking->await->found;
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++)
        if (is_settled(found->pids[i]))
            found->pids[kept++] = found->pids[i];
        else
            look_remove(&looking->now, found->pids[i]);
    found->count = kept;
}

/* The file may be missing for a while, as in an upgrade. That nothing is found is no error here. */
static void
look_for_new(struct looking *looking)
{
    struct await *await = looking->await;
    struct diag ignored;
    struct find_exe exe;
    const struct find_query query = {.exe = await->exe != NULL ? &exe : NULL, .is_known = is_known, .context = looking};
    if (await->exe != NULL && find_open_exe(&exe, await->exe, await->is_forced, &await->mem, &ignored) != 0)
        return;
    find_all(&await->found, &query, &await->mem, &ignored);
    keep_settled(looking);
    while (!await->takes_all && await->found.count > 1)
        look_remove(&looking->now, await->found.pids[--await->found.count]); /* is tried if the first cannot be traced */
}

/* Only processes that were tried are known: any other may be the one that the file names next. */
static int
look_into_file(struct looking *looking, struct diag *diag)
{
    struct await *await = looking->await;
    const char *note;
    pid_t pid;
    struct process process;
    enum pid_file_state state = pid_file_read(&pid, await->pid_file, await->is_forced, &await->mem, diag);
    if (state != PID_FILE_READ || !process_read(&process, pid))
        return state == PID_FILE_BAD ? -1 : 0;
    if (find_meant(&await->found, pid, &note, &await->mem) == FIND_OTHER)
        await->found.count = 0;
    keep_settled(looking);
    size_t kept = 0;
    for (size_t i = 0; i < await->found.count; i++) {
        looking->at = 0;
        if (process_read(&process, await->found.pids[i]) && !is_known(looking, &process))
            await->found.pids[kept++] = process.pid;
    }
    await->found.count = kept;
    return 0;
}

static int
look(struct await *await, struct diag *diag)
{
    struct looking looking = {.await = await};
    mem_free(&await->mem);
    await->found = (struct find_servers){0};
    await->told = 0;
    int status = 0;
    if (await->pid_file != NULL)
        status = look_into_file(&looking, diag);
    else
        look_for_new(&looking);
    look_free(&await->last);
    await->last = looking.now;
    return status;
}

/* ---- */

/* Between two looks it says once that there is none. */
pid_t
await_next(struct await *await, struct diag *diag)
{
    if (await->told < await->found.count)
        return await->found.pids[await->told++];
    if (await->has_begun)
        return 0;
    if (await->found.count > 0) {
        await->found.count = await->told = 0;
        return 0;
    }
    if (look(await, diag) != 0) {
        await->has_begun = true;
        return -1;
    }
    return await->found.count > 0 ? await->found.pids[await->told++] : 0;
}

bool
await_is_over(const struct await *await)
{
    return await->has_begun && await->told == await->found.count;
}

void
await_free(struct await *await)
{
    look_free(&await->last);
    mem_free(&await->mem);
    *await = (struct await){0};
}

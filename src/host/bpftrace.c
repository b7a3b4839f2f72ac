#include "host/bpftrace.h"
#include "host/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In ascending order; a version uses the last row that is not newer. str() gives up two bytes of its buffer: one to the NUL,
 * one to the mark of a cut string that 0.18 and later write. 0.24 to 0.26 print a byte too many of strings shorter than 1024.
 */
static const struct bpftrace_row rows[] = {
    {0, 12, "BPFTRACE_STRLEN", 4 << 20, "BPFTRACE_MAP_KEYS_MAX", 112, 104, 8320, 8320, "", 6, true, 64, false, false},
    {0, 17, "BPFTRACE_STRLEN", 4 << 20, "BPFTRACE_MAP_KEYS_MAX", 112, 104, 8320, 2080, "", 6, true, 64, false, false},
    {0, 19, "BPFTRACE_STRLEN", 16 << 20, "BPFTRACE_MAP_KEYS_MAX", 112, 104, 8320, 2080, "", 6, false, 64, false, false},
    {0, 20, "BPFTRACE_MAX_STRLEN", 16 << 20, "BPFTRACE_MAX_MAP_KEYS", 112, 104, 8320, 2080, "", 6, false, 64, false, false},
    {0, 21, "BPFTRACE_MAX_STRLEN", 16 << 20, "BPFTRACE_MAX_MAP_KEYS", 88, 80, 8320, 2080, "", 6, false, 64, false, false},
    {0, 22, "BPFTRACE_MAX_STRLEN", 16 << 20, "BPFTRACE_MAX_MAP_KEYS", 256, 240, 8640, 1920, "", 6, false, 64, false, false},
    {0, 23, "BPFTRACE_MAX_STRLEN", 16 << 20, "BPFTRACE_MAX_MAP_KEYS", 256, 240, 8640, 1920, " + 1", 6, false, 1024, false,
     false},
    {0, 24, "BPFTRACE_MAX_STRLEN", 16 << 20, "BPFTRACE_MAX_MAP_KEYS", 1024, 248, 1984, 1984, " + 1", 12, false, 1024, false,
     true},
    {0, 25, "BPFTRACE_MAX_STRLEN", 16 << 20, "BPFTRACE_MAX_MAP_KEYS", 1024, 248, 1984, 1984, " + 1", 12, false, 1024, true,
     true},
    {0, 27, "BPFTRACE_MAX_STRLEN", 16 << 20, "BPFTRACE_MAX_MAP_KEYS", 256, 248, 1984, 1984, " + 1", 12, false, 1024, true,
     true},
};

/* The newest version that was tried. */
enum { TRIED_MAJOR = 0, TRIED_MINOR = 27 };

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* An emulated machine was seen to need 6 s for --version, and was idle. */
enum { VERSION_MS = 60000 };

int
bpftrace_parse_version(struct bpftrace *tracer, struct slice output, struct diag *diag)
{
    char line[64];
    diag_quote(line, sizeof(line), output);
    tracer->patch = 0;
    if (sscanf(line, "bpftrace v%d.%d.%d", &tracer->major, &tracer->minor, &tracer->patch) < 2)
        return diag_set(diag, DIAG_MACHINE, "%s is not bpftrace: --version printed \"%s\", expected \"bpftrace vX.Y.Z\"",
                        tracer->path, line);
    tracer->row = NULL;
    for (int i = 0; i < ROWS; i++)
        if (tracer->major > rows[i].major || (tracer->major == rows[i].major && tracer->minor >= rows[i].minor))
            tracer->row = &rows[i];
    if (tracer->row == NULL)
        return diag_set(diag, DIAG_MACHINE,
                        "%s is bpftrace %d.%d.%d, which reads probe arguments wrongly; install version 0.12 or later",
                        tracer->path, tracer->major, tracer->minor, tracer->patch);
    return 0;
}

bool
bpftrace_is_known(const struct bpftrace *tracer)
{
    return tracer->major < TRIED_MAJOR || (tracer->major == TRIED_MAJOR && tracer->minor <= TRIED_MINOR);
}

static const char *
search_path(struct mem *mem)
{
    const char *path = getenv("PATH");
    struct slice rest = text_of(path != NULL ? path : "");
    while (rest.len > 0) {
        struct slice directory = text_cut(&rest, ':');
        const char *candidate = mem_printf(mem, "%.*s/bpftrace", (int)directory.len, directory.ptr);
        if (directory.len > 0 && access(candidate, X_OK) == 0)
            return candidate;
    }
    return NULL;
}

int
bpftrace_find(struct bpftrace *tracer, const char *path, struct mem *mem, struct diag *diag)
{
    *tracer = (struct bpftrace){.path = path != NULL ? path : search_path(mem)};
    if (tracer->path == NULL)
        return diag_set(diag, DIAG_MACHINE,
                        "bpftrace is not on PATH; install it (apt-get install bpftrace), or name it with "
                        "--bpftrace PATH");
    char *argv[] = {(char *)tracer->path, "--version", NULL};
    char *envp[] = {NULL};
    struct outbuf output = {0};
    int status = child_capture(tracer->path, argv, envp, &output, VERSION_MS, diag);
    if (status == 0)
        status = bpftrace_parse_version(tracer, text_trim((struct slice){output.ptr, output.len}, "\n"), diag);
    text_free(&output);
    return status;
}

void
bpftrace_newest(struct bpftrace *tracer)
{
    const struct bpftrace_row *row = &rows[ROWS - 1];
    *tracer = (struct bpftrace){"bpftrace", row->major, row->minor, 0, row};
}

void
bpftrace_lessen(struct bpftrace *lesser, struct bpftrace_row *row, const struct bpftrace *tracer)
{
    *row = *tracer->row;
    row->chunk = 64;
    row->strlen = row->strlen < 1024 ? 72 : row->strlen; /* see the rows of 0.24 and 0.25 */
    row->limit = row->stored = BPFTRACE_LESSER_LIMIT;
    *lesser = *tracer;
    lesser->row = row;
}

char **
bpftrace_environment(const struct bpftrace *tracer, bool is_verbose, struct mem *mem)
{
    char **envp = mem_alloc(mem, 6 * sizeof(*envp));
    const char *path = getenv("PATH");
    envp[0] = mem_printf(mem, "PATH=%s", path != NULL ? path : "/usr/bin:/bin");
    envp[1] = mem_printf(mem, "%s=%u", tracer->row->strlen_variable, tracer->row->strlen);
    envp[2] = mem_printf(mem, "BPFTRACE_PERF_RB_PAGES=%zu", tracer->row->buffer / (size_t)sysconf(_SC_PAGESIZE));
    envp[3] = mem_printf(mem, "%s=%d", tracer->row->keys_variable, BPFTRACE_MAP_KEYS);
    if (is_verbose)
        envp[4] = mem_strdup(mem, "BPFTRACE_LOG_SIZE=16777215"); /* the most that Linux 5.3 takes */
    return envp;
}

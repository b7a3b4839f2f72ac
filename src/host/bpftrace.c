#include "host/bpftrace.h"

#include "host/child.h"
#include "host/open.h"
#include "host/trust.h"
#include "host/usdt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* In ascending order; a version uses the last row that is not newer. str() gives up two bytes of its buffer: one to the NUL,
 * one to the mark of a cut string that 0.18 and later write. 0.24 to 0.26 print a byte too many of strings shorter than 1024.
 */
/* clang-format off */
static const struct bpftrace_row rows[] = {
    {
        .major = 0, .minor = 12,
        .string_size_variable = "BPFTRACE_STRLEN", .string_size = 112, .short_string_size = 88, .default_string_size = 64,
        .map_keys_variable = "BPFTRACE_MAP_KEYS_MAX",
        .per_cpu_buffers = true,
        .text_chunk = 104, .piece_parts = 2, .str_extra = "",
        .max_args = 6, .files_a_site = 2,
    },
    {
        .major = 0, .minor = 17,
        .string_size_variable = "BPFTRACE_STRLEN", .string_size = 112, .short_string_size = 88, .default_string_size = 64,
        .map_keys_variable = "BPFTRACE_MAP_KEYS_MAX",
        .per_cpu_buffers = true,
        .text_chunk = 104, .piece_parts = 2, .str_extra = "",
        .max_args = 6, .has_hex = true, .files_a_site = 2,
    },
    {
        .major = 0, .minor = 19,
        .string_size_variable = "BPFTRACE_STRLEN", .string_size = 112, .short_string_size = 88, .default_string_size = 64,
        .map_keys_variable = "BPFTRACE_MAP_KEYS_MAX",
        .per_cpu_buffers = false,
        .text_chunk = 104, .piece_parts = 2, .str_extra = "",
        .max_args = 6, .has_hex = true, .files_a_site = 2,
    },
    {
        .major = 0, .minor = 20,
        .string_size_variable = "BPFTRACE_MAX_STRLEN", .string_size = 112, .short_string_size = 88, .default_string_size = 64,
        .map_keys_variable = "BPFTRACE_MAX_MAP_KEYS",
        .per_cpu_buffers = false,
        .text_chunk = 104, .piece_parts = 2, .str_extra = "",
        .max_args = 6, .has_hex = true, .files_a_site = 2,
    },
    {
        .major = 0, .minor = 21,
        .string_size_variable = "BPFTRACE_MAX_STRLEN", .string_size = 88, .short_string_size = 88, .default_string_size = 64,
        .map_keys_variable = "BPFTRACE_MAX_MAP_KEYS",
        .per_cpu_buffers = false,
        .text_chunk = 80, .piece_parts = 2, .str_extra = "",
        .max_args = 6, .has_hex = true, .files_a_site = 2,
    },
    {
        .major = 0, .minor = 22,
        .string_size_variable = "BPFTRACE_MAX_STRLEN", .string_size = 1024,
        .short_string_size = 256, .default_string_size = 64,
        .map_keys_variable = "BPFTRACE_MAX_MAP_KEYS",
        .per_cpu_buffers = false,
        .text_chunk = 1008, .piece_parts = 1, .str_extra = "",
        .max_args = 6, .has_hex = true, .files_a_site = 2,
    },
    {
        .major = 0, .minor = 23,
        .string_size_variable = "BPFTRACE_MAX_STRLEN", .string_size = 1024,
        .short_string_size = 256, .default_string_size = 1024,
        .map_keys_variable = "BPFTRACE_MAX_MAP_KEYS",
        .per_cpu_buffers = false,
        .text_chunk = 1008, .piece_parts = 1, .str_extra = " + 1",
        .max_args = 6, .has_hex = true, .files_a_site = 2,
    },
    {
        .major = 0, .minor = 24,
        .string_size_variable = "BPFTRACE_MAX_STRLEN", .string_size = 1024,
        .short_string_size = 1024, .default_string_size = 1024,
        .map_keys_variable = "BPFTRACE_MAX_MAP_KEYS",
        .per_cpu_buffers = false,
        .text_chunk = 1008, .piece_parts = 1, .str_extra = " + 1", .has_ranges = true,
        .max_args = 12, .has_dear_args = true, .has_hex = true, .files_a_site = 1,
        .misses_losses = true,
    },
    {
        .major = 0, .minor = 25,
        .string_size_variable = "BPFTRACE_MAX_STRLEN", .string_size = 1024,
        .short_string_size = 1024, .default_string_size = 1024,
        .map_keys_variable = "BPFTRACE_MAX_MAP_KEYS",
        .per_cpu_buffers = false,
        .text_chunk = 1008, .piece_parts = 1, .str_extra = " + 1", .has_ranges = true,
        .max_args = 12, .has_dear_args = true, .has_hex = true, .files_a_site = 1,
        .refuses_indexes = true, .needs_btf_and_tracefs = true,
        .misses_losses = true,
    },
    {
        .major = 0, .minor = 26,
        .string_size_variable = "BPFTRACE_MAX_STRLEN", .string_size = 1024,
        .short_string_size = 1024, .default_string_size = 1024,
        .map_keys_variable = "BPFTRACE_MAX_MAP_KEYS",
        .per_cpu_buffers = false,
        .text_chunk = 1008, .piece_parts = 1, .str_extra = " + 1", .has_ranges = true,
        .max_args = 12, .has_dear_args = true, .has_hex = true, .files_a_site = 1,
        .needs_btf_and_tracefs = true,
        .misses_losses = true,
    },
    {
        .major = 0, .minor = 27,
        .string_size_variable = "BPFTRACE_MAX_STRLEN", .string_size = 1024,
        .short_string_size = 256, .default_string_size = 1024,
        .map_keys_variable = "BPFTRACE_MAX_MAP_KEYS",
        .per_cpu_buffers = false,
        .text_chunk = 1008, .piece_parts = 1, .str_extra = " + 1", .has_ranges = true,
        .max_args = 12, .has_dear_args = true, .has_hex = true, .files_a_site = 1,
        .needs_btf_and_tracefs = true,
        .misses_losses = true,
    },
};
/* clang-format on */

/* The newest version that was tried. */
enum { TRIED_MAJOR = 0, TRIED_MINOR = 27 };

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* An emulated machine was seen to need 6 s for --version, and was idle. */
enum { VERSION_MS = 60000 };

int
bpftrace_parse_version(struct bpftrace *bpftrace, struct slice output, struct diag *diag)
{
    char line[64];
    diag_quote(line, sizeof(line), text_cut(&output, '\n'));
    bpftrace->patch = 0;
    int numbers = sscanf(line, "bpftrace v%4d.%4d.%4d", &bpftrace->major, &bpftrace->minor, &bpftrace->patch);
    if (numbers < 2 || bpftrace->major < 0 || bpftrace->minor < 0 || bpftrace->patch < 0)
        return diag_set(
            diag, DIAG_MACHINE,
            "%s is not bpftrace: --version printed \"%s\", expected \"bpftrace vX.Y.Z\"; name one with --bpftrace PATH",
            bpftrace->path, line);
    bpftrace->row = (struct bpftrace_row){0};
    for (int i = 0; i < ROWS; i++)
        if (bpftrace->major > rows[i].major || (bpftrace->major == rows[i].major && bpftrace->minor >= rows[i].minor))
            bpftrace->row = rows[i];
    bpftrace->row.most_text = BPFTRACE_MOST_TEXT;
    if (!bpftrace_is_set(bpftrace))
        return diag_set(diag, DIAG_MACHINE,
                        "%s is bpftrace %d.%d.%d, which reads probe arguments wrongly; install version 0.12 or later",
                        bpftrace->path, bpftrace->major, bpftrace->minor, bpftrace->patch);
    return 0;
}

bool
bpftrace_is_set(const struct bpftrace *bpftrace)
{
    return bpftrace->row.string_size_variable != NULL;
}

bool
bpftrace_is_known(const struct bpftrace *bpftrace)
{
    return bpftrace->major < TRIED_MAJOR || (bpftrace->major == TRIED_MAJOR && bpftrace->minor <= TRIED_MINOR);
}

#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Who called sudo may have chosen PATH, where sudo has no secure_path, and be allowed one command line of h2olog only. */
static bool
is_path_of_others(void)
{
    uid_t uid;
    gid_t gid;
    return geteuid() == 0 && trust_sudo_user(&uid, &gid);
}

/* NULL: there is none. */
static const char *
directories(void)
{
    return is_path_of_others() ? SYSTEM_PATH : getenv("PATH");
}

static const char *
search_path(struct mem *mem)
{
    const char *path = directories();
    struct slice rest = text_of(path != NULL ? path : "");
    while (rest.len > 0) {
        struct slice directory = text_cut(&rest, ':');
        const char *candidate = mem_printf(mem, "%.*s/bpftrace", (int)directory.len, directory.ptr);
        if (directory.len > 0 && access(candidate, X_OK) == 0)
            return candidate;
    }
    return NULL;
}

static int
ask_version(struct bpftrace *bpftrace, struct mem *mem, struct diag *diag)
{
    char *argv[] = {mem_strdup(mem, bpftrace->path), "--version", NULL};
    char *envp[] = {NULL};
    struct outbuf output = {0};
    int status = child_capture(bpftrace->program, argv, envp, &output, VERSION_MS, diag);
    if (status == 0)
        status = bpftrace_parse_version(bpftrace, text_trim((struct slice){output.ptr, output.len}, "\n"), diag);
    text_free(&output);
    return status;
}

/* Of which bpftrace makes its range loops. */
static bool
has_bpf_loop(void)
{
    enum { MAJOR = 5, MINOR = 17 };
    struct utsname name;
    int major = 0, minor = 0;
    if (uname(&name) != 0 || sscanf(name.release, "%4d.%4d", &major, &minor) != 2)
        return true;
    return major > MAJOR || (major == MAJOR && minor >= MINOR);
}

int
bpftrace_find(struct bpftrace *bpftrace, const char *path, bool is_forced, struct mem *mem, struct diag *diag)
{
    const struct open_input input = {.option = path != NULL ? "--bpftrace" : "bpftrace on PATH", .is_forced = is_forced};
    *bpftrace = (struct bpftrace){.path = path != NULL ? path : search_path(mem)};
    if (bpftrace->path == NULL)
        return diag_set(diag, DIAG_MACHINE,
                        "bpftrace is not on PATH%s; install it (apt-get install bpftrace), or name it with "
                        "--bpftrace PATH",
                        is_path_of_others() ? ", which is " SYSTEM_PATH " behind sudo" : "");
    bpftrace->program = open_program(&input, bpftrace->path, mem, diag);
    if (bpftrace->program == NULL || ask_version(bpftrace, mem, diag) != 0)
        return -1;
    bpftrace->row.has_ranges &= has_bpf_loop();
    return 0;
}

void
bpftrace_newest(struct bpftrace *bpftrace)
{
    const struct bpftrace_row *row = &rows[ROWS - 1];
    *bpftrace = (struct bpftrace){.path = "bpftrace", .major = row->major, .minor = row->minor, .row = *row};
    bpftrace->row.most_text = BPFTRACE_MOST_TEXT;
}

/* Of before version 4. */
static void
with_bare_texts(struct bpftrace *bpftrace)
{
    static const struct {
        int minor;
        unsigned chunk, most;
    } before[] = {{12, 104, 8320}, {21, 80, 8320}, {22, 240, 8640}, {24, 248, 1984}};
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
        if (bpftrace->row.minor >= before[i].minor) {
            bpftrace->row.text_chunk = before[i].chunk;
            bpftrace->row.most_text = before[i].most;
        }
    bpftrace->row.piece_parts = 1;
    bpftrace->row.has_bare_texts = true;
}

void
bpftrace_as_recorded(struct bpftrace *bpftrace, uint64_t version)
{
    enum { MARKED_TEXTS = 4, NEW_MAPS = 5 };
    if (version < MARKED_TEXTS)
        with_bare_texts(bpftrace);
    bpftrace->row.has_old_maps = version < NEW_MAPS;
}

struct bpftrace
bpftrace_shortened(const struct bpftrace *bpftrace)
{
    struct bpftrace shortened = *bpftrace;
    struct bpftrace_row *row = &shortened.row;
    if (row->string_size > row->short_string_size) {
        row->text_chunk -= row->string_size - row->short_string_size;
        row->string_size = row->short_string_size;
    }
    return shortened;
}

struct bpftrace
bpftrace_lessened(const struct bpftrace *bpftrace)
{
    struct bpftrace lesser = *bpftrace;
    lesser.row.text_chunk = 64;
    lesser.row.string_size = lesser.row.string_size < 1024 ? 72 : lesser.row.string_size; /* see the rows of 0.24 and 0.25 */
    lesser.row.most_text = BPFTRACE_LESSER_LIMIT;
    return lesser;
}

char **
bpftrace_environment(const struct bpftrace *bpftrace, struct bpftrace_memory memory, bool is_verbose, struct mem *mem)
{
    char **envp = mem_alloc(mem, 7 * sizeof(*envp));
    const char *path = directories();
    envp[0] = mem_printf(mem, "PATH=%s", path != NULL ? path : "/usr/bin:/bin");
    envp[1] = mem_printf(mem, "%s=%u", bpftrace->row.string_size_variable, bpftrace->row.string_size);
    envp[2] = mem_printf(mem, "BPFTRACE_PERF_RB_PAGES=%zu", memory.print_buffer / (size_t)sysconf(_SC_PAGESIZE));
    envp[3] = mem_printf(mem, "%s=%u", bpftrace->row.map_keys_variable, memory.map_keys);
    envp[4] = mem_printf(mem, "BPFTRACE_MAX_PROBES=%d", USDT_MAX_SITES); /* it counts sites, and takes 512 */
    if (is_verbose)
        envp[5] = mem_strdup(mem, "BPFTRACE_LOG_SIZE=16777215"); /* the most that Linux 5.3 takes */
    return envp;
}

#ifndef FILES_H
#define FILES_H

#include "base/diag.h"
#include "base/mem.h"

/* A catalogue or template file: its name as messages show it, and its text. */
struct file {
    const char *name;
    struct slice text;
};

struct files {
    struct file *items;
    size_t count;
};

#define FILES_TEXT(literal)          \
    {                                \
        literal, sizeof(literal) - 1 \
    }

/* The files that are compiled in, named "probes/..." and "templates/...". */
extern const struct file files_builtin[];
extern const size_t files_builtin_count;

/* The files of directory `dir` whose names end in `suffix`, sorted by name; dir NULL: the built-in ones of `builtin`, such as
 * "probes". An unreadable directory or file, or a directory without any, is an error. 0, or -1 with `diag` set. */
int files_load(struct files *files, const char *dir, const char *builtin, const char *suffix, struct mem *mem,
               struct diag *diag);

/* A file that may be large or a pipe, read piece by piece: a mapping would cost a page fault for every 16 pages. */
struct files_stream {
    const char *path;
    int fd;
    struct outbuf bytes; /* the bytes that were read last */
    size_t at;           /* index in `bytes` of the first one that was not taken */
    uint64_t taken;      /* how many bytes of the file have been taken */
    bool is_ended;       /* the end of the file has been read */
};
int files_open(struct files_stream *stream, const char *path, struct diag *diag);
void files_close(struct files_stream *stream);

/* Reads until `len` bytes are ready, or all that are left. `text` is what is ready, which may be more, and is valid until the
 * next call. 0, or -1 with `diag` set. */
int files_ready(struct files_stream *stream, size_t len, struct slice *text, struct diag *diag);

/* Drops the first `len` ready bytes. */
void files_take(struct files_stream *stream, size_t len);

/* Reads one file, all of it. 0, or -1 with `diag` set. Memory is the arena's. */
int files_read(struct file *file, const char *path, struct mem *mem, struct diag *diag);

/* The line and column of the byte at `at` of its text. */
struct diag_pos files_position(const struct file *file, const char *at);

/* The file whose name ends in "/`name`"; NULL: there is none. */
const struct file *files_find(const struct files *files, const char *name);

#endif

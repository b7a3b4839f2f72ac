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

/* The built-in files of a kind, as "probes", whose names end in `suffix`. Memory is the arena's. */
void files_load_builtin(struct files *files, const char *kind, const char *suffix, struct mem *mem);

/* Adds a file behind the others. */
void files_add(struct files *files, const struct file *file, struct mem *mem);

/* Bytes of a file that is read as a whole, at most. */
enum { FILES_MOST = 16 << 20 };

/* Reads the rest of an open file, FILES_MOST bytes at most; `name` is for messages. 0, or -1 with `diag` set. Memory is the
 * arena's. */
int files_read(struct file *file, const char *name, int fd, struct mem *mem, struct diag *diag);

/* A file that may be large or a pipe, read piece by piece: a mapping would cost a page fault for every 16 pages. */
struct files_stream {
    const char *path;
    int fd;
    struct outbuf bytes; /* the bytes that were read last */
    size_t at;           /* index in `bytes` of the first one that was not taken */
    uint64_t taken;      /* how many bytes of the file have been taken */
    bool is_ended;       /* the end of the file has been read */
};

/* Takes an open file, or none (-1), to read it from where it is; `name` is for messages. */
void files_begin(struct files_stream *stream, const char *name, int fd);
void files_close(struct files_stream *stream);

/* Reads until `len` bytes are ready, or all that are left. `text` is what is ready, which may be more, and is valid until the
 * next call. 0, or -1 with `diag` set. */
int files_ready(struct files_stream *stream, size_t len, struct slice *text, struct diag *diag);

/* Drops the first `len` ready bytes. */
void files_take(struct files_stream *stream, size_t len);

/* The line and column of the byte at `at` of its text. */
struct diag_pos files_position(const struct file *file, const char *at);

/* The file whose name ends in "/`name`"; NULL: there is none. */
const struct file *files_find(const struct files *files, const char *name);

#endif

#ifndef FILES_H
#define FILES_H

#include "diag.h"
#include "mem.h"

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

/* A file that may be large: one on a disk is mapped, what cannot be is read into the arena. 0, or -1 with `diag` set; files_unmap
 * ends it in any case. */
struct files_mapped {
    struct slice text;
    bool is_mapped;
};
int files_map(struct files_mapped *mapped, const char *path, struct mem *mem, struct diag *diag);
void files_unmap(struct files_mapped *mapped);

/* One file. 0, or -1 with `diag` set. */
int files_read(struct file *file, const char *path, struct mem *mem, struct diag *diag);

/* The file whose name ends in "/`name`"; NULL: there is none. */
const struct file *files_find(const struct files *files, const char *name);

#endif

#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* "PATH: REASON", a path being anything but NUL. */
static int
bad_path(struct diag *diag, const char *path, const char *reason)
{
    char quoted[1024];
    return diag_set(diag, DIAG_USAGE, "%s: %s", diag_quote(quoted, sizeof(quoted), text_of(path)), reason);
}

static void
add(struct files *files, struct mem *mem, const char *name, struct slice text)
{
    files->items = mem_grow(mem, files->items, files->count, sizeof(*files->items));
    files->items[files->count++] = (struct file){name, text};
}

int
files_read(struct file *file, const char *path, struct mem *mem, struct diag *diag)
{
    FILE *stream = fopen(path, "re");
    if (stream == NULL)
        return bad_path(diag, path, strerror(errno));
    struct outbuf bytes = {0};
    size_t got;
    while ((got = fread(text_reserve(&bytes, 4096), 1, 4096, stream)) > 0)
        bytes.len += got;
    int failed = ferror(stream) ? bad_path(diag, path, strerror(errno)) : 0;
    fclose(stream);
    *file = (struct file){path, {mem_strndup(mem, bytes.ptr, bytes.len), bytes.len}};
    text_free(&bytes);
    return failed;
}

/* Not a pipe or an empty file. */
static void
map(struct files_mapped *mapped, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return;
    size_t len = (size_t)status.st_size;
    void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return;
    madvise(bytes, len, MADV_SEQUENTIAL);
    *mapped = (struct files_mapped){{bytes, len}, true};
}

int
files_map(struct files_mapped *mapped, const char *path, struct mem *mem, struct diag *diag)
{
    *mapped = (struct files_mapped){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return bad_path(diag, path, strerror(errno));
    map(mapped, fd);
    close(fd);
    if (mapped->is_mapped)
        return 0;
    struct file file = {0};
    int status = files_read(&file, path, mem, diag);
    mapped->text = file.text;
    return status;
}

void
files_unmap(struct files_mapped *mapped)
{
    if (mapped->is_mapped)
        munmap((void *)mapped->text.ptr, mapped->text.len);
    mapped->is_mapped = false;
}

static int
add_file(struct files *files, const char *path, struct mem *mem, struct diag *diag)
{
    struct file file;
    if (files_read(&file, path, mem, diag) != 0)
        return -1;
    add(files, mem, file.name, file.text);
    return 0;
}

static int
load_dir(struct files *files, const char *dir, const char *suffix, struct mem *mem, struct diag *diag)
{
    struct dirent **entries;
    int count = scandir(dir, &entries, NULL, alphasort);
    if (count < 0)
        return bad_path(diag, dir, mem_printf(mem, "%s; a directory with *%s files was expected", strerror(errno), suffix));
    int status = 0;
    for (int i = 0; i < count; i++) {
        if (status == 0 && entries[i]->d_name[0] != '.' && text_ends_with(text_of(entries[i]->d_name), suffix))
            status = add_file(files, mem_printf(mem, "%s/%s", dir, entries[i]->d_name), mem, diag);
        free(entries[i]);
    }
    free(entries);
    return status;
}

int
files_load(struct files *files, const char *dir, const char *builtin, const char *suffix, struct mem *mem, struct diag *diag)
{
    *files = (struct files){0};
    if (dir == NULL) {
        size_t len = strlen(builtin);
        for (size_t i = 0; i < files_builtin_count; i++)
            if (strncmp(files_builtin[i].name, builtin, len) == 0 && files_builtin[i].name[len] == '/')
                add(files, mem, files_builtin[i].name, files_builtin[i].text);
        return 0;
    }
    if (load_dir(files, dir, suffix, mem, diag) != 0)
        return -1;
    if (files->count == 0)
        return bad_path(diag, dir, mem_printf(mem, "there is no *%s file in this directory", suffix));
    return 0;
}

const struct file *
files_find(const struct files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++) {
        const char *slash = strrchr(files->items[i].name, '/');
        if (slash != NULL && strcmp(slash + 1, name) == 0)
            return &files->items[i];
    }
    return NULL;
}

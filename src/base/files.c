#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int
files_open(struct files_stream *stream, const char *path, struct diag *diag)
{
    *stream = (struct files_stream){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    return stream->fd >= 0 ? 0 : bad_path(diag, path, strerror(errno));
}

void
files_close(struct files_stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    text_free(&stream->bytes);
}

/* What is not taken moves to the front. */
static void
move_up(struct files_stream *stream)
{
    stream->bytes.len -= stream->at;
    if (stream->bytes.len > 0)
        memmove(stream->bytes.ptr, stream->bytes.ptr + stream->at, stream->bytes.len);
    stream->at = 0;
}

int
files_ready(struct files_stream *stream, size_t len, struct slice *text, struct diag *diag)
{
    enum { PIECE = 64 * 1024 };
    if (!stream->is_ended && stream->bytes.len - stream->at < len)
        move_up(stream);
    while (!stream->is_ended && stream->bytes.len - stream->at < len) {
        ssize_t got = read(stream->fd, text_reserve(&stream->bytes, PIECE), PIECE);
        if (got < 0 && errno != EINTR)
            return bad_path(diag, stream->path, strerror(errno));
        stream->is_ended = got == 0;
        stream->bytes.len += got > 0 ? (size_t)got : 0;
    }
    *text = (struct slice){stream->bytes.ptr + stream->at, stream->bytes.len - stream->at};
    return 0;
}

void
files_take(struct files_stream *stream, size_t len)
{
    stream->at += len;
    stream->taken += len;
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

/* Those of "BUILTIN/". */
static void
add_builtin(struct files *files, const char *builtin, struct mem *mem)
{
    for (size_t i = 0; i < files_builtin_count; i++) {
        struct slice name = text_of(files_builtin[i].name);
        if (text_skip_prefix(&name, builtin) && text_starts_with(name, "/"))
            add(files, mem, files_builtin[i].name, files_builtin[i].text);
    }
}

int
files_load(struct files *files, const char *dir, const char *builtin, const char *suffix, struct mem *mem, struct diag *diag)
{
    *files = (struct files){0};
    if (dir == NULL) {
        add_builtin(files, builtin, mem);
        return 0;
    }
    if (load_dir(files, dir, suffix, mem, diag) != 0)
        return -1;
    if (files->count == 0)
        return bad_path(diag, dir, mem_printf(mem, "there is no *%s file in this directory", suffix));
    return 0;
}

struct diag_pos
files_position(const struct file *file, const char *at)
{
    struct diag_pos pos = {file->name, 1, 1};
    for (const char *p = file->text.ptr; p < at; p++) {
        pos.line += *p == '\n';
        pos.col = *p == '\n' ? 1 : pos.col + 1;
    }
    return pos;
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

#include "base/files.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* "PATH: REASON", a path being anything but NUL. */
static int
bad_path(struct diag *diag, const char *path, const char *reason)
{
    char quoted[1024];
    return diag_set(diag, DIAG_USAGE, "%s: %s", diag_quote(quoted, sizeof(quoted), text_of(path)), reason);
}

void
files_add(struct files *files, const struct file *file, struct mem *mem)
{
    files->items = mem_grow(mem, files->items, files->count, sizeof(*files->items));
    files->items[files->count++] = *file;
}

static int
read_all(struct outbuf *bytes, const char *name, int fd, struct diag *diag)
{
    enum { PIECE = 64 * 1024 };
    ssize_t got;
    while ((got = read(fd, text_reserve(bytes, PIECE), PIECE)) != 0) {
        if (got < 0 && errno != EINTR)
            return bad_path(diag, name, strerror(errno));
        bytes->len += got > 0 ? (size_t)got : 0;
        if (bytes->len > FILES_MOST)
            return bad_path(diag, name, "more than 16 MiB; nothing that h2olog reads as a whole is so long");
    }
    return 0;
}

int
files_read(struct file *file, const char *name, int fd, struct mem *mem, struct diag *diag)
{
    struct outbuf bytes = {0};
    int status = read_all(&bytes, name, fd, diag);
    *file = (struct file){name, {mem_strndup(mem, bytes.ptr, bytes.len), bytes.len}};
    text_free(&bytes);
    return status;
}

void
files_begin(struct files_stream *stream, const char *name, int fd)
{
    *stream = (struct files_stream){.path = name, .fd = fd};
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
        poll(&(struct pollfd){stream->fd, POLLIN, 0}, 1, -1); /* read(2) does not wait for a FIFO's first writer */
        ssize_t got = read(stream->fd, text_reserve(&stream->bytes, PIECE), PIECE);
        if (got < 0 && errno != EINTR && errno != EAGAIN)
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

void
files_load_builtin(struct files *files, const char *kind, const char *suffix, struct mem *mem)
{
    *files = (struct files){0};
    for (size_t i = 0; i < files_builtin_count; i++) {
        struct slice name = text_of(files_builtin[i].name);
        if (text_skip_prefix(&name, kind) && text_starts_with(name, "/") && text_ends_with(name, suffix))
            files_add(files, &files_builtin[i], mem);
    }
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

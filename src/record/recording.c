#include "record/recording.h"

#include "base/writable.h"
#include "record/reorder.h"
#include "request/request.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "h2olog-recording"

enum { FORMAT_VERSION = 5 };

static const char *const kinds[RECORDING_KINDS] = {"start", "out", "err", "end", "stop", "begin", "clock", "server"};

static int
fail(struct recording *recording, const char *why, struct diag *diag)
{
    recording->has_failed = true;
    return diag_set(diag, DIAG_FAILED, "cannot write %s: %s; the recording breaks off there", recording->path, why);
}

/* A reader of a pipe that takes nothing for so long holds the run up no longer. */
static int
write_all(struct recording *recording, struct slice bytes, struct diag *diag)
{
    enum { PATIENCE_MS = 1000 };
    while (bytes.len > 0 && !recording->has_failed) {
        size_t len = writable(recording->fd, PATIENCE_MS);
        ssize_t written = len > 0 ? write(recording->fd, bytes.ptr, len < bytes.len ? len : bytes.len) : 0;
        if (len == 0)
            return fail(recording, "its reader takes nothing any more", diag);
        if (written < 0 && errno != EINTR)
            return fail(recording, strerror(errno), diag);
        text_skip(&bytes, written > 0 ? (size_t)written : 0);
    }
    return recording->has_failed ? -1 : 0;
}

/* The last part of a path, as one word. */
static void
put_name(struct outbuf *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    for (const char *p = slash != NULL ? slash + 1 : path; *p != '\0'; p++)
        text_putc(out, *p > ' ' && *p <= '~' ? *p : '_');
    text_putc(out, '\n');
}

static void
put_header(struct outbuf *out, const struct recording_header *header)
{
    text_printf(out, FORMAT " %d\nprogram %s\ncommand %s\nhost ", FORMAT_VERSION, header->program, header->command);
    text_escape(out, text_of(header->host));
    text_putc(out, '\n');
    text_printf(out, "bpftrace %d.%d.%d\ncpus %d\noffset %ld\n", header->bpftrace.major, header->bpftrace.minor,
                header->bpftrace.patch, header->cpus, header->offset);
    text_printf(out, "format %s\nextra %d\nnames %d\ntime %s\nservers %d\ntogether %d\napp-data %d\nbuffer %zu\n",
                header->format, header->extra, header->names, header->time != NULL ? header->time : "none", header->has_servers,
                header->begins_together, header->request.app_data, header->request.buffer);
    request_put(out, &header->request, "", text_put);
    if (header->most > 0)
        text_printf(out, "count %lu\n", header->most);
    for (size_t i = 0; i < header->nwords; i++)
        text_printf(out, "show %s %s\n", header->words[i].option, header->words[i].value);
    for (size_t i = 0; i < header->files.count; i++) {
        const struct file *file = &header->files.items[i];
        text_printf(out, "file %zu ", file->text.len);
        put_name(out, file->name);
        text_put(out, file->text);
        text_putc(out, '\n');
    }
    text_puts(out, "begin\n");
}

/* The header is read again line by line, and what its words say may come to a terminal. */
static int
check_words(const struct filter_word *words, size_t count, struct diag *diag)
{
    for (size_t i = 0; i < count; i++)
        if (text_unsafe(text_of(words[i].value)).len > 0)
            return diag_set(
                diag, DIAG_USAGE,
                "--record: a recording cannot keep what --%s has here: control characters, or bytes that are not UTF-8",
                words[i].option);
    return 0;
}

int
recording_begin(struct recording *recording, const struct recording_header *header, struct diag *diag)
{
    struct outbuf out = {0};
    if (check_words(header->words, header->nwords, diag) != 0 ||
        check_words(header->request.filter.words, header->request.filter.nwords, diag) != 0)
        return -1;
    put_header(&out, header);
    int status = write_all(recording, (struct slice){out.ptr, out.len}, diag);
    text_free(&out);
    return status;
}

int
recording_put(struct recording *recording, const struct recording_block *block, struct diag *diag)
{
    struct outbuf out = {0};
    text_printf(&out, "%s %lu %lu %zu\n", kinds[block->kind], block->server, block->nsecs, block->bytes.len);
    text_put(&out, block->bytes);
    text_putc(&out, '\n');
    int status = write_all(recording, (struct slice){out.ptr, out.len}, diag);
    text_free(&out);
    return status;
}

/* Reading. */

struct reader {
    struct recording_header *header;
    const char *name;
    uint64_t version;
    int line;
    struct slice *rest;
    struct mem *mem;
    struct diag *diag;
};

static int
bad_line(const struct reader *reader, const char *expected)
{
    return diag_at(reader->diag, (struct diag_pos){reader->name, reader->line, 1}, "not a line of a recording; expected %s",
                   expected);
}

static const char *
keep(const struct reader *reader, struct slice text)
{
    return mem_strndup(reader->mem, text.ptr, text.len);
}

/* ---- What each line of the header has behind its first word. `member` is where the value goes in the header. */

static int
read_text(struct reader *reader, struct slice value, void *member)
{
    *(const char **)member = keep(reader, value);
    return 0;
}

static int
read_cpus(struct reader *reader, struct slice value, void *member)
{
    uint64_t number;
    if (!text_number(value, REORDER_MAX_CPUS, &number) || number == 0)
        return bad_line(reader, mem_printf(reader->mem, "\"cpus N\", N being 1 to %d", REORDER_MAX_CPUS));
    *(int *)member = (int)number;
    return 0;
}

static int
read_flag(struct reader *reader, struct slice value, void *member)
{
    uint64_t number;
    if (!text_number(value, 1, &number))
        return bad_line(reader, "0 or 1 behind this word");
    *(bool *)member = number == 1;
    return 0;
}

/* The decoder takes memory by it. */
static int
read_buffer(struct reader *reader, struct slice value, void *member)
{
    uint64_t number;
    if (!text_number(value, REQUEST_MOST_BUFFER, &number))
        return bad_line(reader, mem_printf(reader->mem, "\"buffer BYTES\", of %lu at most", REQUEST_MOST_BUFFER));
    *(size_t *)member = number;
    return 0;
}

static int
read_count(struct reader *reader, struct slice value, void *member)
{
    return text_number(value, INT64_MAX, member) ? 0 : bad_line(reader, "a number behind this word");
}

bool
recording_read_offset(struct slice text, int64_t *offset)
{
    uint64_t magnitude;
    bool is_negative = text_skip_prefix(&text, "-");
    if (!text_number(text, (uint64_t)1 << 62, &magnitude))
        return false;
    *offset = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

static int
read_offset(struct reader *reader, struct slice value, void *member)
{
    return recording_read_offset(value, member) ? 0 : bad_line(reader, "\"offset NS\", NS being -2^62 to 2^62");
}

static int
read_bpftrace(struct reader *reader, struct slice value, void *member)
{
    const char *version = mem_printf(reader->mem, "bpftrace v%s", keep(reader, value));
    struct diag why;
    return bpftrace_parse_version(member, text_of(version), &why) == 0
               ? 0
               : bad_line(reader, "\"bpftrace X.Y.Z\", of version 0.12 or later");
}

/* A line for each word, so they are put behind those that are there. */
static int
read_word(struct reader *reader, struct slice value, void *member)
{
    struct recording_header *header = member;
    struct filter_word word;
    if (!filter_read_word(&word, value, reader->mem))
        return bad_line(reader, "\"show OPTION VALUE\"");
    header->words = mem_grow(reader->mem, header->words, header->nwords, sizeof(word));
    header->words[header->nwords++] = word;
    return 0;
}

/* The bytes that follow the line "file LEN NAME". */
static int
read_file(struct reader *reader, struct slice value, void *member)
{
    struct files *files = member;
    struct slice word, *rest = reader->rest;
    uint64_t len;
    if (!text_word(&value, &word) || !text_number(word, rest->len, &len) || !text_word(&value, &word) || len == rest->len ||
        rest->ptr[len] != '\n')
        return bad_line(reader, "\"file LENGTH NAME\", so many bytes, and a line feed");
    files->items = mem_grow(reader->mem, files->items, files->count, sizeof(*files->items));
    files->items[files->count++] = (struct file){keep(reader, word), {keep(reader, (struct slice){rest->ptr, len}), len}};
    for (size_t i = 0; i < len; i++)
        reader->line += rest->ptr[i] == '\n';
    reader->line++;
    rest->ptr += len + 1;
    rest->len -= len + 1;
    return 0;
}

static const struct header_line {
    const char *key;
    int (*read)(struct reader *, struct slice value, void *member);
    size_t member;
} header_lines[] = {
    {"program", read_text, offsetof(struct recording_header, program)},
    {"host", read_text, offsetof(struct recording_header, host)},
    {"command", read_text, offsetof(struct recording_header, command)},
    {"bpftrace", read_bpftrace, offsetof(struct recording_header, bpftrace)},
    {"cpus", read_cpus, offsetof(struct recording_header, cpus)},
    {"offset", read_offset, offsetof(struct recording_header, offset)},
    {"format", read_text, offsetof(struct recording_header, format)},
    {"extra", read_flag, offsetof(struct recording_header, extra)},
    {"names", read_flag, offsetof(struct recording_header, names)},
    {"time", read_text, offsetof(struct recording_header, time)},
    {"servers", read_flag, offsetof(struct recording_header, has_servers)},
    {"together", read_flag, offsetof(struct recording_header, begins_together)},
    {"app-data", read_flag, offsetof(struct recording_header, request.app_data)},
    {"buffer", read_buffer, offsetof(struct recording_header, request.buffer)},
    {"count", read_count, offsetof(struct recording_header, most)},
    {"show", read_word, 0}, /* several members */
    {"file", read_file, offsetof(struct recording_header, files)},
};

static int
read_line(struct reader *reader, struct slice key, struct slice value)
{
    int status = request_take(&reader->header->request, key, value, reader->mem, reader->diag);
    if (status != 0)
        return status < 0 ? -1 : 0;
    for (size_t i = 0; i < sizeof(header_lines) / sizeof(header_lines[0]); i++)
        if (text_is(key, header_lines[i].key))
            return header_lines[i].read(reader, value, (char *)reader->header + header_lines[i].member);
    return bad_line(reader,
                    "program, host, command, bpftrace, cpus, offset, mode, format, extra, names, time, servers, app-data, "
                    "buffer, type, redact, filter, count, show, file or begin");
}

/* A line without its LF may go on in what was not read yet. */
static bool
take_line(struct reader *reader, struct slice *line)
{
    struct slice *rest = reader->rest;
    return rest->len > 0 && memchr(rest->ptr, '\n', rest->len) != NULL && text_line(rest, line);
}

static int
breaks_off(const struct reader *reader, const char *missing)
{
    return diag_at(reader->diag, (struct diag_pos){reader->name, reader->line, 1}, "the header breaks off; %s missing",
                   missing);
}

static int
read_version(struct reader *reader)
{
    struct slice line, word;
    char quoted[64];
    reader->line = 1;
    if (!take_line(reader, &line) || !text_word(&line, &word) || !text_is(word, FORMAT) || !text_word(&line, &word))
        return diag_at(reader->diag, (struct diag_pos){reader->name, 1, 1}, "this is no recording of h2olog's");
    if (!text_number(word, UINT32_MAX, &reader->version) || reader->version == 0 || reader->version > FORMAT_VERSION)
        return diag_at(reader->diag, (struct diag_pos){reader->name, 1, (int)sizeof(FORMAT) + 1},
                       "a recording of version %s; this h2olog reads versions 1 to %d",
                       diag_quote(quoted, sizeof(quoted), word), FORMAT_VERSION);
    return 0;
}

/* The lines up to "begin". */
static int
read_lines(struct reader *reader)
{
    struct slice line, key;
    for (reader->line = 2; take_line(reader, &line); reader->line++) {
        struct slice value = line;
        if (text_unsafe(line).len > 0)
            return bad_line(reader, "UTF-8 without control characters");
        if (!text_word(&value, &key))
            return bad_line(reader, "a word");
        if (text_is(key, "begin"))
            return 0;
        if (value.len > 0)
            value.ptr++, value.len--; /* the blank */
        if (read_line(reader, key, value) != 0)
            return -1;
    }
    return breaks_off(reader, "a line \"begin\" is");
}

static int
read_header(struct recording_header *header, const char *name, struct slice *rest, struct mem *mem, struct diag *diag)
{
    struct reader reader = {header, name, 0, 1, rest, mem, diag};
    *header = (struct recording_header){0};
    if (read_version(&reader) != 0 || read_lines(&reader) != 0)
        return -1;
    if (header->request.group == NULL || header->format == NULL || !bpftrace_is_set(&header->bpftrace) ||
        header->files.count == 0 || header->cpus == 0)
        return breaks_off(&reader, "mode, format, bpftrace, cpus or a file is");
    bpftrace_as_recorded(&header->bpftrace, reader.version);
    return 0;
}

/* Only its end, the line "begin", tells how long a header is. So one without it, or that seems to be wrong, is read again with
 * more of the file. */
int
recording_read_header(struct recording_header *header, struct files_stream *stream, struct mem *mem, struct diag *diag)
{
    enum { FIRST = 128 * 1024, MOST = 512 * FIRST };
    for (size_t len = FIRST;; len *= 2) {
        struct slice text;
        if (files_ready(stream, len, &text, diag) != 0)
            return -1;
        struct slice rest = text;
        int status = read_header(header, stream->path, &rest, mem, diag);
        if (status == 0)
            files_take(stream, text.len - rest.len);
        if (status == 0 || stream->is_ended || len == MOST)
            return status;
    }
}

/* "out 0 123456 4096" */
static bool
parse_block(struct slice line, struct recording_block *block, uint64_t *len)
{
    struct slice word;
    int kind = 0;
    if (!text_word(&line, &word))
        return false;
    while (kind < RECORDING_KINDS && !text_is(word, kinds[kind]))
        kind++;
    block->kind = kind;
    return kind < RECORDING_KINDS && text_word(&line, &word) && text_number(word, UINT32_MAX, &block->server) &&
           text_word(&line, &word) && text_number(word, UINT64_MAX, &block->nsecs) && text_word(&line, &word) &&
           text_number(word, UINT32_MAX, len) && !text_word(&line, &word);
}

/* "PATH WHAT byte N", N being where the block begins. */
static int
bad_block(const struct files_stream *stream, uint64_t at, const char *what, struct diag *diag)
{
    char quoted[1024];
    diag_quote(quoted, sizeof(quoted), text_of(stream->path));
    return diag_set(diag, DIAG_FAILED, "%s %s byte %lu", quoted, what, at);
}

int
recording_read_block(struct recording_block *block, struct files_stream *stream, struct diag *diag)
{
    enum { LONGEST_LINE = 64, LONGEST_BLOCK = 64 * 1024 * 1024 };
    const uint64_t at = stream->taken;
    struct slice text, line, rest;
    uint64_t len;
    if (block->is_cut)
        return bad_block(stream, at, "breaks off at its end,", diag);
    if (files_ready(stream, LONGEST_LINE, &text, diag) != 0)
        return -1;
    rest = text;
    if (!text_line(&rest, &line))
        return 0;
    if (!parse_block(line, block, &len))
        return bad_block(stream, at, "breaks off, or is damaged, at", diag);
    if (len > LONGEST_BLOCK)
        return bad_block(stream, at, "is damaged: a block of more than 64 MiB begins at", diag);
    files_take(stream, text.len - rest.len);
    if (files_ready(stream, len + 1, &rest, diag) != 0)
        return -1;
    block->is_cut = rest.len <= len;
    if (!block->is_cut && rest.ptr[len] != '\n')
        return bad_block(stream, at, "is damaged in the block at", diag);
    block->bytes = (struct slice){rest.ptr, rest.len < len ? rest.len : len};
    files_take(stream, block->bytes.len + !block->is_cut);
    if (block->is_cut && block->kind != RECORDING_OUT && block->kind != RECORDING_ERR)
        return bad_block(stream, at, "breaks off in the block at", diag);
    return 1;
}

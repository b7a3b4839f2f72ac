#include "base/diag.h"

#include "base/no_memory.h"
#include "base/writable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
diag_set(struct diag *diag, enum diag_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diag->status = status;
    vsnprintf(diag->message, sizeof(diag->message), format, args);
    va_end(args);
    return -1;
}

int
diag_at(struct diag *diag, struct diag_pos pos, const char *format, ...)
{
    char file[1024];
    diag->status = DIAG_USAGE;
    int used = snprintf(diag->message, sizeof(diag->message), "%s:%d:%d: ", diag_quote(file, sizeof(file), text_of(pos.file)),
                        pos.line, pos.col);
    if (used < 0 || (size_t)used >= sizeof(diag->message))
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(diag->message + used, sizeof(diag->message) - (size_t)used, format, args);
    va_end(args);
    return -1;
}

int
diag_name(struct diag *diag, const char *name)
{
    const struct diag unnamed = *diag;
    return diag_set(diag, (enum diag_status)unnamed.status, "%s: %s", name, unnamed.message);
}

const char *
diag_remedy(int error)
{
    return error == EMFILE   ? "; raise the limit of open files (ulimit -n)"
           : error == ENFILE ? "; raise the limit of open files (sysctl fs.file-max)"
           : error == ENOSYS ? "; Linux 5.3 or later is needed"
                             : "";
}

/* How many columns the text takes on a terminal, if each character takes one. */
static size_t
columns(struct slice text)
{
    struct outbuf out = {0};
    size_t count = 0;
    text_escape(&out, text);
    for (size_t i = 0; i < out.len; i++)
        count += ((unsigned char)out.ptr[i] & 0xc0) != 0x80; /* first bytes of UTF-8 */
    text_free(&out);
    return count;
}

/* A place near `at` where a character begins. */
static size_t
boundary(struct slice text, size_t at)
{
    while (at > 0 && at < text.len && ((unsigned char)text.ptr[at] & 0xc0) == 0x80)
        at--;
    return at;
}

int
diag_caret(struct diag *diag, const char *option, struct slice argument, size_t at, const char *format, ...)
{
    enum { BEFORE = 120, SHOWN = 200 };
    char what[512], shown[4 * SHOWN + 1];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    at = boundary(argument, at < argument.len ? at : argument.len);
    size_t from = at > BEFORE ? boundary(argument, at - BEFORE) : 0;
    size_t to = argument.len - from > SHOWN ? boundary(argument, from + SHOWN) : argument.len;
    size_t column = columns((struct slice){argument.ptr + from, at - from});
    diag_quote(shown, sizeof(shown), (struct slice){argument.ptr + from, to - from});
    return diag_set(diag, DIAG_USAGE, "--%s: %s\n    %s\n    %*s^", option, what, shown, (int)column, "");
}

/* A reader of stderr that takes nothing holds h2olog up once, and not for long. */
static void
put(struct slice text)
{
    enum { PATIENCE_MS = 300 };
    static bool is_stalled;
    while (text.len > 0) {
        size_t len = writable(STDERR_FILENO, is_stalled ? 0 : PATIENCE_MS);
        ssize_t written = len > 0 ? write(STDERR_FILENO, text.ptr, len < text.len ? len : text.len) : 0;
        is_stalled = len == 0 || (written < 0 && errno == EAGAIN);
        if (is_stalled || (written < 0 && errno != EINTR))
            return;
        text_skip(&text, written > 0 ? (size_t)written : 0);
    }
}

static void
put_message(const char *message)
{
    struct outbuf line = {0};
    text_printf(&line, "h2olog: %s\n", message);
    put((struct slice){line.ptr, line.len});
    text_free(&line);
}

void
diag_report(const struct diag *diag)
{
    put_message(diag->message);
}

static void say(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static void
say(const char *format, va_list args)
{
    char *message = NULL;
    if (vasprintf(&message, format, args) < 0)
        no_memory();
    put_message(message);
    free(message);
}

void
diag_note(const struct diag_log *log, const char *format, ...)
{
    if (log->quiet)
        return;
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void
diag_debug(const struct diag_log *log, int level, const char *format, ...)
{
    if (log->debug < level)
        return;
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

const char *
diag_quote(char *buffer, size_t size, struct slice text)
{
    struct outbuf out = {0};
    size_t len = 0;
    while (text.len > 0) {
        uint32_t code;
        size_t one = text_utf8(text, &code);
        one = one > 0 ? one : 1;
        text_escape(&out, (struct slice){text.ptr, one});
        if (out.len >= size)
            break;
        len = out.len;
        text_skip(&text, one);
    }
    if (len > 0)
        memcpy(buffer, out.ptr, len);
    buffer[len] = '\0';
    text_free(&out);
    return buffer;
}

#define _GNU_SOURCE 1
#include "request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tokens.h"

enum { BAD_REQUEST = 400, TOO_MANY_FIELDS = 431, NOT_IMPLEMENTED = 501 };

size_t
request_head_len(const char *buf, size_t len)
{
    const char *end = memmem(buf, len, "\r\n\r\n", 4);
    return end ? (size_t)(end - buf) + 4 : 0;
}

static bool
is_text(struct text text, const char *expected)
{
    return text.len == strlen(expected) && strncasecmp(text.base, expected, text.len) == 0;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct text
trim(struct text text)
{
    while (text.len && is_blank(text.base[0]))
        text.base++, text.len--;
    while (text.len && is_blank(text.base[text.len - 1]))
        text.len--;
    return text;
}

/* Cuts `rest` at the first `separator` and returns what is before; all of it if there is none. */
static struct text
cut(struct text *rest, char separator)
{
    const char *at = memchr(rest->base, separator, rest->len);
    struct text before = {rest->base, at ? (size_t)(at - rest->base) : rest->len};
    size_t skipped = before.len + (at != NULL);
    rest->base += skipped;
    rest->len -= skipped;
    return before;
}

static struct text
cut_line(struct text *rest)
{
    struct text line = cut(rest, '\n');
    if (line.len && line.base[line.len - 1] == '\r')
        line.len--;
    return line;
}

static int
parse_request_line(struct request *request, struct text line)
{
    request->method = cut(&line, ' ');
    request->path = cut(&line, ' ');
    if (!request->method.len || !request->path.len)
        return BAD_REQUEST;
    request->version = is_text(line, "HTTP/1.1") ? 0x101 : is_text(line, "HTTP/1.0") ? 0x100 : 0;
    return request->version ? 0 : BAD_REQUEST;
}

static void
to_lower(char *at, size_t len)
{
    for (; len > 0; at++, len--)
        if (*at >= 'A' && *at <= 'Z')
            *at += 'a' - 'A';
}

static int
parse_length(struct text value, uint64_t *length)
{
    char *end;
    if (!value.len || value.len > 18 || value.base[0] < '0' || value.base[0] > '9')
        return BAD_REQUEST;
    *length = strtoull(value.base, &end, 10); /* the line's CR ends it */
    return end == value.base + value.len ? 0 : BAD_REQUEST;
}

/* What the server itself wants to know of the fields. */
static int
heed_field(struct request *request, const struct field *field)
{
    if (is_text(field->name, "content-length"))
        return parse_length(field->value, &request->body_len);
    if (is_text(field->name, "transfer-encoding"))
        return NOT_IMPLEMENTED;
    if (is_text(field->name, "connection"))
        request->keep_alive = is_text(field->value, "keep-alive") ||
                              (request->keep_alive && !is_text(field->value, "close"));
    if (is_text(field->name, "expect"))
        request->expects_continue = is_text(field->value, "100-continue");
    return 0;
}

static int
add_field(struct request *request, const struct field *field)
{
    struct text token = token_find(field->name);
    if (request->field_count == MAX_FIELDS)
        return TOO_MANY_FIELDS;
    request->fields[request->field_count++] = (struct field){token.base ? token : field->name, field->value};
    return 0;
}

static int
parse_field(struct request *request, char *head, struct text line)
{
    struct field field;
    field.name = cut(&line, ':');
    field.value = trim(line);
    if (!field.name.len || is_blank(field.name.base[0]) || field.name.base + field.name.len == line.base)
        return BAD_REQUEST;
    to_lower(head + (field.name.base - head), field.name.len);
    if (is_text(field.name, "host")) {
        request->authority = field.value;
        return 0;
    }
    int status = heed_field(request, &field);
    return status ? status : add_field(request, &field);
}

int
request_parse(struct request *request, char *head, size_t len)
{
    struct text rest = {head, len - 2}; /* without the empty line */
    request->authority = TEXT("default");
    request->field_count = 0;
    request->body_len = 0;
    request->expects_continue = false;
    int status = parse_request_line(request, cut_line(&rest));
    request->keep_alive = request->version >= 0x101;
    while (!status && rest.len)
        status = parse_field(request, head, cut_line(&rest));
    return status;
}

#define _GNU_SOURCE 1
#include "cursor.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finish.h"

void
cursor_fail(const struct cursor *c, const char *at, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    flockfile(stderr);
    fprintf(stderr, "%s:%u:%zu: ", c->file, c->line, (size_t)(at - c->start) + 1);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    finish(2);
}

static void
skip_blanks(struct cursor *c)
{
    c->at += strspn(c->at, " \t");
}

bool
cursor_at_end(struct cursor *c)
{
    skip_blanks(c);
    return *c->at == '\0' || *c->at == '#';
}

void
cursor_expect_end(struct cursor *c)
{
    if (!cursor_at_end(c))
        cursor_fail(c, c->at, "the line should end here");
}

bool
cursor_skip(struct cursor *c, char expected)
{
    skip_blanks(c);
    if (*c->at != expected)
        return false;
    c->at++;
    return true;
}

void
cursor_expect(struct cursor *c, char expected)
{
    if (!cursor_skip(c, expected))
        cursor_fail(c, c->at, "'%c' expected", expected);
}

struct text
cursor_word(struct cursor *c)
{
    skip_blanks(c);
    struct text word = {c->at, strcspn(c->at, " \t")};
    c->at += word.len;
    return word;
}

struct text
cursor_identifier(struct cursor *c)
{
    skip_blanks(c);
    struct text identifier = {c->at, 0};
    while (isalnum((unsigned char)*c->at) || *c->at == '_')
        c->at++;
    identifier.len = (size_t)(c->at - identifier.base);
    return identifier;
}

static bool
in_range(const char *digits, bool negative, int base, uint64_t *value, char **end)
{
    errno = 0;
    *value = strtoull(digits, end, base);
    return errno == 0 && (!negative || *value <= (uint64_t)INT64_MAX + 1);
}

uint64_t
cursor_number(struct cursor *c)
{
    skip_blanks(c);
    const char *start = c->at;
    bool negative = *start == '-';
    const char *digits = start + negative;
    bool hex = digits[0] == '0' && digits[1] == 'x';
    uint64_t value;
    char *end;
    if (hex ? !isxdigit((unsigned char)digits[2]) : !isdigit((unsigned char)digits[0]))
        cursor_fail(c, start, "a number expected");
    if (!in_range(digits, negative, hex ? 16 : 10, &value, &end))
        cursor_fail(c, start, "the number does not fit 64 bits");
    if (isalnum((unsigned char)*end) || *end == '_')
        cursor_fail(c, end, "not a digit");
    c->at = end;
    return negative ? 0 - value : value;
}

uint64_t
cursor_number_up_to(struct cursor *c, uint64_t max)
{
    skip_blanks(c);
    const char *start = c->at;
    uint64_t value = cursor_number(c);
    if (value > max)
        cursor_fail(c, start, "a number from 0 to %" PRIu64 " expected", max);
    return value;
}

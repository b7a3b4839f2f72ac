#include "unit-fixture.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

struct file
fixture_file(const char *name, const char *text)
{
    return (struct file){name, text_of(text)};
}

int
fixture_catalog(struct fixture *fixture, const char *text)
{
    *fixture = (struct fixture){0};
    struct file file = fixture_file("t.probes", text);
    struct files files = {&file, 1};
    return catalog_parse(&fixture->catalog, &files, &fixture->mem, &fixture->diag);
}

void
fixture_plan(struct fixture *fixture, const char *text, const char *version, const char *group)
{
    ck_assert_msg(fixture_catalog(fixture, text) == 0, "%s", fixture->diag.message);
    char line[64];
    snprintf(line, sizeof(line), "bpftrace v%s", version);
    ck_assert_int_eq(tracer_parse_version(&fixture->tracer, text_of(line), &fixture->diag), 0);
    struct plan_request request = {.group = group};
    int status = plan_make(&fixture->plan, &fixture->catalog, NULL, &fixture->tracer, &request, &fixture->mem, &fixture->diag);
    ck_assert_msg(status == 0, "%s", fixture->diag.message);
}

void
fixture_free(struct fixture *fixture)
{
    mem_free(&fixture->mem);
}

uint32_t
fixture_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

void
fixture_fill(char *bytes, size_t len, const char *alphabet, uint32_t *state)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t number = fixture_random(state);
        bytes[i] = alphabet != NULL ? alphabet[number % strlen(alphabet)] : (char)number;
    }
}

void
fixture_equal(const struct outbuf *out, const char *expected)
{
    ck_assert_msg(text_equal((struct slice){out->ptr, out->len}, text_of(expected)), "got <%.*s>, expected <%s>", (int)out->len,
                  out->len > 0 ? out->ptr : "", expected);
}

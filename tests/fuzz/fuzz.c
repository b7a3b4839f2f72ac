#include "fuzz.h"

static const char catalogue[] = "provider p\n"
                                "probe numbers\n group g\n summary s\n arg 0 conn_id u64\n arg 1 b i32\n arg 2 c u8\n"
                                "probe texts\n group g\n summary s\n arg 0 a u64\n arg 1 n str len=2\n arg 3 v str len=4 named-by=n\n"
                                " line ${a} ${tag} ${n} ${v}\n"
                                "probe cstr\n group g\n summary s\n arg 0 r cstr\n arg 1 s cstr\n"
                                "probe bytes\n group g\n summary s\n arg 0 x bytes len=1 null\n arg 2 t u32 at=8 optional\n"
                                "probe address\n group g\n summary s\n arg 0 at ms\n arg 1 peer sockaddr null\n arg 2 v http_version\n"
                                "probe three\n group g\n summary s\n arg 0 a str len=1\n arg 2 b str len=3\n arg 4 c str len=5\n";

static const char *const redacted[] = {"cookie", "*-key"};

static struct mem mem;
static struct catalog catalog;
static struct bpftrace bpftrace;
static struct plan plan;
static struct request request = {.group = "g", .redact = {redacted, 2}, .transport = REQUEST_BATCH};

const struct plan *
fuzz_plan(void)
{
    if (plan.events != NULL)
        return &plan;
    struct diag diag = {0};
    struct file file = {"t.probes", {catalogue, sizeof(catalogue) - 1}};
    struct files files = {&file, 1};
    FUZZ_CHECK(catalog_parse(&catalog, &files, &mem, &diag) == 0);
    FUZZ_CHECK(bpftrace_parse_version(&bpftrace, text_of("bpftrace v0.17.0"), &diag) == 0);
    FUZZ_CHECK(plan_make(&plan, &catalog, NULL, &bpftrace, &request, &mem, &diag) == 0);
    plan.layout.limit = 3 * plan.layout.chunk; /* less memory, more runs */
    plan.layout.map_keys = 32;
    return &plan;
}

/* No character that text_is_unsafe knows, each one whole. */
static void
check_characters(struct slice text)
{
    while (text.len > 0) {
        uint32_t code;
        size_t len = text_utf8(text, &code);
        FUZZ_CHECK(len > 0 && !text_is_unsafe(code));
        text.ptr += len;
        text.len -= len;
    }
}

void
fuzz_check_line(struct slice line)
{
    FUZZ_CHECK(line.len > 0 && line.ptr[line.len - 1] == '\n');
    check_characters((struct slice){line.ptr, line.len - 1});
}

/* Takes `word` off the front. */
static bool
take(struct slice *rest, const char *word)
{
    size_t len = strlen(word);
    if (rest->len < len || memcmp(rest->ptr, word, len) != 0)
        return false;
    rest->ptr += len;
    rest->len -= len;
    return true;
}

static void
take_string(struct slice *rest)
{
    static const char hex[] = "0123456789abcdef";
    FUZZ_CHECK(take(rest, "\""));
    while (!take(rest, "\"")) {
        if (take(rest, "\\u")) {
            FUZZ_CHECK(rest->len >= 4);
            for (int i = 0; i < 4; i++)
                FUZZ_CHECK(memchr(hex, rest->ptr[i], 16) != NULL);
            rest->ptr += 4, rest->len -= 4;
            continue;
        }
        if (take(rest, "\\")) {
            FUZZ_CHECK(rest->len > 0 && memchr("\"\\/bfnrt", *rest->ptr, 8) != NULL);
        }
        FUZZ_CHECK(rest->len > 0 && (unsigned char)*rest->ptr >= 0x20);
        rest->ptr++, rest->len--;
    }
}

static void
take_number(struct slice *rest)
{
    size_t digits = 0, decimals = 0;
    take(rest, "-");
    bool starts_with_zero = rest->len > 0 && *rest->ptr == '0';
    for (; rest->len > 0 && *rest->ptr >= '0' && *rest->ptr <= '9'; rest->ptr++, rest->len--)
        digits++;
    FUZZ_CHECK(digits == 1 || (digits > 1 && !starts_with_zero));
    if (!take(rest, "."))
        return;
    for (; rest->len > 0 && *rest->ptr >= '0' && *rest->ptr <= '9'; rest->ptr++, rest->len--)
        decimals++;
    FUZZ_CHECK(decimals > 0);
}

static void take_object(struct slice *rest);

static void
take_value(struct slice *rest)
{
    if (take(rest, "null") || take(rest, "[]"))
        return;
    if (rest->len > 0 && *rest->ptr == '"')
        take_string(rest);
    else if (rest->len > 0 && *rest->ptr == '{')
        take_object(rest);
    else if (take(rest, "[")) {
        do
            take_value(rest);
        while (take(rest, ", "));
        FUZZ_CHECK(take(rest, "]"));
    } else
        take_number(rest);
}

static void
take_object(struct slice *rest)
{
    FUZZ_CHECK(take(rest, "{"));
    do {
        take_string(rest);
        FUZZ_CHECK(take(rest, ": "));
        take_value(rest);
    } while (take(rest, ", "));
    FUZZ_CHECK(take(rest, "}"));
}

void
fuzz_check_json(struct slice line)
{
    fuzz_check_line(line);
    struct slice rest = line;
    take_object(&rest);
    FUZZ_CHECK(take(&rest, "\n") && rest.len == 0);
}

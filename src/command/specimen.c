#include "command/specimen.h"

/* PAGE is the largest that a kernel has, so that its end is the end of a page everywhere. */
enum { CONSTANT = 42, PAGE = 65536, NUL_AT = 1000 };

const struct file specimen_catalog = {"h2olog:doctor", FILES_TEXT("provider h2olog\n"
                                                                  "probe doctor\n"
                                                                  "    group doctor\n"
                                                                  "    summary h2olog fires it by itself.\n"
                                                                  "    arg 0 constant i32\n"
                                                                  "    arg 1 register u64\n"
                                                                  "    arg 2 first u64\n"
                                                                  "    arg 3 later i32\n"
                                                                  "    arg 4 name str len=5\n"
                                                                  "    arg 6 value str len=7\n")};

/* Texts are parts of this page, of which no two places look alike. It is written before it is read: a BPF program cannot fault
 * a page in. */
static char page[PAGE] __attribute__((aligned(PAGE)));

static const struct {
    struct span {
        unsigned at, len;
    } name, value;
} shots[SPECIMEN_SHOTS] = {
    {{1, 4}, {8, 5}},                      /* in the record itself */
    {{1, 60}, {3, 500}},                   /* in pieces behind it */
    {{NUL_AT - 1, 3}, {NUL_AT - 50, 109}}, /* with a NUL, which ends them */
    {{1, 0}, {PAGE - 3, 3}},               /* nothing, and up to the end of a page */
    {{PAGE - 20, 20}, {NUL_AT + 1, 200}},  /* the same for the name */
};

static void
write_page(void)
{
    for (unsigned i = 0; i < PAGE; i++)
        page[i] = (char)('!' + (i + i / 89) % 89);
    page[NUL_AT] = '\0';
}

struct types_value
specimen_value(int shot, enum specimen_field field)
{
    const struct span *span = field == SPECIMEN_NAME ? &shots[shot].name : &shots[shot].value;
    const uint64_t numbers[] = {[SPECIMEN_CONSTANT] = CONSTANT,
                                [SPECIMEN_REGISTER] = 0xfedcba9876543210 + (uint64_t)shot,
                                [SPECIMEN_FIRST] = 0x0123456789abcdef + (uint64_t)shot,
                                [SPECIMEN_LATER] = (uint64_t)(-1000 - shot)};
    if (field < SPECIMEN_NAME)
        return (struct types_value){.number = numbers[field]};
    bool has_nul = span->at <= NUL_AT && NUL_AT < span->at + span->len;
    unsigned before_nul = has_nul ? NUL_AT - span->at : span->len;
    return (struct types_value){.number = span->len, .text = {page + span->at, before_nul}};
}

#if HAVE_SYS_SDT_H
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

/* As h2o's probes have one: the kernel counts it up while somebody traces. */
__extension__ unsigned short h2olog_doctor_semaphore __attribute__((used)) __attribute__((section(".probes")));

struct arguments {
    uint64_t first;
    int32_t later;
    uint64_t in_register;
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

/* The constraints say where each argument is, whatever the compiler and its options; as STAP_PROBE8 has them, clang puts all
 * into memory. */
/* clang-format off */
#define OPERANDS \
    -4@%[constant] 8@%[in_register] 8@%[first] -4@%[later] 8@%[name] 8@%[name_len] 8@%[value] 8@%[value_len]
/* clang-format on */

__attribute__((noinline)) static void
fire(const struct arguments *arguments)
{
    const struct arguments *at = arguments;
    __asm__("" : "+r"(at)); /* so that its members are at a register, and not on the stack */
    __asm__ __volatile__(STAP_PROBE_ASM(h2olog, doctor, OPERANDS)::[constant] "n"(CONSTANT), [in_register] "r"(at->in_register),
                         [first] "m"(at->first), [later] "m"(at->later), [name] "m"(at->name), [name_len] "r"(at->name_len),
                         [value] "r"(at->value), [value_len] "m"(at->value_len)
                         : "memory");
}

void
specimen_fire(void)
{
    write_page();
    for (int shot = 0; shot < SPECIMEN_SHOTS; shot++) {
        const struct types_value name = specimen_value(shot, SPECIMEN_NAME), value = specimen_value(shot, SPECIMEN_VALUE);
        const struct arguments arguments = {.first = specimen_value(shot, SPECIMEN_FIRST).number,
                                            .later = (int32_t)specimen_value(shot, SPECIMEN_LATER).number,
                                            .in_register = specimen_value(shot, SPECIMEN_REGISTER).number,
                                            .name = name.text.ptr,
                                            .name_len = name.number,
                                            .value = value.text.ptr,
                                            .value_len = value.number};
        fire(&arguments);
    }
}

bool
specimen_is_built(void)
{
    return true;
}

#else

void
specimen_fire(void)
{
    write_page();
}

bool
specimen_is_built(void)
{
    return false;
}

#endif

/* As in: argument "name" (8@16(%rax) and 8@%rdx) */
static void
put_argument(struct outbuf *out, const struct plan_event *event, const struct catalog_field *field)
{
    const int args[] = {field->arg, field->len_arg};
    text_printf(out, "argument \"%s\" (", field->name);
    for (int i = 0; i < 2 && args[i] >= 0; i++) {
        struct slice operand = event->usdt->sites[0].operands[args[i]];
        text_printf(out, "%s%.*s", i > 0 ? " and " : "", (int)operand.len, operand.ptr);
    }
    text_puts(out, ")");
}

/* Where they begin to differ, a few bytes of each. */
static void
put_texts(struct outbuf *out, struct slice expected, struct slice seen)
{
    enum { SHOWN = 16 };
    char quoted[2][SHOWN * 4 + 1];
    const struct slice texts[] = {expected, seen};
    size_t at = 0;
    while (at < expected.len && at < seen.len && expected.ptr[at] == seen.ptr[at])
        at++;
    for (int i = 0; i < 2; i++) {
        size_t rest = texts[i].len - at;
        diag_quote(quoted[i], sizeof(quoted[i]), (struct slice){texts[i].ptr + at, rest < SHOWN ? rest : SHOWN});
    }
    text_printf(out, ": expected \"%s\" at byte %zu of %zu, saw \"%s\" of %zu", quoted[0], at, expected.len, quoted[1],
                seen.len);
}

bool
specimen_is_right(const struct plan_event *event, int shot, const struct types_value values[], struct outbuf *wrong)
{
    for (enum specimen_field i = 0; i < SPECIMEN_FIELDS; i++) {
        const struct types_value expected = specimen_value(shot, i), *seen = &values[i];
        const char *length = i < SPECIMEN_NAME ? "" : "a length of ";
        if (expected.number == seen->number && text_equal(expected.text, seen->text))
            continue;
        put_argument(wrong, event, &event->probe->fields[i]);
        if (expected.number == seen->number)
            put_texts(wrong, expected.text, seen->text);
        else
            text_printf(wrong, ": expected %s%ld (0x%lx), saw %ld (0x%lx)", length, (int64_t)expected.number, expected.number,
                        (int64_t)seen->number, seen->number);
        return false;
    }
    return true;
}

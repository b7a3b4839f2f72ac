#include "host/operand.h"

#include <stdio.h>
#include <string.h>

/* bpftrace's names for the registers of x86-64; the note may name a part, as %eax or %r12d, of which the low bytes are the
 * same. */
static const struct {
    const char *name, *parts;
} x86_registers[] = {
    {"ax", " rax eax ax al "},       {"bx", " rbx ebx bx bl "},       {"cx", " rcx ecx cx cl "},
    {"dx", " rdx edx dx dl "},       {"si", " rsi esi si sil "},      {"di", " rdi edi di dil "},
    {"bp", " rbp ebp bp bpl "},      {"sp", " rsp esp sp spl "},      {"r8", " r8 r8d r8w r8b "},
    {"r9", " r9 r9d r9w r9b "},      {"r10", " r10 r10d r10w r10b "}, {"r11", " r11 r11d r11w r11b "},
    {"r12", " r12 r12d r12w r12b "}, {"r13", " r13 r13d r13w r13b "}, {"r14", " r14 r14d r14w r14b "},
    {"r15", " r15 r15d r15w r15b "},
};

/* An operand's size, in bits, and whether its sign must be spread: its value goes as a number of 64 bits, whatever stands above
 * it in a register. */
struct width {
    int bits;
    bool is_signed; /* never of 64 bits */
};

/* Before a number: it is cut to its size, and its sign is spread. */
static void
put_casts(struct outbuf *out, struct width width)
{
    text_puts(out, width.is_signed ? "(uint64)(int64)" : "(uint64)");
    if (width.bits < 64)
        text_printf(out, "(%sint%d)", width.is_signed ? "" : "u", width.bits);
}

static void
put_register(struct outbuf *out, struct width width, const char *name)
{
    put_casts(out, width);
    text_printf(out, "reg(\"%s\")", name);
}

static void
put_constant(struct outbuf *out, struct width width, struct slice number)
{
    put_casts(out, width);
    text_printf(out, "(%.*s)", (int)number.len, number.ptr);
}

/* Up to the address. */
static void
put_pointer(struct outbuf *out, struct width width, const char *base)
{
    text_puts(out, width.is_signed ? "(uint64)(int64)" : "");
    text_printf(out, "*(%sint%d*)(reg(\"%s\")", width.is_signed ? "" : "u", width.bits, base);
}

static const char *
x86_register(struct slice name)
{
    char word[16];
    if (name.len < 2 || name.len > 10 || name.ptr[0] != '%')
        return NULL;
    snprintf(word, sizeof(word), " %.*s ", (int)name.len - 1, name.ptr + 1);
    for (size_t i = 0; i < sizeof(x86_registers) / sizeof(x86_registers[0]); i++)
        if (strstr(x86_registers[i].parts, word) != NULL)
            return x86_registers[i].name;
    return NULL;
}

static bool
is_integer(struct slice text)
{
    if (text.len > 0 && *text.ptr == '-')
        text.ptr++, text.len--;
    uint64_t number;
    return text_number(text, UINT64_MAX, &number);
}

static void
put_offset(struct outbuf *out, struct slice offset)
{
    if (offset.len == 0 || text_is(offset, "0"))
        return;
    bool is_negative = *offset.ptr == '-';
    text_puts(out, is_negative ? " - " : " + ");
    text_put(out, (struct slice){offset.ptr + is_negative, offset.len - is_negative});
}

/* "72(%rsp)", "(%rsi)", "0(%rbp,%rdx)", "8(%rdx,%rcx,4)" */
static bool
x86_memory(struct outbuf *out, struct slice operand, struct width width)
{
    struct slice offset = text_cut(&operand, '(');
    if (operand.len < 2 || operand.ptr[operand.len - 1] != ')' || (offset.len > 0 && !is_integer(offset)))
        return false;
    operand.len--;
    const char *base = x86_register(text_cut(&operand, ','));
    bool has_index = operand.len > 0;
    const char *index = x86_register(text_cut(&operand, ','));
    uint64_t scale = 1;
    if (base == NULL || (has_index && index == NULL) || (operand.len > 0 && !text_number(operand, 8, &scale)))
        return false;
    put_pointer(out, width, base);
    if (has_index)
        text_printf(out, " + reg(\"%s\") * %lu", index, scale);
    put_offset(out, offset);
    text_putc(out, ')');
    return true;
}

static bool
x86_write(struct outbuf *out, struct slice operand, struct width width)
{
    const char *name = x86_register(operand);
    if (name != NULL)
        put_register(out, width, name);
    else if (operand.len > 1 && *operand.ptr == '$' && is_integer((struct slice){operand.ptr + 1, operand.len - 1}))
        put_constant(out, width, (struct slice){operand.ptr + 1, operand.len - 1});
    else
        return x86_memory(out, operand, width);
    return true;
}

/* bpftrace's name: "x3" and "w3" are r3. */
static bool
arm_register(struct slice name, char *register_name, size_t size)
{
    uint64_t number;
    name = text_trim(name, " ");
    if (text_is(name, "sp")) {
        snprintf(register_name, size, "sp");
        return true;
    }
    if (name.len < 2 || (*name.ptr != 'x' && *name.ptr != 'w') ||
        !text_number((struct slice){name.ptr + 1, name.len - 1}, 30, &number))
        return false;
    snprintf(register_name, size, "r%lu", number);
    return true;
}

/* "x3", "w3", "5", "[sp, 72]", "[x19]" */
static bool
arm_write(struct outbuf *out, struct slice operand, struct width width)
{
    char name[8];
    if (arm_register(operand, name, sizeof(name))) {
        put_register(out, width, name);
        return true;
    }
    if (is_integer(operand)) {
        put_constant(out, width, operand);
        return true;
    }
    if (operand.len < 3 || *operand.ptr != '[' || operand.ptr[operand.len - 1] != ']')
        return false;
    struct slice rest = {operand.ptr + 1, operand.len - 2};
    bool has_base = arm_register(text_cut(&rest, ','), name, sizeof(name));
    rest = text_trim(rest, " ");
    if (!has_base || (rest.len > 0 && !is_integer(rest)))
        return false;
    put_pointer(out, width, name);
    put_offset(out, rest);
    text_putc(out, ')');
    return true;
}

bool
operand_is_size(uint64_t bytes)
{
    return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

bool
operand_write(struct outbuf *out, struct slice operand, int machine)
{
    if (operand.len == 0) /* a site with fewer arguments than the first one */
        return false;
    struct slice size = text_cut(&operand, '@');
    bool is_signed = text_skip_prefix(&size, "-");
    uint64_t bytes;
    if (!text_number(size, 8, &bytes) || !operand_is_size(bytes))
        return false;
    struct width width = {.bits = (int)bytes * 8, .is_signed = is_signed && bytes < 8};
    return machine == EM_X86_64 ? x86_write(out, operand, width) : machine == EM_AARCH64 && arm_write(out, operand, width);
}

bool
operand_is_known(struct slice operand, int machine)
{
    struct outbuf out = {0};
    bool is_known = operand_write(&out, operand, machine);
    text_free(&out);
    return is_known;
}

const char *
operand_program_counter(int machine)
{
    return machine == EM_AARCH64 ? "pc" : "ip";
}

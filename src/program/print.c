#include "program/print.h"

static void
indent(struct print *print)
{
    for (int i = 0; i <= print->depth; i++)
        text_puts(print->out, "    ");
}

/* %% is one sign in some versions of bpftrace and two in others. */
static void
put_byte(struct print *print, char byte)
{
    if (byte == '%') {
        print_value(print, "%c", "37");
        return;
    }
    if (byte == '"' || byte == '\\')
        text_putc(&print->format, '\\');
    if (byte == '\n')
        text_puts(&print->format, "\\n");
    else
        text_putc(&print->format, byte);
}

void
print_bytes(struct print *print, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        put_byte(print, bytes.ptr[i]);
}

void
print_text(struct print *print, const char *text)
{
    print_bytes(print, text_of(text));
}

void
print_value(struct print *print, const char *spec, const char *expression)
{
    text_puts(&print->format, spec);
    text_printf(&print->values, ", %s", expression);
}

void
print_flush(struct print *print)
{
    if (print->format.len == 0)
        return;
    indent(print);
    text_puts(print->out, "printf(\"");
    text_put(print->out, (struct slice){print->format.ptr, print->format.len});
    text_putc(print->out, '"');
    text_put(print->out, (struct slice){print->values.ptr, print->values.len});
    text_puts(print->out, ");\n");
    print->statements++;
    text_free(&print->format);
    text_free(&print->values);
}

void
print_if(struct print *print, const char *condition)
{
    print_flush(print);
    indent(print);
    text_printf(print->out, "if (%s) {\n", condition);
    print->depth++;
}

/* "} " and what comes next on the line. */
static void
close_branch(struct print *print)
{
    print_flush(print);
    print->depth--;
    indent(print);
    text_putc(print->out, '}');
}

void
print_else_if(struct print *print, const char *condition)
{
    close_branch(print);
    text_printf(print->out, " else if (%s) {\n", condition);
    print->depth++;
}

void
print_else(struct print *print)
{
    close_branch(print);
    text_puts(print->out, " else {\n");
    print->depth++;
}

void
print_end(struct print *print)
{
    close_branch(print);
    text_putc(print->out, '\n');
}

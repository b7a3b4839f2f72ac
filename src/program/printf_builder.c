#include "program/printf_builder.h"

static void
indent(struct printf_builder *print)
{
    for (int i = 0; i <= print->depth; i++)
        text_puts(print->out, "    ");
}

/* Some versions of bpftrace print one sign for %%, and others print two. */
static void
put_byte(struct printf_builder *print, char byte)
{
    if (byte == '%') {
        printf_builder_value(print, "%c", "37");
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
printf_builder_bytes(struct printf_builder *print, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        put_byte(print, bytes.ptr[i]);
}

void
printf_builder_text(struct printf_builder *print, const char *text)
{
    printf_builder_bytes(print, text_of(text));
}

void
printf_builder_value(struct printf_builder *print, const char *spec, const char *expression)
{
    text_puts(&print->format, spec);
    text_printf(&print->values, ", %s", expression);
}

void
printf_builder_flush(struct printf_builder *print)
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
printf_builder_if(struct printf_builder *print, const char *condition)
{
    printf_builder_flush(print);
    indent(print);
    text_printf(print->out, "if (%s) {\n", condition);
    print->depth++;
}

/* "} " and what comes next on the line. */
static void
close_branch(struct printf_builder *print)
{
    printf_builder_flush(print);
    print->depth--;
    indent(print);
    text_putc(print->out, '}');
}

void
printf_builder_else_if(struct printf_builder *print, const char *condition)
{
    close_branch(print);
    text_printf(print->out, " else if (%s) {\n", condition);
    print->depth++;
}

void
printf_builder_else(struct printf_builder *print)
{
    close_branch(print);
    text_puts(print->out, " else {\n");
    print->depth++;
}

void
printf_builder_end(struct printf_builder *print)
{
    close_branch(print);
    text_putc(print->out, '\n');
}

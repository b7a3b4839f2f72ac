#include "program/writer.h"

#include <stdlib.h>
#include <string.h>

void
writer_define(struct writer *writer, const char *name, const char *value)
{
    if (writer->count == WRITER_VARIABLES)
        abort();
    writer->variables[writer->count++] = (struct template_variable){name, text_of(value)};
}

void
writer_define_number(struct writer *writer, const char *name, unsigned number)
{
    writer_define(writer, name, mem_printf(writer->mem, "%u", number));
}

void
writer_define_buffer(struct writer *writer, const char *name, struct outbuf *out)
{
    writer_define(writer, name, text_keep(out, writer->mem));
}

int
writer_expand(const struct writer *writer, struct outbuf *out, const char *template)
{
    return template_use(out, writer->templates, template, writer->variables, writer->count, writer->diag);
}

int
writer_define_from(struct writer *writer, const char *name, const struct writer *inner, const char *template)
{
    struct outbuf out = {0};
    int status = writer_expand(inner, &out, template);
    writer_define_buffer(writer, name, &out);
    return status;
}

int
writer_define_expanded(struct writer *writer, const char *name, const char *template)
{
    return writer_define_from(writer, name, writer, template);
}

const char *
writer_value(const struct writer *writer, const char *name)
{
    for (size_t i = 0; i < writer->count; i++)
        if (strcmp(writer->variables[i].name, name) == 0)
            return mem_strndup(writer->mem, writer->variables[i].value.ptr, writer->variables[i].value.len);
    abort();
}

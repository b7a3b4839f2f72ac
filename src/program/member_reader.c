#include "program/member_reader.h"

#include <string.h>

const char *
member_reader_indent(const struct member_reader *reader)
{
    return reader->is_in_branch ? "        " : "    ";
}

/* "$req + 8"; a structure may stand before where the pointer is. */
static const char *
at_offset(const char *base, int offset, struct mem *mem)
{
    return mem_printf(mem, "%s %c %d", base, offset < 0 ? '-' : '+', offset < 0 ? -offset : offset);
}

/* NULL: it is not known. */
static const char *
find_pointer(const struct member_reader *reader, const char *base, int offset)
{
    for (int i = 0; i < reader->npointers; i++)
        if (reader->pointers[i].offset == offset && strcmp(reader->pointers[i].base, base) == 0)
            return reader->pointers[i].variable;
    return NULL;
}

void
member_reader_know(struct member_reader *reader, const char *base, int offset, const char *variable)
{
    if (reader->npointers == MEMBER_READER_POINTERS)
        return; /* it is read again */
    reader->pointers[reader->npointers].base = base;
    reader->pointers[reader->npointers].offset = offset;
    reader->pointers[reader->npointers++].variable = variable;
}

/* The variable of a pointer. */
static const char *
follow_pointer(struct member_reader *reader, const char *base, int offset)
{
    const char *variable = find_pointer(reader, base, offset);
    if (variable != NULL)
        return variable;
    variable = mem_printf(reader->mem, "$p%d", ++reader->count);
    text_printf(&reader->statements, "%s%s = *(uint64*)(%s);\n", member_reader_indent(reader), variable,
                at_offset(base, offset, reader->mem));
    member_reader_know(reader, base, offset, variable);
    return variable;
}

const char *
member_reader_address(struct member_reader *reader, int value, const char *base)
{
    const struct members_place *place = &reader->places[value];
    for (int i = 0; i + 1 < place->nsteps; i++)
        base = follow_pointer(reader, base, place->offsets[i]);
    return at_offset(base, place->offsets[place->nsteps - 1], reader->mem);
}

const char *
member_reader_value(struct member_reader *reader, int value, const char *base)
{
    const struct members_place *place = &reader->places[value];
    const char *known = place->nsteps == 1 ? find_pointer(reader, base, place->offsets[0]) : NULL;
    if (known != NULL)
        return known;
    const char *address = member_reader_address(reader, value, base);
    if (place->size == 8)
        return mem_printf(reader->mem, "*(uint64*)(%s)", address);
    return mem_printf(reader->mem, "(uint64)*(uint%u*)(%s)", place->size * 8, address);
}

#include "program/member_reader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *
member_reader_indent(const struct member_reader *reader)
{
    return reader->is_in_branch ? "        " : "    ";
}

/* ---- Names of offsets. */

/* "H2O_HTTP1_BACK_2" is the second step to http1.back. */
static const char *
name_of(int value, int step, int nsteps, struct mem *mem)
{
    char *name = mem_printf(mem, nsteps > 1 ? "H2O_%s_%d" : "H2O_%s", structures_name(value, mem), step + 1);
    for (char *p = name; *p != '\0'; p++)
        *p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
    return name;
}

/* A step's offset without its sign, by its name if it has one. */
static const char *
offset_of(struct member_reader *reader, int value, int step)
{
    const struct members_place *place = &reader->places[value];
    if (reader->names == NULL)
        return mem_printf(reader->mem, "%d", abs(place->offsets[step]));
    reader->names->is_used[value][step] = true;
    return name_of(value, step, place->nsteps, reader->mem);
}

static void
put_paths(struct outbuf *out, const struct members_wanted *wanted)
{
    for (size_t i = 0; i < wanted->npaths; i++)
        text_printf(out, "%s%s", i > 0 ? ", or " : " // ", wanted->paths[i]);
}

void
member_reader_define(struct outbuf *out, const struct member_names *names, const struct members_place *places,
                     const struct members_wanted *wanted, struct mem *mem)
{
    for (int value = 0; value < STRUCTURES_VALUES; value++)
        for (int step = 0; step < places[value].nsteps; step++) {
            if (!names->is_used[value][step])
                continue;
            text_printf(out, "#define %s %d", name_of(value, step, places[value].nsteps, mem),
                        abs(places[value].offsets[step]));
            if (wanted != NULL)
                put_paths(out, &wanted[value]);
            text_putc(out, '\n');
        }
}

/* ---- Reading. */

/* "$req + 8"; a structure may stand before where the pointer is. */
static const char *
at_step(struct member_reader *reader, const char *base, int value, int step)
{
    bool is_before = reader->places[value].offsets[step] < 0;
    return mem_printf(reader->mem, "%s %c %s", base, is_before ? '-' : '+', offset_of(reader, value, step));
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

static void
know(struct member_reader *reader, const char *base, int offset, const char *variable)
{
    if (reader->npointers == MEMBER_READER_POINTERS)
        return; /* it is read again */
    reader->pointers[reader->npointers].base = base;
    reader->pointers[reader->npointers].offset = offset;
    reader->pointers[reader->npointers++].variable = variable;
}

void
member_reader_know(struct member_reader *reader, const char *base, int value, const char *variable)
{
    know(reader, base, reader->places[value].offsets[0], variable);
}

/* The variable of a pointer. */
static const char *
follow_pointer(struct member_reader *reader, const char *base, int value, int step)
{
    int offset = reader->places[value].offsets[step];
    const char *variable = find_pointer(reader, base, offset);
    if (variable != NULL)
        return variable;
    variable = mem_printf(reader->mem, "$p%d", ++reader->count);
    text_printf(&reader->statements, "%s%s = *(uint64*)(%s);\n", member_reader_indent(reader), variable,
                at_step(reader, base, value, step));
    know(reader, base, offset, variable);
    return variable;
}

const char *
member_reader_address(struct member_reader *reader, int value, const char *base)
{
    const struct members_place *place = &reader->places[value];
    for (int i = 0; i + 1 < place->nsteps; i++)
        base = follow_pointer(reader, base, value, i);
    return at_step(reader, base, value, place->nsteps - 1);
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

const char *
member_reader_size(struct member_reader *reader, int value)
{
    return offset_of(reader, value, 0);
}

#include "program/standalone.h"
#include "program/standalone_block.h"
#include "request/loop.h"

const char *
standalone_variable(const struct standalone_block *block, int field)
{
    return mem_printf(block->emitter->mem, "$%s", block->probe->fields[field].name);
}

const char *
standalone_pointer(const struct standalone_block *block, int field)
{
    return mem_printf(block->emitter->mem, "$%s_at", block->probe->fields[field].name);
}

const char *
standalone_length(const struct standalone_block *block, int field)
{
    int shown = plan_length_field(block->event, &block->probe->fields[field]);
    return shown >= 0 ? standalone_variable(block, shown)
                      : mem_printf(block->emitter->mem, "$%s_len", block->probe->fields[field].name);
}

const char *
standalone_oddness(const struct standalone_block *block, int field)
{
    return mem_printf(block->emitter->mem, "$%s_odd_json", block->probe->fields[field].name);
}

const char *
standalone_size(const struct standalone_block *block, int field)
{
    const struct catalog_field *of = &block->probe->fields[field];
    return of->type->wire == TYPES_CSTR ? NULL : mem_printf(block->emitter->mem, "$%s_size", of->name);
}

static bool
is_nullable(const struct catalog_field *field)
{
    return field->may_be_null || field->is_optional;
}

static void
put_meaning(struct outbuf *out, const struct catalog_field *field)
{
    const char *separator = " // ";
    if (*field->type->meaning != '\0') {
        text_printf(out, "%s%s", separator, field->type->meaning);
        separator = "; ";
    }
    for (size_t i = 0; field->names != NULL && i < field->names->count; i++) {
        text_printf(out, "%s%lu %s", separator, field->names->labels[i].value, field->names->labels[i].label);
        separator = ", ";
    }
    text_putc(out, '\n');
}

static void
put_number(const struct standalone_block *block, struct outbuf *out, int index)
{
    const struct catalog_field *field = &block->probe->fields[index];
    const char *argument = block->arguments.expressions[field->arg];
    if (field->offset >= 0 && is_nullable(field)) {
        text_printf(out, "    %s = %s;", standalone_pointer(block, index), argument);
        argument = standalone_pointer(block, index);
    } else {
        text_puts(out, "   ");
    }
    text_printf(out, " %s = %s;", standalone_variable(block, index), attach_number(field, argument, block->emitter->mem));
}

static void
put_read(const struct standalone_block *block, struct outbuf *out, int index)
{
    const struct catalog_field *field = &block->probe->fields[index];
    if (field->type->wire == TYPES_NUMBER)
        put_number(block, out, index);
    else
        text_printf(out, "    %s = %s;", standalone_variable(block, index), block->arguments.expressions[field->arg]);
    if (field->len_arg >= 0 && plan_length_field(block->event, field) < 0)
        text_printf(out, " %s = %s;", standalone_length(block, index), block->arguments.expressions[field->len_arg]);
    put_meaning(out, field);
}

bool
standalone_is_read(const struct standalone_block *block, int field)
{
    bool shows_time = block->emitter->options->is_json || block->probe->line != NULL;
    return block->event->is_shown[field] && (shows_time || field != block->event->time);
}

static void
put_filter(const struct standalone_block *block, struct outbuf *out)
{
    struct filter_value values[CATALOG_MAX_FIELDS] = {0};
    for (int i = 0; i < block->probe->nfields; i++)
        values[i] = (struct filter_value){standalone_variable(block, i), standalone_length(block, i)};
    filter_put(&block->emitter->plan->request->filter, block->probe, values, out);
}

/* What redact_condition needs, for the names of headers whose values may be held back. */
static void
put_scans(const struct standalone_block *block, struct outbuf *out)
{
    for (int i = 0; i < block->probe->nfields; i++) {
        const struct catalog_field *field = &block->probe->fields[i];
        if (block->event->is_shown[i] && plan_is_redactable(block->emitter->plan, block->event, i))
            redact_scan(out, standalone_variable(block, field->named_by), standalone_length(block, field->named_by),
                        block->emitter->plan->bpftrace->row.has_ranges);
    }
}

/* A bit for each byte that a JSON string cannot hold as it is, of the first 128. */
static const uint64_t not_in_json[] = {0xffffffff | (uint64_t)1 << '"', (uint64_t)1 << ('\\' - 64)};

/* Of each byte at $TEXT_pos bit 0 of `counts` tells whether it is the text's; that of `odd` becomes 1 if one cannot stand in
 * JSON. */
static void
put_json_look(struct outbuf *out, const char *text, const char *odd, const char *counts)
{
    text_printf(
        out,
        "        %1$s = %1$s | (((%2$s_json >> 7) | ((0x%3$lx + ((%2$s_json >> 6) ^ 1) * 0x%4$lx) >> (%2$s_json & 63)))\n"
        "            & %5$s);",
        odd, text, not_in_json[1], not_in_json[0] - not_in_json[1], counts);
}

/* A loop that put_json_look and loop_end end. */
static void
put_json_loop(struct outbuf *out, const char *text, const char *count, bool has_ranges)
{
    loop_begin(out, text, count, has_ranges);
    text_printf(out, "        %1$s_json = (uint64)*(uint8*)((uint64)%1$s + %1$s_pos);\n", text);
}

/* Looks at a text's bytes: quotes, backslashes, control characters, and what is not ASCII, as it may be no UTF-8 either, cannot
 * stand in a JSON string as they are. What standalone_oddness and standalone_size tell begins here. The length of a text that
 * ends with a NUL is not counted: of several such texts the verifier would follow every length with every other. */
static void
put_json_scan(const struct standalone_block *block, struct outbuf *out, int index)
{
    const struct bpftrace_row *row = &block->emitter->plan->bpftrace->row;
    const char *text = standalone_variable(block, index), *size = standalone_size(block, index),
               *odd = standalone_oddness(block, index);
    struct mem *mem = block->emitter->mem;
    const char *most = mem_printf(mem, "%u", size == NULL ? STANDALONE_MOST_CSTR : standalone_most_json(row));
    text_printf(out, "    // Bit 0 of %s becomes 1 if a byte cannot stand in a JSON string as it is.\n    %s = (uint64)0;", odd,
                odd);
    if (size == NULL) {
        const char *there = mem_printf(mem, "%s_there", text);
        text_printf(out, " %s = (uint64)1;", there);
        put_json_loop(out, text, most, row->has_ranges);
        text_printf(out, "        %1$s = %1$s & ((%2$s_json + 255) >> 8);\n", there, text);
        put_json_look(out, text, odd, there);
    } else {
        const char *len = standalone_length(block, index);
        text_printf(out, " %1$s = (uint64)%2$s > %3$s ? (uint64)%3$s : (uint64)%2$s;", size, len, most);
        put_json_loop(out, text, row->has_ranges ? size : most, row->has_ranges);
        put_json_look(out, text, odd, mem_printf(mem, "((%s_pos - (uint64)%s) >> 63)", text, len));
    }
    loop_end(out, text, row->has_ranges);
}

static void
put_json_scans(const struct standalone_block *block, struct outbuf *out)
{
    for (int i = 0; i < block->probe->nfields; i++) {
        enum types_wire wire = block->probe->fields[i].type->wire;
        if (standalone_is_read(block, i) && (wire == TYPES_TEXT || wire == TYPES_CSTR))
            put_json_scan(block, out, i);
    }
}

/* The clock where the event has no time of its own, or has none yet. */
static void
put_time(const struct standalone_block *block, struct outbuf *out)
{
    const char *now =
        mem_printf(block->emitter->mem, "$at = (nsecs + %ld) / 1000000;", block->emitter->options->realtime_offset);
    block->emitter->contents.has_clock = true;
    text_printf(out, block->event->time < 0 ? "    %s\n" : "    if ($at == 0) {\n        %s\n    }\n", now);
}

void
standalone_put_reads(struct standalone_block *block, struct outbuf *out)
{
    struct standalone_emitter *emitter = block->emitter;
    text_puts(out, block->arguments.statements);
    for (int i = 0; i < block->probe->nfields; i++)
        if (standalone_is_read(block, i))
            put_read(block, out, i);
    put_filter(block, out);
    put_scans(block, out);
    if (emitter->options->is_json) {
        put_json_scans(block, out);
        put_time(block, out);
    }
}

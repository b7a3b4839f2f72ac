#include "program/standalone.h"
#include "program/standalone_block.h"

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
        if (block->event->is_shown[i] && plan_is_redactable(block->emitter->plan, field))
            redact_scan(out, standalone_variable(block, field->named_by), standalone_length(block, field->named_by),
                        block->emitter->plan->bpftrace->row.has_ranges);
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
    if (emitter->options->is_json)
        put_time(block, out);
}

#include "program/standalone.h"

#include "program/standalone_block.h"
#include "base/json.h"
#include "base/template.h"

/* ---- Printing. */

static const char *
text_call(const struct standalone_block *block, int index)
{
    const struct catalog_field *field = &block->probe->fields[index];
    struct mem *mem = block->emitter->mem;
    if (field->type->wire == TYPES_CSTR)
        return mem_printf(mem, "str(%s)", standalone_variable(block, index));
    if (block->emitter->options->is_json)
        return mem_printf(mem, "str(%s, %s%s)", standalone_variable(block, index), standalone_size(block, index),
                          block->emitter->plan->bpftrace->row.str_extra);
    return mem_printf(mem, "str(%s, %s%s)", standalone_variable(block, index), standalone_length(block, index),
                      block->emitter->plan->bpftrace->row.str_extra);
}

static const char *
bytes_call(const struct standalone_block *block, int index)
{
    const char *len = standalone_length(block, index);
    unsigned limit = block->probe->fields[index].type->limit;
    return mem_printf(block->emitter->mem, "buf(%s, %s > %u ? %u : %s)", standalone_variable(block, index), len, limit, limit,
                      len);
}

/* "127.0.0.1:443", "[::1]:443", "family 1" */
static void
print_address(struct standalone_block *block, int index)
{
    struct printf_builder *print = &block->print;
    struct mem *mem = block->emitter->mem;
    const char *name = standalone_variable(block, index), *family = mem_printf(mem, "*(uint16*)%s", name);
    const char *port = mem_printf(mem, "(uint64)*(uint8*)(%s + 2) * 256 + (uint64)*(uint8*)(%s + 3)", name, name);
    block->emitter->contents.has_addresses = true;
    printf_builder_if(print, mem_printf(mem, "%s == 2", family));
    printf_builder_value(print, "%s", mem_printf(mem, "ntop(2, *(uint32*)(%s + 4))", name));
    printf_builder_text(print, ":");
    printf_builder_value(print, "%u", port);
    printf_builder_else_if(print, mem_printf(mem, "%s == 10", family));
    printf_builder_text(print, "[");
    printf_builder_value(print, "%s", mem_printf(mem, "ntop(10, ((struct h2olog_sockaddr_in6 *)%s)->address)", name));
    printf_builder_text(print, "]:");
    printf_builder_value(print, "%u", port);
    printf_builder_else(print);
    printf_builder_text(print, "family ");
    printf_builder_value(print, "%u", family);
    printf_builder_end(print);
}

static void
print_number(struct standalone_block *block, int index)
{
    const struct types_row *type = block->probe->fields[index].type;
    const char *spec = type->bits == 64 ? (type->is_signed ? "%ld" : "%lu") : type->is_signed ? "%d" : "%u";
    printf_builder_value(&block->print, spec, standalone_variable(block, index));
}

static void
print_http_version(struct standalone_block *block, int index)
{
    struct mem *mem = block->emitter->mem;
    printf_builder_text(&block->print, "HTTP/");
    printf_builder_value(&block->print, "%u", mem_printf(mem, "%s >> 8", standalone_variable(block, index)));
    printf_builder_text(&block->print, ".");
    printf_builder_value(&block->print, "%u", mem_printf(mem, "%s & 255", standalone_variable(block, index)));
}

/* The bytes of one that cannot stand in a JSON string. */
static void
print_odd_text(struct standalone_block *block, int index)
{
    struct mem *mem = block->emitter->mem;
    const char *size = standalone_size(block, index), *name = block->probe->fields[index].name;
    if (size == NULL) {
        printf_builder_text(&block->print, mem_printf(mem, "null, \"%s_hex\": null", name));
        return;
    }
    block->emitter->contents.has_bytes = true;
    printf_builder_text(&block->print, mem_printf(mem, "null, \"%s_hex\": \"", name));
    printf_builder_value(&block->print, "%rh", mem_printf(mem, "buf(%s, %s)", standalone_variable(block, index), size));
    printf_builder_text(&block->print, "\"");
}

/* str() reads a byte more than it gives, which may be in a page that is not there; buf() does not. */
static const char *
odd_condition(const struct standalone_block *block, int index)
{
    struct mem *mem = block->emitter->mem;
    const char *size = standalone_size(block, index), *odd = standalone_oddness(block, index);
    if (size == NULL)
        return mem_printf(mem, "(%s & 1) == 1", odd);
    return mem_printf(mem, "(%s & 1) == 1 || (((uint64)%s + %s) & 4095) == 0", odd, standalone_variable(block, index), size);
}

static void
print_text(struct standalone_block *block, int index)
{
    block->emitter->contents.has_texts = true;
    if (!block->emitter->options->is_json) {
        printf_builder_value(&block->print, "%s", text_call(block, index));
        return;
    }
    printf_builder_if(&block->print, odd_condition(block, index));
    print_odd_text(block, index);
    printf_builder_else(&block->print);
    printf_builder_text(&block->print, "\"");
    printf_builder_value(&block->print, "%s", text_call(block, index));
    printf_builder_text(&block->print, "\"");
    printf_builder_end(&block->print);
}

/* A value that is there. */
static void
print_there(struct standalone_block *block, int index)
{
    const struct types_row *type = block->probe->fields[index].type;
    struct standalone_emitter *emitter = block->emitter;
    const bool is_text = type->wire == TYPES_TEXT || type->wire == TYPES_CSTR;
    const char *quote = emitter->options->is_json && type->wire != TYPES_NUMBER && !is_text ? "\"" : "";
    printf_builder_text(&block->print, quote);
    switch (type->wire) {
    case TYPES_NUMBER:
        if (!emitter->options->is_json && types_is_http_version(type))
            print_http_version(block, index);
        else
            print_number(block, index);
        break;
    case TYPES_TEXT:
    case TYPES_CSTR:
        print_text(block, index);
        break;
    case TYPES_BYTES:
        emitter->contents.has_bytes = true;
        printf_builder_value(&block->print, "%rh", bytes_call(block, index));
        break;
    case TYPES_ADDRESS:
        print_address(block, index);
        break;
    }
    printf_builder_text(&block->print, quote);
}

static void
print_redacted(struct standalone_block *block, int index)
{
    struct printf_builder *print = &block->print;
    const char *name = block->probe->fields[index].name;
    bool is_json = block->emitter->options->is_json;
    printf_builder_text(print, is_json ? mem_printf(block->emitter->mem, "null, \"%s_redacted\": 1, \"%s_len\": ", name, name)
                                       : "\\[");
    printf_builder_value(print, "%lu", standalone_length(block, index));
    printf_builder_text(print, is_json ? "" : " bytes redacted]");
}

/* The name of the header decides. */
static void
print_if_redacted(struct standalone_block *block, int index)
{
    int name = block->probe->fields[index].named_by;
    struct outbuf condition = {0};
    redact_condition(block->emitter->plan->redact, &condition, standalone_variable(block, name),
                     standalone_length(block, name));
    printf_builder_if(&block->print, mem_strndup(block->emitter->mem, condition.ptr, condition.len));
    text_free(&condition);
    print_redacted(block, index);
    printf_builder_else(&block->print);
    print_there(block, index);
    printf_builder_end(&block->print);
}

static void
print_label_text(struct standalone_block *block, int index, const char *label)
{
    struct outbuf text = {0};
    if (block->emitter->options->is_json) {
        text_printf(&text, ", \"%s_name\": ", block->probe->fields[index].name);
        json_string(&text, text_of(label));
    } else {
        text_printf(&text, "(%s)", label);
    }
    printf_builder_bytes(&block->print, (struct slice){text.ptr, text.len});
    text_free(&text);
}

/* A name from the catalogue, where the value has one. */
static void
print_label(struct standalone_block *block, int index)
{
    const struct catalog_names *names = block->probe->fields[index].names;
    struct mem *mem = block->emitter->mem;
    if (names == NULL || !block->emitter->options->names)
        return;
    for (size_t i = 0; i < names->count; i++) {
        const char *condition = mem_printf(mem, "%s == %lu", standalone_variable(block, index), names->labels[i].value);
        if (i == 0)
            printf_builder_if(&block->print, condition);
        else
            printf_builder_else_if(&block->print, condition);
        print_label_text(block, index, names->labels[i].label);
    }
    printf_builder_end(&block->print);
}

static const char *
null_test(const struct standalone_block *block, int index, const char *operator)
{
    const struct catalog_field *field = &block->probe->fields[index];
    bool is_behind = field->type->wire == TYPES_NUMBER && field->offset >= 0;
    return mem_printf(block->emitter->mem, "%s %s 0",
                      is_behind ? standalone_pointer(block, index) : standalone_variable(block, index), operator);
}

/* The expression that is true where the value is null; NULL: it never is. */
static const char *
null_condition(const struct standalone_block *block, int index)
{
    const struct catalog_field *field = &block->probe->fields[index];
    int knowing = plan_knowing_field(block->event, field);
    if (field->may_be_null)
        return null_test(block, index, "==");
    return knowing >= 0 ? mem_printf(block->emitter->mem, "%s == 0", standalone_variable(block, knowing)) : NULL;
}

/* `word`: what stands for a value that is null. */
static void
print_field_value(struct standalone_block *block, int index, const char *word)
{
    if (!block->event->is_shown[index]) {
        printf_builder_text(&block->print, "-");
        return;
    }
    const char *null = null_condition(block, index);
    if (null != NULL) {
        printf_builder_if(&block->print, null);
        printf_builder_text(&block->print, word);
        printf_builder_else(&block->print);
    }
    if (plan_is_redactable(block->emitter->plan, block->event, index))
        print_if_redacted(block, index);
    else
        print_there(block, index);
    if (null != NULL)
        printf_builder_end(&block->print);
}

/* A field with its name, where it is there. */
static void
print_named(struct standalone_block *block, int index)
{
    const struct catalog_field *field = &block->probe->fields[index];
    bool is_json = block->emitter->options->is_json;
    struct mem *mem = block->emitter->mem;
    if (field->is_optional)
        printf_builder_if(&block->print, null_test(block, index, "!="));
    printf_builder_text(&block->print, mem_printf(mem, is_json ? ", \"%s\": " : " %s=", field->name));
    print_field_value(block, index, "null");
    print_label(block, index);
    if (field->is_optional)
        printf_builder_end(&block->print);
}

static void
print_pieces(struct standalone_block *block)
{
    for (size_t i = 0; i < block->probe->npieces; i++) {
        if (block->probe->line[i].field < 0)
            printf_builder_bytes(&block->print, block->probe->line[i].literal);
        else
            print_field_value(block, block->probe->line[i].field, "null");
    }
}

/* As format_line does it. */
static void
print_usual_line(struct standalone_block *block)
{
    const int columns[2] = {block->probe->field_of[CATALOG_CONN_ID], block->probe->field_of[CATALOG_REQ_ID]};
    for (int i = 0; i < 2; i++) {
        if (columns[i] >= 0)
            print_field_value(block, columns[i], "-");
        else
            printf_builder_text(&block->print, "-");
        printf_builder_text(&block->print, " ");
    }
    printf_builder_text(&block->print, block->probe->tag);
    for (int i = 0; i < block->probe->nfields; i++)
        if (i != columns[0] && i != columns[1] && standalone_is_read(block, i))
            print_named(block, i);
}

static void
print_line(struct standalone_block *block)
{
    if (block->emitter->options->extra) {
        printf_builder_value(&block->print, "%d", attach_pid(block->emitter->plan, block->emitter->mem));
        printf_builder_text(&block->print, " ");
    }
    if (block->probe->line != NULL)
        print_pieces(block);
    else
        print_usual_line(block);
}

static void
print_extra(struct standalone_block *block)
{
    struct printf_builder *print = &block->print;
    printf_builder_text(print, mem_printf(block->emitter->mem, ", \"provider\": \"%s\", \"pid\": ", block->probe->provider));
    printf_builder_value(print, "%d", attach_pid(block->emitter->plan, block->emitter->mem));
    printf_builder_text(print, ", \"tid\": ");
    printf_builder_value(print, "%d", attach_tid(block->emitter->plan));
    printf_builder_text(print, ", \"nsecs\": ");
    printf_builder_value(print, "%lu", "nsecs");
}

static void
print_json(struct standalone_block *block)
{
    struct printf_builder *print = &block->print;
    double share = filter_share(&block->emitter->plan->request->filter, NULL);
    printf_builder_text(print, "{\"at\": ");
    printf_builder_value(print, "%ld", "$at");
    printf_builder_text(print, block->event->type_key.ptr);
    for (int i = 0; i < block->probe->nfields; i++)
        if (standalone_is_read(block, i) && i != block->event->time)
            print_named(block, i);
    if (share > 0)
        printf_builder_text(print, mem_printf(block->emitter->mem, ", \"sample\": %.6g", share));
    if (block->emitter->options->extra)
        print_extra(block);
    printf_builder_text(print, "}");
}

static void
put_prints(struct standalone_block *block, struct outbuf *out)
{
    block->print = (struct printf_builder){.out = out};
    (block->emitter->options->is_json ? print_json : print_line)(block);
    printf_builder_text(&block->print, "\n");
    printf_builder_flush(&block->print);
    block->emitter->contents.has_pieces |= block->print.statements > 1;
}

/* ---- The program. */

static struct slice
contents(const struct outbuf *out)
{
    return (struct slice){out->ptr, out->len};
}

static int
put_block(struct standalone_emitter *emitter, struct outbuf *out, const struct plan_event *event)
{
    struct standalone_block block = {.emitter = emitter, .event = event, .probe = event->probe};
    struct outbuf reads = {0}, prints = {0};
    attach_read(&block.arguments, emitter->plan, event, false, emitter->mem);
    standalone_put_reads(&block, &reads);
    put_prints(&block, &prints);
    const struct template_variable variables[] = {
        {"type", text_of(event->probe->type)},
        {"summary", text_of(event->probe->summary)},
        {"attach", text_of(attach_point(emitter->plan, event->probe, "", emitter->mem))},
        {"reads", contents(&reads)},
        {"prints", contents(&prints)},
    };
    int status = template_use(out, emitter->templates, "standalone-probe.bt", variables,
                              sizeof(variables) / sizeof(variables[0]), emitter->diag);
    text_free(&reads);
    text_free(&prints);
    return status;
}

static const char in6_struct[] =
    "\nstruct h2olog_sockaddr_in6 { unsigned char family_port_flow[8]; unsigned char address[16]; };\n";

/* The process or the file. */
static const char *
server_name(const struct standalone_emitter *emitter)
{
    const struct target *target = emitter->plan->target;
    if (target == NULL)
        return "the newest h2o that it knows";
    return target->pid == 0 ? target->command : mem_printf(emitter->mem, "process %d (%s)", target->pid, target->command);
}

static int
put_program(const struct standalone_emitter *emitter, struct outbuf *out, const struct outbuf *blocks)
{
    const struct bpftrace *bpftrace = emitter->plan->bpftrace;
    struct outbuf limits = {0};
    standalone_put_limits(&limits, emitter->plan, &emitter->contents, emitter->options->is_json);
    const struct template_variable variables[] = {
        {"version", text_of(PACKAGE_STRING)},
        {"server", text_of(server_name(emitter))},
        {"bpftrace", text_of(mem_printf(emitter->mem, "%d.%d", bpftrace->major, bpftrace->minor))},
        {"command", text_of(emitter->options->command)},
        {"limits", contents(&limits)},
        {"structs", text_of(emitter->contents.has_addresses ? in6_struct : "")},
        {"probes", contents(blocks)},
    };
    int status = template_use(out, emitter->templates, "standalone.bt", variables, sizeof(variables) / sizeof(variables[0]),
                              emitter->diag);
    text_free(&limits);
    return status;
}

int
standalone_write(struct outbuf *out, const struct plan *plan, const struct standalone_options *options,
                 const struct files *templates, struct mem *mem, struct diag *diag)
{
    struct standalone_emitter emitter = {.plan = plan, .options = options, .templates = templates, .mem = mem, .diag = diag};
    emitter.contents.has_extra_json = options->extra && options->is_json;
    struct outbuf blocks = {0};
    int status = 0;
    for (size_t i = 0; status == 0 && i < plan->nevents; i++)
        status = put_block(&emitter, &blocks, &plan->events[i]);
    if (status == 0)
        status = put_program(&emitter, out, &blocks);
    text_free(&blocks);
    return status;
}

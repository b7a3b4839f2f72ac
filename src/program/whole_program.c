#include "program/whole_program.h"

#include "program/record_writer.h"

#include <string.h>

/* ---- Variables, which conditions may name. */

/* Times are in microseconds. */
static void
set_time(struct member_reader *reader, const char *variable, int value)
{
    const char *address = member_reader_address(reader, value, "$req");
    text_printf(&reader->statements, "    %s = (*(uint64*)(%s) * 1000000) + *(uint64*)(%s + 8);\n", variable, address, address);
}

static void
set_number(struct member_reader *reader, const char *variable, int value)
{
    if (reader->places[value].nsteps > 0)
        text_printf(&reader->statements, "    %s = %s;\n", variable, member_reader_value(reader, value, "$req"));
    else
        text_printf(&reader->statements, "    %s = (uint64)-1;\n", variable); /* WHOLE_UNKNOWN */
}

static void
set_text(struct member_reader *reader, const char *variable, int value)
{
    const char *address = member_reader_address(reader, value, "$req");
    text_printf(&reader->statements, "    %s = *(uint64*)(%s);\n    %s_len = *(uint64*)(%s + 8);\n", variable, address,
                variable, address);
}

/* Those that are read only where something needs them. */
static const struct {
    const char *name;
    void (*set)(struct member_reader *reader, const char *variable, int value);
    enum structures_value value;
    int field; /* of WHOLE_END, or 0 */
} variables[] = {
    {"$bytes", set_number, STRUCTURES_BYTES, WHOLE_BYTES},
    {"$header_bytes", set_number, STRUCTURES_HEADER_BYTES, WHOLE_HEADER_BYTES},
    {"$request_bytes", set_number, STRUCTURES_REQUEST_BYTES, WHOLE_REQUEST_BYTES},
    {"$connected_at", set_time, STRUCTURES_CONNECTED_AT, WHOLE_CONNECTED_AT},
    {"$begin_at", set_time, STRUCTURES_BEGIN_AT, WHOLE_BEGIN_AT},
    {"$body_begin_at", set_time, STRUCTURES_BODY_BEGIN_AT, WHOLE_BODY_BEGIN_AT},
    {"$processed_at", set_time, STRUCTURES_PROCESSED_AT, WHOLE_PROCESSED_AT},
    {"$response_start_at", set_time, STRUCTURES_RESPONSE_START_AT, WHOLE_RESPONSE_START_AT},
    {"$response_end_at", set_time, STRUCTURES_RESPONSE_END_AT, WHOLE_RESPONSE_END_AT},
    {"$method", set_text, STRUCTURES_METHOD, 0},
    {"$path", set_text, STRUCTURES_PATH, 0},
    {"$scheme", set_text, STRUCTURES_SCHEME, 0},
    {"$authority", set_text, STRUCTURES_AUTHORITY, 0},
};

enum { VARIABLES = sizeof(variables) / sizeof(variables[0]) };

/* ---- By protocol. */

/* Sets variables to values of the request's protocol, which $protocol has. The names have no `$`. */
static void
set_by_protocol(struct member_reader *reader, const enum structures_value *values, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_printf(&reader->statements, "    $%s = (uint64)0;\n", names[i]);
    int known = reader->npointers;
    for (int protocol = 0; protocol < STRUCTURES_PROTOCOLS; protocol++) {
        text_printf(&reader->statements, "    if ($protocol == %d) {\n", protocol + 1);
        reader->is_in_branch = true;
        for (size_t i = 0; i < count; i++) {
            int value = structures_of(values[i], protocol);
            if (reader->places[value].nsteps == 0)
                continue;
            bool is_address = reader->places[value].size == 0;
            const char *expression =
                is_address ? member_reader_address(reader, value, "$req") : member_reader_value(reader, value, "$req");
            text_printf(&reader->statements, "%s$%s = %s;\n", member_reader_indent(reader), names[i], expression);
        }
        text_puts(&reader->statements, "    }\n");
        reader->is_in_branch = false;
        reader->npointers = known; /* those of the branch end with it */
    }
}

/* A request of HTTP/1 stands in its connection; that of another protocol says which it is. */
static void
find_protocol(struct member_reader *reader)
{
    const char *http1 = member_reader_address(reader, structures_of(STRUCTURES_SELF, STRUCTURES_HTTP1), "$req");
    text_printf(&reader->statements,
                "    $protocol = %s == $conn ? (uint64)1 : ($http_version >= 0x300 ? (uint64)3 : (uint64)2);\n", http1);
}

/* ---- Blocks. All of them are at the same place, so that a request costs the server one trap. Each is a program of its own for
 * the kernel: more than this is beyond the BPF stack. Their order is the kernel's choice. */

static const struct whole_block {
    const char *what;
    bool has_numbers;                          /* WHOLE_END needs all variables */
    bool tells_doubts;                         /* one of them does */
    enum whole_event events[WHOLE_EVENTS + 1]; /* until WHOLE_EVENTS */
    enum structures_value list;                /* of header fields; STRUCTURES_CONN: none */
} blocks[] = {
    {"Numbers of whole requests", true, true, {WHOLE_END, WHOLE_SNI, WHOLE_EVENTS}, STRUCTURES_CONN},
    {"Texts of whole requests", false, false, {WHOLE_LINE, WHOLE_TARGET, WHOLE_EVENTS}, STRUCTURES_CONN},
    {"Header fields of whole requests", false, false, {WHOLE_EVENTS}, STRUCTURES_REQUEST_HEADERS},
    {"Header fields of their responses", false, false, {WHOLE_EVENTS}, STRUCTURES_RESPONSE_HEADERS},
};

/* The event of the block's list; NULL: it has none, or nothing of it is asked for. */
static const struct plan_event *
list_event(const struct plan_whole *whole, const struct whole_block *block)
{
    return block->list == STRUCTURES_REQUEST_HEADERS    ? whole->request_header
           : block->list == STRUCTURES_RESPONSE_HEADERS ? whole->response_header
                                                        : NULL;
}

/* Reads what every hit needs, and ends those that are no requests. */
static void
put_checks(struct member_reader *reader, const struct writer *writer, const struct whole_block *block)
{
    static const enum structures_value ends[] = {STRUCTURES_SELF, STRUCTURES_BACK};
    static const char *const end_names[] = {"self", "back"};
    struct outbuf *out = &reader->statements;
    const char *nonce = writer->nonce;
    text_puts(out, "    $req = (uint64)arg0;\n");
    set_number(reader, "$conn", STRUCTURES_CONN);
    member_reader_know(reader, "$req", STRUCTURES_CONN, "$conn");
    set_number(reader, "$http_version", STRUCTURES_HTTP_VERSION);
    set_number(reader, "$status", STRUCTURES_STATUS);
    find_protocol(reader);
    text_puts(out, "    // A connection of HTTP/1 ends with a request that never came.\n"
                   "    if ($protocol == 1 && $http_version == 0 && $status == 0) { return; }\n");
    set_by_protocol(reader, ends, end_names, 2);
    set_number(reader, "$conn_id", STRUCTURES_CONN_ID);
    text_puts(
        out,
        "    // The way from the connection leads back, or this is no request of a client's, or not where it is "
        "looked for.\n    if ($self != $back || $conn == 0 || $conn_id == 0 || $http_version > 0x300 || $status > 999) {\n");
    if (block->tells_doubts)
        text_printf(out,
                    "        @d0%s[0] = @d0%s[0] + 1;\n"
                    "        if (@d0%s[0] <= 16) { printf(\"%s q %%lx\\n\", $protocol); }\n",
                    nonce, nonce, nonce, nonce);
    text_puts(out, "        return;\n    }\n");
    if (reader->places[STRUCTURES_PATHCONF].nsteps > 0)
        text_printf(out,
                    "    // h2o refused it, or went on with it as another one: its own log has nothing of it either.\n"
                    "    if (%s == 0) { return; }\n",
                    member_reader_value(reader, STRUCTURES_PATHCONF, "$req"));
}

/* Ends hits that are not wanted. */
static void
put_filters(struct member_reader *reader, const struct writer *writer)
{
    const struct request *request = writer->plan->request;
    const struct plan_event *end = writer->plan->whole->sent[WHOLE_END];
    struct filter_value values[CATALOG_MAX_FIELDS] = {0};
    values[WHOLE_CONN_ID].value = "$conn_id";
    values[WHOLE_REQ_ID].value = "$req_id";
    values[WHOLE_STATUS].value = "$status";
    filter_put(&request->filter, end->probe, values, &reader->statements);
    if (request->where != NULL)
        text_printf(&reader->statements, "    if (!(%s)) { return; }\n", request->where);
}

/* Values that depend on the protocol. */
enum { BY_REQ_ID, BY_ADDRESS, BY_RTT, BY_SNI, BY_PROTOCOL };

static const struct {
    const char *name;
    enum structures_value value;
} by_protocol[BY_PROTOCOL] = {[BY_REQ_ID] = {"req_id", STRUCTURES_REQ_ID},
                              [BY_ADDRESS] = {"address", STRUCTURES_ADDRESS},
                              [BY_RTT] = {"rtt", STRUCTURES_RTT},
                              [BY_SNI] = {"sni", STRUCTURES_SNI}};

/* Reads those of the bits in `which`. */
static void
read_by_protocol(struct member_reader *reader, unsigned which)
{
    enum structures_value values[BY_PROTOCOL];
    const char *value_names[BY_PROTOCOL];
    size_t count = 0;
    for (int i = 0; i < BY_PROTOCOL; i++) {
        if ((which >> i & 1) == 0)
            continue;
        values[count] = by_protocol[i].value;
        value_names[count++] = by_protocol[i].name;
    }
    if (count > 0)
        set_by_protocol(reader, values, value_names, count);
}

/* Those that the conditions ask for. */
static unsigned
asked_by_protocol(const struct writer *writer)
{
    const struct plan_event *end = writer->plan->whole->sent[WHOLE_END];
    unsigned asked = filter_asks(&writer->plan->request->filter, end->probe, WHOLE_REQ_ID) ? 1 : 0;
    for (int i = 0; i < BY_PROTOCOL; i++)
        if (request_asks(writer->plan->request, mem_printf(writer->mem, "$%s", by_protocol[i].name)))
            asked |= 1u << i;
    return asked;
}

/* Those that the block shows. */
static unsigned
shown_by_protocol(const struct writer *writer, const struct whole_block *block)
{
    const struct plan_whole *whole = writer->plan->whole;
    unsigned shown = 1;
    if (block->has_numbers && whole->sent[WHOLE_END]->is_shown[WHOLE_ADDRESS])
        shown |= 1u << BY_ADDRESS;
    if (block->has_numbers && whole->sent[WHOLE_END]->is_shown[WHOLE_RTT])
        shown |= 1u << BY_RTT;
    return block->has_numbers && whole->sent[WHOLE_SNI] != NULL ? shown | 1u << BY_SNI : shown;
}

/* Most hits end at the conditions, so nothing is read before that they do not ask for. Returns what they ask for by protocol.
 */
static unsigned
put_conditions(struct member_reader *reader, const struct writer *writer)
{
    unsigned asked = asked_by_protocol(writer);
    for (int i = 0; i < VARIABLES; i++)
        if (request_asks(writer->plan->request, variables[i].name))
            variables[i].set(reader, variables[i].name, (int)variables[i].value);
    read_by_protocol(reader, asked);
    put_filters(reader, writer);
    return asked;
}

static void
put_wanted(struct member_reader *reader, const struct writer *writer, const struct whole_block *block)
{
    const struct request *request = writer->plan->request;
    unsigned asked = put_conditions(reader, writer);
    read_by_protocol(reader, shown_by_protocol(writer, block) & ~asked);
    const bool *is_shown = writer->plan->whole->sent[WHOLE_END]->is_shown;
    for (int i = 0; block->has_numbers && i < VARIABLES; i++)
        if (variables[i].field != 0 && is_shown[variables[i].field] && !request_asks(request, variables[i].name))
            variables[i].set(reader, variables[i].name, (int)variables[i].value);
}

/* Texts of the request that an event has. */
static void
set_texts(struct member_reader *reader, struct attach_arguments *arguments, enum structures_value first,
          enum structures_value second, int arg)
{
    const enum structures_value values[2] = {first, second};
    for (int i = 0; i < 2; i++) {
        const char *address = member_reader_address(reader, (int)values[i], "$req");
        arguments->expressions[arg + 2 * i] = mem_printf(reader->mem, "*(uint64*)(%s)", address);
        arguments->expressions[arg + 2 * i + 1] = mem_printf(reader->mem, "*(uint64*)(%s + 8)", address);
    }
}

static void
set_arguments(struct writer *writer, struct member_reader *reader, enum whole_event event)
{
    struct attach_arguments *arguments = &writer->arguments;
    arguments->expressions[WHOLE_CONN_ID] = "$conn_id";
    arguments->expressions[WHOLE_REQ_ID] = "$req_id";
    switch (event) {
    case WHOLE_LINE:
        arguments->expressions[WHOLE_LINE_HTTP_VERSION] = "$http_version";
        set_texts(reader, arguments, STRUCTURES_METHOD, STRUCTURES_PATH, WHOLE_METHOD);
        break;
    case WHOLE_TARGET:
        set_texts(reader, arguments, STRUCTURES_SCHEME, STRUCTURES_AUTHORITY, WHOLE_SCHEME);
        break;
    case WHOLE_CUT:
        break; /* the list has set it */
    case WHOLE_SNI:
        arguments->expressions[WHOLE_SERVER_NAME] = "$sni";
        break;
    default:
        arguments->expressions[WHOLE_HTTP_VERSION] = "$http_version";
        arguments->expressions[WHOLE_STATUS] = "$status";
        arguments->expressions[WHOLE_RTT] = "$rtt";
        arguments->expressions[WHOLE_ADDRESS] = "$address";
        for (int i = 0; i < VARIABLES; i++)
            if (variables[i].field != 0)
                arguments->expressions[variables[i].field] = variables[i].name;
    }
}

/* The event's record, once. */
static int
put_event(const struct writer *block, struct member_reader *reader, enum whole_event event, struct outbuf *out)
{
    struct writer writer = *block;
    writer.event = block->plan->whole->sent[event];
    if (writer.event == NULL)
        return 0;
    set_arguments(&writer, reader, event);
    text_put(out, (struct slice){reader->statements.ptr, reader->statements.len}); /* pointers to its texts */
    reader->statements.len = 0;
    if (record_writer_define(&writer) != 0)
        return -1;
    bool has_texts = record_writer_has_texts(writer.event);
    const char *const others[] = {has_texts ? "more" : "redactions", has_texts ? NULL : "lasts"};
    for (int i = 0; i < 2 && others[i] != NULL; i++)
        writer_define(&writer, others[i], "");
    return writer_expand(&writer, out, "server-record.bt");
}

/* The conditions under which a turn's header field is wanted. */
static void
define_wanted(struct writer *writer)
{
    const struct catalog_probe *probe = writer->event->probe;
    const struct filter_value name = {"$name", "$name_len"};
    struct outbuf out = {0};
    if (!filter_condition(&writer->plan->request->filter, probe, probe->field_of[CATALOG_HEADER_NAME], &name, &out))
        text_puts(&out, "$entry < $end");
    writer_define_buffer(writer, "wanted", &out);
}

/* The members of an entry of a list. */
static void
set_header_arguments(struct writer *writer, struct member_reader *reader)
{
    static const enum structures_value values[] = {STRUCTURES_HEADER_NAME, STRUCTURES_HEADER_NAME_LEN, STRUCTURES_HEADER_VALUE,
                                                   STRUCTURES_HEADER_VALUE_LEN};
    const struct catalog_probe *probe = writer->event->probe;
    const struct catalog_field *fields[2] = {&probe->fields[probe->field_of[CATALOG_HEADER_NAME]],
                                             &probe->fields[probe->field_of[CATALOG_HEADER_VALUE]]};
    for (int i = 0; i < 4; i++) {
        const struct catalog_field *field = fields[i / 2];
        int arg = i % 2 == 0 ? field->arg : field->len_arg;
        writer->arguments.expressions[arg] = member_reader_value(reader, (int)values[i], "$entry");
    }
    writer->arguments.expressions[probe->fields[probe->field_of[CATALOG_CONN_ID]].arg] = "$conn_id";
    writer->arguments.expressions[probe->fields[probe->field_of[CATALOG_REQ_ID]].arg] = "$req_id";
}

/* What is said if the loop has ended before the list. */
static int
define_cut(struct writer *writer, struct member_reader *reader, enum structures_value list)
{
    struct outbuf out = {0};
    struct writer inner = *writer;
    inner.arguments.expressions[WHOLE_IS_RESPONSE] = list == STRUCTURES_RESPONSE_HEADERS ? "(uint64)1" : "(uint64)0";
    int status = put_event(&inner, reader, WHOLE_CUT, &out);
    writer_define_buffer(writer, "cut", &out);
    return status;
}

/* What a turn reads of its entry. What is found on the way is known in the turn only. */
static void
define_entry(struct writer *writer, struct member_reader *reader)
{
    const struct catalog_probe *probe = writer->event->probe;
    const struct catalog_field *name = &probe->fields[probe->field_of[CATALOG_HEADER_NAME]];
    int known = reader->npointers;
    set_header_arguments(writer, reader);
    reader->npointers = known;
    writer_define_buffer(writer, "entry_reads", &reader->statements);
    writer_define(writer, "name", writer->arguments.expressions[name->arg]);
    writer_define(writer, "name_len", writer->arguments.expressions[name->len_arg]);
    writer_define(writer, "header_size", member_reader_size(reader, STRUCTURES_HEADER_SIZE));
}

/* How far the loop goes. */
static void
define_turns(struct writer *writer)
{
    bool is_range = writer->plan->bpftrace->row.has_ranges;
    writer_define_number(writer, "most_turns", WHOLE_TURNS);
    writer_define_number(writer, "more_turns", WHOLE_MORE_TURNS);
    writer_define_number(writer, "most_of_range", 2 * WHOLE_MORE_TURNS);
    writer_define(writer, "turn_now", is_range ? "$turn + 1" : "$turn");
    writer_define(writer, "turns", is_range ? "$turns" : writer_value(writer, "most_turns"));
    writer_define(writer, "second_text", "4294967296"); /* a turn's state: which text, and how far in it */
}

/* Header fields of a list, in a loop. */
static int
put_list(const struct writer *block, struct member_reader *reader, const struct plan_event *event, enum structures_value list,
         struct outbuf *out)
{
    struct writer writer = *block;
    writer.event = event;
    if (define_cut(&writer, reader, list) != 0)
        return -1;
    writer_define(&writer, "entries", member_reader_value(reader, (int)list, "$req"));
    writer_define(&writer, "count", member_reader_value(reader, (int)list + 1, "$req"));
    text_put(out, (struct slice){reader->statements.ptr, reader->statements.len});
    reader->statements.len = 0;
    define_entry(&writer, reader);
    define_turns(&writer);
    if (record_writer_define_turn(&writer) != 0)
        return -1;
    define_wanted(&writer);
    if (writer_define_expanded(&writer, "turn", "server-turn.bt") != 0)
        return -1;
    return writer_expand(&writer, out, block->plan->bpftrace->row.has_ranges ? "server-headers-range.bt" : "server-headers.bt");
}

static int
put_records(const struct writer *writer, struct member_reader *reader, const struct whole_block *block, struct outbuf *out)
{
    const struct plan_event *event = list_event(writer->plan->whole, block);
    for (size_t i = 0; block->events[i] != WHOLE_EVENTS; i++)
        if (put_event(writer, reader, block->events[i], out) != 0)
            return -1;
    return event != NULL ? put_list(writer, reader, event, block->list, out) : 0;
}

void
whole_program_read(const struct writer *writer, struct member_reader *reader, const char *const *names, size_t count)
{
    static const struct whole_block plain = {.list = STRUCTURES_CONN};
    put_checks(reader, writer, &plain);
    unsigned asked = put_conditions(reader, writer), wanted = 0;
    for (size_t i = 0; i < count; i++) {
        for (int k = 0; k < VARIABLES; k++)
            if (strcmp(variables[k].name, names[i]) == 0 && !request_asks(writer->plan->request, names[i]))
                variables[k].set(reader, names[i], (int)variables[k].value);
        for (int k = 0; k < BY_PROTOCOL; k++)
            wanted |= strcmp(by_protocol[k].name, names[i] + 1) == 0 ? 1u << k : 0;
    }
    read_by_protocol(reader, wanted & ~asked);
}

static int
put_block(const struct writer *program, const struct whole_block *block, struct outbuf *out)
{
    struct writer writer = *program;
    struct member_reader reader = {.places = program->plan->target->places, .names = program->names, .mem = program->mem};
    struct outbuf records = {0};
    const char *function = program->plan->target->request_function;
    attach_read(&writer.arguments, writer.plan, writer.plan->whole->sent[WHOLE_END], false, writer.mem);
    text_puts(&reader.statements, writer.arguments.statements);
    put_checks(&reader, &writer, block);
    put_wanted(&reader, &writer, block);
    writer_define_buffer(&writer, "reads", &reader.statements);
    writer_define(&writer, "what", block->what);
    writer_define(&writer, "function", function);
    writer_define(&writer, "attach", attach_function(writer.plan, function, writer.nonce, writer.mem));
    int status = put_records(&writer, &reader, block, &records);
    writer_define_buffer(&writer, "records", &records);
    text_free(&reader.statements);
    return status != 0 || record_writer_define_map(&writer, plan_has_batches(writer.plan)) != 0
               ? -1
               : writer_expand(&writer, out, "server.bt");
}

/* Whether anything of the block is asked for. */
static bool
is_block_needed(const struct plan_whole *whole, const struct whole_block *block)
{
    for (size_t i = 0; block->events[i] != WHOLE_EVENTS; i++)
        if (whole->sent[block->events[i]] != NULL)
            return true;
    return list_event(whole, block) != NULL;
}

int
whole_program_write(const struct writer *program, struct outbuf *out)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof(blocks) / sizeof(blocks[0]); i++)
        if (is_block_needed(program->plan->whole, &blocks[i]))
            status = put_block(program, &blocks[i], out);
    return status;
}

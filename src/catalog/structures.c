#include "catalog/structures.h"

#include "catalog/words.h"

/* The values' names, in their order. Without those that are optional there is still a whole request. */
static const struct {
    const char *name;
    bool is_optional;
} values[STRUCTURES_SENDER + STRUCTURES_OF_PROTOCOL] = {
    [STRUCTURES_CONN] = {"conn", false},
    [STRUCTURES_CONN_ID] = {"conn_id", false},
    [STRUCTURES_HTTP_VERSION] = {"http_version", false},
    [STRUCTURES_STATUS] = {"status", false},
    [STRUCTURES_PATHCONF] = {"pathconf", true},
    [STRUCTURES_BYTES] = {"bytes", false},
    [STRUCTURES_HEADER_BYTES] = {"header_bytes", true},
    [STRUCTURES_REQUEST_BYTES] = {"request_bytes", true},
    [STRUCTURES_METHOD] = {"method", false},
    [STRUCTURES_PATH] = {"path", false},
    [STRUCTURES_SCHEME] = {"scheme", false},
    [STRUCTURES_AUTHORITY] = {"authority", false},
    [STRUCTURES_CONNECTED_AT] = {"connected_at", false},
    [STRUCTURES_BEGIN_AT] = {"begin_at", false},
    [STRUCTURES_BODY_BEGIN_AT] = {"body_begin_at", false},
    [STRUCTURES_PROCESSED_AT] = {"processed_at", false},
    [STRUCTURES_RESPONSE_START_AT] = {"response_start_at", false},
    [STRUCTURES_RESPONSE_END_AT] = {"response_end_at", false},
    [STRUCTURES_REQUEST_HEADERS] = {"request_headers", false},
    [STRUCTURES_NREQUEST_HEADERS] = {"nrequest_headers", false},
    [STRUCTURES_RESPONSE_HEADERS] = {"response_headers", false},
    [STRUCTURES_NRESPONSE_HEADERS] = {"nresponse_headers", false},
    [STRUCTURES_HEADER_SIZE] = {"header_size", false},
    [STRUCTURES_HEADER_NAME] = {"header_name", false},
    [STRUCTURES_HEADER_NAME_LEN] = {"header_name_len", false},
    [STRUCTURES_HEADER_VALUE] = {"header_value", false},
    [STRUCTURES_HEADER_VALUE_LEN] = {"header_value_len", false},
    [STRUCTURES_QUIC_ADDRESS] = {"quic.address", true},
    [STRUCTURES_QUIC_SNI] = {"quic.sni", true},
    [STRUCTURES_THREADS] = {"threads", true},
    [STRUCTURES_CONTEXTS] = {"contexts", true},
    [STRUCTURES_CONTEXT_SIZE] = {"context_size", true},
    [STRUCTURES_CONTEXT_OWNER] = {"context_owner", true},
    [STRUCTURES_OWNER] = {"owner", true},
    [STRUCTURES_SENDER] = {"sender", true},
    [STRUCTURES_SELF] = {"self", false},
    [STRUCTURES_BACK] = {"back", false},
    [STRUCTURES_REQ_ID] = {"req_id", false},
    [STRUCTURES_ADDRESS] = {"address", true},
    [STRUCTURES_SNI] = {"sni", true},
    [STRUCTURES_RTT] = {"rtt", true},
};

/* What stands before the names of those of a protocol. */
static const char *const protocols[STRUCTURES_PROTOCOLS] = {"http1.", "http2.", "http3."};

/* What stands before the names of what h2o counts. */
static const char counter[] = "counter.";

static bool
find_in(struct slice word, int from, int to, int *index)
{
    for (*index = from; *index < to; ++*index)
        if (values[*index].name != NULL && text_is(word, values[*index].name))
            return true;
    return false;
}

static bool
find_counter(struct slice word, int *index)
{
    int number;
    bool is_there = text_skip_prefix(&word, counter) && counters_find(word, &number);
    *index = is_there ? STRUCTURES_COUNTERS + number : 0;
    return is_there;
}

static bool
is_counter(int value)
{
    return value >= STRUCTURES_COUNTERS && value < STRUCTURES_COUNTERS + COUNTERS;
}

static bool
find_value(struct slice word, int *index)
{
    for (int i = 0; i < STRUCTURES_PROTOCOLS; i++) {
        struct slice rest = word;
        if (!text_skip_prefix(&rest, protocols[i]) ||
            !find_in(rest, STRUCTURES_SENDER, STRUCTURES_SENDER + STRUCTURES_OF_PROTOCOL, index))
            continue;
        *index = structures_of(*index, i);
        return true;
    }
    return find_counter(word, index) || find_in(word, 0, STRUCTURES_SENDER, index);
}

/* The row of a value, whatever its protocol. */
static int
row_of(int value)
{
    return value < STRUCTURES_SENDER ? value : STRUCTURES_SENDER + (value - STRUCTURES_SENDER) % STRUCTURES_OF_PROTOCOL;
}

const char *
structures_name(int value, struct mem *mem)
{
    const char *name = values[row_of(value)].name;
    if (is_counter(value))
        return mem_printf(mem, "%s%s", counter, counter_rows[value - STRUCTURES_COUNTERS].name);
    bool is_of_protocol = value >= STRUCTURES_SENDER;
    return is_of_protocol ? mem_printf(mem, "%s%s", protocols[(value - STRUCTURES_SENDER) / STRUCTURES_OF_PROTOCOL], name)
                          : name;
}

static int
parse_value(struct structures *structures, struct words *words, int index)
{
    struct members_wanted *wanted = &structures->wanted[index];
    const char **paths = NULL;
    struct slice word;
    wanted->npaths = 0;
    if (words_need(words, &word, "where the value stands, as st_h2o_req_t.res.status") != 0)
        return -1;
    do {
        paths = mem_grow(words->mem, paths, wanted->npaths, sizeof(*paths));
        paths[wanted->npaths++] = mem_strndup(words->mem, word.ptr, word.len);
    } while (text_word(&words->rest, &word));
    wanted->paths = paths;
    return 0;
}

static int
begin_layout(struct structures *structures, struct words *words)
{
    struct slice name;
    if (words_need(words, &name, "the layout's name, as 2026-06") != 0)
        return -1;
    structures->layouts = mem_grow(words->mem, structures->layouts, structures->nlayouts, sizeof(*structures->layouts));
    structures->layouts[structures->nlayouts++] =
        (struct structures_layout){.name = mem_strndup(words->mem, name.ptr, name.len)};
    return words_end(words);
}

/* "OFFSET,OFFSET SIZE" behind the value's name, below a layout. */
static int
parse_place(struct structures *structures, struct words *words, int index)
{
    struct slice place = text_trim(words->rest, " \t");
    struct structures_layout *layout = &structures->layouts[structures->nlayouts - 1];
    if (members_read_place(&layout->places[index], place))
        return 0;
    return words_bad(words, place, "not a place", "offsets with commas between them, and a size, as 0,32 8");
}

static int
parse_structures_line(struct structures *structures, struct words *words)
{
    struct slice word;
    int index;
    if (words_check(words) != 0)
        return -1;
    if (!text_word(&words->rest, &word) || *word.ptr == '#')
        return 0;
    if (text_is(word, "function"))
        return words_name(words, &structures->function, "the function's name") != 0 ? -1 : words_end(words);
    if (text_is(word, "layout"))
        return begin_layout(structures, words);
    if (!find_value(word, &index))
        return words_bad(words, word, "there is no value", "function, layout, or a value as conn_id or http1.req_id");
    return structures->nlayouts > 0 ? parse_place(structures, words, index) : parse_value(structures, words, index);
}

static int
parse_structures_file(struct structures *structures, const struct file *file, struct mem *mem, struct diag *diag)
{
    struct slice rest = file->text, line;
    int status = 0;
    for (int number = 1; status == 0 && text_line(&rest, &line); number++) {
        struct words words = {file->name, number, line.ptr, line, mem, diag};
        status = parse_structures_line(structures, &words);
    }
    return status;
}

static int
check_whole(struct structures *structures, const struct files *files, struct mem *mem, struct diag *diag)
{
    struct diag_pos end = {files->items[files->count - 1].name, 1, 1};
    if (structures->function == NULL)
        return diag_at(diag, end, "there is no line \"function NAME\"");
    for (int i = 0; i < STRUCTURES_VALUES; i++) {
        structures->wanted[i].is_optional = values[row_of(i)].is_optional || is_counter(i);
        if (structures->wanted[i].npaths == 0 && !structures->wanted[i].is_optional)
            return diag_at(diag, end, "there is no line for the value %s", structures_name(i, mem));
    }
    return 0;
}

int
structures_parse(struct structures *structures, const struct files *files, struct mem *mem, struct diag *diag)
{
    *structures = (struct structures){0};
    for (size_t i = 0; i < files->count; i++)
        if (parse_structures_file(structures, &files->items[i], mem, diag) != 0)
            return -1;
    return files->count > 0 ? check_whole(structures, files, mem, diag) : 0;
}

/* An operand in memory at a register, as "-4@920(%r13)" and "-4@[x19, 576]". */
struct memory_operand {
    struct slice base; /* with what stands around it */
    int32_t offset;
};

/* false: it is none, or it is on the stack, which says nothing. */
static bool
read_operand(struct memory_operand *memory, struct slice operand)
{
    uint64_t number = 0;
    text_cut(&operand, '@');
    bool is_arm = text_skip_prefix(&operand, "[");
    struct slice first = text_cut(&operand, is_arm ? ',' : '('), digits = is_arm ? text_trim(operand, " #]") : first;
    memory->base = is_arm ? text_trim(first, " ]") : operand;
    bool is_stack =
        text_find(memory->base, "sp") != NULL || text_find(memory->base, "bp") != NULL || text_is(memory->base, "x29");
    bool has_offset = digits.len == 0 || text_number(digits, INT32_MAX, &number);
    if (memory->base.len == 0 || is_stack || !has_offset)
        return false;
    memory->offset = (int32_t)number;
    return true;
}

/* Where a site reads what is also in the structures. */
struct site_reads {
    int32_t status, conn_id; /* behind the sender, behind the connection */
    bool has_conn_id;
};

/* false: nobody knows. Two arguments at one register are not in a connection and a request. */
static bool
read_site(struct site_reads *reads, const struct usdt_site *site)
{
    enum { CONN_ID = 0, STATUS = 2 }; /* which arguments they are */
    struct memory_operand id = {0}, status;
    if (!read_operand(&status, site->operands[STATUS]))
        return false;
    reads->has_conn_id = read_operand(&id, site->operands[CONN_ID]);
    reads->status = status.offset;
    reads->conn_id = id.offset;
    return !reads->has_conn_id || !text_equal(id.base, status.base);
}

/* Whether the connection has its number there. */
static bool
is_conn_id(const struct members_place *places, int32_t offset)
{
    const struct members_place *id = &places[STRUCTURES_CONN_ID];
    return id->nsteps > 0 && id->offsets[id->nsteps - 1] == offset;
}

static bool
is_of_a_sender(const struct members_place *places, int32_t offset)
{
    for (int protocol = 0; protocol < STRUCTURES_PROTOCOLS; protocol++) {
        const struct members_place *sender = &places[structures_of(STRUCTURES_SENDER, protocol)];
        if (sender->nsteps > 0 && offset + sender->offsets[0] == places[STRUCTURES_STATUS].offsets[0])
            return true;
    }
    return false;
}

int
structures_confirmations(const struct members_place *places, const struct usdt_probes *probes, int *known)
{
    const struct usdt_probe *probe = usdt_find(probes, "h2o", "send_response");
    struct site_reads reads;
    int confirmations = 0;
    *known = 0;
    for (size_t i = 0; probe != NULL && probe->nargs == 3 && i < probe->nsites; i++) {
        bool is_known = read_site(&reads, &probe->sites[i]);
        *known += is_known;
        confirmations +=
            is_known && is_of_a_sender(places, reads.status) && (!reads.has_conn_id || is_conn_id(places, reads.conn_id));
    }
    return confirmations;
}

#include "show/query_where.h"

#include "program/condition.h"
#include "show/query_node.h"

#include <ctype.h>
#include <string.h>

struct where_writer {
    const struct redact *redact;
    bool has_texts;                   /* h2olog sees enough of them that it and the program see the same */
    struct outbuf decided, undecided; /* tests as they were written */
    struct mem *mem;
};

/* ---- Numbers. */

/* A field as the program has it: `value` is a number that is there where `there` holds (NULL: always), `times` that of the
 * query or one `per` it. */
static const struct where_number {
    const char *name, *value, *there;
    int times, per;
    bool is_signed; /* a difference, which may be below 0 */
} numbers[] = {
    {"status", "$status", "$status != 0", 1, 1, false},
    {"version", "((($http_version >> 8) * 10) + ($http_version & 255))", "$http_version != 0", 10, 1, false},
    {"conn", "$conn_id", NULL, 1, 1, false},
    {"req", "$req_id", NULL, 1, 1, false},
    {"bytes", "$bytes", NULL, 1, 1, false},
    {"request_bytes", "$request_bytes", "$request_bytes + 1 != 0", 1, 1, false},
    {"ttfb", "($response_start_at - $begin_at)", "$response_start_at != 0 && $begin_at != 0 && $status != 0", 1, 1000, true},
    {"duration", "($response_end_at - $begin_at)", "$response_end_at != 0 && $begin_at != 0", 1, 1000, true},
};

static const struct where_number *
find_number(const char *name)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strcmp(numbers[i].name, name) == 0)
            return &numbers[i];
    return NULL;
}

/* An integer against a real number, which is not below 0. */
static const char *
compare(const struct where_number *number, enum query_relation relation, long double with, struct mem *mem)
{
    long long low = (long long)with, high = low + ((long double)low < with);
    const char *value = number->value, *below = mem_printf(mem, "(%s >> 63) == 1", value);
    const char *test = "0 == 1";
    if (relation == EQUAL && low == high)
        test = mem_printf(mem, "%s == %lld", value, low);
    else if (relation == LESS || relation == LESS_OR_EQUAL)
        test = relation == LESS ? mem_printf(mem, "%s < %lld", value, high) : mem_printf(mem, "%s <= %lld", value, low);
    else if (relation == GREATER || relation == GREATER_OR_EQUAL)
        test = relation == GREATER ? mem_printf(mem, "%s > %lld", value, low) : mem_printf(mem, "%s >= %lld", value, high);
    bool is_upper = relation == LESS || relation == LESS_OR_EQUAL;
    return !number->is_signed ? test
           : is_upper         ? mem_printf(mem, "(%s || %s)", below, test)
                              : mem_printf(mem, "(!(%s) && %s)", below, test);
}

static const char *
number_test(struct where_writer *writer, const struct query_node *node, const struct where_number *number)
{
    static const long double most = 4e18L; /* below 2^63, as not every bpftrace reads more */
    long double with = node->comparison != NULL ? node->number * number->times / number->per : 0;
    const char *there = number->there != NULL ? number->there : "1 == 1";
    if (with > most)
        return NULL;
    if (node->comparison == NULL)
        return there;
    return mem_printf(writer->mem, "(%s && %s)", there, compare(number, node->comparison->relation, with, writer->mem));
}

/* ---- Texts. */

/* Fields of the query that are texts in the server, by the variables' names. */
static const char *const texts[] = {"method", "scheme", "authority", "path"};

static bool
is_text(const char *name)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(texts[i], name) == 0)
            return true;
    return false;
}

enum { MOST_COMPARED = 64 };

static const char *
text_is_equal(struct where_writer *writer, const char *name, struct slice text)
{
    if (text.len == 0)
        return "0 == 1"; /* one that is empty is not there */
    return text.len <= MOST_COMPARED ? condition_text(writer->mem, mem_printf(writer->mem, "$%s", name),
                                                      mem_printf(writer->mem, "$%s_len", name), text, CONDITION_EQUAL)
                                     : NULL;
}

/* "(?#" and "\Q" may stand between a byte and what says how often it is there. */
static bool
has_hidden_parts(const char *regex, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++)
        if ((regex[i] == '(' && regex[i + 1] == '?') || (regex[i] == '\\' && strchr("EQ", regex[i + 1]) != NULL))
            return true;
    return false;
}

/* The bytes that a match of the regular expression begins with. `*is_all`: the expression asks for nothing else. */
static struct slice
literal_prefix(const char *regex, size_t len, bool *is_all, struct mem *mem)
{
    char *bytes = mem_alloc(mem, len + 1);
    size_t count = 0, at = 1;
    if (len == 0 || *regex != '^' || memchr(regex, '|', len) != NULL || has_hidden_parts(regex, len))
        return (struct slice){0};
    for (; at < len; at++) {
        bool is_escaped = regex[at] == '\\' && at + 1 < len && ispunct((unsigned char)regex[at + 1]);
        if (!is_escaped && !isalnum((unsigned char)regex[at]) && strchr("/_-=&%~@:, ", regex[at]) == NULL)
            break;
        at += is_escaped;
        bytes[count++] = regex[at];
    }
    *is_all = at == len;
    count -= count > 0 && at < len && strchr("*?{+", regex[at]) != NULL;
    return (struct slice){bytes, count};
}

/* `*is_exact` is set to whether a text that the test holds for fits the regular expression, too. */
static const char *
text_begins(struct where_writer *writer, const char *name, struct slice regex, bool *is_exact)
{
    bool is_all = false;
    struct slice prefix = literal_prefix(regex.ptr, regex.len, &is_all, writer->mem);
    *is_exact = is_all;
    if (prefix.len == 0 || prefix.len > MOST_COMPARED)
        return NULL;
    return condition_text(writer->mem, mem_printf(writer->mem, "$%s", name), mem_printf(writer->mem, "$%s_len", name), prefix,
                          CONDITION_PREFIX);
}

/* Whether the value of the header field is not to be told. */
static bool
is_held_back(const struct where_writer *writer, const char *header)
{
    return writer->redact->count > 0 && redact_fits(writer->redact, text_of(header));
}

static const char *
text_test(struct where_writer *writer, const struct query_node *node, bool *is_exact)
{
    const char *name = node->field->name;
    if (!writer->has_texts || is_held_back(writer, node->field->header))
        return NULL;
    if (node->comparison == NULL)
        return mem_printf(writer->mem, "$%s_len != 0", name);
    return node->comparison->of == TEXT ? text_is_equal(writer, name, node->text)
                                        : text_begins(writer, name, node->text, is_exact);
}

/* "host": what stands before the port in the authority. */
static const char *
host_test(struct where_writer *writer, const struct query_node *node)
{
    bool has_port = memchr(node->text.ptr, ':', node->text.len) != NULL || memchr(node->text.ptr, '[', node->text.len) != NULL;
    if (!writer->has_texts || is_held_back(writer, node->field->header) || node->comparison == NULL ||
        node->comparison->of != TEXT || has_port || node->text.len > MOST_COMPARED)
        return NULL;
    return mem_printf(writer->mem, "($authority_len != 0 && %s)",
                      condition_text(writer->mem, "$authority", "$authority_len", node->text, CONDITION_HOST));
}

static const char *
address_test(struct where_writer *writer, const struct query_node *node)
{
    return node->is_network ? condition_address(writer->mem, "$address", &node->network) : NULL;
}

/* ---- The tree. */

/* What the test asks for, without its negation; NULL: the program cannot tell. */
static const char *
test_expression(struct where_writer *writer, const struct query_node *node, bool *is_exact)
{
    const struct where_number *number = node->field != NULL ? find_number(node->field->name) : NULL;
    *is_exact = true;
    if (number != NULL)
        return number_test(writer, node, number);
    if (node->field == NULL)
        return NULL;
    if (strcmp(node->field->name, "host") == 0)
        return host_test(writer, node);
    if (strcmp(node->field->name, "address") == 0)
        return address_test(writer, node);
    return is_text(node->field->name) ? text_test(writer, node, is_exact) : NULL;
}

static void
list_test(struct outbuf *list, const struct query_node *node)
{
    text_puts(list, list->len > 0 ? ", " : "");
    text_escape(list, node->source);
}

/* Of what is only necessary the opposite is not. */
static const char *
put_test(struct where_writer *writer, const struct query_node *node, bool is_negated)
{
    bool is_exact;
    const char *test = test_expression(writer, node, &is_exact);
    bool is_opposite = is_negated != (node->comparison != NULL && node->comparison->is_negated);
    bool is_decided = test != NULL && !(is_opposite && !is_exact);
    list_test(is_decided ? &writer->decided : &writer->undecided, node);
    if (!is_decided)
        return NULL;
    return mem_printf(writer->mem, is_opposite ? "!(%s)" : "(%s)", test);
}

/* NULL: it may hold, whatever the program knows. */
static const char *
put_node(struct where_writer *writer, const struct query_node *node, bool is_negated)
{
    if (node->kind == TEST)
        return put_test(writer, node, is_negated);
    if (node->kind == NOT)
        return put_node(writer, node->left, !is_negated);
    const char *left = put_node(writer, node->left, is_negated), *right = put_node(writer, node->right, is_negated);
    bool is_and = (node->kind == AND) != is_negated;
    if (left != NULL && right != NULL)
        return mem_printf(writer->mem, is_and ? "(%s && %s)" : "(%s || %s)", left, right);
    return is_and ? (left != NULL ? left : right) : NULL;
}

const char *
query_where(const struct query *query, const struct redact *redact, size_t text_limit, struct mem *mem)
{
    struct where_writer writer = {.redact = redact, .has_texts = text_limit > MOST_COMPARED, .mem = mem};
    const char *where = query->root != NULL ? put_node(&writer, query->root, false) : NULL;
    text_free(&writer.decided);
    text_free(&writer.undecided);
    return where;
}

static void
put_half(struct outbuf *out, const char *who, struct outbuf *tests, const char *end)
{
    text_printf(out, "%s decides %.*s%s", who, tests->len > 0 ? (int)tests->len : 7, tests->len > 0 ? tests->ptr : "nothing",
                end);
    text_free(tests);
}

void
query_put_halves(const struct query *query, const struct redact *redact, size_t text_limit, struct outbuf *out)
{
    struct mem mem = {0};
    struct where_writer writer = {.redact = redact, .has_texts = text_limit > MOST_COMPARED, .mem = &mem};
    if (query->root != NULL)
        put_node(&writer, query->root, false);
    put_half(out, "the program", &writer.decided, "; ");
    put_half(out, "h2olog", &writer.undecided, "");
    mem_free(&mem);
}

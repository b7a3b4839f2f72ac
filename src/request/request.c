#include "request/request.h"

#include <string.h>

static void
put_line(struct outbuf *out, const char *mark, const char *key, const char *value, void (*put)(struct outbuf *, struct slice))
{
    text_printf(out, "%s%s ", mark, key);
    put(out, text_of(value));
    text_putc(out, '\n');
}

bool
request_is_of_exchanges(const struct request *request)
{
    return strcmp(request->group, REQUEST_EXCHANGES) == 0 && request->npatterns == 0;
}

bool
request_chooses_clients(const struct request *request)
{
    return request->where != NULL && !request_is_of_exchanges(request);
}

bool
request_asks(const struct request *request, const char *variable)
{
    size_t len = strlen(variable);
    for (const char *at = request->where; at != NULL && (at = strstr(at, variable)) != NULL; at += len) {
        char next = at[len];
        bool is_longer = (next >= 'a' && next <= 'z') || (next == '_' && strncmp(at + len, "_len", 4) != 0);
        if (!is_longer)
            return true;
    }
    return false;
}

void
request_put(struct outbuf *out, const struct request *request, const char *mark, void (*put)(struct outbuf *, struct slice))
{
    put_line(out, mark, "mode", request->group, put);
    for (size_t i = 0; i < request->npatterns; i++)
        put_line(out, mark, "type", request->patterns[i], put);
    for (size_t i = 0; i < request->redact.count; i++)
        put_line(out, mark, "redact", request->redact.patterns[i], put);
    if (request->transport == REQUEST_BATCH)
        put_line(out, mark, "transport", "batch", put);
    if (request->text_limit != 0)
        text_printf(out, "%stext-limit %u\n", mark, request->text_limit);
    if (request->left_out != 0 && request_is_of_exchanges(request))
        text_printf(out, "%swithout %u\n", mark, request->left_out);
    if (request->wants_sni && request_is_of_exchanges(request))
        put_line(out, mark, "sni", "yes", put);
    if (request->where != NULL)
        put_line(out, mark, "where", request->where, put);
    for (size_t i = 0; i < request->filter.nwords; i++) {
        text_printf(out, "%sfilter", mark);
        put_line(out, " ", request->filter.words[i].option, request->filter.words[i].value, put);
    }
}

static const char *
keep(struct slice text, struct mem *mem)
{
    return mem_strndup(mem, text.ptr, text.len);
}

static void
add(const char *const **words, size_t *count, struct slice word, struct mem *mem)
{
    const char **grown = mem_grow(mem, (void *)*words, *count, sizeof(**words));
    grown[(*count)++] = keep(word, mem);
    *words = grown;
}

static int
add_filter(struct filter *filter, struct slice value, struct mem *mem, struct diag *diag)
{
    struct filter_word word;
    if (!filter_read_word(&word, value, mem))
        return 0;
    return filter_add(filter, word.option, word.value, mem, diag) == 0 ? 1 : -1;
}

static int
take_number(unsigned *to, struct slice value)
{
    uint64_t number;
    bool is_number = text_number(value, UINT32_MAX, &number);
    *to = is_number ? (unsigned)number : 0;
    return is_number;
}

int
request_take(struct request *request, struct slice key, struct slice value, struct mem *mem, struct diag *diag)
{
    if (text_is(key, "filter"))
        return add_filter(&request->filter, value, mem, diag);
    if (text_is(key, "text-limit"))
        return take_number(&request->text_limit, value);
    if (text_is(key, "without"))
        return take_number(&request->left_out, value);
    if (text_is(key, "sni"))
        request->wants_sni = text_is(value, "yes");
    else if (text_is(key, "where"))
        request->where = keep(value, mem);
    else if (text_is(key, "mode"))
        request->group = keep(value, mem);
    else if (text_is(key, "type"))
        add(&request->patterns, &request->npatterns, value, mem);
    else if (text_is(key, "redact"))
        add(&request->redact.patterns, &request->redact.count, value, mem);
    else if (text_is(key, "transport") && text_is(value, "batch"))
        request->transport = REQUEST_BATCH;
    else
        return 0;
    return 1;
}

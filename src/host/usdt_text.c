#include "host/operand.h"
#include "host/usdt.h"

#include <limits.h>
#include <string.h>

static const char machine_mark[] = "machine=";

/* ---- Writing. */

void
usdt_write_line(struct outbuf *out, const struct usdt_probe *probe)
{
    text_printf(out, "%s %s", probe->provider, probe->name);
    for (int i = 0; i < probe->nargs; i++) {
        int size = probe->args[i].size < 0 ? 0 : probe->args[i].size;
        text_printf(out, " %d", probe->args[i].is_signed ? -size : size);
        text_puts(out, usdt_is_bare(probe, i) ? "*" : "");
        text_puts(out, usdt_is_indexed(probe, i) ? "+" : "");
        text_puts(out, usdt_is_readable(probe, i) ? "" : "!");
    }
    text_putc(out, '\n');
}

void
usdt_write_sites(struct outbuf *out, const struct usdt_probes *probes)
{
    if (probes->count > 0)
        text_printf(out, "%s%d\n", machine_mark, probes->items[0].machine);
    for (size_t i = 0; i < probes->count; i++) {
        const struct usdt_probe *probe = &probes->items[i];
        usdt_write_line(out, probe);
        for (const struct usdt_site *site = probe->sites; site < probe->sites + probe->nsites; site++) {
            text_printf(out, "@%lu", site->offset);
            for (int arg = 0; arg < probe->nargs; arg++) {
                text_putc(out, '\t');
                text_put(out, site->operands[arg]);
            }
            text_putc(out, '\n');
        }
    }
}

/* ---- Reading. */

struct parser {
    struct usdt_probes *probes;
    struct usdt_probe *probe; /* of the last line of one; NULL: there was none */
    int machine;
    struct mem *mem;
    struct diag *diag;
};

static int
bad_line(struct parser *parser, struct slice line, const char *expected)
{
    char quoted[128];
    return diag_set(parser->diag, DIAG_USAGE, "not a probe: \"%s\"; expected %s", diag_quote(quoted, sizeof(quoted), line),
                    expected);
}

static bool
parse_name(struct slice *line, const char **name, struct mem *mem)
{
    struct slice word;
    if (!text_word(line, &word) || !text_is_name(word) || word.len > USDT_MAX_NAME)
        return false;
    *name = mem_strndup(mem, word.ptr, word.len);
    return true;
}

static bool
drop_mark(struct slice *word, char mark)
{
    bool is_there = word->len > 0 && word->ptr[word->len - 1] == mark;
    word->len -= is_there;
    return is_there;
}

/* "8" an unsigned integer of 8 bytes, "-4" a signed one of 4, "0" none; marks may stand behind it. */
static bool
parse_arg(struct slice word, struct usdt_probe *probe)
{
    uint64_t number;
    struct usdt_arg *arg = &probe->args[probe->nargs];
    probe->lost |= (unsigned)drop_mark(&word, '!') << probe->nargs;
    probe->indexed |= (unsigned)drop_mark(&word, '+') << probe->nargs;
    probe->bare |= (unsigned)drop_mark(&word, '*') << probe->nargs;
    *arg = (struct usdt_arg){.size = -1, .is_signed = text_skip_prefix(&word, "-")};
    if (!text_number(word, 8, &number) || (number != 0 && !operand_is_size(number)))
        return false;
    if (number != 0)
        arg->size = (int)number;
    probe->nargs++;
    return true;
}

static int
parse_probe(struct parser *parser, struct slice line)
{
    struct usdt_probe probe = {.object = "", .machine = parser->machine};
    struct slice rest = line, word;
    bool is_good = parse_name(&rest, &probe.provider, parser->mem) && parse_name(&rest, &probe.name, parser->mem);
    while (is_good && text_word(&rest, &word))
        is_good = probe.nargs < USDT_MAX_ARGS && parse_arg(word, &probe);
    if (!is_good)
        return bad_line(parser, line, "PROVIDER NAME SIZE...");
    parser->probe = usdt_add(parser->probes, &probe, parser->mem, parser->diag);
    return parser->probe != NULL ? 0 : -1;
}

static int
parse_site(struct parser *parser, struct slice line)
{
    struct usdt_site site = {0};
    struct slice rest = line;
    text_skip(&rest, 1);
    bool is_good = parser->probe != NULL && text_number(text_cut(&rest, '\t'), UINT64_MAX, &site.offset);
    for (int arg = 0; is_good && arg < parser->probe->nargs; arg++) {
        struct slice operand = text_cut(&rest, '\t');
        is_good = operand.len <= USDT_MAX_OPERAND && text_plain(operand, '\\') == operand.len;
        site.operands[arg] = (struct slice){mem_strndup(parser->mem, operand.ptr, operand.len), operand.len};
    }
    if (!is_good || rest.len > 0)
        return bad_line(parser, line, "a site of the probe before, @OFFSET and an operand for each argument");
    return usdt_add_site(parser->probes, parser->probe, &site, parser->mem, parser->diag);
}

static int
parse_machine(struct parser *parser, struct slice line)
{
    uint64_t number;
    struct slice rest = line;
    if (!text_skip_prefix(&rest, machine_mark) || !text_number(rest, UINT16_MAX, &number))
        return bad_line(parser, line, "the number of a machine");
    parser->machine = (int)number;
    return 0;
}

int
usdt_read_list(struct usdt_probes *probes, struct slice text, struct mem *mem, struct diag *diag)
{
    struct slice line;
    *probes = (struct usdt_probes){0};
    struct parser parser = {.probes = probes, .mem = mem, .diag = diag};
    while (text_line(&text, &line))
        if (parse_probe(&parser, line) != 0)
            return -1;
    return 0;
}

int
usdt_read_sites(struct usdt_probes *probes, struct slice text, struct mem *mem, struct diag *diag)
{
    struct slice line;
    *probes = (struct usdt_probes){0};
    struct parser parser = {.probes = probes, .mem = mem, .diag = diag};
    int status = 0;
    while (status == 0 && text_line(&text, &line)) {
        if (text_starts_with(line, machine_mark))
            status = parse_machine(&parser, line);
        else
            status = text_starts_with(line, "@") ? parse_site(&parser, line) : parse_probe(&parser, line);
    }
    for (size_t i = 0; status == 0 && i < probes->count; i++)
        if (probes->items[i].nsites == 0)
            status = bad_line(&parser, text_of(probes->items[i].name), "a site of it");
    return status;
}

#include "program/contract.h"

#include "catalog/structures.h"
#include "request/request.h"

#include <stdio.h>
#include <string.h>

#define MARK "//: "

enum { FORM = 3 };

static void
put_event(struct outbuf *out, const struct plan *plan, size_t id)
{
    const struct plan_event *event = &plan->events[id];
    const char *separator = " ";
    text_printf(out, MARK "event %zx %s:%s", id, event->probe->provider, event->probe->name);
    for (int i = 0; i < event->probe->nfields; i++) {
        if (!event->is_shown[i])
            continue;
        text_printf(out, "%s%s", separator, event->probe->fields[i].name);
        separator = ",";
    }
    text_putc(out, '\n');
}

/* Another server's structures may have it elsewhere. */
static void
put_layout(struct outbuf *out, const struct plan *plan)
{
    uint64_t hash = TEXT_HASH;
    for (int i = 0; i < STRUCTURES_VALUES; i++) {
        const struct members_place *place = &plan->target->places[i];
        hash = text_hash(hash, (struct slice){(const char *)&place->nsteps, sizeof(place->nsteps)});
        hash = text_hash(hash, (struct slice){(const char *)place->offsets, (size_t)place->nsteps * sizeof(place->offsets[0])});
    }
    text_printf(out, MARK "layout %lx\n", hash);
}

void
contract_describe(struct outbuf *out, const struct plan *plan)
{
    text_printf(out, MARK "h2olog-program %d\n" MARK "app-data %d\n", FORM, plan->request->app_data);
    request_put(out, plan->request, MARK, text_escape);
    if (plan->whole != NULL)
        text_puts(out, MARK "source server\n");
    text_printf(out, MARK "texts %u %u\n", plan->layout.chunk, plan->layout.limit);
    if (plan->whole != NULL || request_chooses_clients(plan->request))
        put_layout(out, plan);
    for (size_t i = 0; i < plan->nevents; i++)
        put_event(out, plan, i);
}

/* The next line of those kinds, without its mark. */
static bool
next_line(struct slice *rest, struct slice *line, int *number)
{
    while (text_line(rest, line)) {
        ++*number;
        if (text_skip_prefix(line, MARK))
            return true;
    }
    return false;
}

/* Lines that say nothing of the request are skipped: contract_check compares them. */
static int
read_line(struct request *request, struct slice line, struct mem *mem, struct diag *diag)
{
    struct slice key;
    if (!text_word(&line, &key) || line.len == 0)
        return 0;
    line.ptr++, line.len--; /* the blank */
    if (text_is(key, "app-data"))
        request->app_data = text_is(line, "1");
    if (text_is(key, "source"))
        request->source = REQUEST_SERVER;
    return request_take(request, key, line, mem, diag) < 0 ? -1 : 0;
}

/* The first line has the version. */
static int
check_version(const struct contract *contract, struct slice line, int number, struct diag *diag)
{
    struct diag_pos pos = {contract->path, number, 1};
    struct slice word, version = {0};
    if (!text_word(&line, &word) || !text_is(word, "h2olog-program") || !text_word(&line, &version))
        return diag_at(diag, pos, "expected \"" MARK "h2olog-program %d\" before all other such lines", FORM);
    uint64_t found;
    if (!text_number(version, 1000, &found) || found != FORM)
        return diag_at(diag, pos,
                       "a program of version %.*s; this h2olog runs version %d: make it anew with --emit-script=wire",
                       (int)(version.len < 20 ? version.len : 20), version.ptr, FORM);
    return 0;
}

int
contract_read(struct contract *contract, const struct file *file, struct mem *mem, struct diag *diag)
{
    *contract =
        (struct contract){file->name, file->text, {.group = "http", .transport = REQUEST_STREAM, .source = REQUEST_PROBES}};
    struct slice rest = file->text, line;
    int number = 0;
    bool is_marked = next_line(&rest, &line, &number);
    if (!is_marked || memmem(file->text.ptr, file->text.len, CONTRACT_NO_NONCE, strlen(CONTRACT_NO_NONCE)) == NULL)
        return diag_at(diag, (struct diag_pos){file->name, 1, 1},
                       "this is no program that prints for h2olog; h2olog --emit-script=wire makes one");
    int status = check_version(contract, line, number, diag);
    while (status == 0 && next_line(&rest, &line, &number))
        status = read_line(&contract->request, line, mem, diag);
    return status;
}

static int
differs(const struct contract *contract, int number, struct slice found, struct slice expected, struct diag *diag)
{
    char quoted[2][256];
    return diag_at(
        diag, (struct diag_pos){contract->path, number, 1},
        "the program was made for \"%s\", but here it is \"%s\"; make it anew on this machine, with --emit-script=wire -p PID",
        diag_quote(quoted[0], sizeof(quoted[0]), found), diag_quote(quoted[1], sizeof(quoted[1]), expected));
}

int
contract_check(const struct contract *contract, const struct plan *plan, struct diag *diag)
{
    struct outbuf out = {0};
    contract_describe(&out, plan);
    struct slice rest = contract->text, planned = {out.ptr, out.len};
    int number = 0, unused = 0, status = 0;
    for (bool more = true; status == 0 && more;) {
        struct slice found, expected;
        bool is_found = next_line(&rest, &found, &number), is_expected = next_line(&planned, &expected, &unused);
        more = is_found && is_expected;
        if (is_found != is_expected || (more && !text_equal(found, expected)))
            status = differs(contract, number, is_found ? found : text_of("nothing"),
                             is_expected ? expected : text_of("nothing"), diag);
    }
    text_free(&out);
    return status;
}

/* Appends the text with `word` in place of each `mark`. */
static void
put_replaced(struct outbuf *out, struct slice rest, const char *mark, const char *word)
{
    const char *at;
    while ((at = memmem(rest.ptr, rest.len, mark, strlen(mark))) != NULL) {
        size_t len = (size_t)(at - rest.ptr);
        text_put(out, (struct slice){rest.ptr, len});
        text_puts(out, word);
        text_skip(&rest, len + strlen(mark));
    }
    text_put(out, rest);
}

void
contract_write(struct outbuf *out, const struct contract *contract, const char *nonce, pid_t pid)
{
    char digits[16];
    struct outbuf named = {0};
    snprintf(digits, sizeof(digits), "%d", pid);
    put_replaced(&named, contract->text, CONTRACT_NO_NONCE, nonce);
    put_replaced(out, (struct slice){named.ptr, named.len}, CONTRACT_NO_PID, digits);
    text_free(&named);
}

#include "run/source.h"

#include "base/clock.h"
#include "host/elf_reader.h"

#include <string.h>

/* Why the binary does not say where the values stand; NULL: it does. */
static const char *
use_own(const struct source *source, struct target *target, int64_t deadline, struct mem *mem)
{
    struct diag why;
    const struct sandbox_file file = {.open = process_open, .context = &(struct process_proc_file){target->pid, "exe"}};
    struct members_place *places = mem_alloc(mem, STRUCTURES_VALUES * sizeof(*places));
    if (members_find(places, source->structures->wanted, STRUCTURES_VALUES, &file, deadline, &why) != 0)
        return mem_strdup(mem, why.message);
    int known, confirmations = structures_confirmations(places, &target->probes, &known);
    target->places = places;
    return known == 0 || confirmations > 0 ? NULL : "its probe send_response reads the status elsewhere than they have it";
}

/* Without debugging information a layout that is known: the one that most sites of a probe confirm, or the first one where no
 * site says anything. How many confirm it; -1: there is none. */
static int
use_layout(const struct source *source, struct target *target)
{
    const struct structures *structures = source->structures;
    int most = -1;
    for (size_t i = source->first_layout; i < structures->nlayouts; i++) {
        int known, confirmations = structures_confirmations(structures->layouts[i].places, &target->probes, &known);
        if (confirmations <= most || (known > 0 && confirmations == 0))
            continue;
        most = confirmations;
        target->places = structures->layouts[i].places;
        target->next_layout = i + 1;
    }
    return most;
}

/* Why nobody knows where the values stand; NULL: `target` does. `least`: sites that must confirm a layout that is known. */
static const char *
find_places(const struct source *source, struct target *target, int least, int64_t deadline, struct mem *mem)
{
    const char *why_not = source->first_layout == 0 ? use_own(source, target, deadline, mem) : "no other layout is known";
    target->wanted = source->structures->wanted;
    return why_not == NULL || use_layout(source, target) >= least ? NULL : why_not;
}

/* Why the server's structures are not used; NULL: they are. */
static const char *
find_structures(const struct source *source, struct target *target, struct mem *mem)
{
    const struct structures *structures = source->structures;
    int64_t deadline = clock_ms() + ELF_READER_MS;
    if (structures->function == NULL)
        return "the catalogue does not describe them";
    if (source->request->redact.count > 0 && !source->bpftrace->row.has_ranges)
        return mem_printf(mem, "bpftrace %d.%d cannot look at the names of all header fields of a request, as --redact asks",
                          source->bpftrace->major, source->bpftrace->minor);
    if (!elf_reader_has_function(target->pid, structures->function, deadline))
        return mem_printf(mem, "it has no symbol %s", structures->function);
    const char *why_not = find_places(source, target, 0, deadline, mem);
    if (why_not != NULL)
        return why_not;
    target->request_function = structures->function;
    target->has_structures = true;
    return NULL;
}

/* Why nobody knows whose client a connection of QUIC is; NULL: `target` does. No hit proves the layout here, as it does for
 * whole requests, so one of the table has to be confirmed. */
static const char *
find_clients(const struct source *source, struct target *target, struct mem *mem)
{
    static const struct {
        const char *variable;
        enum structures_value value;
    } rows[] = {{"$address", STRUCTURES_QUIC_ADDRESS}, {"$sni", STRUCTURES_QUIC_SNI}};
    if (source->structures->function == NULL)
        return "the catalogue does not describe them";
    const char *why_not = find_places(source, target, 1, clock_ms() + ELF_READER_MS, mem);
    for (size_t i = 0; why_not == NULL && i < sizeof(rows) / sizeof(rows[0]); i++)
        if (request_asks(source->request, rows[i].variable) && target->places[rows[i].value].nsteps == 0)
            why_not = mem_printf(mem, "there is no %s", structures_name((int)rows[i].value, mem));
    return why_not;
}

/* What the answer needs is not known. */
static int
complain(const struct source *source, const struct target *target, const char *why_not, struct diag *diag)
{
    return diag_set(diag, DIAG_NOTHING,
                    "%s is known from the server's structures only, and those of process %d (%s) cannot be read: %s",
                    source->request->needs_whole, target->pid, target->command, why_not);
}

/* A server without probes has nothing else. */
static int
check_has_probes(const struct source *source, const struct target *target, struct mem *mem, struct diag *diag)
{
    struct target tried = *target;
    if (target_check_probes(target, diag) == 0)
        return 0;
    if (find_structures(source, &tried, mem) != NULL)
        return -1;
    return diag_set(
        diag, DIAG_NOTHING,
        request_is_of_exchanges(source->request)
            ? "process %d (%s) has none of h2o's probes, which --pending and --source=probes need; its structures have "
              "whole requests: leave these out"
            : "process %d (%s) has none of h2o's probes, but its structures have whole requests: -g request, -q, -F, "
              "stat, top and hist show them",
        target->pid, target->command);
}

/* Events of probes. */
static int
choose_probes(const struct source *source, struct target *target, struct mem *mem, struct diag *diag)
{
    const char *why_not = NULL;
    if (check_has_probes(source, target, mem, diag) != 0)
        return -1;
    if (request_chooses_clients(source->request))
        why_not = find_clients(source, target, mem);
    return why_not != NULL ? complain(source, target, why_not, diag) : 0;
}

/* Who asks for what the probes do not tell has to know why it is not there. */
static void
tell_probes(const struct source *source, const struct target *target, const char *why_not)
{
    if (source->request->shows_whole)
        diag_note(
            source->log,
            "requests come from the probes of pid %d, not from its structures: %s; so addresses, bytes and the like are -",
            target->pid, why_not);
    else
        diag_debug(source->log, 1, "requests come from the probes of pid %d, not from its structures: %s", target->pid,
                   why_not);
}

static int
choose_source(const struct source *source, struct target *target, struct mem *mem, struct diag *diag)
{
    const struct request *request = source->request;
    bool is_for_requests = request_is_of_exchanges(request);
    if (is_for_requests && request->source == REQUEST_PROBES && request->needs_whole != NULL)
        return diag_set(diag, DIAG_USAGE, "%s is known from the server's structures only, not from its probes",
                        request->needs_whole);
    if (!is_for_requests || request->source == REQUEST_PROBES)
        return choose_probes(source, target, mem, diag);
    const char *why_not = find_structures(source, target, mem);
    if (why_not != NULL && request->needs_whole != NULL)
        return complain(source, target, why_not, diag);
    if (why_not == NULL && target->next_layout > 0)
        diag_debug(source->log, 1, "requests come from the structures of pid %d, not from its probes, as h2o of %s has them",
                   target->pid, source->structures->layouts[target->next_layout - 1].name);
    else if (why_not == NULL)
        diag_debug(source->log, 1, "requests come from the structures of pid %d, not from its probes", target->pid);
    else if (request->source == REQUEST_SERVER)
        return diag_set(diag, DIAG_NOTHING,
                        "the structures of process %d (%s) cannot be read: %s; --source=probes traces its probes", target->pid,
                        target->command, why_not);
    else
        tell_probes(source, target, why_not);
    return why_not == NULL ? 0 : target_check_probes(target, diag);
}

int
source_open(const struct source *source, struct target *target, pid_t pid, struct mem *mem, struct diag *diag)
{
    return target_open_any(target, pid, mem, diag) != 0 ? -1 : choose_source(source, target, mem, diag);
}

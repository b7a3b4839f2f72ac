#include "plan/planner.h"

#include "catalog/pattern.h"
#include "plan/buffers.h"

#include <string.h>

/* Whether a pattern names the probe, or without patterns the mode has it. Sets `literally` if a pattern without a glob does. */
static bool
is_asked_for(struct planner *planner, const struct catalog_probe *probe, bool *literally)
{
    const struct request *request = planner->request;
    *literally = false;
    if (request->npatterns == 0)
        return plan_is_of_mode(request->group, probe);
    bool fits = false;
    for (size_t i = 0; i < request->npatterns; i++) {
        if (!pattern_fits(request->patterns[i], probe->provider, probe->name, probe->type))
            continue;
        fits = planner->was_used[i] = true;
        *literally |= pattern_is_literal(request->patterns[i]);
    }
    return fits;
}

static void
leave_out(struct planner *planner, const struct catalog_probe *probe, const char *why)
{
    text_printf(&planner->left_out, "%s:%s: %s\n", probe->provider, probe->name, why);
}

static bool
is_field_shown(struct planner *planner, const struct catalog_probe *probe, const struct catalog_field *field, bool literally)
{
    if (whole_event_of(probe) == WHOLE_END && (planner->request->left_out >> (field - probe->fields) & 1) != 0)
        return false;
    if (!field->is_app_data && !field->is_secret)
        return true;
    bool is_shown = planner->request->app_data && (literally || !field->is_secret);
    if (is_shown && field->is_secret)
        text_printf(&planner->warnings, "%s shows \"%s\", which is TLS key material: whoever has it can read the connections\n",
                    probe->type, field->name);
    return is_shown;
}

/* Whether the program can read the argument. */
static bool
is_reachable(const struct plan *plan, const struct usdt_probe *usdt, int arg)
{
    return !plan_reads_by_note(plan, usdt, arg) || (usdt != NULL && usdt_is_readable(usdt, arg));
}

/* Why the program cannot read the argument. */
static const char *
unreachable(const struct planner *planner, const struct usdt_probe *usdt, int arg)
{
    const struct plan *plan = planner->plan;
    if (usdt == NULL || (plan->target->pid == 0 && !usdt_is_alike(usdt, arg)))
        return mem_printf(planner->mem, "which bpftrace %d.%d cannot read by itself; -p PID makes it possible",
                          plan->bpftrace->major, plan->bpftrace->minor);
    struct slice operand = usdt->nsites > 0 ? usdt->sites[0].operands[arg] : text_of("");
    return mem_printf(planner->mem, "which this h2o has in a place that a program cannot read%s%.*s",
                      operand.len > 0 ? ": " : "", (int)operand.len, operand.ptr);
}

/* Why the program cannot read the field; NULL: it can. */
static const char *
field_obstacle(const struct planner *planner, const struct catalog_field *field, const struct usdt_probe *usdt)
{
    const struct bpftrace *bpftrace = planner->plan->bpftrace;
    if (planner->plan->whole != NULL)
        return NULL; /* it is no argument */
    if (field->type->wire == TYPES_BYTES && !bpftrace->row.has_hex)
        return mem_printf(planner->mem, "which bpftrace %d.%d cannot print as hexadecimal digits", bpftrace->major,
                          bpftrace->minor);
    if (!is_reachable(planner->plan, usdt, field->arg))
        return unreachable(planner, usdt, field->arg);
    return is_reachable(planner->plan, usdt, field->len_arg) ? NULL : unreachable(planner, usdt, field->len_arg);
}

static bool
is_field_reachable(struct planner *planner, const struct plan_event *event, const struct catalog_field *field)
{
    const char *why = field_obstacle(planner, field, event->usdt);
    if (why != NULL)
        leave_out(planner, event->probe, mem_printf(planner->mem, "%s, %s", field->name, why));
    return why == NULL;
}

/* The value of a header says nothing without the name, and nobody could tell whether it must be redacted. */
static bool
is_name_shown(struct planner *planner, const struct plan_event *event, const struct catalog_field *field)
{
    if (field->named_by < 0 || event->is_shown[field->named_by])
        return true;
    leave_out(planner, event->probe, mem_printf(planner->mem, "%s, as its header's name is not there", field->name));
    return false;
}

/* What every record of the event has in JSON, so that it is put together once. */
static void
make_keys(struct planner *planner, struct plan_event *event)
{
    event->type_key = text_of(mem_printf(planner->mem, ", \"type\": \"%s\"", event->probe->type));
    for (int i = 0; i < event->probe->nfields; i++)
        event->keys[i] = text_of(mem_printf(planner->mem, ", \"%s\": ", event->probe->fields[i].name));
}

/* Adds field `index` to what a record of the event shows. */
static int
show_field(struct planner *planner, struct plan_event *event, int index)
{
    const struct catalog_field *field = &event->probe->fields[index];
    event->is_shown[index] = true;
    event->shown[event->nshown++] =
        (struct plan_field){index, field->type->wire, field->type, layout_has_pointer(field), event->layout.ntexts, -1};
    if (index == event->probe->field_of[CATALOG_TIME])
        event->time = index;
    return layout_add_field(&event->layout, event->probe, index, planner->diag);
}

int
planner_make_event(struct planner *planner, struct plan_event *event, const struct catalog_probe *probe,
                   const struct usdt_probe *usdt, bool literally)
{
    struct plan *plan = planner->plan;
    *event = (struct plan_event){.probe = probe, .usdt = usdt, .time = -1};
    make_keys(planner, event);
    layout_begin_event(&event->layout);
    for (int i = 0; i < probe->nfields; i++) {
        const struct catalog_field *field = &probe->fields[i];
        bool is_shown = is_field_shown(planner, probe, field, literally) && is_field_reachable(planner, event, field) &&
                        is_name_shown(planner, event, field);
        if (is_shown && show_field(planner, event, i) != 0)
            return -1;
    }
    for (int i = 0; i < event->nshown; i++) {
        event->shown[i].known_by = plan_knowing_field(event, &probe->fields[event->shown[i].index]);
        event->has_known_by |= event->shown[i].known_by >= 0;
    }
    layout_end_event(&plan->layout, &event->layout, plan->request->transport == REQUEST_BATCH);
    return 0;
}

static int
add_event(struct planner *planner, const struct catalog_probe *probe, const struct usdt_probe *usdt, bool literally)
{
    return planner_make_event(planner, &planner->plan->events[planner->plan->nevents++], probe, usdt, literally);
}

/* Why this bpftrace cannot attach to the probe; NULL: it can. Else it attaches to none. */
static const char *
attach_obstacle(const struct planner *planner, const struct usdt_probe *usdt)
{
    const struct bpftrace *bpftrace = planner->plan->bpftrace;
    for (int i = 0; bpftrace->row.refuses_indexes && i < usdt->nargs; i++)
        if (usdt_is_indexed(usdt, i))
            return mem_printf(
                planner->mem,
                "in this h2o its argument %d is in memory at two registers, to which bpftrace %d.%d may not attach", i,
                bpftrace->major, bpftrace->minor);
    return NULL;
}

/* Why the description cannot be used for this server's probe; NULL: it can. */
static const char *
obstacle(const struct planner *planner, const struct catalog_probe *probe, const struct usdt_probe *usdt)
{
    char file[256];
    for (int i = 0; i < probe->nfields * 2; i++) {
        const struct catalog_field *field = &probe->fields[i / 2];
        int arg = i % 2 == 0 ? field->arg : field->len_arg;
        if (arg >= usdt->nargs)
            return mem_printf(planner->mem, "in this h2o it has %d arguments; the catalogue (%s:%d) expects more", usdt->nargs,
                              diag_quote(file, sizeof(file), text_of(probe->pos.file)), probe->pos.line);
        if (arg >= 0 && usdt->args[arg].size < 0)
            return mem_printf(planner->mem, "in this h2o its argument %d is not an integer", arg);
    }
    return NULL;
}

/* Why the filters cannot be applied to the server's probe; NULL: they can. */
static const char *
filter_obstacle(const struct planner *planner, const struct catalog_probe *probe, const struct usdt_probe *usdt)
{
    if (!filter_wants_probe(&planner->request->filter, probe))
        return "no record of it fits the filters";
    for (int i = 0; i < probe->nfields; i++) {
        const char *why =
            filter_asks(&planner->request->filter, probe, i) ? field_obstacle(planner, &probe->fields[i], usdt) : NULL;
        if (why != NULL)
            return mem_printf(planner->mem, "a filter asks for %s, %s", probe->fields[i].name, why);
    }
    return NULL;
}

/* Why the program cannot tell whose client an event is about; NULL: it can, or need not. */
static const char *
client_obstacle(const struct planner *planner, const struct catalog_probe *probe, const struct usdt_probe *usdt)
{
    const struct request *request = planner->request;
    int conn = probe->field_of[CATALOG_QUIC_CONN], client = probe->field_of[CATALOG_CLIENT];
    if (!request_chooses_clients(request))
        return NULL;
    if (conn < 0 && (client < 0 || request_asks(request, "$sni")))
        return "it does not tell of which client it is";
    const char *why = field_obstacle(planner, &probe->fields[conn >= 0 ? conn : client], usdt);
    return why == NULL ? NULL : mem_printf(planner->mem, "a filter asks for the client, %s", why);
}

/* What stands in the way of a probe whether a description fits it or not; NULL: nothing. */
static const char *
any_obstacle(const struct planner *planner, const struct catalog_probe *probe, const struct usdt_probe *usdt)
{
    const char *why_not = usdt != NULL ? attach_obstacle(planner, usdt) : NULL;
    if (why_not == NULL)
        why_not = client_obstacle(planner, probe, usdt);
    return why_not != NULL ? why_not : filter_obstacle(planner, probe, usdt);
}

/* Of the variants of a probe one is chosen: the first that fits the target, or without a target the last, as it stands for the
 * newest h2o. */
static bool
is_chosen(const struct planner *planner, size_t index)
{
    const struct catalog *catalog = planner->catalog;
    const struct catalog_probe *probe = &catalog->probes[index];
    const struct target *target = planner->plan->target;
    if (target != NULL && !catalog_fits(probe, &target->probes))
        return false;
    size_t from = target != NULL ? 0 : index + 1, to = target != NULL ? index : catalog->count;
    for (size_t i = from; i < to; i++)
        if (catalog_is(&catalog->probes[i], probe->provider, probe->name) &&
            (target == NULL || catalog_fits(&catalog->probes[i], &target->probes)))
            return false;
    return target != NULL || (probe->now == NULL && probe->absent == NULL);
}

static int
plan_known(struct planner *planner)
{
    const struct target *target = planner->plan->target;
    bool literally;
    for (size_t i = 0; i < planner->catalog->count; i++) {
        const struct catalog_probe *probe = &planner->catalog->probes[i];
        if (!is_chosen(planner, i) || !is_asked_for(planner, probe, &literally))
            continue;
        const struct usdt_probe *usdt = target != NULL ? usdt_find(&target->probes, probe->provider, probe->name) : NULL;
        const char *why_not = usdt != NULL ? obstacle(planner, probe, usdt) : NULL;
        if (why_not == NULL)
            why_not = any_obstacle(planner, probe, usdt);
        if (why_not != NULL)
            leave_out(planner, probe, why_not);
        else if (add_event(planner, probe, usdt, literally) != 0)
            return -1;
    }
    return 0;
}

/* A probe that the catalogue does not know, with its arguments as plain integers. */
static struct catalog_probe *
describe(const struct usdt_probe *usdt, struct mem *mem)
{
    struct catalog_probe *probe = mem_alloc(mem, sizeof(*probe));
    *probe = catalog_probe_new(usdt->provider, usdt->name, (struct diag_pos){usdt->object, 0, 0});
    probe->group = "unknown";
    probe->summary = "Not in the catalogue.";
    for (int i = 0; i < usdt->nargs; i++) {
        const struct usdt_arg *arg = &usdt->args[i];
        if (arg->size >= 0)
            catalog_add_field(probe,
                              catalog_field_new(mem_printf(mem, "arg%d", i), types_integer(arg->size, arg->is_signed), i));
    }
    return probe;
}

/* Whether any description in the catalogue fits the server's probe. */
static bool
is_described(const struct planner *planner, const struct usdt_probe *usdt)
{
    for (size_t i = 0; i < planner->catalog->count; i++) {
        const struct catalog_probe *probe = &planner->catalog->probes[i];
        if (catalog_is(probe, usdt->provider, usdt->name) && catalog_fits(probe, &planner->plan->target->probes))
            return true;
    }
    return false;
}

/* Whether the mode would show the probe if a description fitted. */
static bool
is_of_mode(const struct planner *planner, const struct usdt_probe *usdt)
{
    for (size_t i = 0; i < planner->catalog->count; i++) {
        const struct catalog_probe *probe = &planner->catalog->probes[i];
        if (catalog_is(probe, usdt->provider, usdt->name))
            return plan_is_of_mode(planner->request->group, probe);
    }
    return strcmp(planner->request->group, "all") == 0;
}

/* A probe of the server that no description fits is traced when a pattern asks for it. */
static int
plan_undescribed(struct planner *planner, const struct usdt_probe *usdt)
{
    bool literally;
    if (planner->request->npatterns == 0) {
        if (is_of_mode(planner, usdt))
            text_printf(&planner->left_out,
                        "%s:%s: no description in the catalogue fits it, with its %d arguments; -t %s shows them "
                        "as integers\n",
                        usdt->provider, usdt->name, usdt->nargs, usdt->name);
        return 0;
    }
    const struct catalog_probe *probe = describe(usdt, planner->mem);
    if (!is_asked_for(planner, probe, &literally))
        return 0;
    const char *why_not = any_obstacle(planner, probe, usdt);
    if (why_not != NULL) {
        leave_out(planner, probe, why_not);
        return 0;
    }
    text_printf(&planner->warnings, "no description in the catalogue fits %s:%s; its arguments are shown as integers\n",
                usdt->provider, usdt->name);
    return add_event(planner, probe, usdt, literally);
}

static int
plan_unknown(struct planner *planner)
{
    const struct target *target = planner->plan->target;
    for (size_t i = 0; target != NULL && i < target->probes.count; i++) {
        const struct usdt_probe *usdt = &target->probes.items[i];
        bool is_ours = catalog_has_provider(planner->catalog, usdt->provider); /* the C library has probes, too */
        if (is_ours && !is_described(planner, usdt) && plan_undescribed(planner, usdt) != 0)
            return -1;
    }
    return 0;
}

static int
check_patterns(const struct planner *planner)
{
    const struct target *target = planner->plan->target;
    for (size_t i = 0; i < planner->request->npatterns; i++)
        if (!planner->was_used[i])
            return pattern_explain(planner->request->patterns[i], planner->catalog, target != NULL ? &target->probes : NULL,
                                   planner->diag);
    return 0;
}

static struct slice
keep(struct outbuf *out, struct mem *mem)
{
    size_t len = out->len;
    return (struct slice){text_keep(out, mem), len};
}

/* A text of a whole request has so many turns of a loop. */
static void
limit_text(struct bpftrace_row *row)
{
    const unsigned most = WHOLE_TURNS_OF_TEXT * row->text_chunk * row->piece_parts;
    row->most_text = row->most_text < most ? row->most_text : most;
}

/* Whether requests are wanted that the server's structures have. */
static bool
is_whole(const struct plan *plan)
{
    return plan->target != NULL && plan->target->has_structures && request_is_of_exchanges(plan->request);
}

static int
choose(struct planner *planner)
{
    if (is_whole(planner->plan))
        return planner_plan_whole(planner);
    return plan_known(planner) != 0 || plan_unknown(planner) != 0 || check_patterns(planner) != 0 ? -1 : 0;
}

int
plan_make(struct plan *plan, const struct catalog *catalog, const struct target *target, const struct bpftrace *bpftrace,
          const struct request *request, struct mem *mem, struct diag *diag)
{
    *plan = (struct plan){.target = target, .bpftrace = bpftrace, .request = request};
    if (is_whole(plan)) {
        struct bpftrace *shortened = mem_alloc(mem, sizeof(*shortened));
        *shortened = bpftrace_shortened(bpftrace);
        limit_text(&shortened->row);
        plan->bpftrace = bpftrace = shortened;
    }
    layout_begin(&plan->layout, &bpftrace->row, request->text_limit);
    if (request->redact.count > 0)
        plan->redact = &request->redact;
    size_t most = catalog->count + (target != NULL ? target->probes.count : 0) + WHOLE_EVENTS;
    plan->events = mem_alloc(mem, most * sizeof(*plan->events) + 1);
    struct planner planner = {.plan = plan, .catalog = catalog, .request = request, .mem = mem, .diag = diag};
    if (plan->redact != NULL && request->app_data)
        text_puts(&planner.warnings, "-a shows application data, in which the values of redacted headers may stand\n");
    planner.was_used = mem_alloc(mem, request->npatterns + 1);
    int status = choose(&planner);
    plan->layout.map_keys = buffers_map_keys(&plan->layout, &bpftrace->row, request);
    plan->left_out = keep(&planner.left_out, mem);
    plan->warnings = keep(&planner.warnings, mem);
    if (status == 0 && plan->nevents == 0 && request->filter.count > 0)
        status = diag_set(diag, DIAG_NOTHING, "no event fits the filters; h2olog --list shows which fields events have");
    else if (status == 0 && plan->nevents == 0)
        status = diag_set(diag, DIAG_NOTHING,
                          "there is no probe to trace: this process has none of the \"%s\" probes; "
                          "h2olog --list -p PID shows which it has",
                          request->group);
    return status;
}

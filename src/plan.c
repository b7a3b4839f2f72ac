#include "plan.h"

#include <string.h>

/* Why `probe` cannot be traced in the target; NULL: it can. */
static const char *
obstacle(const struct catalog_probe *probe, const struct target *target, struct mem *mem)
{
    if (target == NULL)
        return NULL;
    const struct usdt_probe *found = usdt_find(&target->probes, probe->provider, probe->name);
    if (found == NULL)
        return "this h2o does not have it";
    for (int i = 0; i < probe->nfields; i++) {
        int last = probe->fields[i].len_arg > probe->fields[i].arg ? probe->fields[i].len_arg : probe->fields[i].arg;
        if (last >= found->nargs)
            return mem_printf(mem, "in this h2o it has %d arguments; the catalogue (%s:%d) expects more", found->nargs,
                              probe->pos.file, probe->pos.line);
    }
    return NULL;
}

static int
make_event(struct plan_event *event, const struct catalog_probe *probe, struct diag *diag)
{
    *event = (struct plan_event){.probe = probe};
    for (int i = 0; i < probe->nfields; i++) {
        if (probe->fields[i].type->wire != TYPES_TEXT)
            continue;
        if (event->ntexts == PLAN_MAX_TEXTS)
            return diag_at(diag, probe->pos, "probe %s has more than %d texts", probe->name, PLAN_MAX_TEXTS);
        event->texts[event->ntexts++] = i;
    }
    return 0;
}

static unsigned
whole_chunks(unsigned chunk)
{
    return (PLAN_TEXT_LIMIT + chunk - 1) / chunk * chunk;
}

int
plan_make(struct plan *plan, const struct catalog *catalog, const struct target *target, const struct tracer *tracer,
          const char *group, struct mem *mem, struct diag *diag)
{
    *plan = (struct plan){.target = target, .tracer = tracer, .chunk = tracer->row->chunk, .limit = whole_chunks(tracer->row->chunk)};
    struct outbuf left_out = {0};
    plan->events = mem_alloc(mem, catalog->count * sizeof(*plan->events) + 1);
    for (size_t i = 0; i < catalog->count; i++) {
        const struct catalog_probe *probe = &catalog->probes[i];
        if (strcmp(probe->group, group) != 0)
            continue;
        const char *why_not = obstacle(probe, target, mem);
        if (why_not != NULL)
            text_printf(&left_out, "%s:%s: %s\n", probe->provider, probe->name, why_not);
        else if (make_event(&plan->events[plan->nevents++], probe, diag) != 0)
            return -1;
    }
    plan->left_out = (struct slice){mem_strndup(mem, left_out.ptr, left_out.len), left_out.len};
    text_free(&left_out);
    if (plan->nevents == 0)
        return diag_set(diag, DIAG_NOTHING, "there is no probe to trace: none of the \"%s\" probes in the catalogue fits this process; "
                                            "h2olog --list -p PID shows which probes it has", group);
    return 0;
}

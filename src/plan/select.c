#include "plan/select.h"

#include "catalog/pattern.h"

bool
select_wants(struct select *select, const struct catalog_probe *probe)
{
    const char *mode = select->mode;
    bool fits = select->npatterns == 0 && (mode == NULL || plan_is_of_mode(mode, probe));
    for (size_t i = 0; i < select->npatterns; i++)
        if (pattern_fits(select->patterns[i], probe->provider, probe->name, probe->type))
            fits = select->was_used[i] = true;
    return fits && filter_wants_probe(select->filter, probe);
}

const bool *
select_events(struct select *select, const struct plan *plan, struct mem *mem)
{
    bool *wanted = mem_alloc(mem, plan->nevents + 1);
    for (size_t i = 0; i < plan->nevents; i++) {
        const struct catalog_probe *probe = plan->events[i].probe;
        wanted[i] = select_wants(select, probe);
        select->nfound += select->mode == NULL || plan_is_of_mode(select->mode, probe);
    }
    select->nplans++;
    return wanted;
}

const char *
select_unused(const struct select *select)
{
    for (size_t i = 0; i < select->npatterns; i++)
        if (!select->was_used[i])
            return select->patterns[i];
    return NULL;
}

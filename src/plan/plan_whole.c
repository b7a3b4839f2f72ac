#include "plan/planner.h"

/* The description of the newest probe that has the role; NULL: the catalogue has none. */
static const struct catalog_probe *
find_role(const struct catalog *catalog, enum catalog_role role)
{
    const struct catalog_probe *found = NULL;
    for (size_t i = 0; i < catalog->count; i++)
        if (catalog->probes[i].role == role)
            found = &catalog->probes[i];
    return found;
}

/* Whether the filters want events of the role. */
static bool
wants_role(const struct planner *planner, enum catalog_role role)
{
    const struct catalog_probe *probe = find_role(planner->catalog, role);
    return probe != NULL && filter_wants_probe(&planner->request->filter, probe);
}

/* Whether the filters want the header field of a request. */
static bool
wants_header(const struct planner *planner, const char *name)
{
    const struct catalog_probe *probe = find_role(planner->catalog, CATALOG_REQUEST_HEADER);
    return wants_role(planner, CATALOG_REQUEST_HEADER) && filter_fits_name(&planner->request->filter, probe, text_of(name));
}

/* Whether anything of the event is asked for. */
static bool
is_event_asked_for(const struct planner *planner, const struct catalog_probe *probe)
{
    enum whole_event event = whole_event_of(probe);
    if (event == WHOLE_SNI)
        return planner->request->wants_sni;
    if (event == WHOLE_CUT)
        return wants_role(planner, CATALOG_REQUEST_HEADER) || wants_role(planner, CATALOG_RESPONSE_HEADER);
    bool is_asked = event == WHOLE_END;
    for (int i = 0; !is_asked && i < probe->nfields; i++)
        is_asked = whole_header(event, i) != NULL && wants_header(planner, whole_header(event, i));
    return is_asked;
}

static const struct plan_event *
add_sent(struct planner *planner, const struct catalog_probe *probe, const struct plan_whole *whole)
{
    struct plan_event *event = &planner->plan->events[planner->plan->nevents++];
    if (planner_make_event(planner, event, probe, NULL, false) != 0)
        return NULL;
    event->whole = whole;
    return event;
}

static int
add_sent_events(struct planner *planner, struct plan_whole *whole)
{
    for (enum whole_event i = 0; i < WHOLE_EVENTS; i++) {
        const struct catalog_probe *probe = whole_probe(i, planner->mem);
        if (is_event_asked_for(planner, probe) && (whole->sent[i] = add_sent(planner, probe, whole)) == NULL)
            return -1;
    }
    const struct {
        enum catalog_role role;
        const struct plan_event **event;
    } headers[] = {{CATALOG_REQUEST_HEADER, &whole->request_header}, {CATALOG_RESPONSE_HEADER, &whole->response_header}};
    for (size_t i = 0; i < 2; i++)
        if (wants_role(planner, headers[i].role) &&
            (*headers[i].event = add_sent(planner, find_role(planner->catalog, headers[i].role), whole)) == NULL)
            return -1;
    return 0;
}

/* Events that are never sent have no place in the plan's list. */
static int
make_unfolded(struct planner *planner, struct plan_whole *whole)
{
    const struct {
        enum catalog_role role;
        const struct plan_event **event;
    } rows[] = {
        {CATALOG_REQUEST, &whole->request}, {CATALOG_RESPONSE, &whole->response}, {CATALOG_REQUEST_HEADER, &whole->header}};
    struct layout layout = planner->plan->layout;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan_event *event = mem_alloc(planner->mem, sizeof(*event));
        const struct catalog_probe *probe = find_role(planner->catalog, rows[i].role);
        if (probe == NULL)
            return diag_set(planner->diag, DIAG_USAGE, "the catalogue does not say which events are requests and responses");
        if (planner_make_event(planner, event, probe, NULL, false) != 0)
            return -1;
        *rows[i].event = event;
    }
    planner->plan->layout = layout; /* nothing of them is kept in a map */
    return 0;
}

/* Whether any of the events that probes would send of a request fits the filters. */
static bool
fits_any(const struct planner *planner)
{
    static const enum catalog_role roles[] = {CATALOG_REQUEST, CATALOG_REQUEST_HEADER, CATALOG_RESPONSE,
                                              CATALOG_RESPONSE_HEADER};
    bool fits = false;
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        fits |= wants_role(planner, roles[i]);
    return fits;
}

int
planner_plan_whole(struct planner *planner)
{
    if (!fits_any(planner))
        return 0; /* which is an error of the caller's */
    struct plan_whole *whole = mem_alloc(planner->mem, sizeof(*whole));
    planner->plan->whole = whole;
    return make_unfolded(planner, whole) != 0 ? -1 : add_sent_events(planner, whole);
}

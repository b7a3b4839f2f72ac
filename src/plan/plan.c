#include "plan/plan.h"

#include <string.h>

void
plan_choose_transport(struct request *request, const struct bpftrace *bpftrace)
{
    if (request->transport == REQUEST_AUTO)
        request->transport = bpftrace->row.per_cpu_buffers ? REQUEST_BATCH : REQUEST_STREAM;
}

bool
plan_has_batches(const struct plan *plan)
{
    return plan->layout.nstored[LAYOUT_PRINTED] < plan->nevents && plan->request->transport == REQUEST_BATCH;
}

/* The field that shows the argument. */
static int
field_of_argument(const struct plan_event *event, int arg)
{
    for (int i = 0; i < event->probe->nfields; i++)
        if (event->is_shown[i] && event->probe->fields[i].arg == arg)
            return i;
    return -1;
}

int
plan_length_field(const struct plan_event *event, const struct catalog_field *field)
{
    return field_of_argument(event, field->len_arg);
}

int
plan_knowing_field(const struct plan_event *event, const struct catalog_field *field)
{
    return field_of_argument(event, field->known_by);
}

bool
plan_is_redactable(const struct plan *plan, const struct plan_event *event, int field)
{
    const char *header = whole_header(whole_event_of(event->probe), field);
    bool is_held_back = header != NULL && plan->redact != NULL && redact_fits(plan->redact, text_of(header));
    return plan->redact != NULL && (event->probe->fields[field].named_by >= 0 || is_held_back);
}

bool
plan_is_of_mode(const char *mode, const struct catalog_probe *probe)
{
    bool is_for_requests = strcmp(mode, REQUEST_EXCHANGES) == 0 && probe->role != CATALOG_NO_ROLE;
    return is_for_requests || strcmp(mode, "all") == 0 || strcmp(mode, probe->group) == 0;
}

/* bpftrace reads only the first arguments. And if one is in memory at a register, without an offset, bpftrace 0.17 takes the
 * address for the value, with libbpfcc 0.26 on arm64. 0.23, with libbpfcc 0.31, and 0.27 read it right; but which library a
 * bpftrace has is not known. */
bool
plan_reads_by_note(const struct plan *plan, const struct usdt_probe *usdt, int arg)
{
    return arg >= plan->bpftrace->row.max_args || (usdt != NULL && arg >= 0 && usdt_is_bare(usdt, arg));
}

#include "show/view.h"

#include "base/text.h"
#include "catalog/whole.h"
#include "request/header.h"
#include "show/query_where.h"
#include "show/summary_parse.h"

const char *
view_needs_whole(const struct view *view)
{
    if (view->addresses.count > 0 || view->names.count > 0)
        return view->addresses.count > 0 ? "--address" : "--sni";
    return view->query.needs_whole != NULL ? view->query.needs_whole : summary_needs_whole(&view->summary);
}

bool
view_wants_sni(const struct view *view)
{
    return view->names.count > 0 || view->log.wants_sni || view->query.wants_sni || view->summary.key.wants_sni;
}

uint32_t
view_left_out(const struct view *view)
{
    bool are_needed = view->query.needs_whole != NULL || view->addresses.count > 0;
    return are_needed ? 0 : summary_left_out(&view->summary);
}

/* NULL: any address. */
static const char *
address_condition(const struct view *view, struct mem *mem)
{
    struct outbuf out = {0};
    for (size_t i = 0; i < view->addresses.count; i++)
        text_printf(&out, "%s(%s)", i > 0 ? " || " : "(", condition_address(mem, "$address", &view->addresses.items[i]));
    text_puts(&out, out.len > 0 ? ")" : "");
    return out.len > 0 ? text_keep(&out, mem) : NULL;
}

/* NULL: any name. Whole requests are looked at by h2olog, which takes every glob. */
static const char *
name_condition(const struct view *view, struct mem *mem)
{
    struct outbuf out = {0};
    for (size_t i = 0; !view->is_grouped && i < view->names.count; i++) {
        text_puts(&out, i > 0 ? " || " : "($sni != 0 && (");
        header_condition(&out, view->names.items[i], "$sni", "$sni_len");
    }
    text_puts(&out, out.len > 0 ? "))" : "");
    return out.len > 0 ? text_keep(&out, mem) : NULL;
}

/* Both of two conditions, either of which may be NULL. */
static const char *
both(const char *a, const char *b, struct mem *mem)
{
    return a != NULL && b != NULL ? mem_printf(mem, "%s && %s", a, b) : a != NULL ? a : b;
}

const char *
view_where(const struct view *view, const struct redact *redact, size_t text_limit, struct mem *mem)
{
    const struct filter_value status = {.value = "$status"};
    const char *query = query_where(&view->query, redact, text_limit, mem);
    struct outbuf out = {0};
    filter_condition(&view->statuses, whole_probe(WHOLE_END, mem), WHOLE_STATUS, &status, &out);
    const char *statuses = text_keep(&out, mem);
    const char *client = both(address_condition(view, mem), name_condition(view, mem), mem);
    return both(both(*statuses != '\0' ? statuses : NULL, client, mem), query, mem);
}

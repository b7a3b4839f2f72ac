#include "host/usdt.h"

#include "host/operand.h"

#include <string.h>

/* Twice as many as probes, so that a free one is near; a power of two. */
enum { SLOTS = 2 * USDT_MAX_PROBES };

bool
usdt_is(const struct usdt_probe *probe, const char *provider, const char *name)
{
    return strcmp(probe->name, name) == 0 && strcmp(probe->provider, provider) == 0;
}

/* FNV-1a */
static uint32_t
usdt_hash(const struct usdt_probe *probe)
{
    uint32_t hash = 2166136261;
    for (const char *at = probe->name; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619;
    return hash;
}

/* The probe's slot, or the free one that it would have. */
static uint16_t *
find_slot(const struct usdt_probes *probes, const struct usdt_probe *probe)
{
    uint32_t at = usdt_hash(probe) % SLOTS;
    while (probes->slots[at] != 0 && !usdt_is(&probes->items[probes->slots[at] - 1], probe->provider, probe->name))
        at = (at + 1) % SLOTS;
    return &probes->slots[at];
}

struct usdt_probe *
usdt_add(struct usdt_probes *probes, const struct usdt_probe *probe, struct mem *mem, struct diag *diag)
{
    if (probes->slots == NULL)
        probes->slots = mem_alloc(mem, SLOTS * sizeof(*probes->slots));
    uint16_t *slot = find_slot(probes, probe);
    if (*slot != 0)
        return &probes->items[*slot - 1];
    if (probes->count == USDT_MAX_PROBES) {
        diag_set(diag, DIAG_NOTHING, "it has more than %d probes; h2olog reads at most %d", USDT_MAX_PROBES, USDT_MAX_PROBES);
        return NULL;
    }
    probes->items = mem_grow(mem, probes->items, probes->count, sizeof(*probe));
    struct usdt_probe *added = &probes->items[probes->count++];
    *added = *probe;
    added->sites = NULL;
    added->nsites = 0;
    *slot = (uint16_t)probes->count;
    return added;
}

int
usdt_add_site(struct usdt_probes *probes, struct usdt_probe *probe, const struct usdt_site *site, struct mem *mem,
              struct diag *diag)
{
    if (probe->nsites == USDT_MAX_PROBE_SITES)
        return diag_set(diag, DIAG_NOTHING, "%s:%s has more than %d probe sites; h2olog reads at most %d", probe->provider,
                        probe->name, USDT_MAX_PROBE_SITES, USDT_MAX_PROBE_SITES);
    if (probes->nsites == USDT_MAX_SITES)
        return diag_set(diag, DIAG_NOTHING, "it has more than %d probe sites; h2olog reads at most %d", USDT_MAX_SITES,
                        USDT_MAX_SITES);
    probe->sites = mem_grow(mem, probe->sites, probe->nsites, sizeof(*site));
    probe->sites[probe->nsites++] = *site;
    probes->nsites++;
    return 0;
}

int
usdt_merge(struct usdt_probes *probes, const struct usdt_probes *others, struct mem *mem, struct diag *diag)
{
    for (size_t i = 0; i < others->count; i++) {
        const struct usdt_probe *other = &others->items[i];
        struct usdt_probe *probe = usdt_add(probes, other, mem, diag);
        for (size_t site = 0; probe != NULL && site < other->nsites; site++)
            if (usdt_add_site(probes, probe, &other->sites[site], mem, diag) != 0)
                return -1;
        if (probe == NULL)
            return -1;
    }
    return 0;
}

bool
usdt_is_alike(const struct usdt_probe *probe, int arg)
{
    for (size_t i = 1; i < probe->nsites; i++)
        if (!text_equal(probe->sites[i].operands[arg], probe->sites[0].operands[arg]))
            return false;
    return true;
}

/* Whether the operand ends with that, and has a comma or none. */
static bool
is_place(struct slice operand, char end, bool has_comma)
{
    return operand.len > 0 && operand.ptr[operand.len - 1] == end &&
           (memchr(operand.ptr, ',', operand.len) != NULL) == has_comma;
}

/* Whether any site has the argument in such a place; of a list, its bits say so. */
static bool
has_place(const struct usdt_probe *probe, int arg, char end, bool has_comma, unsigned bits)
{
    for (size_t i = 0; i < probe->nsites; i++)
        if (is_place(probe->sites[i].operands[arg], end, has_comma))
            return true;
    return probe->nsites == 0 && (bits >> arg & 1) != 0;
}

bool
usdt_is_bare(const struct usdt_probe *probe, int arg)
{
    return has_place(probe, arg, ']', false, probe->bare);
}

bool
usdt_is_indexed(const struct usdt_probe *probe, int arg)
{
    return has_place(probe, arg, ')', true, probe->indexed);
}

bool
usdt_is_readable(const struct usdt_probe *probe, int arg)
{
    if (probe->nsites == 0)
        return (probe->lost >> arg & 1) == 0;
    if (usdt_is_alike(probe, arg))
        return operand_is_known(probe->sites[0].operands[arg], probe->machine);
    bool is_readable = probe->nsites <= USDT_MAX_PLACES;
    for (size_t i = 0; is_readable && i < probe->nsites; i++)
        is_readable = probe->sites[i].address != 0 && operand_is_known(probe->sites[i].operands[arg], probe->machine);
    return is_readable;
}

const struct usdt_probe *
usdt_find(const struct usdt_probes *probes, const char *provider, const char *name)
{
    for (size_t i = 0; i < probes->count; i++)
        if (usdt_is(&probes->items[i], provider, name))
            return &probes->items[i];
    return NULL;
}

bool
usdt_has_provider(const struct usdt_probes *probes, const char *provider)
{
    for (size_t i = 0; i < probes->count; i++)
        if (strcmp(probes->items[i].provider, provider) == 0)
            return true;
    return false;
}

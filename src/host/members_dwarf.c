#include "host/members.h"

#include "base/no_memory.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>
#define uthash_fatal(message) no_memory()
#include <uthash.h>

/* A structure that is whole, or a variable that has a place, by name. One of several of that name is taken: C has one in a
 * program. */
struct named {
    const char *name; /* libdw's */
    Dwarf_Die die;
    UT_hash_handle hh;
};

/* Each a hash table. */
struct found {
    struct named *structs, *variables;
    Dwarf_Addr entry; /* where the program begins */
};

/* A path on the way: where it is, and what stands there. */
struct walk {
    const struct found *found;
    const char *rest;
    Dwarf_Die type;
    Dwarf_Word at; /* wraps around below 0 */
    struct members_place place;
    struct outbuf *answer;
};

enum { MAX_NAME = 128, MAX_TYPES = 32 };

static int
fail(struct walk *walk, const char *what, const char *name)
{
    text_printf(walk->answer, "!%s %s", what, name);
    return -1;
}

/* ---- All structures and variables. */

static void
add_named(struct named **table, Dwarf_Die *die)
{
    const char *name = dwarf_diename(die);
    struct named *found = NULL;
    if (name != NULL)
        HASH_FIND_STR(*table, name, found);
    if (name == NULL || found != NULL)
        return;
    found = malloc(sizeof(*found));
    if (found == NULL)
        no_memory();
    *found = (struct named){.name = name, .die = *die};
    HASH_ADD_KEYPTR(hh, *table, name, strlen(name), found);
}

static void
read_unit(struct found *found, Dwarf_Die unit)
{
    Dwarf_Die die;
    for (bool more = dwarf_child(&unit, &die) == 0; more; more = dwarf_siblingof(&die, &die) == 0) {
        if (dwarf_tag(&die) == DW_TAG_structure_type && !dwarf_hasattr(&die, DW_AT_declaration))
            add_named(&found->structs, &die);
        if (dwarf_tag(&die) == DW_TAG_variable && dwarf_hasattr(&die, DW_AT_location))
            add_named(&found->variables, &die);
    }
}

static void
read_all(struct found *found, Dwarf *dwarf)
{
    GElf_Ehdr header;
    Dwarf_CU *unit = NULL;
    Dwarf_Die die;
    uint8_t kind;
    *found = (struct found){NULL, NULL, gelf_getehdr(dwarf_getelf(dwarf), &header) != NULL ? header.e_entry : 0};
    while (dwarf_get_units(dwarf, unit, &unit, NULL, &kind, &die, NULL) == 0)
        read_unit(found, die);
}

static int
find_struct(struct walk *walk, const char *name)
{
    struct named *found;
    HASH_FIND_STR(walk->found->structs, name, found);
    if (found == NULL)
        return fail(walk, "there is no struct", name);
    walk->type = found->die;
    return 0;
}

/* ---- Types. */

static bool
type_of(Dwarf_Die *die, Dwarf_Die *type)
{
    Dwarf_Attribute attribute;
    return dwarf_attr_integrate(die, DW_AT_type, &attribute) != NULL && dwarf_formref_die(&attribute, type) != NULL;
}

/* Without typedef, const and the like. */
static bool
peel(Dwarf_Die *type)
{
    for (int i = 0; i < MAX_TYPES; i++) {
        int tag = dwarf_tag(type);
        if (tag != DW_TAG_typedef && tag != DW_TAG_const_type && tag != DW_TAG_volatile_type)
            return true;
        if (!type_of(type, type))
            return false;
    }
    return false;
}

/* One that is only declared there is whole elsewhere. */
static int
complete(struct walk *walk)
{
    const char *name = dwarf_diename(&walk->type);
    bool is_declared = dwarf_tag(&walk->type) == DW_TAG_structure_type && dwarf_hasattr(&walk->type, DW_AT_declaration);
    return is_declared && name != NULL ? find_struct(walk, name) : 0;
}

/* A member of that name, also of a structure or union without a name within. Its offset is added to `at`. */
static bool
find_member(Dwarf_Die *type, const char *name, int depth, Dwarf_Die *member, Dwarf_Word *at)
{
    Dwarf_Die die;
    for (bool more = dwarf_child(type, &die) == 0; more; more = dwarf_siblingof(&die, &die) == 0) {
        Dwarf_Attribute attribute;
        Dwarf_Word offset = 0;
        if (dwarf_tag(&die) != DW_TAG_member)
            continue;
        if (dwarf_attr(&die, DW_AT_data_member_location, &attribute) != NULL && dwarf_formudata(&attribute, &offset) != 0)
            continue;
        const char *own = dwarf_diename(&die);
        Dwarf_Die inner;
        bool is_found = own != NULL && strcmp(own, name) == 0;
        if (is_found)
            *member = die;
        else if (own == NULL && depth > 0 && type_of(&die, &inner) && peel(&inner))
            is_found = find_member(&inner, name, depth - 1, member, at);
        if (is_found) {
            *at += offset;
            return true;
        }
    }
    return false;
}

static int
go_to_member(struct walk *walk, const char *name)
{
    enum { DEPTH = 4 };
    Dwarf_Die member;
    if (complete(walk) != 0)
        return -1;
    if (!find_member(&walk->type, name, DEPTH, &member, &walk->at) || dwarf_hasattr(&member, DW_AT_bit_size) ||
        dwarf_hasattr(&member, DW_AT_data_bit_offset))
        return fail(walk, "there is no member", name);
    return type_of(&member, &walk->type) && peel(&walk->type) ? 0 : fail(walk, "there is no type of", name);
}

/* ---- Paths. */

static int
take_name(struct walk *walk, char name[MAX_NAME])
{
    size_t len = strspn(walk->rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (len == 0 || len >= MAX_NAME)
        return fail(walk, "expected a name at", walk->rest);
    memcpy(name, walk->rest, len);
    name[len] = '\0';
    walk->rest += len;
    return 0;
}

static bool
take(struct walk *walk, const char *word)
{
    size_t len = strlen(word);
    bool is_there = strncmp(walk->rest, word, len) == 0;
    walk->rest += is_there ? len : 0;
    return is_there;
}

static int
push_offset(struct walk *walk)
{
    struct members_place *place = &walk->place;
    int64_t offset = (int64_t)walk->at;
    if (place->nsteps == MEMBERS_MAX_STEPS || offset < INT32_MIN || offset > INT32_MAX)
        return fail(walk, "too long a way before", walk->rest);
    place->offsets[place->nsteps++] = (int32_t)offset;
    walk->at = 0;
    return 0;
}

/* Behind "@". */
static int
begin_variable(struct walk *walk)
{
    char name[MAX_NAME];
    struct named *found;
    Dwarf_Attribute attribute;
    Dwarf_Op *ops;
    size_t nops;
    if (take_name(walk, name) != 0)
        return -1;
    HASH_FIND_STR(walk->found->variables, name, found);
    if (found == NULL || dwarf_attr(&found->die, DW_AT_location, &attribute) == NULL ||
        dwarf_getlocation(&attribute, &ops, &nops) != 0 || nops != 1 || ops[0].atom != DW_OP_addr)
        return fail(walk, "there is no variable", name);
    walk->at = ops[0].number - walk->found->entry;
    return type_of(&found->die, &walk->type) && peel(&walk->type) ? 0 : fail(walk, "there is no type of", name);
}

/* Behind "sizeof(*@": a member of a variable. */
static int
measure_pointed(struct walk *walk)
{
    char name[MAX_NAME];
    if (begin_variable(walk) != 0 || !take(walk, ".") || take_name(walk, name) != 0 || go_to_member(walk, name) != 0)
        return fail(walk, "expected a variable's member before", walk->rest);
    bool is_pointer = dwarf_tag(&walk->type) == DW_TAG_pointer_type;
    if (!is_pointer || !type_of(&walk->type, &walk->type) || !peel(&walk->type) ||
        dwarf_aggregate_size(&walk->type, &walk->at) != 0)
        return fail(walk, "there is no size of what it points to:", name);
    return take(walk, ")") ? 0 : fail(walk, "expected ) at", walk->rest);
}

/* Behind "sizeof(". */
static int
measure(struct walk *walk)
{
    char name[MAX_NAME];
    if (take(walk, "*@"))
        return measure_pointed(walk);
    if (take_name(walk, name) != 0 || find_struct(walk, name) != 0)
        return -1;
    if (dwarf_aggregate_size(&walk->type, &walk->at) != 0)
        return fail(walk, "there is no size of", name);
    return take(walk, ")") ? 0 : fail(walk, "expected ) at", walk->rest);
}

static int
begin(struct walk *walk)
{
    char name[MAX_NAME];
    Dwarf_Die outer;
    if (take(walk, "sizeof("))
        return measure(walk);
    if (take(walk, "@"))
        return begin_variable(walk);
    if (take_name(walk, name) != 0 || find_struct(walk, name) != 0)
        return -1;
    outer = walk->type;
    if (!take(walk, "("))
        return 0;
    if (take_name(walk, name) != 0 || go_to_member(walk, name) != 0)
        return -1;
    walk->at = -walk->at;
    walk->type = outer;
    return take(walk, ")") ? 0 : fail(walk, "expected ) at", walk->rest);
}

static int
follow(struct walk *walk)
{
    char name[MAX_NAME];
    if (dwarf_tag(&walk->type) != DW_TAG_pointer_type)
        return fail(walk, "there is no pointer before", walk->rest);
    if (push_offset(walk) != 0)
        return -1;
    if (!take(walk, "{"))
        return type_of(&walk->type, &walk->type) && peel(&walk->type) ? 0 : fail(walk, "nothing is known of", walk->rest);
    if (take_name(walk, name) != 0 || find_struct(walk, name) != 0)
        return -1;
    return take(walk, "}") ? 0 : fail(walk, "expected } at", walk->rest);
}

static int
go_to_first(struct walk *walk)
{
    bool is_array = dwarf_tag(&walk->type) == DW_TAG_array_type;
    return is_array && type_of(&walk->type, &walk->type) && peel(&walk->type)
               ? 0
               : fail(walk, "there is no array before", walk->rest);
}

static int
go_on(struct walk *walk)
{
    char name[MAX_NAME];
    while (*walk->rest != '\0') {
        bool is_pointer = take(walk, "->");
        if (is_pointer && follow(walk) != 0)
            return -1;
        if (!is_pointer && !take(walk, "."))
            return fail(walk, "expected . or -> at", walk->rest);
        if (take_name(walk, name) != 0 || go_to_member(walk, name) != 0)
            return -1;
        if (take(walk, "[0]") && go_to_first(walk) != 0)
            return -1;
    }
    return push_offset(walk);
}

static int
set_size(struct walk *walk, const char *path)
{
    int tag = dwarf_tag(&walk->type);
    if (tag == DW_TAG_structure_type || tag == DW_TAG_union_type)
        return 0;
    Dwarf_Word size = 8, encoding = DW_ATE_unsigned;
    Dwarf_Attribute attribute;
    if (tag != DW_TAG_pointer_type && dwarf_aggregate_size(&walk->type, &size) != 0)
        return fail(walk, "there is no size of", path);
    if (dwarf_attr(&walk->type, DW_AT_encoding, &attribute) != NULL)
        dwarf_formudata(&attribute, &encoding);
    if (size != 1 && size != 2 && size != 4 && size != 8)
        return fail(walk, "it is no number:", path);
    walk->place.size = (unsigned)size;
    walk->place.is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
    return 0;
}

static void
put_place(struct outbuf *out, const struct members_place *place)
{
    for (int i = 0; i < place->nsteps; i++)
        text_printf(out, "%s%d", i > 0 ? "," : "", place->offsets[i]);
    text_printf(out, " %s%u\n", place->is_signed ? "-" : "", place->size);
}

/* What is wrong with the path, if it is not there, goes to `why`. */
static bool
find_path(const struct found *found, const char *path, struct members_place *place, struct outbuf *why)
{
    struct walk walk = {.found = found, .rest = path, .answer = why};
    bool is_there = begin(&walk) == 0 && go_on(&walk) == 0 && set_size(&walk, path) == 0;
    *place = walk.place;
    return is_there;
}

/* 0, or -1: what is wrong with the first path stands alone in the answer. */
static int
answer_one(const struct found *found, const struct members_wanted *wanted, struct outbuf *answer)
{
    struct members_place place;
    struct outbuf why = {0};
    int status = 0;
    size_t first = 0, i = 0;
    for (; i < wanted->npaths && !find_path(found, wanted->paths[i], &place, &why); i++)
        first = i == 0 ? why.len : first;
    if (i < wanted->npaths)
        put_place(answer, &place);
    else if (wanted->is_optional)
        text_puts(answer, "-\n");
    else {
        answer->len = 0;
        text_put(answer, (struct slice){why.ptr, first});
        status = -1;
    }
    text_free(&why);
    return status;
}

static void
free_named(struct named *table)
{
    struct named *item, *next;
    HASH_ITER(hh, table, item, next)
    {
        HASH_DEL(table, item);
        free(item);
    }
}

void
members_answer(int fd, const void *context, struct outbuf *answer)
{
    const struct members_list *list = context;
    Dwarf *dwarf = dwarf_begin(fd, DWARF_C_READ);
    struct found found = {NULL, NULL, 0};
    if (dwarf != NULL)
        read_all(&found, dwarf);
    if (found.structs == NULL)
        text_puts(answer, "!there is no debugging information");
    for (size_t i = 0; found.structs != NULL && i < list->count; i++)
        if (answer_one(&found, &list->items[i], answer) != 0)
            break;
    free_named(found.structs);
    free_named(found.variables);
    if (dwarf != NULL)
        dwarf_end(dwarf);
}

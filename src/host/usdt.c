#include "host/usdt.h"

#include <gelf.h>
#include <libelf.h>
#include <string.h>

#define NOTE_SECTION ".note.stapsdt"
#define NOTE_OWNER "stapsdt"

enum { NOTE_TYPE = 3 };

struct reader {
    struct usdt_probes *probes;
    const char *object;
    struct mem *mem;
    struct diag *diag;
    Elf *elf;
    int machine;
};

static int
bad_note(struct reader *reader, const char *what)
{
    char quoted[512];
    return diag_set(reader->diag, DIAG_NOTHING, "%s: a note in " NOTE_SECTION " is damaged (%s); the file cannot be traced",
                    diag_quote(quoted, sizeof(quoted), text_of(reader->object)), what);
}

/* Cuts a NUL-terminated string off `rest`. false: there is no NUL. */
static bool
cut_string(struct slice *rest, struct slice *string)
{
    size_t before = rest->len;
    *string = text_cut(rest, '\0');
    return string->len < before;
}

/* "8@%rdi", "-4@$0", "8@-96(%rbp)", "8@[sp, 16]": brackets may hold blanks, so an argument ends at a blank outside of them. */
static bool
cut_arg(struct slice *rest, struct slice *arg)
{
    *rest = text_trim_start(*rest, " ");
    size_t len = 0;
    for (int depth = 0; len < rest->len && (depth > 0 || rest->ptr[len] != ' '); len++)
        depth += rest->ptr[len] == '[' || rest->ptr[len] == '(' ? 1 : rest->ptr[len] == ']' || rest->ptr[len] == ')' ? -1 : 0;
    *arg = (struct slice){rest->ptr, len};
    text_skip(rest, len);
    return len > 0;
}

bool
usdt_is_size(uint64_t bytes)
{
    return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

/* "8" an unsigned integer of 8 bytes, "-4" a signed one of 4, "0" none. false: it is something else, and no integer either. */
static bool
parse_size(struct slice text, struct usdt_arg *arg)
{
    uint64_t number;
    *arg = (struct usdt_arg){.size = -1, .is_signed = text_skip_prefix(&text, "-")};
    if (!text_number(text, 8, &number) || (number != 0 && !usdt_is_size(number)))
        return false;
    if (number != 0)
        arg->size = (int)number;
    return true;
}

/* What stands before the "@". Other people's probes have other things, as "8f@" for a floating-point number. */
static struct usdt_arg
parse_arg(struct slice text)
{
    struct usdt_arg arg;
    const char *at = memchr(text.ptr, '@', text.len);
    parse_size((struct slice){text.ptr, at != NULL ? (size_t)(at - text.ptr) : 0}, &arg);
    return arg;
}

/* Arguments beyond the number that sdt.h can make are not kept. */
static void
parse_args(struct reader *reader, struct slice text, struct usdt_probe *probe, struct usdt_site *site)
{
    struct slice arg;
    while (probe->nargs < USDT_MAX_ARGS && cut_arg(&text, &arg)) {
        probe->args[probe->nargs] = parse_arg(arg);
        site->operands[probe->nargs++] = (struct slice){mem_strndup(reader->mem, arg.ptr, arg.len), arg.len};
    }
}

/* Where in the file the address stands at which the linker placed a site. 0: nowhere. */
static uint64_t
file_offset(struct reader *reader, uint64_t address)
{
    size_t count;
    if (elf_getphdrnum(reader->elf, &count) != 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr segment;
        if (gelf_getphdr(reader->elf, (int)i, &segment) != NULL && segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
            address - segment.p_vaddr < segment.p_filesz)
            return address - segment.p_vaddr + segment.p_offset;
    }
    return 0;
}

bool
usdt_is(const struct usdt_probe *probe, const char *provider, const char *name)
{
    return strcmp(probe->name, name) == 0 && strcmp(probe->provider, provider) == 0;
}

static struct usdt_probe *
find_probe(const struct usdt_probes *probes, const char *provider, const char *name)
{
    for (size_t i = 0; i < probes->count; i++)
        if (usdt_is(&probes->items[i], provider, name))
            return &probes->items[i];
    return NULL;
}

static void
add_site(struct reader *reader, const struct usdt_probe *probe, const struct usdt_site *site)
{
    struct usdt_probes *probes = reader->probes;
    struct usdt_probe *known = find_probe(probes, probe->provider, probe->name);
    if (known == NULL) {
        probes->items = mem_grow(reader->mem, probes->items, probes->count, sizeof(*probe));
        known = &probes->items[probes->count++];
        *known = *probe;
    }
    known->sites = mem_grow(reader->mem, known->sites, known->nsites, sizeof(*site));
    known->sites[known->nsites++] = *site;
}

/* Note: three addresses of 8 bytes (site, link-time base, semaphore), then provider, name and arguments, each NUL-terminated.
 */
static int
read_note(struct reader *reader, struct slice note)
{
    struct slice provider, name, args;
    uint64_t address;
    if (note.len < 3 * sizeof(address))
        return bad_note(reader, "it is too short");
    memcpy(&address, note.ptr, sizeof(address));
    text_skip(&note, 3 * sizeof(address));
    if (!cut_string(&note, &provider) || !cut_string(&note, &name) || !cut_string(&note, &args))
        return bad_note(reader, "a string has no end");
    if (!text_is_name(provider) || !text_is_name(name))
        return 0; /* a probe of somebody else's making; h2o's have plain names */
    struct usdt_probe probe = {.object = reader->object, .machine = reader->machine};
    struct usdt_site site = {.offset = file_offset(reader, address)};
    probe.provider = mem_strndup(reader->mem, provider.ptr, provider.len);
    probe.name = mem_strndup(reader->mem, name.ptr, name.len);
    parse_args(reader, args, &probe, &site);
    add_site(reader, &probe, &site);
    return 0;
}

static int
read_section(struct reader *reader, Elf_Scn *section)
{
    Elf_Data *data = NULL;
    while ((data = elf_getdata(section, data)) != NULL) {
        size_t next, name_at, note_at, at = 0;
        GElf_Nhdr header;
        while (data->d_buf != NULL && (next = gelf_getnote(data, at, &header, &name_at, &note_at)) > 0) {
            const char *bytes = data->d_buf;
            bool ours = header.n_type == NOTE_TYPE && header.n_namesz == sizeof(NOTE_OWNER) &&
                        memcmp(bytes + name_at, NOTE_OWNER, sizeof(NOTE_OWNER)) == 0;
            if (ours && read_note(reader, (struct slice){bytes + note_at, header.n_descsz}) != 0)
                return -1;
            at = next;
        }
    }
    return 0;
}

static int
read_elf(struct reader *reader, Elf *elf)
{
    size_t names;
    GElf_Ehdr file;
    if (elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &file) == NULL || elf_getshdrstrndx(elf, &names) != 0)
        return 0;
    reader->machine = file.e_machine;
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        const char *name = gelf_getshdr(section, &header) != NULL ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (name == NULL || header.sh_type != SHT_NOTE || strcmp(name, NOTE_SECTION) != 0)
            continue;
        if (gelf_getclass(elf) == ELFCLASS32)
            return diag_set(reader->diag, DIAG_NOTHING,
                            "%s: a 32-bit program cannot be traced; run a 64-bit build of the server", reader->object);
        if (read_section(reader, section) != 0)
            return -1;
    }
    return 0;
}

int
usdt_read(struct usdt_probes *probes, int fd, const char *object, struct mem *mem, struct diag *diag)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    if (elf == NULL)
        return 0; /* not an ELF file: no notes */
    struct reader reader = {probes, object, mem, diag, elf, 0};
    int status = read_elf(&reader, elf);
    elf_end(elf);
    return status;
}

/* The build id among the notes of a section; an empty slice: it is not there. */
static struct slice
find_build_id(Elf_Scn *section)
{
    size_t next, name_at, note_at, at = 0;
    GElf_Nhdr header;
    Elf_Data *data = elf_getdata(section, NULL);
    while (data != NULL && data->d_buf != NULL && (next = gelf_getnote(data, at, &header, &name_at, &note_at)) > 0) {
        const char *bytes = data->d_buf;
        if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 && memcmp(bytes + name_at, "GNU", 4) == 0)
            return (struct slice){bytes + note_at, header.n_descsz};
        at = next;
    }
    return (struct slice){0};
}

bool
usdt_build_id(int fd, struct outbuf *out)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    Elf_Scn *section = NULL;
    struct slice id = {0};
    while (elf != NULL && id.len == 0 && (section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_NOTE)
            id = find_build_id(section);
    }
    text_put_hex(out, id);
    elf_end(elf);
    return id.len > 0;
}

void
usdt_write_list(struct outbuf *out, const struct usdt_probes *probes)
{
    for (size_t i = 0; i < probes->count; i++) {
        const struct usdt_probe *probe = &probes->items[i];
        text_printf(out, "%s %s", probe->provider, probe->name);
        for (int j = 0; j < probe->nargs; j++) {
            int size = probe->args[j].size < 0 ? 0 : probe->args[j].size;
            text_printf(out, " %d", probe->args[j].is_signed ? -size : size);
        }
        text_putc(out, '\n');
    }
}

static bool
read_probe(struct usdt_probe *probe, struct slice line, struct mem *mem)
{
    struct slice provider, name, word;
    if (!text_word(&line, &provider) || !text_is_name(provider) || !text_word(&line, &name) || !text_is_name(name))
        return false;
    *probe = (struct usdt_probe){.object = ""};
    while (text_word(&line, &word))
        if (probe->nargs == USDT_MAX_ARGS || !parse_size(word, &probe->args[probe->nargs++]))
            return false;
    probe->provider = mem_strndup(mem, provider.ptr, provider.len);
    probe->name = mem_strndup(mem, name.ptr, name.len);
    return true;
}

int
usdt_read_list(struct usdt_probes *probes, struct slice text, struct mem *mem, struct diag *diag)
{
    struct slice line;
    char quoted[128];
    *probes = (struct usdt_probes){0};
    while (text_line(&text, &line)) {
        struct usdt_probe probe;
        if (!read_probe(&probe, line, mem))
            return diag_set(diag, DIAG_USAGE, "not a probe: \"%s\"; expected PROVIDER NAME SIZE...",
                            diag_quote(quoted, sizeof(quoted), line));
        probes->items = mem_grow(mem, probes->items, probes->count, sizeof(probe));
        probes->items[probes->count++] = probe;
    }
    return 0;
}

bool
usdt_is_bare(const struct usdt_probe *probe, int arg)
{
    for (size_t i = 0; i < probe->nsites; i++) {
        struct slice operand = probe->sites[i].operands[arg];
        if (operand.len > 0 && operand.ptr[operand.len - 1] == ']' && memchr(operand.ptr, ',', operand.len) == NULL)
            return true;
    }
    return false;
}

bool
usdt_is_alike(const struct usdt_probe *probe, int arg)
{
    for (size_t i = 1; i < probe->nsites; i++)
        if (!text_equal(probe->sites[i].operands[arg], probe->sites[0].operands[arg]))
            return false;
    return true;
}

const struct usdt_probe *
usdt_find(const struct usdt_probes *probes, const char *provider, const char *name)
{
    return find_probe(probes, provider, name);
}

bool
usdt_has_provider(const struct usdt_probes *probes, const char *provider)
{
    for (size_t i = 0; i < probes->count; i++)
        if (strcmp(probes->items[i].provider, provider) == 0)
            return true;
    return false;
}

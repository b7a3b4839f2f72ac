#include "host/operand.h"
#include "host/usdt.h"

#include <gelf.h>
#include <libelf.h>
#include <string.h>

#define NOTE_SECTION ".note.stapsdt"
#define NOTE_OWNER "stapsdt"

enum { NOTE_TYPE = 3, MAX_BUILD_ID = 64 };

struct reader {
    struct usdt_probes *probes;
    struct mem *mem;
    struct diag *diag;
    Elf *elf;
    int machine;
    GElf_Phdr segments[USDT_MAX_SEGMENTS];
    size_t nsegments;
    uint64_t bytes; /* of notes that have been read */
    const char *wanted; /* only the first note of this provider is looked for; NULL: all are read */
};

static int
bad_note(struct reader *reader, const char *what)
{
    return diag_set(reader->diag, DIAG_NOTHING, "a note in " NOTE_SECTION " is damaged (%s); the file cannot be traced", what);
}

static int
too_much(struct reader *reader, const char *what, uint64_t limit)
{
    return diag_set(reader->diag, DIAG_NOTHING, "it has more than %lu %s; h2olog reads at most %lu", limit, what, limit);
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

/* What stands before the "@": "8" an unsigned integer of 8 bytes, "-4" a signed one of 4. Other people's probes have other
 * things, as "8f@" for a floating-point number. */
static struct usdt_arg
parse_arg(struct slice text)
{
    uint64_t number;
    const char *at = memchr(text.ptr, '@', text.len);
    text.len = at != NULL ? (size_t)(at - text.ptr) : 0;
    struct usdt_arg arg = {.size = -1, .is_signed = text_skip_prefix(&text, "-")};
    if (text_number(text, 8, &number) && operand_is_size(number))
        arg.size = (int)number;
    return arg;
}

/* Arguments beyond the number that sdt.h can make are not kept, and no operand that could not be written as text. */
static void
parse_args(struct reader *reader, struct slice text, struct usdt_probe *probe, struct usdt_site *site)
{
    struct slice arg;
    while (probe->nargs < USDT_MAX_ARGS && cut_arg(&text, &arg)) {
        probe->args[probe->nargs] = parse_arg(arg);
        if (arg.len > USDT_MAX_OPERAND || text_plain(arg, '\\') < arg.len)
            arg.len = 0;
        site->operands[probe->nargs++] = (struct slice){mem_strndup(reader->mem, arg.ptr, arg.len), arg.len};
    }
}

/* Where in the file the address stands at which the linker placed a site. 0: nowhere. */
static uint64_t
file_offset(const struct reader *reader, uint64_t address)
{
    for (size_t i = 0; i < reader->nsegments; i++) {
        const GElf_Phdr *segment = &reader->segments[i];
        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr && address - segment->p_vaddr < segment->p_filesz)
            return address - segment->p_vaddr + segment->p_offset;
    }
    return 0;
}

/* Whether it is a name as h2o's are; others are of probes of somebody else's making. */
static bool
is_plain(struct slice name)
{
    return text_is_name(name) && name.len <= USDT_MAX_NAME;
}

/* -1, which ends the reading: it is found. */
static int
look_for_wanted(struct reader *reader, struct slice names)
{
    struct slice provider;
    return cut_string(&names, &provider) && text_is(provider, reader->wanted) ? -1 : 0;
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
    if (reader->wanted != NULL)
        return look_for_wanted(reader, note);
    if (!cut_string(&note, &provider) || !cut_string(&note, &name) || !cut_string(&note, &args))
        return bad_note(reader, "a string has no end");
    if (!is_plain(provider) || !is_plain(name))
        return 0;
    struct usdt_probe probe = {.machine = reader->machine};
    struct usdt_site site = {.offset = file_offset(reader, address)};
    probe.provider = mem_strndup(reader->mem, provider.ptr, provider.len);
    probe.name = mem_strndup(reader->mem, name.ptr, name.len);
    parse_args(reader, args, &probe, &site);
    struct usdt_probe *known = usdt_add(reader->probes, &probe, reader->mem, reader->diag);
    return known != NULL ? usdt_add_site(reader->probes, known, &site, reader->mem, reader->diag) : -1;
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

/* Whether so many bytes more of notes may be read: libelf takes memory for all of a section, and sections may overlap. */
static bool
may_read(struct reader *reader, const GElf_Shdr *section)
{
    reader->bytes += section->sh_size <= USDT_MAX_NOTES ? section->sh_size : USDT_MAX_NOTES + 1;
    return reader->bytes <= USDT_MAX_NOTES;
}

static int
read_segments(struct reader *reader)
{
    if (elf_getphdrnum(reader->elf, &reader->nsegments) != 0)
        reader->nsegments = 0;
    if (reader->nsegments > USDT_MAX_SEGMENTS)
        return too_much(reader, "program headers", USDT_MAX_SEGMENTS);
    for (size_t i = 0; i < reader->nsegments; i++)
        if (gelf_getphdr(reader->elf, (int)i, &reader->segments[i]) == NULL)
            reader->segments[i].p_type = PT_NULL;
    return 0;
}

/* The section that has the sections' names; it is read whole, too. */
static int
check_names(struct reader *reader, size_t names)
{
    GElf_Shdr header;
    Elf_Scn *section = elf_getscn(reader->elf, names);
    if (section != NULL && gelf_getshdr(section, &header) != NULL && header.sh_size > USDT_MAX_NAMES)
        return too_much(reader, "bytes of section names", USDT_MAX_NAMES);
    return 0;
}

static int
read_elf(struct reader *reader)
{
    size_t names;
    GElf_Ehdr file;
    Elf *elf = reader->elf;
    if (elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &file) == NULL || elf_getshdrstrndx(elf, &names) != 0)
        return 0;
    reader->machine = file.e_machine;
    if (check_names(reader, names) != 0 || read_segments(reader) != 0)
        return -1;
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        const char *name = gelf_getshdr(section, &header) != NULL ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (name == NULL || header.sh_type != SHT_NOTE || strcmp(name, NOTE_SECTION) != 0)
            continue;
        if (gelf_getclass(elf) == ELFCLASS32)
            return diag_set(reader->diag, DIAG_NOTHING, "a 32-bit program cannot be traced; run a 64-bit build of the server");
        if (!may_read(reader, &header))
            return too_much(reader, "bytes in " NOTE_SECTION, USDT_MAX_NOTES);
        if (read_section(reader, section) != 0)
            return -1;
    }
    return 0;
}

/* What is no ELF file has no notes. */
static int
read_with(struct reader *reader, int fd)
{
    elf_version(EV_CURRENT);
    reader->elf = elf_begin(fd, ELF_C_READ, NULL);
    int status = reader->elf != NULL ? read_elf(reader) : 0;
    elf_end(reader->elf);
    return status;
}

int
usdt_read(struct usdt_probes *probes, int fd, struct mem *mem, struct diag *diag)
{
    struct reader reader = {.probes = probes, .mem = mem, .diag = diag};
    return read_with(&reader, fd);
}

bool
usdt_may_have_provider(int fd, const char *provider)
{
    struct diag ignored;
    struct reader reader = {.diag = &ignored, .wanted = provider};
    return read_with(&reader, fd) != 0;
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
        bool ours = header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 && memcmp(bytes + name_at, "GNU", 4) == 0;
        if (ours && header.n_descsz <= MAX_BUILD_ID)
            return (struct slice){bytes + note_at, header.n_descsz};
        at = next;
    }
    return (struct slice){0};
}

bool
usdt_build_id(int fd, struct outbuf *out)
{
    elf_version(EV_CURRENT);
    struct reader reader = {.elf = elf_begin(fd, ELF_C_READ, NULL)};
    Elf_Scn *section = NULL;
    struct slice id = {0};
    while (reader.elf != NULL && id.len == 0 && (section = elf_nextscn(reader.elf, section)) != NULL) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_NOTE && may_read(&reader, &header))
            id = find_build_id(section);
    }
    text_put_hex(out, id);
    elf_end(reader.elf);
    return id.len > 0;
}

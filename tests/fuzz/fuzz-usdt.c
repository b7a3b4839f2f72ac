/* Any ELF file, any notes in one, any list of probes, and any answer of the process that reads files: an error or probes,
 * within bounds, of which a list and an answer are read back as they were written. The first byte says which: e is a file, h a
 * file with a hole behind it that is larger than what may be read, s a file with sizes and places at the limits, l a list, a an
 * answer; others begin notes. */
#include "fuzz.h"

#include "host/elf_reader.h"
#include "host/operand.h"

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file of a header, a section with the notes, and the sections' names. */
static void
put_elf(struct outbuf *out, struct slice notes)
{
    static const char names[] = "\0.note.stapsdt\0.shstrtab";
    uint64_t at = sizeof(Elf64_Ehdr), names_at = at + notes.len, table = (names_at + sizeof(names) + 7) & ~(uint64_t)7;
    Elf64_Ehdr header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                         .e_type = ET_EXEC,
                         .e_machine = EM_X86_64,
                         .e_version = EV_CURRENT,
                         .e_shoff = table,
                         .e_ehsize = sizeof(header),
                         .e_shentsize = sizeof(Elf64_Shdr),
                         .e_shnum = 3,
                         .e_shstrndx = 2};
    Elf64_Shdr sections[3] = {
        {0},
        {.sh_name = 1, .sh_type = SHT_NOTE, .sh_offset = at, .sh_size = notes.len, .sh_addralign = 4},
        {.sh_name = 15, .sh_type = SHT_STRTAB, .sh_offset = names_at, .sh_size = sizeof(names), .sh_addralign = 1}};
    text_put(out, (struct slice){(const char *)&header, sizeof(header)});
    text_put(out, notes);
    text_put(out, (struct slice){names, sizeof(names)});
    while (out->len < table)
        text_putc(out, '\0');
    text_put(out, (struct slice){(const char *)sections, sizeof(sections)});
}

/* Puts numbers at the limits into the headers of a file: two bytes each choose a member and a number. */
static void
put_limits(struct outbuf *file, struct slice choices)
{
    Elf64_Ehdr *header = (Elf64_Ehdr *)file->ptr;
    Elf64_Shdr *sections = (Elf64_Shdr *)(file->ptr + header->e_shoff);
    const uint64_t numbers[] = {0,
                                1,
                                12,
                                file->len - 1,
                                file->len,
                                file->len + 1,
                                USDT_MAX_NAMES,
                                USDT_MAX_NAMES + 1,
                                USDT_MAX_NOTES - 1,
                                USDT_MAX_NOTES,
                                USDT_MAX_NOTES + 1,
                                INT32_MAX,
                                UINT32_MAX,
                                (uint64_t)UINT32_MAX + 1,
                                INT64_MAX,
                                UINT64_MAX};
    uint64_t *const members[] = {&sections[1].sh_size,   &sections[1].sh_offset,    &sections[2].sh_size,
                                 &sections[2].sh_offset, &sections[1].sh_addralign, &sections[0].sh_size,
                                 &header->e_phoff};
    uint16_t *const halves[] = {&header->e_shnum, &header->e_phnum, &header->e_shstrndx, &header->e_shentsize,
                                &header->e_phentsize};
    enum { MEMBERS = sizeof(members) / sizeof(*members), HALVES = sizeof(halves) / sizeof(*halves), MOST = 4 };
    for (size_t at = 0; at + 1 < choices.len && at < 2 * MOST; at += 2) {
        unsigned member = (unsigned char)choices.ptr[at] % (MEMBERS + HALVES);
        uint64_t number = numbers[(unsigned char)choices.ptr[at + 1] % (sizeof(numbers) / sizeof(*numbers))];
        if (member < MEMBERS)
            *members[member] = number;
        else
            *halves[member - MEMBERS] = (uint16_t)number;
    }
}

/* The notes stand behind eight bytes that choose. */
static void
put_elf_at_limits(struct outbuf *out, struct slice choices)
{
    struct slice notes = choices;
    text_skip(&notes, choices.len < 8 ? choices.len : 8);
    put_elf(out, notes);
    put_limits(out, choices);
}

static int
read_file(struct usdt_probes *probes, struct slice bytes, size_t hole, struct mem *mem, struct diag *diag)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    FUZZ_CHECK(ftruncate(fd, (off_t)(bytes.len + hole)) == 0);
    elf_reader_may_have_notes(fd);
    int status = usdt_read(probes, fd, mem, diag);
    FUZZ_CHECK(status != 0 || !usdt_has_provider(probes, "h2o") || usdt_may_have_provider(fd, "h2o"));
    close(fd);
    return status;
}

static void
write_list(struct outbuf *out, const struct usdt_probes *probes)
{
    for (size_t i = 0; i < probes->count; i++)
        usdt_write_line(out, &probes->items[i]);
}

static void
check_list(const struct usdt_probes *probes, struct mem *mem)
{
    struct usdt_probes again;
    struct diag diag;
    struct outbuf first = {0}, second = {0};
    write_list(&first, probes);
    FUZZ_CHECK(usdt_read_list(&again, (struct slice){first.ptr, first.len}, mem, &diag) == 0);
    write_list(&second, &again);
    FUZZ_CHECK(text_equal((struct slice){first.ptr, first.len}, (struct slice){second.ptr, second.len}));
    text_free(&first), text_free(&second);
}

/* A list has no sites, and is no answer. */
static void
check_answer(const struct usdt_probes *probes, struct mem *mem)
{
    struct usdt_probes again;
    struct diag diag;
    struct outbuf first = {0}, second = {0};
    usdt_write_sites(&first, probes);
    FUZZ_CHECK(usdt_read_sites(&again, (struct slice){first.ptr, first.len}, mem, &diag) == 0);
    FUZZ_CHECK(again.count == probes->count && again.nsites == probes->nsites);
    usdt_write_sites(&second, &again);
    FUZZ_CHECK(text_equal((struct slice){first.ptr, first.len}, (struct slice){second.ptr, second.len}));
    text_free(&first), text_free(&second);
}

static void
check_bounds(const struct usdt_probes *probes)
{
    FUZZ_CHECK(probes->count <= USDT_MAX_PROBES && probes->nsites <= USDT_MAX_SITES);
    for (size_t i = 0; i < probes->count; i++)
        FUZZ_CHECK(probes->items[i].nargs <= USDT_MAX_ARGS && probes->items[i].nsites <= USDT_MAX_PROBE_SITES);
}

/* Operands become expressions, or are refused. */
static void
write_operands(const struct usdt_probes *probes)
{
    struct outbuf out = {0};
    for (size_t i = 0; i < probes->count; i++)
        for (size_t site = 0; site < probes->items[i].nsites; site++)
            for (int arg = 0; arg < probes->items[i].nargs; arg++) {
                operand_write(&out, probes->items[i].sites[site].operands[arg], EM_X86_64);
                operand_write(&out, probes->items[i].sites[site].operands[arg], EM_AARCH64);
            }
    text_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mem mem = {0};
    struct usdt_probes probes = {0};
    struct diag diag = {0};
    struct outbuf file = {0};
    uint8_t kind = size > 0 ? data[0] : 0;
    struct slice rest = {(const char *)data + (size > 0), size - (size > 0)};
    int status;
    if (kind == 'e' || kind == 'h') {
        status = read_file(&probes, rest, kind == 'h' ? USDT_MAX_NOTES + 1 : 0, &mem, &diag);
    } else if (kind == 'a') {
        status = usdt_read_sites(&probes, rest, &mem, &diag);
    } else if (kind == 'l') {
        status = usdt_read_list(&probes, rest, &mem, &diag);
    } else {
        (kind == 's' ? put_elf_at_limits : put_elf)(&file, rest);
        status = read_file(&probes, (struct slice){file.ptr, file.len}, kind == 's' ? USDT_MAX_NOTES + 1 : 0, &mem, &diag);
    }
    if (status == 0) {
        check_bounds(&probes);
        if (kind != 'l')
            check_answer(&probes, &mem);
        check_list(&probes, &mem);
        write_operands(&probes);
    } else
        FUZZ_CHECK(diag.message[0] != '\0');
    text_free(&file);
    mem_free(&mem);
    return 0;
}

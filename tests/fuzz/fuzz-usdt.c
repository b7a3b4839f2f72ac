/* Any ELF file, any notes in one, any list of probes, and any answer of the process that reads files: an error or probes,
 * within bounds, of which a list and an answer are read back as they were written. The first byte says which: e is a file, h a
 * file with a hole behind it that is larger than what may be read, l a list, a an answer; others begin notes. */
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
        put_elf(&file, rest);
        status = read_file(&probes, (struct slice){file.ptr, file.len}, 0, &mem, &diag);
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

/* Any ELF file, any notes in one, and any list of probes: an error or probes, of which a list is read back as it was written. */
#include "fuzz.h"

#include "program/operand.h"

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
read_file(struct usdt_probes *probes, struct slice bytes, struct mem *mem, struct diag *diag)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    int status = usdt_read(probes, fd, "FILE", mem, diag);
    close(fd);
    return status;
}

static void
check_list(const struct usdt_probes *probes, struct mem *mem)
{
    struct usdt_probes again;
    struct diag diag;
    struct outbuf first = {0}, second = {0};
    usdt_write_list(&first, probes);
    FUZZ_CHECK(usdt_read_list(&again, (struct slice){first.ptr, first.len}, mem, &diag) == 0);
    usdt_write_list(&second, &again);
    FUZZ_CHECK(text_equal((struct slice){first.ptr, first.len}, (struct slice){second.ptr, second.len}));
    text_free(&first), text_free(&second);
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
    if (kind == 'e') {
        status = read_file(&probes, rest, &mem, &diag);
    } else if (kind == 'l') {
        status = usdt_read_list(&probes, rest, &mem, &diag);
    } else {
        put_elf(&file, rest);
        status = read_file(&probes, (struct slice){file.ptr, file.len}, &mem, &diag);
    }
    if (status == 0) {
        check_list(&probes, &mem);
        write_operands(&probes);
    } else
        FUZZ_CHECK(diag.message[0] != '\0');
    text_free(&file);
    mem_free(&mem);
    return 0;
}

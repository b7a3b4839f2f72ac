#include "unit-elf.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SECTIONS_AT = 120, NAMES_AT = 0x180, NOTES_AT = 0x200 };

static const char section_names[] = "\0.note.stapsdt";

void
elf_put_note(struct outbuf *notes, const char *owner, uint32_t type, uint64_t site, const char *strings, size_t len)
{
    const uint64_t addresses[3] = {site};
    const uint32_t header[3] = {(uint32_t)strlen(owner) + 1, (uint32_t)(sizeof(addresses) + len), type};
    text_put(notes, (struct slice){(const char *)header, sizeof(header)});
    text_put(notes, (struct slice){owner, header[0]});
    while (notes->len % 4 != 0)
        text_putc(notes, '\0');
    text_put(notes, (struct slice){(const char *)addresses, sizeof(addresses)});
    text_put(notes, (struct slice){strings, len});
    while (notes->len % 4 != 0)
        text_putc(notes, '\0');
}

void
elf_put_probe(struct outbuf *notes, const char *name, const char *args)
{
    elf_put_probe_at(notes, name, args, 0x1010);
}

void
elf_put_probe_at(struct outbuf *notes, const char *name, const char *args, uint64_t site)
{
    char strings[1024];
    int len = snprintf(strings, sizeof(strings), "h2o%c%s%c%s", '\0', name, '\0', args);
    elf_put_note(notes, "stapsdt", 3, site, strings, (size_t)len + 1);
}

void
elf_make(struct outbuf *file, const struct outbuf *notes)
{
    const Elf64_Ehdr head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                             .e_type = ET_DYN,
                             .e_machine = EM_X86_64,
                             .e_version = EV_CURRENT,
                             .e_phoff = sizeof(head),
                             .e_shoff = SECTIONS_AT,
                             .e_ehsize = sizeof(head),
                             .e_phentsize = sizeof(Elf64_Phdr),
                             .e_phnum = 1,
                             .e_shentsize = sizeof(Elf64_Shdr),
                             .e_shnum = 3,
                             .e_shstrndx = 2};
    const Elf64_Phdr segment = {
        .p_type = PT_LOAD, .p_offset = NOTES_AT, .p_vaddr = 0x1000, .p_filesz = 0x1000, .p_memsz = 0x1000};
    const Elf64_Shdr sections[3] = {
        {0},
        {.sh_name = 1, .sh_type = SHT_NOTE, .sh_offset = NOTES_AT, .sh_size = notes->len, .sh_addralign = 4},
        {.sh_name = 0, .sh_type = SHT_STRTAB, .sh_offset = NAMES_AT, .sh_size = sizeof(section_names), .sh_addralign = 1},
    };
    char *start = text_reserve(file, NOTES_AT);
    memset(start, 0, NOTES_AT);
    memcpy(start, &head, sizeof(head));
    memcpy(start + sizeof(head), &segment, sizeof(segment));
    memcpy(start + SECTIONS_AT, sections, sizeof(sections));
    memcpy(start + NAMES_AT, section_names, sizeof(section_names));
    file->len += NOTES_AT;
    text_put(file, (struct slice){notes->ptr, notes->len});
}

Elf64_Shdr *
elf_section(const struct outbuf *file, int index)
{
    return (Elf64_Shdr *)(void *)(file->ptr + SECTIONS_AT + (size_t)index * sizeof(Elf64_Shdr));
}

uint64_t
elf_entry(const char *path)
{
    Elf64_Ehdr head;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_good = fd >= 0 && read(fd, &head, sizeof(head)) == (ssize_t)sizeof(head);
    if (fd >= 0)
        close(fd);
    return is_good ? head.e_entry : 0;
}

static bool
read_file(struct outbuf *file, const char *path)
{
    ssize_t got = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (got = read(fd, text_reserve(file, 65536), 65536)) > 0)
        file->len += (size_t)got;
    if (fd >= 0)
        close(fd);
    return got == 0;
}

/* Appends a table of sections that are the program's, one with the notes, and one with its name, which now has all names. */
static void
put_sections(struct outbuf *file, Elf64_Ehdr *head, const struct outbuf *notes, uint64_t size)
{
    Elf64_Shdr sections[64];
    memcpy(sections, file->ptr + head->e_shoff, head->e_shnum * sizeof(*sections));
    Elf64_Shdr *names = &sections[head->e_shstrndx], *added = &sections[head->e_shnum];
    uint64_t names_at = file->len;
    text_reserve(file, names->sh_size);
    text_put(file, (struct slice){file->ptr + names->sh_offset, names->sh_size});
    *added = (Elf64_Shdr){.sh_name = (Elf64_Word)names->sh_size, .sh_type = SHT_NOTE, .sh_size = size, .sh_addralign = 4};
    text_put(file, (struct slice){section_names + 1, sizeof(section_names) - 1});
    *names = (Elf64_Shdr){.sh_name = names->sh_name,
                          .sh_type = SHT_STRTAB,
                          .sh_offset = names_at,
                          .sh_size = names->sh_size + sizeof(section_names) - 1,
                          .sh_addralign = 1};
    while (file->len % 8 != 0)
        text_putc(file, '\0');
    head->e_shoff = file->len;
    head->e_shnum++;
    added->sh_offset = file->len + head->e_shnum * sizeof(*sections);
    text_put(file, (struct slice){(const char *)sections, head->e_shnum * sizeof(*sections)});
    text_put(file, (struct slice){notes->ptr, notes->len});
    memcpy(file->ptr, head, sizeof(*head));
}

bool
elf_copy_with_notes(const char *from, const char *to, const struct outbuf *notes, uint64_t size)
{
    struct outbuf file = {0};
    Elf64_Ehdr head = {0};
    bool is_good = read_file(&file, from) && file.len > sizeof(head);
    if (is_good)
        memcpy(&head, file.ptr, sizeof(head));
    is_good = is_good && head.e_ident[EI_CLASS] == ELFCLASS64 && head.e_shnum > 0 && head.e_shnum < 64;
    if (is_good)
        put_sections(&file, &head, notes, size);
    int fd = is_good ? open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755) : -1;
    off_t end = (off_t)(file.len - notes->len + size);
    is_good = fd >= 0 && write(fd, file.ptr, file.len) == (ssize_t)file.len && ftruncate(fd, end) == 0;
    if (fd >= 0)
        close(fd);
    text_free(&file);
    return is_good;
}

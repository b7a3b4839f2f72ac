#include "host/elf_reader.h"

#include "base/clock.h"
#include "host/process.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char note_section[] = ".note.stapsdt";

/* Stands before what is wrong with a file. */
enum { ERROR_MARK = '!' };

/* ---- In the process without rights. */

static bool
read_at(int fd, void *bytes, size_t len, uint64_t at)
{
    return at <= INT64_MAX && pread(fd, bytes, len, (off_t)at) == (ssize_t)len;
}

/* The header says where the table of sections is, this where the names of the sections are. Files for other kinds of machines
 * go on to libelf, which may know them. */
bool
elf_reader_may_have_notes(int fd)
{
    static char names[65536];
    Elf64_Ehdr file;
    Elf64_Shdr section;
    if (!read_at(fd, &file, sizeof(file), 0) || memcmp(file.e_ident, ELFMAG, SELFMAG) != 0)
        return false;
    if (file.e_ident[EI_CLASS] != ELFCLASS64 || file.e_ident[EI_DATA] != ELFDATA2LSB)
        return true;
    if (file.e_shentsize != sizeof(section) || file.e_shstrndx >= file.e_shnum ||
        !read_at(fd, &section, sizeof(section), file.e_shoff + (uint64_t)file.e_shstrndx * sizeof(section)))
        return false; /* among these are files with more than 65,279 sections, which no program has */
    if (section.sh_size > sizeof(names))
        return true;
    return read_at(fd, names, section.sh_size, section.sh_offset) &&
           memmem(names, section.sh_size, note_section, sizeof(note_section)) != NULL;
}

static bool
has_no_error(struct usdt_probes *probes, int fd, struct mem *mem, struct outbuf *answer)
{
    struct diag diag;
    if (!elf_reader_may_have_notes(fd) || usdt_read(probes, fd, mem, &diag) == 0)
        return true;
    text_printf(answer, "%c%s", ERROR_MARK, diag.message);
    return false;
}

static void
answer_probes(int fd, const void *context, struct outbuf *answer)
{
    (void)context;
    struct usdt_probes probes = {0};
    struct mem mem = {0};
    if (has_no_error(&probes, fd, &mem, answer))
        usdt_write_sites(answer, &probes);
}

/* Nothing: it is none. */
static void
answer_is_h2o(int fd, const void *context, struct outbuf *answer)
{
    (void)context;
    struct usdt_probes probes = {0};
    struct mem mem = {0};
    if (elf_reader_may_have_notes(fd) && usdt_may_have_provider(fd, "h2o") && has_no_error(&probes, fd, &mem, answer) &&
        usdt_has_provider(&probes, "h2o"))
        text_puts(answer, "h2o");
}

static void
answer_build_id(int fd, const void *context, struct outbuf *answer)
{
    (void)context;
    usdt_build_id(fd, answer);
}

/* Whether a symbol of the section is the function. */
static bool
has_symbol(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, const char *name)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = data != NULL && header->sh_entsize > 0 ? data->d_size / header->sh_entsize : 0;
    GElf_Sym symbol;
    for (int i = 0; i < (int)count && gelf_getsym(data, i, &symbol) != NULL; i++) {
        const char *own = elf_strptr(elf, header->sh_link, symbol.st_name);
        bool is_function = GELF_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF;
        if (is_function && own != NULL && strcmp(own, name) == 0)
            return true;
    }
    return false;
}

/* Nothing: it has none. */
static void
answer_has_function(int fd, const void *name, struct outbuf *answer)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    while (elf != NULL && (section = elf_nextscn(elf, section)) != NULL)
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_SYMTAB && has_symbol(elf, section, &header, name))
            text_puts(answer, "yes");
    elf_end(elf);
}

/* ---- Outside. */

/* 1: it is an error, which `diag` is set to. */
static int
take_error(struct slice answer, struct diag *diag)
{
    char quoted[512];
    if (answer.len == 0 || *answer.ptr != ERROR_MARK)
        return 0;
    text_skip(&answer, 1);
    diag_set(diag, DIAG_NOTHING, "%s", diag_quote(quoted, sizeof(quoted), answer));
    return 1;
}

/* Puts the file's name before the message. */
static int
blame(const char *object, struct diag *diag)
{
    char quoted[512];
    return diag_name(diag, diag_quote(quoted, sizeof(quoted), text_of(object)));
}

static int
parse_answer(struct usdt_probes *probes, struct slice answer, struct mem *mem, struct diag *diag)
{
    return take_error(answer, diag) != 0 ? -1 : usdt_read_sites(probes, answer, mem, diag);
}

int
elf_reader_probes(struct usdt_probes *probes, const struct sandbox_file *file, const char *object, int64_t deadline,
                  const char **head, struct mem *mem, struct diag *diag)
{
    struct outbuf text = {0};
    *probes = (struct usdt_probes){0};
    int status = sandbox_run(file, answer_probes, NULL, deadline, &text, diag), error = errno;
    struct slice answer = {text.ptr, text.len}, line = {0};
    if (head != NULL && text_line(&answer, &line))
        *head = mem_strndup(mem, line.ptr, line.len);
    if (status == 0)
        status = parse_answer(probes, answer, mem, diag);
    text_free(&text);
    for (size_t i = 0; i < probes->count; i++)
        probes->items[i].object = object;
    errno = error;
    return status == 0 ? 0 : blame(object, diag);
}

int
elf_reader_is_h2o(pid_t pid, int64_t deadline, struct diag *diag)
{
    struct outbuf text = {0};
    char object[64];
    const struct sandbox_file file = {.open = process_open, .context = &(struct process_proc_file){pid, "exe"}};
    snprintf(object, sizeof(object), "/proc/%d/exe", pid);
    int status = sandbox_run(&file, answer_is_h2o, NULL, deadline, &text, diag), error = errno;
    struct slice answer = {text.ptr, text.len};
    if (status == 0)
        status = take_error(answer, diag) != 0 ? -1 : text_is(answer, "h2o");
    text_free(&text);
    errno = error;
    return status < 0 ? blame(object, diag) : status;
}

bool
elf_reader_has_function(pid_t pid, const char *name, int64_t deadline)
{
    struct outbuf answer = {0};
    struct diag ignored;
    const struct sandbox_file file = {.open = process_open, .context = &(struct process_proc_file){pid, "exe"}};
    bool is_there = sandbox_run(&file, answer_has_function, name, deadline, &answer, &ignored) == 0 && answer.len > 0;
    text_free(&answer);
    return is_there;
}

const char *
elf_reader_build_id(pid_t pid, struct mem *mem)
{
    struct outbuf answer = {0};
    struct diag ignored;
    char quoted[256];
    const struct sandbox_file file = {.open = process_open, .context = &(struct process_proc_file){pid, "exe"}};
    bool is_there = sandbox_run(&file, answer_build_id, NULL, clock_ms() + ELF_READER_MS, &answer, &ignored) == 0;
    const char *id = is_there && answer.len > 0
                         ? mem_strdup(mem, diag_quote(quoted, sizeof(quoted), (struct slice){answer.ptr, answer.len}))
                         : NULL;
    text_free(&answer);
    return id;
}

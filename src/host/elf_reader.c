#include "host/elf_reader.h"

#include "base/clock.h"
#include "host/sandbox.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

static const char note_section[] = ".note.stapsdt";

/* Stands before what is wrong with a file. */
enum { ERROR_MARK = '!' };

/* ---- In the process without rights. */

static void
answer_probes(int fd, const void *context, struct outbuf *answer)
{
    (void)context;
    struct usdt_probes probes = {0};
    struct mem mem = {0};
    struct diag diag;
    if (usdt_read(&probes, fd, &mem, &diag) == 0)
        usdt_write_sites(answer, &probes);
    else
        text_printf(answer, "%c%s", ERROR_MARK, diag.message);
}

static void
answer_build_id(int fd, const void *context, struct outbuf *answer)
{
    (void)context;
    usdt_build_id(fd, answer);
}

/* ---- Outside. */

static int
parse_answer(struct usdt_probes *probes, struct slice answer, struct mem *mem, struct diag *diag)
{
    char quoted[512];
    if (answer.len == 0 || *answer.ptr != ERROR_MARK)
        return usdt_read_sites(probes, answer, mem, diag);
    text_skip(&answer, 1);
    return diag_set(diag, DIAG_NOTHING, "%s", diag_quote(quoted, sizeof(quoted), answer));
}

/* Puts the file's name before the message. */
static int
blame(const char *object, struct diag *diag)
{
    char quoted[512];
    const struct diag what = *diag;
    return diag_set(diag, (enum diag_status)what.status, "%s: %s", diag_quote(quoted, sizeof(quoted), text_of(object)),
                    what.message);
}

int
elf_reader_probes(struct usdt_probes *probes, int fd, const char *object, int64_t deadline, struct mem *mem, struct diag *diag)
{
    struct outbuf answer = {0};
    *probes = (struct usdt_probes){0};
    if (!elf_reader_may_have_notes(fd))
        return 0;
    int status = sandbox_run(answer_probes, NULL, fd, deadline, &answer, diag);
    if (status == 0)
        status = parse_answer(probes, (struct slice){answer.ptr, answer.len}, mem, diag);
    text_free(&answer);
    for (size_t i = 0; i < probes->count; i++)
        probes->items[i].object = object;
    return status == 0 ? 0 : blame(object, diag);
}

const char *
elf_reader_build_id(int fd, struct mem *mem)
{
    struct outbuf answer = {0};
    struct diag ignored;
    char quoted[256];
    bool is_there =
        sandbox_run(answer_build_id, NULL, fd, clock_ms() + ELF_READER_MS, &answer, &ignored) == 0 && answer.len > 0;
    const char *id =
        is_there ? mem_strdup(mem, diag_quote(quoted, sizeof(quoted), (struct slice){answer.ptr, answer.len})) : NULL;
    text_free(&answer);
    return id;
}

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

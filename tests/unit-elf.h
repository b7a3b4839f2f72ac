#ifndef UNIT_ELF_H
#define UNIT_ELF_H

#include "base/text.h"

#include <elf.h>

/* ELF files that are made up. */

/* Appends a note of the owner; `strings` is what follows the three addresses. */
void elf_put_note(struct outbuf *notes, const char *owner, uint32_t type, uint64_t site, const char *strings, size_t len);

/* Appends a note of the probe h2o:NAME with these arguments. */
void elf_put_probe(struct outbuf *notes, const char *name, const char *args);
void elf_put_probe_at(struct outbuf *notes, const char *name, const char *args, uint64_t site);

/* The address where the program begins; 0: it is none. */
uint64_t elf_entry(const char *path);

/* Makes a file of 64 bits: three sections, of which the second is .note.stapsdt and holds the notes, from byte 0x200 on, and
 * the third has the names; and a segment from address 0x1000 to 0x2000 that stands at byte 0x200 of the file. */
void elf_make(struct outbuf *file, const struct outbuf *notes);

/* A section of such a file, to be changed. */
Elf64_Shdr *elf_section(const struct outbuf *file, int index);

/* Copies the program `from` to `to`, with the notes added; the section claims to have `size` bytes, which the file gets as a
 * hole. false: it cannot be done with this program. */
bool elf_copy_with_notes(const char *from, const char *to, const struct outbuf *notes, uint64_t size);

#endif

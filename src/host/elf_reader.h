#ifndef ELF_READER_H
#define ELF_READER_H

#include "host/usdt.h"

/* What is read of ELF files, each by a process without rights (sandbox.h), as anybody may have made them. */

/* Milliseconds in which all files of a process have to be read. */
enum { ELF_READER_MS = 5000 };

/* Whether the file may have notes about probes. It looks at three places of the file and parses nothing, so it may say yes
 * where there are none. */
bool elf_reader_may_have_notes(int fd);

/* Sets `probes` to those of the file, which `object` names; until `deadline` at most, in milliseconds of CLOCK_MONOTONIC. 0, or
 * -1 with `diag` set: what usdt_read and sandbox_run say, behind the file's name. Memory is the arena's. */
int elf_reader_probes(struct usdt_probes *probes, int fd, const char *object, int64_t deadline, struct mem *mem,
                      struct diag *diag);

/* The file's build id, hexadecimal; NULL: it has none. */
const char *elf_reader_build_id(int fd, struct mem *mem);

#endif

#ifndef ELF_READER_H
#define ELF_READER_H

#include "host/sandbox.h"
#include "host/usdt.h"

#include <sys/types.h>

/* What is read of ELF files, each by a process without rights (sandbox.h), as anybody may have made them. */

/* Milliseconds in which all files of a process have to be read. */
enum { ELF_READER_MS = 5000 };

/* Whether the file may have notes about probes. It looks at three places of the file and parses nothing, so it may say yes
 * where there are none. */
bool elf_reader_may_have_notes(int fd);

/* Sets `probes` to those of the file, which `object` names; until `deadline` at most, in milliseconds of CLOCK_MONOTONIC. What
 * opens the file appends one line to `head`, and here `head`, if it is not NULL, is set to it. 0, or -1 with `diag` set: what
 * usdt_read and sandbox_run say, behind the file's name; errno is as of sandbox_run. Memory is the arena's. */
int elf_reader_probes(struct usdt_probes *probes, const struct sandbox_file *file, const char *object, int64_t deadline,
                      const char **head, struct mem *mem, struct diag *diag);

/* Whether the executable of process `pid` is an h2o. The first note of h2o's is looked for before all are read. 1, 0, or -1
 * with `diag` set as above. */
int elf_reader_is_h2o(pid_t pid, int64_t deadline, struct diag *diag);

/* Whether the executable of process `pid` has a function of that name. */
bool elf_reader_has_function(pid_t pid, const char *name, int64_t deadline);

/* The build id of the executable of process `pid`, hexadecimal; NULL: it has none. The arena's. */
const char *elf_reader_build_id(pid_t pid, struct mem *mem);

#endif

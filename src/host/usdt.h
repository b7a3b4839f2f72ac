#ifndef USDT_H
#define USDT_H

#include "base/diag.h"
#include "base/mem.h"

enum { USDT_MAX_ARGS = 12 };

/* One argument of a probe as its ELF note describes it: "-4@%eax" is a signed integer of 4 bytes in %eax.
 * Format: https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation */
struct usdt_arg {
    int size; /* bytes: 1, 2, 4 or 8; -1: it is no integer */
    bool is_signed;
};

/* Whether an integer can have so many bytes: 1, 2, 4 or 8. */
bool usdt_is_size(uint64_t bytes);

/* A place where a probe fires. */
struct usdt_site {
    uint64_t offset;                      /* in the file */
    struct slice operands[USDT_MAX_ARGS]; /* of the arguments, as the note writes them: "-4@%eax" */
};

/* A probe, all of its sites together; sizes and signs of the arguments are those of its first site. */
struct usdt_probe {
    const char *provider, *name;
    int nargs;
    struct usdt_arg args[USDT_MAX_ARGS];
    struct usdt_site *sites;
    size_t nsites;
    const char *object; /* path of the file it is in */
    int machine;        /* EM_X86_64 or the like, of <elf.h> */
};

struct usdt_probes {
    struct usdt_probe *items;
    size_t count;
};

/* Adds the probes that the .note.stapsdt section of the ELF file `fd` declares; `object` names it. The notes may be hostile:
 * what does not parse is an error, nothing is trusted. A file without notes adds nothing. 0, or -1 with `diag` set. */
int usdt_read(struct usdt_probes *probes, int fd, const char *object, struct mem *mem, struct diag *diag);

/* Appends the build id of the ELF file, hexadecimal. false: it has none. */
bool usdt_build_id(int fd, struct outbuf *out);

/* Appends a line a probe, "quicly packet_lost 8 -8 8 1": provider, name, and the arguments' sizes in bytes, negative where they
 * are signed and 0 where one is no integer. Sites and operands are not in it. */
void usdt_write_list(struct outbuf *out, const struct usdt_probes *probes);

/* Reads such lines. 0, or -1 with `diag` set. Memory is the arena's. */
int usdt_read_list(struct usdt_probes *probes, struct slice text, struct mem *mem, struct diag *diag);

/* Whether the argument is in the same place at every site. */
bool usdt_is_alike(const struct usdt_probe *probe, int arg);

/* Whether any site has the argument in memory at a register, without an offset, as arm64 writes it: "-8@[x0]". */
bool usdt_is_bare(const struct usdt_probe *probe, int arg);

/* Whether it is that probe. */
bool usdt_is(const struct usdt_probe *probe, const char *provider, const char *name);

/* NULL: it is not there. */
const struct usdt_probe *usdt_find(const struct usdt_probes *probes, const char *provider, const char *name);
bool usdt_has_provider(const struct usdt_probes *probes, const char *provider);

#endif

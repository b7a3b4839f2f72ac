#ifndef USDT_H
#define USDT_H

#include "base/diag.h"
#include "base/mem.h"

/* What the notes of a stranger's file may have at most; those of h2o have a tenth of it. More is an error that names the limit.
 */
enum {
    USDT_MAX_ARGS = 12,     /* more are not kept */
    USDT_MAX_NAME = 127,    /* bytes of a provider or a name; what has more is nobody's that h2olog knows, and passed over */
    USDT_MAX_OPERAND = 127, /* bytes; one that has more is kept as empty */
    USDT_MAX_PROBES = 1024, /* of a process, with all of its files */
    USDT_MAX_SITES = 16384, /* of all of these */
    USDT_MAX_PROBE_SITES = 256,
    USDT_MAX_PLACES = 32,              /* of an argument that a program reads at each site in another place */
    USDT_MAX_NOTES = 16 * 1024 * 1024, /* bytes of sections with notes */
    USDT_MAX_NAMES = 1024 * 1024,      /* bytes of the sections' names */
    USDT_MAX_SEGMENTS = 128,           /* parts of a file that are loaded */
};

/* One argument of a probe as its ELF note describes it: "-4@%eax" is a signed integer of 4 bytes in %eax.
 * Format: https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation */
struct usdt_arg {
    int size; /* bytes: 1, 2, 4 or 8; -1: it is no integer */
    bool is_signed;
};

/* A place where a probe fires. */
struct usdt_site {
    uint64_t offset;                      /* in the file; 0: it is not there */
    uint64_t address;                     /* in the process; 0: it is not mapped as code, or there is no process */
    struct slice operands[USDT_MAX_ARGS]; /* of the arguments, as the note writes them: "-4@%eax" */
};

/* A probe, all of its sites together; sizes and signs of the arguments are those of its first site. */
struct usdt_probe {
    const char *provider, *name;
    int nargs;
    struct usdt_arg args[USDT_MAX_ARGS];
    struct usdt_site *sites;
    size_t nsites;
    /* Of a list, which has no sites: a bit an argument that usdt_is_bare, that is not usdt_is_readable, that usdt_is_indexed.
     */
    unsigned bare, lost, indexed;
    const char *object; /* path of the file it is in */
    int machine;        /* EM_X86_64 or the like, of <elf.h> */
};

struct usdt_probes {
    struct usdt_probe *items;
    size_t count;
    size_t nsites;
    uint16_t *slots; /* a hash table for usdt_add: indexes of items, from 1 */
};

/* The probe of the same provider and name; if there is none, a copy of `probe` that has no sites is added. It stays there until
 * the next one is added. NULL with `diag` set: there are too many. */
struct usdt_probe *usdt_add(struct usdt_probes *probes, const struct usdt_probe *probe, struct mem *mem, struct diag *diag);

/* Adds a site to one of the probes. -1 with `diag` set: there are too many. */
int usdt_add_site(struct usdt_probes *probes, struct usdt_probe *probe, const struct usdt_site *site, struct mem *mem,
                  struct diag *diag);

/* Adds the probes of another file, whose names and operands must last. 0, or -1 with `diag` set. */
int usdt_merge(struct usdt_probes *probes, const struct usdt_probes *others, struct mem *mem, struct diag *diag);

/* Whether the argument is in the same place at every site. */
bool usdt_is_alike(const struct usdt_probe *probe, int arg);

/* Whether any site has the argument in memory at a register, without an offset, as arm64 writes it: "-8@[x0]". */
bool usdt_is_bare(const struct usdt_probe *probe, int arg);

/* Whether any site has the argument in memory at two registers, as x86-64 writes it: "8@16(%rbp,%rdx)". */
bool usdt_is_indexed(const struct usdt_probe *probe, int arg);

/* Whether a program can read the argument by what the notes say of it: the operands are understood, and where sites differ, all
 * of them are mapped and not too many. */
bool usdt_is_readable(const struct usdt_probe *probe, int arg);

/* Whether it is that probe. */
bool usdt_is(const struct usdt_probe *probe, const char *provider, const char *name);

/* NULL: it is not there. */
const struct usdt_probe *usdt_find(const struct usdt_probes *probes, const char *provider, const char *name);
bool usdt_has_provider(const struct usdt_probes *probes, const char *provider);

/* ---- Files. These parse what others have made: elf_reader.h has them done by a process without rights. */

/* Adds the probes that the .note.stapsdt section of the ELF file `fd` declares. The notes may be hostile: what does not parse
 * is an error, nothing is trusted. A file without notes adds nothing. 0, or -1 with `diag` set to what is wrong with the file,
 * without its name. */
int usdt_read(struct usdt_probes *probes, int fd, struct mem *mem, struct diag *diag);

/* Whether the file declares a probe of the provider, as far as its notes can be read: the first one ends the look. */
bool usdt_may_have_provider(int fd, const char *provider);

/* Appends the build id of the ELF file, hexadecimal. false: it has none. */
bool usdt_build_id(int fd, struct outbuf *out);

/* ---- Texts. */

/* Appends a line for the probe, "quicly packet_lost 8 -8 8 1": provider, name, and the arguments' sizes in bytes, negative
 * where they are signed and 0 where one is no integer. Behind a size stands "*" if usdt_is_bare, "+" if usdt_is_indexed, and
 * "!" unless usdt_is_readable. Sites and operands are not in it. */
void usdt_write_line(struct outbuf *out, const struct usdt_probe *probe);

/* Reads such lines. 0, or -1 with `diag` set. Memory is the arena's. */
int usdt_read_list(struct usdt_probes *probes, struct slice text, struct mem *mem, struct diag *diag);

/* Appends all that usdt_read has found: the machine, and the lines of the probes, each with a line for each of its sites behind
 * it: "@", the offset, and the operands, with a tab before each. */
void usdt_write_sites(struct outbuf *out, const struct usdt_probes *probes);

/* Reads that, which may be hostile. 0, or -1 with `diag` set. Memory is the arena's. */
int usdt_read_sites(struct usdt_probes *probes, struct slice text, struct mem *mem, struct diag *diag);

#endif

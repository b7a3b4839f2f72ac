#ifndef BPFTRACE_H
#define BPFTRACE_H

#include "base/diag.h"
#include "base/mem.h"

/* What bpftrace can do from a version on. Facts measured with each version; see README, "How it works". */
struct bpftrace_row {
    int major, minor;                 /* the first version that it is true of */
    const char *string_size_variable; /* the environment variable that sets how many bytes a string has */
    unsigned string_size;             /* what h2olog sets it to */
    unsigned short_string_size;       /* the same for a program with several texts at one place */
    unsigned default_string_size;     /* bytes of a string when nothing is set */
    const char *map_keys_variable;    /* the environment variable that sets how many records a map has */
    bool per_cpu_buffers;             /* each CPU has a buffer for what is printed, so those of several arrive out of order */
    unsigned text_chunk;              /* bytes of text that a printf with two strings can carry; the BPF stack limits it */
    unsigned piece_parts;             /* such parts of a text that are sent at once */
    unsigned most_text;               /* bytes of a text at most, as --text-limit says */
    bool has_ranges;                  /* for ($i : 0..n), which needs Linux 5.17, too */
    bool has_bare_texts;              /* only in recordings of before version 4: their texts end where their lengths say */
    bool has_old_maps;                /* only in those of before version 5: layout.h */
    const char *str_extra;            /* what str()'s length argument needs beyond the length: " + 1" where it counts the NUL */
    int max_args;                     /* arguments of a probe that argN reaches on every machine */
    bool has_hex;                     /* %rh, by which bytes are printed */
    bool refuses_indexes; /* it may not attach to a probe with an operand as 8@(%rbp,%rdx), as of libbpf before 1.7 */
    bool has_dear_args; /* argN is compiled anew for each argument, in milliseconds, and asks maps for its place */
    unsigned files_a_site;            /* files that it keeps open for each site of a probe, at least */
    bool needs_btf_and_tracefs;       /* to attach to USDT probes */
    bool misses_losses;               /* its count of lost events leaves out those of the last CPU */
};

struct bpftrace {
    const char *path;    /* as it was named or found; it is argv[0], by which some programs know what they are */
    const char *program; /* the path to run, as of open_program */
    int major, minor, patch;
    struct bpftrace_row row;
};

/* Finds bpftrace (`path`, or on PATH when NULL; behind sudo, on the system's) and asks for its version. Root does not run one
 * that others can change, unless `is_forced`. 0, or -1 with `diag` set. */
int bpftrace_find(struct bpftrace *bpftrace, const char *path, bool is_forced, struct mem *mem, struct diag *diag);

/* Whether its version is known: it was found, or read from a recording. */
bool bpftrace_is_set(const struct bpftrace *bpftrace);

/* Whether it is not newer than any that was tried; such a one is treated as the newest. */
bool bpftrace_is_known(const struct bpftrace *bpftrace);

/* The newest version that is known, for a program that is only printed. */
void bpftrace_newest(struct bpftrace *bpftrace);

/* Sets `bpftrace` from what `bpftrace --version` prints; for tests too. 0, or -1 with `diag` set. */
int bpftrace_parse_version(struct bpftrace *bpftrace, struct slice output, struct diag *diag);

/* Bytes of a text that a program can read at most. */
enum { BPFTRACE_MOST_TEXT = 65000 };

/* Makes the row that of a recording of an older version. */
void bpftrace_as_recorded(struct bpftrace *bpftrace, uint64_t version);

/* Bytes of a text that the lesser program shows. */
enum { BPFTRACE_LESSER_LIMIT = 512 };

/* The same bpftrace, for a program with several records with texts at one place: older ones have the strings on the BPF stack,
 * which holds only shorter ones then, and newer ones copy them whole for each record. */
struct bpftrace bpftrace_shortened(const struct bpftrace *bpftrace);

/* The same bpftrace, for a program with shorter loops, where the kernel's verifier refuses the one that is meant. */
struct bpftrace bpftrace_lessened(const struct bpftrace *bpftrace);

/* What bpftrace is told of memory. */
struct bpftrace_memory {
    size_t print_buffer; /* bytes of a buffer for what is printed: a power of two */
    unsigned map_keys;   /* entries of a map */
};

/* The environment for bpftrace: nothing of h2olog's own but PATH. `is_verbose`: for -v, with room for what the kernel's verifier
 * says. NULL-terminated; the arena's. */
char **bpftrace_environment(const struct bpftrace *bpftrace, struct bpftrace_memory memory, bool is_verbose, struct mem *mem);

#endif

#ifndef MEMBERS_H
#define MEMBERS_H

#include "host/sandbox.h"

/* Where the members of a program's structures stand, as its debugging information (DWARF) has it. */

enum { MEMBERS_MAX_STEPS = 6 };

/* How to get at a value from a pointer: each offset but the last leads to another pointer, the last one to the value. */
struct members_place {
    int32_t offsets[MEMBERS_MAX_STEPS];
    int nsteps;
    unsigned size; /* of the value, in bytes: 1, 2, 4 or 8; 0: it is a structure, of which the offsets lead to the beginning */
    bool is_signed;
};

/* What is looked for: the first of these paths that the program has, each as C would name it from a pointer to a structure:
 *
 *   st_a.b.c           a member of a member of struct st_a
 *   st_a.b->c          a member of what b points to
 *   st_a.b->{st_d}c    the same where that is the beginning of a struct st_d
 *   st_a.b[0]          the first one of an array
 *   st_a(b).c          where the pointer is to member b of a struct st_a
 *   st_a(b)            that structure itself
 *   sizeof(st_a)       no place: its one offset is how many bytes the structure has
 *   @a.b               a member of the variable a. Its first offset is from where the program begins (e_entry, AT_ENTRY)
 *   sizeof(*@a.b)      the size of what such a member points to
 */
struct members_wanted {
    const char *const *paths;
    size_t npaths;
    bool is_optional; /* the program may have none; the place has no steps then */
};

/* Reads "0,32 8": offsets, and the size, which is negative if the value is signed; "-" is none. false: it is something else. */
bool members_read_place(struct members_place *place, struct slice text);

/* Sets a place for each of `wanted`. 0, or -1 with `diag` set: the file has no debugging information, or none of the paths of
 * one that is not optional. The file is read by a process without rights, until `deadline` at most, in milliseconds of
 * CLOCK_MONOTONIC. */
int members_find(struct members_place *places, const struct members_wanted *wanted, size_t count,
                 const struct sandbox_file *file, int64_t deadline, struct diag *diag);

/* ---- For that process, and tests of it. */

struct members_list {
    const struct members_wanted *items;
    size_t count;
};

/* Appends a line for each of `list` (struct members_list), as members_read_place reads it; or, behind "!", what is wrong. */
void members_answer(int fd, const void *list, struct outbuf *answer);

#endif

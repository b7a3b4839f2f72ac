#ifndef SPECIMEN_H
#define SPECIMEN_H

#include "plan/plan.h"

/* h2olog's own probe, h2olog:doctor, of which it is known what a tracer must see: arguments of every kind, and texts of every
 * length and place, so that the program for it goes every way that those for h2o's probes can go. */

enum { SPECIMEN_SHOTS = 5 };

/* How the catalogue describes it. */
extern const struct file specimen_catalog;

/* Its fields there. */
enum specimen_field {
    SPECIMEN_CONSTANT,
    SPECIMEN_REGISTER,
    SPECIMEN_FIRST, /* of a structure: memory at a register, without an offset */
    SPECIMEN_LATER, /* of the same: with an offset */
    SPECIMEN_NAME,
    SPECIMEN_VALUE,
    SPECIMEN_FIELDS
};

/* Fires every shot once, in order. */
void specimen_fire(void);

/* false: this h2olog was built where sys/sdt.h was not to be had, and has no such probe. */
bool specimen_is_built(void);

/* What a field holds in a shot. */
struct types_value specimen_value(int shot, enum specimen_field field);

/* Whether the values that were seen, by field, are those of the shot. If not, appends which argument is wrong, the operand that
 * the ELF note has for it, and what was expected and seen. */
bool specimen_is_right(const struct plan_event *event, int shot, const struct types_value values[], struct outbuf *wrong);

#endif

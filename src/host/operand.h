#ifndef OPERAND_H
#define OPERAND_H

#include "base/text.h"

#include <elf.h>

/* Whether an integer can have so many bytes: 1, 2, 4 or 8. */
bool operand_is_size(uint64_t bytes);

/* Appends the bpftrace expression that reads the operand of a USDT argument, as its note writes it, for arguments that bpftrace
 * cannot read itself: "8@%r12" gives (uint64)reg("r12"), "-4@76(%rsp)" gives *(uint32*)(reg("sp") + 76), "8@$5" gives
 * (uint64)5. `machine`: EM_X86_64 or EM_AARCH64. false: the operand is of a form that is not known. */
bool operand_write(struct outbuf *out, struct slice operand, int machine);

/* Whether operand_write knows the form. */
bool operand_is_known(struct slice operand, int machine);

/* bpftrace's name for the register that tells at which site a probe has fired. */
const char *operand_program_counter(int machine);

#endif

#ifndef FUZZ_H
#define FUZZ_H

#include "show/format_record.h"
#include "record/decode.h"
#include "record/reorder.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The word that begins records; in an input the byte FUZZ_MARK stands for it, so that inputs hold records often. */
#define FUZZ_NONCE "0123456789abcdef"
enum { FUZZ_MARK = 0xf1 };

/* A property that must hold. */
#define FUZZ_CHECK(condition) \
    do { \
        if (!(condition)) \
            abort(); \
    } while (0)

/* A plan for events of every kind of field, made once. */
const struct plan *fuzz_plan(void);

/* That the text is one line of printable, valid UTF-8 with LF at its end. */
void fuzz_check_line(struct slice line);

/* That it is one line with one JSON object, and valid UTF-8. */
void fuzz_check_json(struct slice line);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif

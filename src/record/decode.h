#ifndef DECODE_H
#define DECODE_H

#include "base/mem.h"
#include "record/decode_item.h"
#include "record/wire.h"

/* Turns what bpftrace prints for the program into items. A frame is a line, unless texts in it have line feeds.
 *
 * The program prints frames of these forms, whose numbers are hexadecimal:
 *
 * - heartbeat:           NONCE h NSECS CPU
 * - event ID:            NONCE ID NSECS TID NUMBER... [HEX] TEXT...
 * - its texts follow:    NONCE ID NSECS TID NUMBER... [HEX]
 * - more of a text:      NONCE s NSECS TID FIELD OFFSET TEXT
 * - with bytes that %s cannot carry: NONCE x NSECS TID FIELD OFFSET WORD..., 8 bytes each, the lowest first: "620061"
 *
 * With REQUEST_BATCH most records are kept in maps, which bpftrace prints. The maps' names have the nonce in them, and N is 0
 * or 1, as there are two maps of a kind. Their numbers are decimal:
 *
 * - more of a text:      @pNNONCE[NSECS, PLACE]: TEXT
 * - event ID:            @nNNONCE[NSECS, TID]: (ID, NUMBER...)
 * - the same with texts: @tNNONCE[NSECS, TID]: (ID, NUMBER..., TEXT, TEXT); the second text is empty if there is only one
 * - with one up to NUL:  @rNNONCE[NSECS, TID]: (ID, NUMBER..., TEXT, NONCE)
 * - put into N so far:   @cNNONCE: COUNT
 * - N has been printed:  NONCE m NSECS, in hexadecimal: nothing older is to come
 *
 * They come in this order, and those of a map in the order of their keys. PLACE is ((FIELD * 16384 + OFFSET) * 256 + LENGTH) *
 * 2^32 + TID. All records of a map have as many numbers as the plan says; an event with fewer has zeros at the end.
 *
 * The numbers of a record are those of its fields, in order:
 *
 * - a text has its length in the server; with TYPES_REDACTED in it nothing else comes of the text
 * - a text that ends with a NUL in the server has no number; the nonce stands behind the text
 * - a field that is read through a pointer, which may be NULL, has the pointer before its own number
 *
 * TID of an event is the thread's ID; from a program that sees several processes the process's ID stands in its upper 32 bits.
 * HEX is there if the event has a field of bytes. The first `chunk` bytes of each text stand in the record, and the rest comes
 * behind it. All of the texts come behind it if one has a NUL in it, or if there are too many.
 *
 * Texts hold any bytes, and their lengths are known from the numbers. A frame that is not as it should be is skipped, up to the
 * next line that begins with the nonce. Between frames, a line that begins with something else is bpftrace's own. */
struct decode;

/* All memory is the arena's and is taken here. The plan must live as long. `nonce` has WIRE_NONCE_SIZE bytes. */
struct decode *decode_new(const struct plan *plan, const char *nonce, struct mem *mem);

/* Where to put input, and how much at most (never 0); then decode_fill says how much there is. */
char *decode_room(struct decode *decode, size_t *len);
void decode_fill(struct decode *decode, size_t len);

/* false: more input is needed. */
bool decode_next(struct decode *decode, struct decode_item *item);

/* At the end of the input, when decode_next has returned false: records whose rest never came. false: there is none left. */
bool decode_last(struct decode *decode, struct decode_item *item);

/* How many frames did not decode so far. */
uint64_t decode_damaged(const struct decode *decode);

/* Fault `index` of those that are kept: one mistake in a program damages many records, so they are the first few. NULL: there
 * are not as many. */
const struct decode_fault *decode_fault(const struct decode *decode, int index);

/* Appends what a record of the event is expected to hold behind the nonce: "1 NSECS TID conn_id len(name) name". */
void decode_explain(struct outbuf *out, const struct plan *plan, const struct plan_event *event);

#endif

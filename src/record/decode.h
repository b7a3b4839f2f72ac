#ifndef DECODE_H
#define DECODE_H

#include "base/mem.h"
#include "record/decode_item.h"
#include "record/wire.h"

/* Turns what bpftrace prints for the program into items. A frame is a line, unless texts in it have line feeds.
 *
 * The program prints frames of these forms, whose numbers are hexadecimal:
 *
 * - heartbeat:            NONCE h NSECS CPU
 * - doubt:                NONCE q PROTOCOL: what was to be a request of it is none (templates/server.bt)
 * - event ID:             NONCE ID NSECS TID NUMBER... [HEX] [TEXT NONCE]...
 * - its texts follow:     NONCE ID NSECS TID NUMBER... [HEX]
 * - a piece of a text:    NONCE s NSECS TID FIELD OFFSET TEXT NONCE [TEXT NONCE]
 *
 * With REQUEST_BATCH most records are kept in maps, which bpftrace prints. The maps' names have the nonce in them, and N is 0
 * or 1, as there are two maps of a kind. Their numbers are decimal, and MARK is the nonce as such a number:
 *
 * - a piece of a text:    @pNNONCE[NSECS, PLACE]: TEXT
 * - event ID:             @nNNONCE[NSECS, TID]: (ID, NUMBER...)
 * - the same with texts:  @tNNONCE[NSECS, TID]: (ID, NUMBER..., TEXT, MARK, TEXT, MARK); the second may be none, and is empty
 * then
 * - with one up to NUL:   @rNNONCE[NSECS, TID]: (ID, NUMBER..., TEXT, NONCE)
 * - put into N so far:    @cNNONCE: COUNT, but for pieces
 * - N has been printed:   NONCE m NSECS, in hexadecimal: nothing older is to come
 *
 * They come in this order, and those of a map in the order of their keys. PLACE is LAYOUT_PLACE_TEXT's. Behind the pieces comes
 * one with the highest NSECS, which is none. All records of a map have as many numbers as the plan says; an event with fewer
 * has zeros at the end.
 *
 * The numbers of a record are those of its fields, in order:
 *
 * - a text has its length in the server, and from LAYOUT_LAST_BYTE on its last byte; with TYPES_REDACTED in it nothing else
 * comes of the text
 * - a text that ends with a NUL in the server has no number
 * - a field that is read through a pointer, which may be NULL, has the pointer before its own number
 *
 * TID of an event is the thread's ID; from a program that sees several processes the process's ID stands in its upper 32 bits.
 * HEX is there if the event has a field of bytes.
 *
 * A text without its last byte comes in parts of `chunk` bytes: the first one in the record, unless there are too many texts,
 * and the others in pieces behind it, of `parts` each, or in a map of one. The first part may be shorter; the last one ends
 * where the text does, and may begin within the one before. A part with fewer bytes had a NUL behind them.
 *
 * Recordings of before version 4 have neither nonces behind texts nor last bytes, but parts whose lengths are known from the
 * text's, and "NONCE x NSECS TID FIELD OFFSET WORD..." for texts with a NUL: 8 bytes each, the lowest first.
 *
 * Texts hold any bytes. A frame that is not as it should be is skipped, up to the
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

#ifndef DECODE_H
#define DECODE_H

#include "record/record.h"
#include "record/wire.h"

enum decode_kind {
    DECODE_RECORD,
    DECODE_TICK,   /* heartbeat of CPU `number` at `nsecs` */
    DECODE_BATCH,  /* all that was kept in maps up to `nsecs` is here */
    DECODE_LOST,   /* bpftrace lost `number` events */
    DECODE_NOTICE, /* bpftrace says `text`, a line */
};

struct decode_item {
    enum decode_kind kind;
    struct record record;
    bool is_batched; /* the record was kept in a map */
    uint64_t nsecs;
    uint64_t number;
    struct slice text;
};

/* Something that did not decode. */
struct decode_fault {
    uint64_t number;                /* of the record, from 1 */
    const struct plan_event *event; /* NULL: of no event of the plan */
};

enum { DECODE_MAX_FAULTS = 10 };

enum { DECODE_MAX_BYTES = 64 }; /* no type of BYTES shows more */

/* Turns what the program prints into items. The wire, a line a frame; integers are hexadecimal:
 *
 * - heartbeat:           NONCE h NSECS CPU
 * - event ID:            NONCE ID NSECS TID NUMBER... [HEX] TEXT...
 * - its texts follow:    NONCE ID NSECS TID NUMBER... [HEX]
 * - more of a text:      NONCE s NSECS TID FIELD OFFSET TEXT
 * - with bytes that %s cannot carry: NONCE x NSECS TID FIELD OFFSET WORD..., 8 bytes each, the lowest first: "620061"
 *
 * With REQUEST_BATCH bpftrace prints most records from maps, whose names have the nonce in them. N is 0 or 1, which of two
 * maps. Integers are decimal:
 *
 * - more of a text:      @pNNONCE[NSECS, PLACE]: TEXT
 * - event ID:            @nNNONCE[NSECS, TID]: (ID, NUMBER...)
 * - the same with texts: @tNNONCE[NSECS, TID]: (ID, NUMBER..., TEXT, TEXT), the second one empty if there is only one
 * - with one up to NUL:  @rNNONCE[NSECS, TID]: (ID, NUMBER..., TEXT, NONCE)
 * - put into N so far:   @cNNONCE: COUNT
 * - N has been printed:  NONCE m NSECS, in hexadecimal: nothing older is to come
 *
 * They come in this order, those of a map in the order of their keys. PLACE is ((FIELD * 16384 + OFFSET) * 256 + LENGTH) * 2^32
 * + TID. All records of a map have as many numbers as the plan says, with zeros at the end of those that need fewer.
 *
 * A text's number is its length in the server; the first `chunk` bytes of each text stand in the record or, if one has a NUL or
 * there are too many, in chunks behind it, as the rest does. A text that ended with a NUL in the server has no number; the
 * nonce stands behind it. With TYPES_REDACTED in its length none of it follows. A pointer that may be NULL stands before what
 * it points to. HEX is there if the event has a field of bytes.
 *
 * Texts hold any bytes; their lengths are known from the numbers, and what is not as it should be is skipped up to the next
 * line that begins with the nonce. What begins otherwise between frames is bpftrace's own word. */
struct decode {
    const struct plan *plan;
    char nonce[WIRE_NONCE_SIZE];
    char *buffer;
    size_t start, end;                                           /* of what is in the buffer and not yet decoded */
    bool is_lost;                                                /* looking for the next frame */
    char bytes[DECODE_MAX_BYTES];                                /* of the BYTES field of the last record */
    uint64_t addresses[CATALOG_MAX_FIELDS][TYPES_ADDRESS_WORDS]; /* of its ADDRESS fields */
    struct decode_slot *slots;
    int nused;                /* of the slots */
    struct decode_slot *done; /* handed out with the last item */
    uint64_t damaged;         /* frames that did not decode */
    uint64_t records;         /* that began */
    struct decode_map {
        uint64_t put, got; /* records by the program's count, and those that came */
    } maps[LAYOUT_MAPS];
    int map;                     /* of the frame that is being looked at; -1: none */
    uint64_t lost;               /* of the maps, already told of */
    struct decode_piece *pieces; /* of texts, from a map */
    char *piece_bytes;           /* plan->layout.chunk for each */
    size_t npieces;
    bool are_pieces_sorted;
    struct decode_fault faults[DECODE_MAX_FAULTS]; /* the first ones */
    int nfaults;
    const struct plan_event *event; /* of the record that is being looked at */
};

/* All memory is the arena's and is taken here. */
void decode_init(struct decode *decode, const struct plan *plan, const char *nonce, struct mem *mem);

/* Where to put input, and how much at most (never 0); then decode_fill says how much there is. */
char *decode_room(struct decode *decode, size_t *len);
void decode_fill(struct decode *decode, size_t len);

/* false: more input is needed. */
bool decode_next(struct decode *decode, struct decode_item *item);

/* Appends what a record of the event is expected to hold behind the nonce: "1 NSECS TID conn_id len(name) name". */
void decode_explain(struct outbuf *out, const struct plan *plan, const struct plan_event *event);

/* At the end of the input, when decode_next has returned false: records whose rest never came. false: there is none left. */
bool decode_last(struct decode *decode, struct decode_item *item);

#endif

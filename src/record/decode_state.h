#ifndef DECODE_STATE_H
#define DECODE_STATE_H

#include "base/mem.h"
#include "record/decode_item.h"
#include "record/wire.h"

/* What the files of the decoder share, and nobody else sees: decode.c finds where frames begin, decode_stream.c and
 * decode_map.c read the frames of the two kinds, decode_record.c reads what a record looks like in both, and decode_slots.c
 * keeps records whose texts have not all come.
 *
 * What every record needs is inline. Functions that read from a wire leave it to the caller to look at its state. Those that
 * return bool say whether the item is set, which counts only if the state is good. */

enum {
    DECODE_NONCE_LEN = WIRE_NONCE_SIZE - 1,
    DECODE_SLOTS = 64,     /* threads that can be in the midst of a long record at once */
    DECODE_MAX_BYTES = 64, /* no type of BYTES shows more */
    DECODE_MAX_FAULTS = 10,
};

/* A record that waits for the rest of its texts. */
struct decode_slot {
    bool is_used;
    uint64_t age; /* the lowest was taken first */
    struct record record;
    size_t at[LAYOUT_MAX_TEXTS];    /* how far the pieces of each text reach that have come */
    size_t got[LAYOUT_MAX_TEXTS];   /* bytes that they had: fewer, if there was a NUL */
    bool is_open[LAYOUT_MAX_TEXTS]; /* more of the text is to come */
    char last[LAYOUT_MAX_TEXTS];    /* its last byte */
    char *bytes;                    /* of the texts: room for each */
    char hex[DECODE_MAX_BYTES];     /* of the BYTES field */
    uint64_t addresses[CATALOG_MAX_FIELDS][TYPES_ADDRESS_WORDS];
};

/* A piece of a text, from a map, that waits for its record. */
struct decode_piece {
    uint64_t nsecs, place; /* the map's key */
    char *bytes;
    size_t len;
};

/* What has come from maps. */
struct decode_maps {
    struct {
        uint64_t put, got; /* records by the program's count, and those that came */
    } counts[LAYOUT_MAPS];
    int current;                 /* the map of the frame that is being read; -1: none */
    uint64_t pieces_lost;        /* those that records waited for */
    uint64_t told;               /* losses that somebody was told of */
    struct decode_piece *pieces; /* NULL: no event of the plan has any */
    char *piece_bytes;           /* layout.chunk for each */
    size_t npieces, most_pieces;
    bool are_sorted; /* the pieces are */
};

struct decode {
    const struct plan *plan;
    char nonce[WIRE_NONCE_SIZE], mark[24]; /* behind texts: the nonce, and in maps its number */
    char *buffer;
    size_t start, end;                                           /* of what is in the buffer and not yet decoded */
    bool is_lost;                                                /* looking for the next frame */
    const struct plan_event *event;                              /* of the record that is being read; NULL: none yet */
    char bytes[DECODE_MAX_BYTES];                                /* of the BYTES field of the last record */
    char last[LAYOUT_MAX_TEXTS];                                 /* the last bytes of its texts */
    uint64_t addresses[CATALOG_MAX_FIELDS][TYPES_ADDRESS_WORDS]; /* of its ADDRESS fields */
    struct decode_slot *slots;                                   /* DECODE_SLOTS */
    int nused;                                                   /* of the slots */
    uint64_t kept;                                               /* records, in slots, so far */
    struct decode_slot *done;                                    /* handed out with the last item */
    struct decode_maps maps;
    uint64_t records;                              /* that began */
    uint64_t damaged;                              /* frames that did not decode */
    struct decode_fault faults[DECODE_MAX_FAULTS]; /* the first ones */
    int nfaults;
};

/* ---- decode.c */

enum decode_frame { DECODE_NO_FRAME, DECODE_HALF_FRAME, DECODE_PRINTED_FRAME, DECODE_MAP_FRAME };

/* What begins where a line begins. Nothing that a client sends is a frame, as none knows the nonce. */
enum decode_frame decode_look(const struct decode *decode, const char *at, const char *end);

/* Something did not decode, of a record of the event; NULL: of none that is known. */
void decode_damage(struct decode *decode, const struct plan_event *event);

/* An item came before the frame that was just read: the frame is read again after it. */
static inline void
decode_put_back(const struct decode *decode, struct wire *wire)
{
    wire->at = decode->buffer + decode->start;
}

/* ---- decode_record.c */

static inline size_t
decode_smaller(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

/* The event's ID, which sets decode->event. */
static inline void
decode_read_id(struct decode *decode, struct wire *wire)
{
    uint64_t id = wire_digits(wire);
    if (id >= decode->plan->nevents)
        wire_fail(wire, WIRE_DAMAGED);
    else if (wire->state == WIRE_GOOD)
        decode->event = &decode->plan->events[id];
}

/* A thread's number has the process before it, if the program sees several processes. */
static inline void
decode_set_thread(struct record *record, uint64_t thread)
{
    record->tid = (uint32_t)thread;
    record->pid = (pid_t)(thread >> 32);
}

/* The numbers of a record of decode->event, into item->record. */
void decode_read_numbers(struct decode *decode, struct wire *wire, struct decode_item *item);

/* The rest of the record. Returns whether more of its texts is to come; `has_texts` is set to whether the first pieces of them
 * stood in it. Texts that are not what the record's numbers say are given up: the record then has none, and the wire is where
 * the numbers end. */
bool decode_read_texts(struct decode *decode, struct wire *wire, struct record *record, bool *has_texts);

/* A piece of a text, of `most` bytes at most, and behind it the nonce, as nothing that a client sends can hold that. */
struct slice decode_read_piece(const struct decode *decode, struct wire *wire, size_t most);

/* The same of a text without a length. */
struct slice decode_read_cstr(const struct decode *decode, struct wire *wire);

/* How many bytes the pieces of a text with a length have in all. */
size_t decode_wanted(const struct decode *decode, const struct record *record, int text);

/* The text becomes what is shown of it: all of its pieces have come, `len` bytes at `start`. Its last byte, which stays at
 * `last`, is put behind them, if they are all but that. */
void decode_end_text(const struct decode *decode, struct record *record, int text, char *start, size_t len, char *last);

/* The same of a text without a length, all of which has come that will. `is_open`: more of it was to come. */
void decode_end_cstr(const struct decode *decode, struct types_value *value, struct slice text, bool is_open);

/* ---- decode_slots.c */

/* Takes the memory for the slots. */
void decode_slots_begin(struct decode *decode, struct mem *mem);

/* Whether a record, just read, has texts of which more is to come. */
bool decode_is_open(const struct decode *decode, const struct record *record, bool has_texts);

/* The slot of a thread's record of that time; NULL: it has none. */
struct decode_slot *decode_find_slot(struct decode *decode, uint64_t tid, uint64_t nsecs);

/* The record of the same thread of which no more can come, now that `record` is there; NULL: there is none. A thread fires one
 * event after the other. But where each CPU has a buffer of its own, and the thread has moved to another CPU, bpftrace may read
 * the next event before the rest of this one. */
struct decode_slot *decode_find_overtaken(struct decode *decode, const struct record *record);

static inline struct decode_slot *
decode_slot_at(struct decode *decode, uint64_t tid, uint64_t nsecs)
{
    return decode->nused > 0 ? decode_find_slot(decode, tid, nsecs) : NULL;
}

static inline struct decode_slot *
decode_overtaken(struct decode *decode, const struct record *record)
{
    return decode->nused > 0 ? decode_find_overtaken(decode, record) : NULL;
}

/* Keeps item->record until the rest of its texts has come. NULL: there was no room for it, so the item is another record now,
 * that was given up, and the frame is put back. */
struct decode_slot *decode_keep(struct decode *decode, struct wire *wire, struct decode_item *item, bool has_texts);

/* A part of a text: where it begins, and how many bytes it has. */
struct decode_part {
    size_t at, len;
};

/* The next piece of a text that is open, as it should be. The last one may begin within the one before. */
struct decode_part decode_slot_next(const struct decode *decode, const struct decode_slot *slot, int text);

/* Where the bytes go that are not there yet. */
char *decode_slot_tail(const struct decode *decode, const struct decode_slot *slot, int text);

/* Puts the bytes of the next piece there. If they are fewer than they should be, nothing that comes behind them is taken. */
void decode_slot_add(const struct decode *decode, struct decode_slot *slot, int text, struct slice bytes,
                     struct decode_part part);

bool decode_is_complete(const struct decode_slot *slot);

/* The record becomes the item, and its slot is free after that. */
void decode_hand_out(struct decode *decode, struct decode_slot *slot, struct decode_item *item);

/* The same for a record whose rest will not come any more. */
void decode_give_up(struct decode *decode, struct decode_slot *slot, struct decode_item *item);

/* The record that waits the longest; NULL: none waits. */
struct decode_slot *decode_oldest(struct decode *decode);

/* The slot that was handed out with the last item is free. */
static inline void
decode_release(struct decode *decode)
{
    if (decode->done == NULL)
        return;
    decode->done->is_used = false;
    decode->nused--;
    decode->done = NULL;
}

/* ---- decode_stream.c */

/* A frame that the program has printed, behind the nonce. */
bool decode_stream_frame(struct decode *decode, struct wire *wire, struct decode_item *item);

/* ---- decode_map.c */

/* Takes the memory for pieces of texts, if an event of the plan has any. */
void decode_maps_begin(struct decode *decode, struct mem *mem);

/* What stands behind a map's name "@KNNONCE". K is `kind` and N is `map`; neither has been looked at. Only a plan with batches
 * has such frames, and ends of batches. */
bool decode_map_frame(struct decode *decode, struct wire *wire, char kind, int map, struct decode_item *item);

/* The frame that ends a batch, behind its letter. */
bool decode_batch_end(struct decode *decode, struct wire *wire, struct decode_item *item);

/* Sets the item if records that the program put into maps did not come, and nobody was told of those yet. */
bool decode_tell_lost(struct decode *decode, struct decode_item *item);

#endif

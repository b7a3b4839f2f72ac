#ifndef LAYOUT_H
#define LAYOUT_H

#include "catalog/catalog.h"
#include "host/bpftrace.h"
#include "request/request.h"

/* How an event travels from the server to the decoder: what its record holds, where the record is kept, and how much of a text
 * is sent. The program writes records in this form, and the decoder reads them. */

enum {
    LAYOUT_BEFORE_LAST = 512, /* bytes of a text that is not the last one, as a header's name */
    LAYOUT_MAX_TEXTS = 3,     /* texts in an event */
    LAYOUT_INLINE_TEXTS = 2,  /* texts whose first bytes fit in the record itself */
    LAYOUT_MAX_PARTS = 2,     /* parts of a text that go together behind the record */
    LAYOUT_MAPS = 2,          /* maps of a kind: one takes records while the other is printed */
};

/* Where the records of an event are kept with REQUEST_BATCH: in a map for records of numbers only, which are few, some or many,
 * or for those with texts. All records of a map take as much memory. A record with other parts, or with too many, is printed at
 * once, and so is one with texts that end with a NUL, of which a connection has a few; before version 5 of recordings there was
 * a map for these, too. */
enum layout_store { LAYOUT_PRINTED, LAYOUT_NARROW, LAYOUT_MIDDLE, LAYOUT_WIDE, LAYOUT_TEXTS, LAYOUT_CSTR, LAYOUT_STORES };

/* The letters of the maps' names, by enum layout_store. */
#define LAYOUT_STORE_LETTERS "-nmwtr"

/* That of the map of processes that are not shown, by a program that sees several. */
#define LAYOUT_OTHERS_LETTER 'f'

/* What the record of an event holds. Fields are indexes into the catalogue's probe. */
struct layout_event {
    int numbers;                 /* how many stand before the texts */
    int texts[LAYOUT_MAX_TEXTS]; /* the fields that are TEXT or CSTR, in order */
    int ntexts;
    bool has_cstrs;        /* the texts are CSTR; no event has both kinds */
    bool has_inline_texts; /* the first bytes of the texts stand in the record; otherwise all of them come behind it */
    int bytes;             /* the field that is BYTES; -1: none */
    enum layout_store store;
};

/* The number of a text in a record: its length, and above it its last byte. */
enum { LAYOUT_LAST_BYTE = 48 };

/* The key of a piece in a map is the record's time, and (TEXT * LAYOUT_PLACE_TEXT + OFFSET) * 2^32 + TID. */
enum { LAYOUT_PLACE_TEXT = 65536 };

/* What all events of a plan have in common. */
struct layout {
    unsigned chunk;               /* bytes of a text in the record, and in each part of a piece behind it */
    unsigned parts;               /* of a piece, at most LAYOUT_MAX_PARTS */
    unsigned limit, limit_before; /* bytes that are shown of the last text at most, and of those before it */
    unsigned sent, sent_before;   /* the same in the record and all pieces */
    unsigned cstr_limit;   /* of one that ends with a NUL, up to where pieces begin; 0: there are none behind the first */
    bool are_texts_marked; /* the nonce stands behind each piece; otherwise lengths tell where it ends */
    unsigned map_keys;     /* records that a map holds at most */
    const int *most_numbers;       /* in a record there, at most; by store */
    size_t nstored[LAYOUT_STORES]; /* events that are kept there */
    int widths[LAYOUT_STORES];     /* numbers in each record there, besides its event's ID */
};

/* `text_limit` is the request's. */
void layout_begin(struct layout *layout, const struct bpftrace_row *row, unsigned text_limit);

/* An event without fields. */
void layout_begin_event(struct layout_event *event);

/* Adds field `index` of the probe to the event's record. -1 with `diag` set: no record can hold it beside the fields before. */
int layout_add_field(struct layout_event *event, const struct catalog_probe *probe, int index, struct diag *diag);

/* The event has all of its fields. Chooses where its records are kept; without maps all are printed. */
void layout_end_event(struct layout *layout, struct layout_event *event, bool has_maps);

/* Whether texts may have pieces in maps. */
bool layout_has_pieces(const struct layout *layout);

/* How many bytes of a text that ends with a NUL a piece has: one more than the record has of others, where there are no pieces
 * behind it, as nothing else tells whether it ends there. */
unsigned layout_cstr_chunk(const struct layout *layout);

/* Whether the field is read through a pointer that may be NULL; the pointer then stands before the value. */
bool layout_has_pointer(const struct catalog_field *field);

/* How many numbers a record holds for the field. */
int layout_numbers(const struct catalog_field *field);

/* How many bytes of a text the record and all pieces have at most. A header's name, say, is short. */
unsigned layout_most(const struct layout *layout, bool is_last);

/* How many bytes of it are shown at most. */
unsigned layout_limit(const struct layout *layout, bool is_last);

/* How many of `len` bytes in the server they have. The last byte of a text is not in them: it goes with the length. */
size_t layout_sent(const struct layout *layout, uint64_t len, bool is_last);

#endif

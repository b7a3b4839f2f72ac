#ifndef PLAN_H
#define PLAN_H

#include "request/request.h"
#include "host/target.h"
#include "host/bpftrace.h"

/* A text is shown up to this many bytes, or the tracer's limit if that is less; README documents it. */
enum { PLAN_TEXT_LIMIT = 8192, PLAN_MAX_TEXTS = 3, PLAN_INLINE_TEXTS = 2 };

/* A record in a map has this many numbers at most, and beside texts: the BPF stack limits them. */
enum { PLAN_STORED_NUMBERS = 24, PLAN_STORED_TEXT_NUMBERS = 6 };

/* Records that are kept in maps are kept in one of so many. */
enum { PLAN_MAPS = 2 };

/* Where an event's records are kept under REQUEST_BATCH: in a map for those of numbers only, in one for those with texts, or
 * with a text that ends with a NUL. What has other parts, or too many, is printed. */
enum plan_store { PLAN_PRINTED, PLAN_NUMBERS, PLAN_TEXTS, PLAN_CSTR, PLAN_STORES };

/* The letters that stand for them in the maps' names. */
#define PLAN_STORE_LETTERS "-ntr"

/* A field that a record has, and what of the catalogue every record needs. */
struct plan_field {
    int index; /* in the catalogue */
    enum types_wire wire;
    const struct types_row *type;
    bool has_pointer; /* the pointer it is read through, which may be NULL, stands before it */
};

/* A probe that will be attached. Its id on the wire is its index in the plan. */
struct plan_event {
    const struct catalog_probe *probe;
    const struct usdt_probe *usdt;               /* NULL without a target */
    bool is_shown[CATALOG_MAX_FIELDS];           /* by field of the catalogue: others are not read from the server */
    struct plan_field shown[CATALOG_MAX_FIELDS]; /* those fields, in order */
    int nshown;
    struct slice type_key;                 /* `, "type": "send_response"`, as JSON has it; a NUL behind it */
    struct slice keys[CATALOG_MAX_FIELDS]; /* by field, such as `, "conn_id": ` */
    int time;                              /* the field that is the event's time, which stands first in JSON; -1: none */
    int texts[PLAN_MAX_TEXTS];             /* the fields that are TEXT or CSTR, in order */
    int ntexts;
    int numbers;           /* that stand before its texts */
    bool has_cstrs;        /* they are CSTR; the two are not mixed */
    int bytes;             /* the field that is BYTES; -1: none */
    bool has_inline_texts; /* the first bytes of the texts stand in the record; otherwise all come behind it */
    enum plan_store store;
};

/* What will be traced and how. */
struct plan {
    struct plan_event *events;
    size_t nevents;
    struct slice left_out;       /* a line for each probe that was asked for but cannot be traced, and why */
    struct slice warnings;       /* a line each */
    const struct target *target; /* NULL: no process, only a program to print */
    const struct bpftrace *tracer;
    const struct redact *redact;        /* NULL: nothing is held back */
    const struct request *request;      /* what it was made for */
    unsigned chunk;                     /* bytes of a text in one printf */
    unsigned limit;                     /* bytes of a text that are sent at most */
    size_t pieces;                      /* of texts that may be in maps at a time */
    size_t nstored[PLAN_STORES];        /* events by where they are kept */
    int widths[PLAN_STORES];            /* numbers that each record there has, besides its id */
};

bool plan_is_of_mode(const char *mode, const struct catalog_probe *probe);

/* How many numbers a field is on the wire. */
int plan_field_numbers(const struct catalog_field *field);

/* How many bytes of a text or of bytes are sent, of `len`. */
size_t plan_field_sent(const struct plan *plan, const struct catalog_field *field, uint64_t len);

/* The field that shows the length of another one; -1: none does. */
int plan_length_field(const struct plan_event *event, const struct catalog_field *field);

/* Whether a value is held back for some names. */
bool plan_is_redactable(const struct plan *plan, const struct catalog_field *field);

/* Whether the program has to read the argument as the ELF note says where it is, as this bpftrace does not by itself. `arg` may
 * be -1, for none. */
bool plan_reads_by_note(const struct plan *plan, const struct usdt_probe *usdt, int arg);

/* Whether any event's records are kept in maps. */
bool plan_has_batches(const struct plan *plan);

/* Chooses the transport where that is left open. */
void plan_choose_transport(struct request *request, const struct bpftrace *tracer);

/* Chooses probes, of those that the target has. None at all is an error, and so is a pattern that fits none. 0, or -1 with
 * `diag` set. */
int plan_make(struct plan *plan, const struct catalog *catalog, const struct target *target, const struct bpftrace *tracer,
              const struct request *request, struct mem *mem, struct diag *diag);

#endif

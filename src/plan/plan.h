#ifndef PLAN_H
#define PLAN_H

#include "catalog/whole.h"
#include "plan/layout.h"
#include "request/request.h"
#include "host/target.h"

/* A field that records of an event have, with what every record needs of the catalogue. */
struct plan_field {
    int index; /* in the catalogue */
    enum types_wire wire;
    const struct types_row *type;
    bool has_pointer; /* layout_has_pointer */
    int text;         /* of TEXT and CSTR: which of the record's texts */
    int known_by;     /* the field that is 0 where this one is not known yet; -1: none */
};

/* A probe that will be attached. Its id on the wire is its index in the plan. */
struct plan_event {
    const struct catalog_probe *probe;
    const struct usdt_probe *usdt;               /* NULL without a target */
    bool is_shown[CATALOG_MAX_FIELDS];           /* by field of the catalogue: others are not read from the server */
    struct plan_field shown[CATALOG_MAX_FIELDS]; /* those fields, in order */
    int nshown;
    bool has_known_by;                     /* one of them has */
    struct slice type_key;                 /* `, "type": "send_response"`, as JSON has it; a NUL behind it */
    struct slice keys[CATALOG_MAX_FIELDS]; /* by field, such as `, "conn_id": ` */
    int time;                              /* the field that is the event's time, which stands first in JSON; -1: none */
    struct layout_event layout;            /* how it travels */
    const struct plan_whole *whole;        /* it is one of these; NULL: it is the event of a probe */
};

/* What whole requests that are read in the server's structures are sent as (catalog/whole.h), and what is made of that. */
struct plan_whole {
    const struct plan_event *sent[WHOLE_EVENTS];               /* NULL: nothing of it is asked for */
    const struct plan_event *request_header, *response_header; /* sent, too; NULL: none is asked for */
    /* The events that unfold.h makes of those. They are never sent. */
    const struct plan_event *request, *response, *header;
};

/* What is traced, and how. */
struct plan {
    struct plan_event *events;
    size_t nevents;
    struct slice left_out;       /* a line for each probe that was asked for but cannot be traced, and why */
    struct slice warnings;       /* a line each */
    const struct target *target; /* NULL: no process, only a program to print */
    const struct bpftrace *bpftrace;
    const struct redact *redact;   /* NULL: nothing is held back */
    const struct request *request; /* what it was made for */
    struct layout layout;          /* how events travel */
    const struct plan_whole *whole; /* requests are read whole in the server's structures; NULL: probes are traced */
};

bool plan_is_of_mode(const char *mode, const struct catalog_probe *probe);

/* The field that shows the length of another one; -1: none does. */
int plan_length_field(const struct plan_event *event, const struct catalog_field *field);

/* The field that is 0 where the value of another one is not known yet; -1: none is. */
int plan_knowing_field(const struct plan_event *event, const struct catalog_field *field);

/* Whether a value is held back for some names. */
bool plan_is_redactable(const struct plan *plan, const struct plan_event *event, int field);

/* Whether the program has to read the argument by what the ELF note says, as this bpftrace cannot read it. `arg` may be -1, for
 * none. */
bool plan_reads_by_note(const struct plan *plan, const struct usdt_probe *usdt, int arg);

/* Whether any event's records are kept in maps. */
bool plan_has_batches(const struct plan *plan);

/* Chooses the transport where that is left open. */
void plan_choose_transport(struct request *request, const struct bpftrace *bpftrace);

/* Chooses probes, of those that the target has. None at all is an error, and so is a pattern that fits none. 0, or -1 with
 * `diag` set. */
int plan_make(struct plan *plan, const struct catalog *catalog, const struct target *target, const struct bpftrace *bpftrace,
              const struct request *request, struct mem *mem, struct diag *diag);

#endif

#ifndef CATALOG_H
#define CATALOG_H

#include "base/files.h"
#include "catalog/types.h"
#include "host/usdt.h"

enum { CATALOG_MAX_FIELDS = 16, CATALOG_MAX_CONDITIONS = 4 };

/* Names for the values of a field, as --names shows them. */
struct catalog_names {
    const char *name;
    struct catalog_label {
        uint64_t value;
        const char *label;
    } *labels;
    size_t count;
};

/* An argument of a probe, or something that it points to, and its name in the output. */
struct catalog_field {
    const char *name;
    const struct types_row *type;
    int arg;          /* which argument, from 0 */
    int len_arg;      /* the argument that holds its length; -1: it has none */
    int offset;       /* the value stands so many bytes behind where the argument points; -1: it is the argument */
    bool may_be_null; /* the argument is a pointer that may be NULL: the value is null then */
    bool is_optional; /* the same, but the field is left out */
    bool is_app_data, is_secret;
    bool is_request_header, is_response_header; /* it is the name of a header field of such a message */
    int known_by; /* the value is null where this argument is 0: the server does not know it yet; -1: it always does */
    int named_by; /* the field that holds the name of the header whose value this is; -1: it is no header's */
    const struct catalog_names *names; /* NULL: none */
};

/* A line is made of these: bytes as they stand, or a field's value. */
struct catalog_piece {
    struct slice literal;
    int field; /* -1: literal */
};

/* What a probe says of a request. */
enum catalog_role {
    CATALOG_NO_ROLE,
    CATALOG_REQUEST,
    CATALOG_REQUEST_HEADER,
    CATALOG_RESPONSE,
    CATALOG_RESPONSE_HEADER,
    CATALOG_CLOSE, /* nothing more comes of its connection */
    CATALOG_WHOLE, /* the first one of whole.h's events, which no catalogue has; the others come behind it */
};

/* What a field means beyond its text: what others ask a probe's fields for. Of several that fit, the one that the table in
 * catalog.c has first. */
enum catalog_meaning {
    CATALOG_CONN_ID, /* which connection: the first column of a line */
    CATALOG_REQ_ID,  /* which request or stream of it: the second column */
    CATALOG_TIME,    /* the event's own time */
    CATALOG_STATUS,
    CATALOG_HTTP_VERSION,
    CATALOG_DCID,                 /* a QUIC connection ID, as digits */
    CATALOG_REQUEST_HEADER_NAME,  /* the name of a header field of a request */
    CATALOG_RESPONSE_HEADER_NAME, /* of a response */
    CATALOG_HEADER_NAME,          /* of either */
    CATALOG_HEADER_VALUE,         /* the value of a header field */
    CATALOG_QUIC_CONN,            /* what stands in a quicly connection, to which the argument points */
    CATALOG_CLIENT,               /* the client's address */
    CATALOG_MEANINGS
};

/* What must hold of a server for this description of a probe to fit. */
struct catalog_condition {
    enum catalog_condition_kind { CATALOG_ARGS, CATALOG_SIZE, CATALOG_WITH, CATALOG_WITHOUT } kind;
    const char *probe; /* WITH, WITHOUT: of the same provider */
    int arg;           /* SIZE: of this argument */
    int number;        /* ARGS, WITH: of arguments; SIZE: of bytes; -1: any */
};

struct catalog_probe {
    const char *provider, *name;
    const char *type;    /* the event's name in the output */
    const char *tag;     /* as lines name it */
    const char *group;   /* the mode that shows it, such as "http" */
    const char *summary; /* one sentence */
    const char *now;     /* newer h2o has this probe instead; NULL: no such */
    enum catalog_role role;
    const char *absent; /* why the newest h2o need not have it; NULL: it has */
    struct catalog_condition conditions[CATALOG_MAX_CONDITIONS];
    int nconditions;
    struct catalog_field fields[CATALOG_MAX_FIELDS]; /* in the order of the output */
    int nfields;
    int field_of[CATALOG_MEANINGS]; /* by meaning: the index of the field that has it; -1: none has */
    struct catalog_piece *line; /* NULL: the usual form */
    size_t npieces;
    struct diag_pos pos;
};

struct catalog {
    struct catalog_probe *probes; /* one probe's variants in the order of the files */
    size_t count;
    struct catalog_names *names;
    size_t nnames;
};

/* A field that is argument `arg` itself. It has no length, stands behind no pointer and belongs to no header. */
struct catalog_field catalog_field_new(const char *name, const struct types_row *type, int arg);

/* A probe without fields. Its event and its tag have its own name. */
struct catalog_probe catalog_probe_new(const char *provider, const char *name, struct diag_pos pos);

/* Adds the field behind the others and keeps field_of true. false: there is no room for more. */
bool catalog_add_field(struct catalog_probe *probe, struct catalog_field field);

/* Adds a copy of the probe to the catalogue and returns it; it stays there until the next one is added. Memory is the arena's.
 */
struct catalog_probe *catalog_add_probe(struct catalog *catalog, const struct catalog_probe *probe, struct mem *mem);

/* Parses the files; probes/README.md describes their format, catalog_parse.c reads it. The first thing that is not understood
 * is an error with its position. 0, or -1 with `diag` set. Memory is the arena's. */
int catalog_parse(struct catalog *catalog, const struct files *files, struct mem *mem, struct diag *diag);

/* Whether it describes that probe. */
static inline bool
catalog_is(const struct catalog_probe *probe, const char *provider, const char *name)
{
    return strcmp(probe->name, name) == 0 && strcmp(probe->provider, provider) == 0;
}

/* The description of the probe that has no condition: it fits always, so that nothing may follow it. NULL: there is none. */
const struct catalog_probe *catalog_unconditional(const struct catalog *catalog, const char *provider, const char *name);

/* Whether the description fits a server that has these probes. */
bool catalog_fits(const struct catalog_probe *probe, const struct usdt_probes *probes);

/* Whether anything describes a probe of the provider, or that probe of it. */
bool catalog_has_provider(const struct catalog *catalog, const char *provider);
bool catalog_has_probe(const struct catalog *catalog, const char *provider, const char *name);

/* The index of the first field of that name; -1: there is none. It compares strings: what every record needs is in field_of. */
int catalog_field(const struct catalog_probe *probe, struct slice name);

/* The table of that name; NULL: there is none. */
const struct catalog_names *catalog_names(const struct catalog *catalog, struct slice name);

/* The label of a value; NULL: it has none. */
const char *catalog_label(const struct catalog_names *names, uint64_t value);

#endif

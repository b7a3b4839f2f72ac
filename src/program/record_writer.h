#ifndef RECORD_WRITER_H
#define RECORD_WRITER_H

#include "program/writer.h"

/* What templates need to keep a record: statements that print it, or put it into a map. All of these are about the writer's
 * event, whose arguments it knows, and return 0, or -1 with its `diag` set. */

/* Whether it has texts with a length. Then it needs probe-texts.bt, and otherwise probe.bt. */
bool record_writer_has_texts(const struct plan_event *event);

/* Defines "map", which reads which map takes the record. That comes before the clock is read: a record with a time before the
 * maps changed places is then in the map that is printed. */
int record_writer_define_map(struct writer *writer, bool is_stored);

/* Defines "id", "type", "map", "places", "statements" and "record"; with texts also "redactions"
 * and "lasts", which stand behind "places", and without them "more", which stands behind the record. */
int record_writer_define(struct writer *writer);

/* The same of a record with texts that is kept in turns (server-headers.bt): "record" is it without the pieces of its texts,
 * and "piece" is one of those. */
int record_writer_define_turn(struct writer *writer);

#endif

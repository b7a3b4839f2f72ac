#ifndef SUMMARY_PROM_H
#define SUMMARY_PROM_H

#include "base/diag.h"
#include "show/summary.h"

/* Appends the numbers since the start in the text format of Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). */
void summary_prom_put(const struct summary *summary, struct outbuf *out);

/* Writes them to the file `path` as a whole: to another one beside it first, which then takes its name, so that nobody ever reads
 * a part. 0, or -1 with `diag` set, and the file is as it was. */
int summary_prom_write(const struct summary *summary, const char *path, struct diag *diag);

#endif

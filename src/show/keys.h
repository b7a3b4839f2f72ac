#ifndef KEYS_H
#define KEYS_H

#include "show/output.h"

/* Says that there are keys. */
void keys_begin(struct output *output);

/* What a key does to numbers on a terminal, and says in its last line. true: the run is to end. */
bool keys_take(struct output *output, int key);

#endif

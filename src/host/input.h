#ifndef INPUT_H
#define INPUT_H

#include "base/files.h"
#include "host/open.h"

/* Files that are opened as `input` says and read as a whole. Both return 0, or -1 with `diag` set; memory is the arena's. */

/* errno as of open_input. */
int input_read(struct file *file, const struct open_input *input, const char *path, struct mem *mem, struct diag *diag);

/* Those of a directory whose names end in `suffix`, sorted by name. That there is none is an error. */
int input_read_directory(struct files *files, const struct open_input *input, const char *directory, const char *suffix,
                         struct mem *mem, struct diag *diag);

#endif

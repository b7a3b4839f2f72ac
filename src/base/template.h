#ifndef TEMPLATE_H
#define TEMPLATE_H

#include "base/files.h"

/* What ${name} stands for. */
struct template_variable {
    const char *name;
    struct slice value;
};

/* Appends `file` with every ${name} replaced. The values are not looked into. An unknown name is an error with its position.
 * 0, or -1 with `diag` set. */
int template_expand(struct outbuf *out, const struct file *file, const struct template_variable *variables, size_t count,
                    struct diag *diag);

/* The same for the file of that name among `templates`. */
int template_use(struct outbuf *out, const struct files *templates, const char *name, const struct template_variable *variables,
                 size_t count, struct diag *diag);

#endif

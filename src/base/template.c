#include "base/template.h"

#include <string.h>

static int
unknown(const struct file *file, struct slice name, const struct template_variable *variables, size_t count, struct diag *diag)
{
    struct outbuf known = {0};
    for (size_t i = 0; i < count; i++)
        text_printf(&known, "%s%s", i > 0 ? ", " : "", variables[i].name);
    text_putc(&known, '\0');
    char quoted[64];
    diag_at(diag, files_position(file, name.ptr), "unknown name \"%s\" in ${...}; expected one of %s",
            diag_quote(quoted, sizeof(quoted), name), known.ptr);
    text_free(&known);
    return -1;
}

int
template_expand(struct outbuf *out, const struct file *file, const struct template_variable *variables, size_t count,
                struct diag *diag)
{
    struct slice rest = file->text;
    while (rest.len > 0) {
        const char *open = text_find(rest, "${");
        size_t literal = open != NULL ? (size_t)(open - rest.ptr) : rest.len;
        text_put(out, (struct slice){rest.ptr, literal});
        text_skip(&rest, literal);
        if (open == NULL)
            break;
        const char *close = memchr(rest.ptr, '}', rest.len);
        if (close == NULL)
            return diag_at(diag, files_position(file, open), "\"${\" without \"}\"; expected ${NAME}");
        struct slice name = {open + 2, (size_t)(close - open) - 2};
        size_t i = 0;
        while (i < count && !text_is(name, variables[i].name))
            i++;
        if (i == count)
            return unknown(file, name, variables, count, diag);
        text_put(out, variables[i].value);
        text_skip(&rest, (size_t)(close + 1 - rest.ptr));
    }
    return 0;
}

int
template_use(struct outbuf *out, const struct files *templates, const char *name, const struct template_variable *variables,
             size_t count, struct diag *diag)
{
    const struct file *file = files_find(templates, name);
    if (file == NULL)
        return diag_set(diag, DIAG_USAGE, "template %s is missing; expected it beside the other templates", name);
    return template_expand(out, file, variables, count, diag);
}

#include "host/input.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
input_read(struct file *file, const struct open_input *input, const char *path, struct mem *mem, struct diag *diag)
{
    int fd = open_input(input, path, diag);
    if (fd < 0)
        return -1;
    int status = files_read(file, path, fd, mem, diag);
    close(fd);
    errno = 0;
    return status;
}

static int
add_file(struct files *files, const struct open_input *directory, const char *path, struct mem *mem, struct diag *diag)
{
    struct open_input input = *directory;
    struct file file;
    input.kind = OPEN_FILE;
    if (input_read(&file, &input, path, mem, diag) != 0)
        return -1;
    files_add(files, &file, mem);
    return 0;
}

static int
nothing_read(const struct open_input *input, const char *directory, const char *reason, struct diag *diag)
{
    char quoted[1024];
    return diag_set(diag, DIAG_USAGE, "%s: %s: %s; expected %s", input->option,
                    diag_quote(quoted, sizeof(quoted), text_of(directory)), reason, input->expected);
}

int
input_read_directory(struct files *files, const struct open_input *input, const char *directory, const char *suffix,
                     struct mem *mem, struct diag *diag)
{
    *files = (struct files){0};
    struct dirent **entries = NULL;
    int fd = open_input(input, directory, diag), status = 0;
    if (fd < 0)
        return -1;
    int count = scandirat(fd, ".", &entries, NULL, alphasort), error = count < 0 ? errno : 0;
    for (int i = 0; i < count; i++) {
        if (status == 0 && entries[i]->d_name[0] != '.' && text_ends_with(text_of(entries[i]->d_name), suffix))
            status = add_file(files, input, mem_printf(mem, "%s/%s", directory, entries[i]->d_name), mem, diag);
        free(entries[i]);
    }
    free(entries);
    close(fd);
    if (status == 0 && files->count == 0 && !input->may_be_empty)
        status = nothing_read(input, directory, count < 0 ? strerror(error) : "it has none", diag);
    return status;
}

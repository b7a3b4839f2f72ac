#include "host/find.h"
#include "host/open.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The names without links, as the kernel says them of a process that runs the file. */
static const char *
name_of(int fd, struct mem *mem)
{
    char link[64], name[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, name, sizeof(name));
    return mem_strndup(mem, name, len > 0 ? (size_t)len : 0);
}

int
find_open_exe(struct find_exe *exe, const char *path, bool is_forced, struct mem *mem, struct diag *diag)
{
    const struct open_input input = {.option = "-e", .expected = "the executable of an h2o", .is_forced = is_forced};
    struct stat status;
    int fd = open_input(&input, path, diag);
    if (fd < 0)
        return -1;
    *exe = (struct find_exe){.path = path, .exe = process_exe(getpid(), mem)};
    exe->exe.path = name_of(fd, mem);
    if (fstat(fd, &status) == 0)
        exe->file = (struct process_file){status.st_dev, status.st_ino};
    close(fd);
    errno = 0;
    return 0;
}

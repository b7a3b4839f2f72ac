#include "unit-fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_NODE = FUSE_ROOT_ID + 1, MOST = 128 * 1024 };

struct content {
    const char *bytes;
    size_t len;
};

static volatile sig_atomic_t is_silent;

static void
fall_silent(int signal)
{
    (void)signal;
    is_silent = 1;
}

static void
reply(int device, uint64_t unique, int error, const void *data, size_t len)
{
    struct fuse_out_header header = {(uint32_t)(sizeof(header) + len), error, unique};
    struct iovec parts[] = {{&header, sizeof(header)}, {(void *)data, len}};
    ssize_t ignored = writev(device, parts, 2);
    (void)ignored;
}

static struct fuse_attr
attributes(uint64_t node, const struct content *content)
{
    bool is_file = node == FILE_NODE;
    return (struct fuse_attr){.ino = node,
                              .size = is_file ? content->len : 0,
                              .blocks = is_file ? content->len / 512 + 1 : 0,
                              .mode = is_file ? S_IFREG | 0755 : S_IFDIR | 0755,
                              .nlink = 1,
                              .blksize = 4096};
}

static void
answer_init(int device, const struct fuse_in_header *request)
{
    const struct fuse_init_in *in = (const void *)(request + 1);
    struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
                                .minor = FUSE_KERNEL_MINOR_VERSION,
                                .max_readahead = in->max_readahead,
                                .max_background = 16,
                                .congestion_threshold = 12,
                                .max_write = 4096};
    reply(device, request->unique, 0, &out, sizeof(out));
}

static void
answer_lookup(int device, const struct fuse_in_header *request, const struct content *content)
{
    struct fuse_entry_out out = {.nodeid = FILE_NODE, .generation = 1, .attr = attributes(FILE_NODE, content)};
    bool is_there = strcmp((const char *)(request + 1), "file") == 0;
    reply(device, request->unique, is_there ? 0 : -ENOENT, &out, is_there ? sizeof(out) : 0);
}

static void
answer_read(int device, const struct fuse_in_header *request, const struct content *content)
{
    const struct fuse_read_in *in = (const void *)(request + 1);
    size_t left = in->offset < content->len ? content->len - in->offset : 0;
    reply(device, request->unique, 0, content->bytes + (left > 0 ? in->offset : 0), left < in->size ? left : in->size);
}

static void
answer(int device, const struct fuse_in_header *request, const struct content *content)
{
    const struct fuse_attr_out attributes_out = {.attr = attributes(request->nodeid, content)};
    const struct fuse_open_out open_out = {0};
    switch (request->opcode) {
    case FUSE_INIT:
        answer_init(device, request);
        break;
    case FUSE_LOOKUP:
        answer_lookup(device, request, content);
        break;
    case FUSE_GETATTR:
        reply(device, request->unique, 0, &attributes_out, sizeof(attributes_out));
        break;
    case FUSE_OPEN:
        reply(device, request->unique, 0, &open_out, sizeof(open_out));
        break;
    case FUSE_READ:
        answer_read(device, request, content);
        break;
    case FUSE_FLUSH: /* it is asked for at each close from now on */
        reply(device, request->unique, 0, NULL, 0);
        break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
        break;
    default:
        reply(device, request->unique, -ENOSYS, NULL, 0);
    }
}

static void
serve(int device, const struct content *content)
{
    static union {
        struct fuse_in_header header;
        char bytes[MOST + 4096];
    } request;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGUSR1, fall_silent);
    while (read(device, &request, sizeof(request)) > 0 || errno == EINTR || errno == ENOENT)
        if (!is_silent)
            answer(device, &request.header, content);
}

bool
fuse_start(struct fuse_mount *mount_point, const void *bytes, size_t len)
{
    char options[128];
    struct content content = {bytes, len};
    *mount_point = (struct fuse_mount){.path = "/tmp/unit-fuse-XXXXXX"};
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0 || mkdtemp(mount_point->path) == NULL)
        return false;
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
    if (mount("unit-fuse", mount_point->path, "fuse", MS_NODEV, options) != 0) {
        close(device);
        rmdir(mount_point->path);
        return false;
    }
    mount_point->pid = fork();
    if (mount_point->pid == 0) {
        serve(device, &content);
        _exit(0);
    }
    close(device);
    return mount_point->pid > 0;
}

void
fuse_fall_silent(const struct fuse_mount *mount_point)
{
    kill(mount_point->pid, SIGUSR1);
}

void
fuse_end(const struct fuse_mount *mount_point)
{
    kill(mount_point->pid, SIGKILL);
    waitpid(mount_point->pid, NULL, 0);
    umount2(mount_point->path, MNT_DETACH);
    rmdir(mount_point->path);
}

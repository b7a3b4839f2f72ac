#include "base/clock.h"
#include "host/open.h"

#include "unit-fuse.h"
#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { OTHER = 65534, SUDO = 1234 };

static const struct open_input believed = {"--x", "an x", OPEN_FILE, .is_believed = true},
                               data = {"--x", "an x", OPEN_FILE, .is_believed = false};

static struct mem mem;
static struct diag diag;
static char directory[64];

/* ---- What is opened: below a directory of root's in /tmp, which is sticky. */

static void
make_directory(void)
{
    strcpy(directory, "/tmp/unit-open.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    chmod(directory, 0755);
    unsetenv("SUDO_UID");
    unsetenv("SUDO_GID");
}

static int
remove_one(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
    (void)status, (void)flag, (void)ftw;
    return remove(path);
}

static void
remove_directory(void)
{
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(&mem);
}

static const char *
at(const char *name)
{
    return mem_printf(&mem, "%s/%s", directory, name);
}

static void
own(const char *name, uid_t owner)
{
    ck_assert_int_eq(lchown(at(name), owner, owner), 0);
}

static void
make_dir(const char *name, mode_t mode, uid_t owner)
{
    ck_assert_int_eq(mkdir(at(name), 0700), 0);
    own(name, owner);
    ck_assert_int_eq(chmod(at(name), mode), 0);
}

static void
make_file(const char *name, mode_t mode, uid_t owner)
{
    int fd = open(at(name), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_eq((int)write(fd, "content", 7), 7);
    close(fd);
    own(name, owner);
    ck_assert_int_eq(chmod(at(name), mode), 0);
}

static void
make_link(const char *name, const char *target, uid_t owner)
{
    ck_assert_int_eq(symlink(target, at(name)), 0);
    own(name, owner);
}

static void
make_fifo(const char *name, uid_t owner)
{
    ck_assert_int_eq(mkfifo(at(name), 0600), 0);
    own(name, owner);
}

static const char *
content(const char *name)
{
    char bytes[64] = "";
    int fd = open(at(name), O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge((int)read(fd, bytes, sizeof(bytes) - 1), 0);
    close(fd);
    return mem_strdup(&mem, bytes);
}

/* ---- What is expected. */

static void
check_opened(int fd)
{
    ck_assert_msg(fd > STDERR_FILENO, "%s", diag.message);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

static void
check_input(const char *path)
{
    check_opened(open_input(&believed, path, &diag));
    const char *program = open_program(&believed, path, &mem, &diag);
    ck_assert_msg(program != NULL, "%s", diag.message);
    ck_assert(strstr(program, "link") == NULL && access(program, F_OK) == 0);
}

/* "others than root can change PLACE, WHY, so root does not use it; ADVICE, or give --force". */
static void
check_distrusted(const char *path, const char *place, const char *why, const char *advice)
{
    const char *expected = mem_printf(
        &mem, "--x: others than root can change %s, %s, so root does not use it; %s, or give --force", place, why, advice);
    ck_assert_int_eq(open_input(&believed, path, &diag), -1);
    ck_assert_str_eq(diag.message, expected);
    ck_assert_int_eq(diag.status, DIAG_USAGE);
    diag.message[0] = '\0';
    ck_assert_ptr_null(open_program(&believed, path, &mem, &diag));
    ck_assert_str_eq(diag.message, expected);
}

static void
check_other(const char *path, const char *place)
{
    check_distrusted(path, place, "which is user 65534's", "chown -h root it");
}

static void
check_no_input(const struct open_input *input, const char *path, const char *reason)
{
    ck_assert_int_eq(open_input(input, path, &diag), -1);
    ck_assert_str_eq(diag.message, mem_printf(&mem, "--x: %s: %s; expected an x", path, reason));
    ck_assert_int_eq(diag.status, DIAG_USAGE);
}

static void
check_output(const char *path)
{
    check_opened(open_output(path, OPEN_EMPTIED, NULL, 0, &diag));
    check_opened(open_output(path, OPEN_ANEW, NULL, 0, &diag));
    check_opened(open_output_apart(path, OPEN_ANEW, NULL, 0, &diag));
}

static void
check_no_output(const char *path, const char *reason)
{
    static const enum open_mode how[] = {OPEN_EMPTIED, OPEN_CONTINUED, OPEN_ANEW};
    for (int i = 0; i < 3; i++) {
        diag = (struct diag){0};
        ck_assert_int_eq((i == 0 ? open_output_apart : open_output)(path, how[i], NULL, 0, &diag), -1);
        ck_assert_str_eq(diag.message, mem_printf(&mem, "cannot open %s for writing: %s", path, reason));
        ck_assert_int_eq(diag.status, DIAG_FAILED);
    }
}

/* ---- What root believes. */

START_TEST(what_root_believes)
{
    make_file("file", 0644, 0);
    check_input(at("file"));
    ck_assert_int_eq(chmod(at("file"), 0646), 0);
    check_distrusted(at("file"), at("file"), "which everybody may write to", "chmod o-w it");
    ck_assert_int_eq(chmod(at("file"), 0664), 0);
    check_input(at("file")); /* root's group */
    ck_assert_int_eq(chown(at("file"), 0, 77), 0);
    check_distrusted(at("file"), at("file"), "which group 77 may write to", "chmod g-w it");
    own("file", OTHER);
    check_other(at("file"), at("file"));
}
END_TEST

START_TEST(the_user_who_called_sudo_is_believed)
{
    make_dir("home", 0775, SUDO);
    make_file("home/file", 0664, SUDO);
    check_distrusted(at("home/file"), at("home"), "which is user 1234's", "chown -h root it");
    setenv("SUDO_UID", "1234", 1);
    setenv("SUDO_GID", "1234", 1);
    check_input(at("home/file"));
    setenv("SUDO_GID", "1235", 1);
    ck_assert_int_eq(chown(at("home/file"), SUDO, 1235), 0); /* a group of several */
    check_distrusted(at("home/file"), at("home"), "which group 1234 may write to", "chmod g-w it");
}
END_TEST

START_TEST(directories_are_judged_from_the_root_on)
{
    make_dir("other", 0755, OTHER);
    make_dir("other/root", 0755, 0);
    make_file("other/root/file", 0644, 0);
    check_other(at("other/root/file"), at("other"));
    check_other(at("other/../other/root/../root/file"), at("other"));
    ck_assert_int_eq(chdir(at("other/root")), 0);
    check_other("file", at("other"));
    ck_assert_int_eq(chown(at("other"), 0, 0), 0);
    check_input("file");
    check_input(at("other//root/./../root/file"));
    ck_assert_int_eq(chmod(at("other"), 0757), 0);
    check_distrusted("../root/file", at("other"), "which everybody may write to", "chmod o-w it");
    ck_assert_int_eq(chmod(at("other"), 01777), 0); /* in a sticky directory nobody replaces what is another's */
    check_input("file");
    own("other/root", OTHER);
    check_other("file", at("other/root"));
}
END_TEST

/* R4: only the path as it was given and the final one were judged, and the first of them was run. */
START_TEST(a_chain_of_links_is_judged_link_by_link)
{
    make_dir("good", 0755, 0);
    make_file("good/bpftrace", 0755, 0);
    make_dir("other", 0755, OTHER);
    make_link("other/link", "../good/bpftrace", 0);
    make_link("link", "other/link", 0);
    check_other(at("link"), at("other"));
    own("other", 0);
    check_input(at("link"));
    ck_assert_str_eq(open_program(&believed, at("link"), &mem, &diag), at("good/bpftrace"));
    own("other/link", OTHER);
    check_other(at("link"), at("other/link"));
}
END_TEST

START_TEST(links_in_sticky_directories_are_their_owners)
{
    make_dir("tmp", 01777, 0);
    make_file("file", 0644, 0);
    make_link("tmp/link", at("file"), 0);
    check_input(at("tmp/link"));
    own("tmp/link", OTHER);
    check_other(at("tmp/link"), at("tmp/link"));
}
END_TEST

START_TEST(links_lead_everywhere_but_in_circles)
{
    make_dir("dir", 0755, 0);
    make_file("dir/file", 0644, 0);
    make_link("link-up", "dir/../dir/./file", 0);
    make_link("dir/link-dir", "..", 0);
    make_link("dir/link-both", "link-dir/link-up", 0);
    make_link("link-self", "link-self", 0);
    check_input(at("dir/link-both"));
    check_input(at("dir/link-dir/dir/link-dir/dir/file"));
    check_no_input(&believed, at("link-self"), "Too many levels of symbolic links");
    check_no_input(&believed, at("dir/file/x"), "Not a directory");
    check_no_input(&believed, at("dir/file/"), "Not a directory");
    check_no_input(&believed, at("dir/none"), "No such file or directory");
    check_no_input(&believed, at("none/none"), "No such file or directory");
    check_no_input(&believed, "", "No such file or directory");
    ck_assert_ptr_null(open_program(&believed, at("none"), &mem, &diag));
    ck_assert_str_eq(diag.message, mem_printf(&mem, "cannot run %s: No such file or directory", at("none")));
    ck_assert_int_eq(diag.status, DIAG_MACHINE);
}
END_TEST

/* ---- ACLs. */

struct acl {
    struct posix_acl_xattr_header header;
    struct posix_acl_xattr_entry entries[6];
};

/* Those of the owner, `named` user and group, and all others. In the mode the mask has the place of the group. */
static bool
set_acl(const char *path, unsigned user, unsigned group, unsigned named, unsigned mask)
{
    const unsigned none = (unsigned)-1;
    struct acl acl = {{POSIX_ACL_XATTR_VERSION},
                      {{ACL_USER_OBJ, 6, none},
                       {ACL_USER, (uint16_t)named, user},
                       {ACL_GROUP_OBJ, 4, none},
                       {ACL_GROUP, (uint16_t)named, group},
                       {ACL_MASK, (uint16_t)mask, none},
                       {ACL_OTHER, 4, none}}};
    return setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0) == 0;
}

/* A file on a file system with ACLs; where /tmp has none, on one of the test's own. */
static void
make_acl_file(void)
{
    make_file("file", 0664, 0);
    if (set_acl(at("file"), 0, 0, 6, 7))
        return;
    ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
    ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    ck_assert_int_eq(mount("tmpfs", directory, "tmpfs", 0, "mode=755"), 0);
    make_file("file", 0664, 0);
    ck_assert_msg(set_acl(at("file"), 0, 0, 6, 7), "no file system here has ACLs");
}

/* R4: an ACL's mask shows as bits of the group, which was root's. */
START_TEST(an_acl_lets_others_write)
{
    static const char why[] = "whose ACL lets others write to it", advice[] = "setfacl -b it";
    make_acl_file();
    check_input(at("file")); /* root, and root's group */
    ck_assert(set_acl(at("file"), OTHER, 0, 6, 6));
    check_distrusted(at("file"), at("file"), why, advice);
    ck_assert(set_acl(at("file"), 0, OTHER, 6, 6));
    check_distrusted(at("file"), at("file"), why, advice);
    ck_assert(set_acl(at("file"), OTHER, OTHER, 5, 6));
    check_input(at("file")); /* they only read */
    ck_assert(set_acl(at("file"), OTHER, OTHER, 6, 4));
    check_input(at("file")); /* so does the mask */
    ck_assert(set_acl(at("file"), SUDO, SUDO, 6, 6));
    check_distrusted(at("file"), at("file"), why, advice);
    setenv("SUDO_UID", "1234", 1);
    setenv("SUDO_GID", "1234", 1);
    check_input(at("file"));
}
END_TEST

/* ---- What kind it is. */

/* R4: a FIFO blocked, and /dev/zero ate the memory. */
START_TEST(only_files_are_read_as_files)
{
    struct open_input forced = believed, dir = believed, stream = data;
    forced.is_forced = true;
    dir.kind = OPEN_DIRECTORY;
    stream.kind = OPEN_STREAM;
    make_fifo("fifo", 0);
    make_file("file", 0644, 0);
    check_no_input(&believed, at("fifo"), "it is a FIFO");
    check_no_input(&forced, at("fifo"), "it is a FIFO");
    check_no_input(&forced, "/dev/zero", "it is a device");
    check_no_input(&believed, directory, "it is a directory");
    check_no_input(&dir, at("file"), "it is a file");
    check_no_input(&stream, directory, "it is a directory");
    check_opened(open_input(&dir, directory, &diag));
    check_opened(open_input(&stream, "/dev/null", &diag));
    check_opened(open_input(&stream, at("fifo"), &diag));
}
END_TEST

/* What h2olog was started with is read from where it is, as with <(...) and < FILE. */
START_TEST(own_files_are_shared)
{
    int pair[2];
    char byte;
    make_file("file", 0644, 0);
    int fd = open(at("file"), O_RDONLY | O_CLOEXEC);
    ck_assert(read(fd, &byte, 1) == 1 && byte == 'c');
    int copy = open_input(&believed, mem_printf(&mem, "/dev/fd/%d", fd), &diag);
    ck_assert(read(copy, &byte, 1) == 1 && byte == 'o');
    check_opened(copy);
    ck_assert_int_eq(fchown(fd, OTHER, OTHER), 0);
    const char *path = mem_printf(&mem, "/proc/self/fd/%d", fd);
    ck_assert_int_eq(open_input(&believed, path, &diag), -1);
    ck_assert_str_eq(diag.message,
                     mem_printf(&mem,
                                "--x: others than root can change %s, which is user 65534's, so root does not use "
                                "it; chown -h root it, or give --force",
                                path));
    check_opened(open_input(&data, path, &diag));
    ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
    check_opened(open_input(&believed, mem_printf(&mem, "/dev/fd/%d", pair[0]), &diag));
    check_no_input(&believed, "/dev/fd/999", "Bad file descriptor");
}
END_TEST

/* Others' files are read, but root is not led elsewhere by them. */
START_TEST(data_may_be_of_others)
{
    make_dir("other", 0755, OTHER);
    make_file("other/file", 0600, OTHER);
    make_file("secret", 0600, 0);
    make_link("other/link", "../secret", OTHER);
    make_link("link", "other/file", 0);
    check_opened(open_input(&data, at("other/file"), &diag));
    check_opened(open_input(&data, at("link"), &diag));
    check_opened(open_input(&data, "/proc/self/exe", &diag)); /* whose text need not name a file */
    check_opened(open_input(&data, mem_printf(&mem, "/proc/self/root%s", at("other/file")), &diag));
    ck_assert_int_eq(open_input(&data, at("other/link"), &diag), -1);
    ck_assert_str_eq(diag.message,
                     mem_printf(&mem,
                                "--x: others than root can change %s, which is user 65534's, and so where the link "
                                "%s leads, so root does not use it; name the file itself, or give --force",
                                at("other"), at("other/link")));
    struct open_input forced = data;
    forced.is_forced = true;
    check_opened(open_input(&forced, at("other/link"), &diag));
}
END_TEST

/* ---- Output. */

START_TEST(a_file_is_made_emptied_or_continued)
{
    struct stat status;
    int fd = open_output(at("new"), OPEN_EMPTIED, NULL, 0, &diag);
    ck_assert_msg(fd >= 0 && fstat(fd, &status) == 0, "%s", diag.message);
    ck_assert_uint_eq(status.st_mode, S_IFREG | 0600);
    check_opened(fd);
    make_file("file", 0644, 0);
    ck_assert_int_eq(write(fd = open_output(at("file"), OPEN_CONTINUED, NULL, 0, &diag), "+", 1), 1);
    check_opened(fd);
    ck_assert_str_eq(content("file"), "content\n+"); /* T18: what came behind stood on an unfinished line */
    ck_assert_int_eq(write(fd = open_output(at("file"), OPEN_ANEW, NULL, 0, &diag), "+", 1), 1);
    check_opened(fd);
    ck_assert_str_eq(content("file"), "content\n+\n+");
    ck_assert_int_eq(write(fd = open_output(at("file"), OPEN_ANEW, NULL, 0, &diag), "\n", 1), 1);
    check_opened(fd);
    check_opened(open_output(at("file"), OPEN_CONTINUED, NULL, 0, &diag));
    ck_assert_str_eq(content("file"), "content\n+\n+\n\n");
    fd = open_output(at("file"), OPEN_EMPTIED, NULL, 0, &diag);
    ck_assert_str_eq(content("file"), "");
    ck_assert(write(fd, "lost", 4) == 4 && truncate(at("file"), 0) == 0 && write(fd, "kept", 4) == 4);
    check_opened(fd);
    ck_assert_str_eq(content("file"), "kept");
}
END_TEST

/* T20: `h2olog --replay a.rec -w a.rec` emptied the recording, and with --append it read its own output. */
START_TEST(t20_what_is_read_is_not_written)
{
    make_file("file", 0644, 0);
    make_file("other", 0644, 0);
    ck_assert_int_eq(symlink("file", at("link")), 0);
    const struct open_used used[] = {{"--script", NULL}, {"--probes", at("none")}, {"--replay", mem_strdup(&mem, at("link"))}};
    static const enum open_mode how[] = {OPEN_EMPTIED, OPEN_CONTINUED, OPEN_ANEW};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(open_output(at("file"), how[i], used, 3, &diag), -1);
        ck_assert_str_eq(
            diag.message,
            mem_printf(&mem, "cannot open %s for writing: it is the file of --replay, too; name another file", at("file")));
        ck_assert_str_eq(content("file"), "content");
    }
    check_opened(open_output(at("other"), OPEN_EMPTIED, used, 3, &diag));
    check_opened(open_output("/dev/null", OPEN_EMPTIED, &(struct open_used){"--replay", "/dev/null"}, 1, &diag));
}
END_TEST

/* R3: a file of another user's, who can read it, was filled; and root's file behind a link or another name. */
START_TEST(what_is_there_must_be_nobody_elses)
{
    make_dir("other", 0755, OTHER);
    make_file("other/file", 0644, OTHER);
    make_file("victim", 0644, 0);
    ck_assert_int_eq(link(at("victim"), at("other/hard")), 0);
    check_no_output(at("other/file"), "it is user 65534's; remove it, or name another file");
    check_no_output(at("other/hard"), "it has another name, too, as a hard link; remove it, or name another file");
    ck_assert_str_eq(content("other/file"), "content");
    ck_assert_str_eq(content("victim"), "content");
    check_output(at("other/new")); /* in whatever directory a new file is root's */
    setenv("SUDO_UID", "65534", 1);
    setenv("SUDO_GID", "65534", 1);
    check_output(at("other/file"));
}
END_TEST

START_TEST(others_links_lead_no_output)
{
    static const char form[] =
        "others than root can change %s, which is user 65534's, and so where the link %s leads; name the "
        "file itself";
    make_dir("tmp", 01777, 0);
    make_dir("other", 0755, OTHER);
    make_file("victim", 0644, 0);
    make_link("tmp/link", at("victim"), OTHER);
    make_link("tmp/dangling", at("new"), OTHER);
    make_link("other/link", at("victim"), 0); /* root's, but others say which link stands there */
    make_link("other/up", at("tmp"), OTHER);
    check_no_output(at("tmp/link"), mem_printf(&mem, form, at("tmp/link"), at("tmp/link")));
    check_no_output(at("tmp/dangling"), mem_printf(&mem, form, at("tmp/dangling"), at("tmp/dangling")));
    check_no_output(at("other/link"), mem_printf(&mem, form, at("other"), at("other/link")));
    check_no_output(at("other/up/file"), mem_printf(&mem, form, at("other"), at("other/up")));
    ck_assert_str_eq(content("victim"), "content");
    ck_assert_int_eq(access(at("new"), F_OK), -1);
    own("tmp/link", 0);
    own("tmp/dangling", 0);
    check_output(at("tmp/link"));
    check_output(at("tmp/dangling"));
    ck_assert_str_eq(content("victim"), "");
    ck_assert_int_eq(access(at("new"), F_OK), 0);
}
END_TEST

/* R1, R2: h2olog, or the keeper on SIGHUP, waited for a reader with all signals blocked. */
START_TEST(a_fifo_needs_a_reader)
{
    make_fifo("fifo", 0);
    check_no_output(at("fifo"), "No such device or address; if it is a FIFO, start its reader first");
    int reader = open(at("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    check_output(at("fifo"));
    own("fifo", OTHER);
    check_no_output(at("fifo"), "it is user 65534's; remove it, or name another file");
    close(reader);
}
END_TEST

/* The keeper could not be killed any more when it opened such a file anew. */
START_TEST(a_file_system_that_does_not_answer_is_not_waited_for)
{
    struct fuse_mount fuse;
    if (!fuse_start(&fuse, "x\n", 2))
        return;
    const char *path = mem_printf(&mem, "%s/file", fuse.path);
    check_opened(open_output_apart(path, OPEN_ANEW, NULL, 0, &diag));
    fuse_fall_silent(&fuse);
    int64_t begun = clock_ms();
    ck_assert_int_eq(open_output_apart(path, OPEN_ANEW, NULL, 0, &diag), -1);
    ck_assert_int_lt((int)(clock_ms() - begun), 10000);
    ck_assert_str_eq(diag.message, mem_printf(&mem,
                                              "cannot open %s for writing: its file system does not answer; name a file on "
                                              "another one",
                                              path));
    fuse_end(&fuse);
}
END_TEST

START_TEST(of_devices_only_those_that_do_no_harm)
{
    static const char advice[] = "name a file, a FIFO that is being read, a terminal or /dev/null";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    check_output(ptsname(terminal));
    check_output("/dev/null");
    check_output("/dev/full");
    check_no_output("/dev/zero", mem_printf(&mem, "it is a device; %s", advice));
    check_no_output(directory, "Is a directory");
    strcpy(address.sun_path, at("socket"));
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    check_no_output(at("socket"), "No such device or address; if it is a FIFO, start its reader first");
    close(terminal);
    close(listener);
}
END_TEST

/* The keeper has no stdout of h2olog's: opened anew, /dev/stdout would be its /dev/null. */
/* B11: any terminal was written to. Behind su or sudo -i one's own is still that of the user who logged in. */
START_TEST(b11_a_terminal_is_somebodys)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status = -1;
    ck_assert(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    const char *name = ptsname(terminal);
    ck_assert_int_eq(chown(name, OTHER, 0), 0);
    check_no_output(name, "it is user 65534's; name another terminal or a file");
    pid_t pid = fork();
    if (pid == 0) {
        bool is_own = setsid() >= 0 && ioctl(open(name, O_RDWR), TIOCSCTTY, 0) == 0;
        _exit(is_own && open_output(name, OPEN_EMPTIED, NULL, 0, &diag) >= 0 &&
                      open_output("/dev/tty", OPEN_ANEW, NULL, 0, &diag) >= 0
                  ? 0
                  : 1);
    }
    ck_assert(waitpid(pid, &status, 0) == pid && status == 0);
    ck_assert_int_eq(chown(name, SUDO, 0), 0);
    check_no_output(name, "it is user 1234's; name another terminal or a file");
    setenv("SUDO_UID", "1234", 1);
    setenv("SUDO_GID", "1234", 1);
    check_output(name);
    close(terminal);
}
END_TEST

START_TEST(own_output_is_shared_and_not_opened_anew)
{
    make_file("file", 0644, OTHER);
    int fd = open(at("file"), O_WRONLY | O_CLOEXEC);
    const char *path = mem_printf(&mem, "/proc/self/fd/%d", fd);
    ck_assert_int_eq(write(fd, "CON", 3), 3);
    int copy = open_output(path, OPEN_EMPTIED, NULL, 0, &diag);
    ck_assert_int_eq(write(copy, "TENT", 4), 4);
    check_opened(copy);
    ck_assert_str_eq(content("file"), "CONTENT");
    check_opened(open_output("/dev/stdout", OPEN_EMPTIED, NULL, 0, &diag));
    ck_assert_int_eq(open_output("/dev/stdout", OPEN_ANEW, NULL, 0, &diag), -1);
    ck_assert_str_eq(diag.message, "cannot open /dev/stdout for writing: it was opened by whoever started h2olog");
}
END_TEST

static int
next_descriptor(void)
{
    int fd = dup(STDIN_FILENO);
    close(fd);
    return fd;
}

START_TEST(nothing_stays_open)
{
    make_dir("other", 0755, OTHER);
    make_file("other/file", 0644, OTHER);
    make_dir("dir", 0755, 0);
    make_link("link", "dir/link", 0);
    make_link("dir/link", at("dir/file"), 0);
    make_file("dir/file", 0644, 0);
    make_link("other/link", at("dir/file"), OTHER);
    make_link("loop", "loop", 0);
    static const char *const names[] = {"link", "other/link", "other/file", "loop", "none", "none/none", "dir/file/x", "dir"};
    int before = next_descriptor();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *path = at(names[i]);
        open_program(&believed, path, &mem, &diag);
        const int fds[] = {open_input(&believed, path, &diag), open_input(&data, path, &diag),
                           open_output(path, OPEN_CONTINUED, NULL, 0, &diag)};
        for (int j = 0; j < 3; j++)
            if (fds[j] >= 0)
                close(fds[j]);
        ck_assert_msg(next_descriptor() == before, "%s", names[i]);
    }
}
END_TEST

/* ---- Other users. */

/* They gain nothing by a link or a file, but should not wait either. */
START_TEST(nothing_is_judged_for_other_users)
{
    make_dir("other", 0755, OTHER);
    make_file("other/file", 0666, SUDO);
    make_fifo("other/fifo", OTHER);
    make_link("other/link", "file", SUDO);
    make_link("other/dangling", "new", SUDO);
    pid_t pid = fork();
    if (pid == 0) {
        ck_assert(setresgid(OTHER, OTHER, OTHER) == 0 && setresuid(OTHER, OTHER, OTHER) == 0);
        check_opened(open_input(&believed, at("other/link"), &diag));
        ck_assert_str_eq(open_program(&believed, "a/b", &mem, &diag), "a/b");
        check_no_input(&believed, at("other/none"), "No such file or directory");
        check_no_input(&believed, at("other/fifo"), "it is a FIFO");
        check_output(at("other/link"));
        check_output(at("other/dangling"));
        check_no_output(at("other/fifo"), "No such device or address; if it is a FIFO, start its reader first");
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_str_eq(content("other/file"), "");
    ck_assert_int_eq(access(at("other/new"), F_OK), 0);
}
END_TEST

Suite *
open_suite(void)
{
    Suite *suite = suite_create("open");
    TCase *tcase = tcase_create("open");
    tcase_set_timeout(tcase, 30);
    suite_add_tcase(suite, tcase);
    if (geteuid() != 0)
        return suite; /* for other users nothing is judged */
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_test(tcase, what_root_believes);
    tcase_add_test(tcase, the_user_who_called_sudo_is_believed);
    tcase_add_test(tcase, directories_are_judged_from_the_root_on);
    tcase_add_test(tcase, a_chain_of_links_is_judged_link_by_link);
    tcase_add_test(tcase, links_in_sticky_directories_are_their_owners);
    tcase_add_test(tcase, links_lead_everywhere_but_in_circles);
    tcase_add_test(tcase, an_acl_lets_others_write);
    tcase_add_test(tcase, only_files_are_read_as_files);
    tcase_add_test(tcase, own_files_are_shared);
    tcase_add_test(tcase, data_may_be_of_others);
    tcase_add_test(tcase, a_file_is_made_emptied_or_continued);
    tcase_add_test(tcase, t20_what_is_read_is_not_written);
    tcase_add_test(tcase, what_is_there_must_be_nobody_elses);
    tcase_add_test(tcase, others_links_lead_no_output);
    tcase_add_test(tcase, a_fifo_needs_a_reader);
    tcase_add_test(tcase, a_file_system_that_does_not_answer_is_not_waited_for);
    tcase_add_test(tcase, of_devices_only_those_that_do_no_harm);
    tcase_add_test(tcase, b11_a_terminal_is_somebodys);
    tcase_add_test(tcase, own_output_is_shared_and_not_opened_anew);
    tcase_add_test(tcase, nothing_stays_open);
    tcase_add_test(tcase, nothing_is_judged_for_other_users);
    return suite;
}

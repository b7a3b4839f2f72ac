#include "host/privileges.h"

#include "unit.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct diag diag;

static void
set_sudo(const char *uid, const char *gid)
{
    if (uid == NULL) {
        unsetenv("SUDO_UID");
        unsetenv("SUDO_GID");
        return;
    }
    setenv("SUDO_UID", uid, 1);
    setenv("SUDO_GID", gid, 1);
}

/* Where the package is installed, its user comes first. */
static bool
is_installed(void)
{
    return getpwnam(PRIVILEGES_USER) != NULL;
}

START_TEST(whom_it_becomes)
{
    if (is_installed())
        return;
    struct privileges root, nobody, found;
    ck_assert_int_eq(privileges_find(&root, "root", &diag), 0);
    ck_assert(root.uid == 0 && root.gid == 0);
    ck_assert_int_eq(privileges_find(&nobody, "nobody", &diag), 0);
    ck_assert_uint_ne(nobody.uid, 0);
    static const char *const rows[][2] = {{NULL, NULL}, {"0", "0"},  {"0", "7"},         {"x", "7"},
                                          {"", ""},     {"-1", "7"}, {"7", "4294967295"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_sudo(rows[i][0], rows[i][1]);
        ck_assert_int_eq(privileges_find(&found, NULL, &diag), 0);
        ck_assert_msg(found.uid == nobody.uid && found.gid == nobody.gid, "row %zu", i);
    }
    set_sudo("1234", "1235");
    ck_assert_int_eq(privileges_find(&found, NULL, &diag), 0);
    ck_assert(found.uid == 1234 && found.gid == 1235);
    ck_assert_int_eq(privileges_find(&found, "root", &diag), 0); /* who is named counts */
    ck_assert_uint_eq(found.uid, 0);
    ck_assert_int_eq(privileges_find(&found, "no\033body", &diag), -1);
    ck_assert_str_eq(diag.message, "--user: there is no user \"no\\x1bbody\"; name one of /etc/passwd");
}
END_TEST

START_TEST(what_is_given_up_does_not_come_back)
{
    if (geteuid() != 0)
        return;
    pid_t pid = fork();
    if (pid == 0) {
        struct privileges privileges = {1234, 1235};
        int status = privileges_drop(&privileges, &diag);
        _exit(status == 0 && getuid() == 1234 && getegid() == 1235 && setuid(0) != 0 && seteuid(0) != 0 && setgid(0) != 0 ? 0
                                                                                                                          : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

Suite *
privileges_suite(void)
{
    Suite *suite = suite_create("privileges");
    TCase *tcase = tcase_create("privileges");
    tcase_add_test(tcase, whom_it_becomes);
    tcase_add_test(tcase, what_is_given_up_does_not_come_back);
    suite_add_tcase(suite, tcase);
    return suite;
}

#include "unit-fixture.h"

#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct file
fixture_file(const char *name, const char *text)
{
    return (struct file){name, text_of(text)};
}

int
fixture_catalog(struct fixture *fixture, const char *text)
{
    *fixture = (struct fixture){0};
    struct file file = fixture_file("t.probes", text);
    struct files files = {&file, 1};
    return catalog_parse(&fixture->catalog, &files, &fixture->mem, &fixture->diag);
}

void
fixture_plan(struct fixture *fixture, const char *text, const char *version, const char *group)
{
    ck_assert_msg(fixture_catalog(fixture, text) == 0, "%s", fixture->diag.message);
    char line[64];
    snprintf(line, sizeof(line), "bpftrace v%s", version);
    ck_assert_int_eq(bpftrace_parse_version(&fixture->bpftrace, text_of(line), &fixture->diag), 0);
    fixture->request = (struct request){.group = group};
    int status = plan_make(&fixture->plan, &fixture->catalog, NULL, &fixture->bpftrace, &fixture->request, &fixture->mem,
                           &fixture->diag);
    ck_assert_msg(status == 0, "%s", fixture->diag.message);
}

void
fixture_free(struct fixture *fixture)
{
    mem_free(&fixture->mem);
}

pid_t
fixture_server(const char *path, const char *name, int *script)
{
    int in[2], out[2];
    char said[16];
    ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execl(path, name, "--lifetime", "30", "--script", "-", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    ck_assert_int_gt((int)read(out[0], said, sizeof(said)), 0);
    close(out[0]);
    *script = in[1];
    return pid;
}

const char *
fixture_server_path(void)
{
    const char *path = getenv("SERVER");
    ck_assert_msg(path != NULL && access(path, X_OK) == 0, "SERVER does not name the test server");
    return path;
}

void
fixture_copy(const char *from, const char *to)
{
    struct mem mem = {0};
    const struct slice bytes = fixture_read(from, &mem).text;
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    ck_assert_msg(fd >= 0, "%s", to);
    ck_assert_int_eq(write(fd, bytes.ptr, bytes.len), (ssize_t)bytes.len);
    ck_assert_int_eq(fchmod(fd, 0755), 0);
    close(fd);
    mem_free(&mem);
}

struct fixture_process
fixture_start(const char *path)
{
    struct fixture_process server;
    server.pid = fixture_server(path, path, &server.script);
    return server;
}

void
fixture_end(const struct fixture_process *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    close(server->script);
}

struct file
fixture_read(const char *path, struct mem *mem)
{
    struct file file;
    struct diag diag;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(fd >= 0, "%s", path);
    ck_assert_msg(files_read(&file, path, fd, mem, &diag) == 0, "%s", diag.message);
    close(fd);
    return file;
}

uint32_t
fixture_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

void
fixture_fill(char *bytes, size_t len, const char *alphabet, uint32_t *state)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t number = fixture_random(state);
        bytes[i] = alphabet != NULL ? alphabet[number % strlen(alphabet)] : (char)number;
    }
}

pid_t
fixture_stranger(const char *path, uid_t user)
{
    int pair[2];
    char byte;
    ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(user) != 0 || setuid(user) != 0))
            _exit(126);
        execl(path, path, "60", (char *)NULL);
        _exit(127);
    }
    close(pair[1]);
    ck_assert_int_eq((int)read(pair[0], &byte, 1), 0); /* the program has begun */
    close(pair[0]);
    return pid;
}

void
fixture_equal(const struct outbuf *out, const char *expected)
{
    ck_assert_msg(text_equal((struct slice){out->ptr, out->len}, text_of(expected)), "got <%.*s>, expected <%s>", (int)out->len,
                  out->len > 0 ? out->ptr : "", expected);
}

#ifndef UNIT_FIXTURE_H
#define UNIT_FIXTURE_H

#include "show/format_record.h"

/* What several suites need: a catalogue from a text, and a plan for it without a server. */
struct fixture {
    struct mem mem;
    struct diag diag;
    struct catalog catalog;
    struct bpftrace bpftrace;
    struct request request;
    struct plan plan;
};

/* Parses `text` under the name t.probes; 0 or -1 with fixture->diag set. */
int fixture_catalog(struct fixture *fixture, const char *text);

/* A plan for the events of `group` with the bpftrace `version`, such as "0.17.0"; fails the test on an error. */
void fixture_plan(struct fixture *fixture, const char *text, const char *version, const char *group);

void fixture_free(struct fixture *fixture);

/* A file of the text. */
struct file fixture_file(const char *name, const char *text);

/* What is in the file `path`. */
struct file fixture_read(const char *path, struct mem *mem);

/* The next of a sequence of numbers that is the same in every run. */
uint32_t fixture_random(uint32_t *state);

/* Fills with random bytes, or with random ones of `alphabet`. */
void fixture_fill(char *bytes, size_t len, const char *alphabet, uint32_t *state);

/* Starts the test server `path` under the name `name`, waits until it runs, and leaves the end of its script's pipe in
 * `script`: it waits for commands that never come. */
pid_t fixture_server(const char *path, const char *name, int *script);

/* The test server, by the environment's SERVER. */
const char *fixture_server_path(void);

/* Copies a program. Of the test server, it makes one that no other test runs: servers of other tests are no successors of it.
 */
void fixture_copy(const char *from, const char *to);

/* Starts the server under its own name; it runs until it is ended. */
struct fixture_process {
    pid_t pid;
    int script;
};
struct fixture_process fixture_start(const char *path);
void fixture_end(const struct fixture_process *server);

/* Runs `path 60` as that user, or whoever runs the test, and waits until it runs. */
enum { FIXTURE_NOBODY = 65534 };
pid_t fixture_stranger(const char *path, uid_t user);

/* Compares bytes, which may hold NULs, and says what differs. */
void fixture_equal(const struct outbuf *out, const char *expected);

#endif

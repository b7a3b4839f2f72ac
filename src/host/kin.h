#ifndef KIN_H
#define KIN_H

#include "host/process.h"

/* What tells the successor of a server from other processes of the same executable. */

enum { KIN_SOCKETS = 64 };

struct kin {
    struct process process;
    struct process_exe exe;
    struct process_file file;           /* of the executable */
    uid_t user;                         /* effective */
    uint64_t service;                   /* of its control group, as systemd makes one for each service; 0: it is in none */
    unsigned long sockets[KIN_SOCKETS]; /* that it has open, beside stdin, stdout and stderr; the first ones */
    size_t nsockets;
};

/* Reads what /proc says of a process. `file` is not read. Memory is the arena's. */
void kin_read(struct kin *kin, const struct process *process, struct mem *mem);

/* Reads `file`, unless it is known. A process for it waits for the file system, for a second at most. */
void kin_read_file(struct kin *kin);

/* Whether the process is a successor of the server: it runs the same file, or one that has taken its name in the same file
 * system; has executed it, unless the server was forked, too; is younger; and has the server's parent, if it is in no other
 * service, its session or service, and is the server's user's or root's; or it has one of its sockets. Where names do not tell,
 * the process's `file` is read. */
bool kin_is_successor(const struct kin *server, struct kin *process);

/* Whether the process's executable has the last name of the server's, as that of every successor has. Cheap. */
bool kin_has_name(const struct kin *server, const struct process *process);

#endif

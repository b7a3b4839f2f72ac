#ifndef BPF_MAP_H
#define BPF_MAP_H

#include <stdint.h>
#include <sys/types.h>

/* Maps of the kernel's that another process has made, with keys and values of 8 bytes: bpf(2). */

/* A file descriptor of the one that process `pid` has open and that has `value` at `key`; the caller closes it. -1: there is
 * none, or it may not be looked for. */
int bpf_map_find(pid_t pid, uint64_t key, uint64_t value);

/* 0, or -1: errno says why, as E2BIG where it is full. */
int bpf_map_set(int map, uint64_t key, uint64_t value);

/* That a key is not there is no error. */
void bpf_map_remove(int map, uint64_t key);

#endif

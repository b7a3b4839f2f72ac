/* The most instructions that the kernel's verifier followed for any BPF program that is loaded, and how many are: `verified`
 * prints both (linux/bpf.h: bpf_prog_info.verified_insns, from Linux 5.16 on; 0 before). */
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
bpf(int command, union bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static uint32_t
verified_insns(uint32_t id)
{
    struct bpf_prog_info info = {0};
    union bpf_attr attr = {.prog_id = id};
    int fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
    memset(&attr, 0, sizeof(attr));
    attr.info.bpf_fd = (uint32_t)fd;
    attr.info.info_len = sizeof(info);
    attr.info.info = (uintptr_t)&info;
    int status = fd < 0 ? -1 : bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
    if (fd >= 0)
        close(fd);
    return status == 0 ? info.verified_insns : 0;
}

int
main(void)
{
    uint32_t most = 0, programs = 0;
    for (union bpf_attr attr = {0}; bpf(BPF_PROG_GET_NEXT_ID, &attr) == 0; attr.start_id = attr.next_id, programs++) {
        uint32_t insns = verified_insns(attr.next_id);
        most = insns > most ? insns : most;
    }
    printf("%u %u\n", most, programs);
    return 0;
}

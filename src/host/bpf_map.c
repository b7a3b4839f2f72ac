#include "host/bpf_map.h"

#include "base/text.h"
#include "host/process.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
call(enum bpf_cmd command, union bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static uint64_t
address_of(const void *object)
{
    return (uint64_t)(uintptr_t)object;
}

int
bpf_map_set(int map, uint64_t key, uint64_t value)
{
    union bpf_attr attr = {.map_fd = (uint32_t)map, .key = address_of(&key), .value = address_of(&value), .flags = BPF_ANY};
    return call(BPF_MAP_UPDATE_ELEM, &attr);
}

void
bpf_map_remove(int map, uint64_t key)
{
    union bpf_attr attr = {.map_fd = (uint32_t)map, .key = address_of(&key)};
    call(BPF_MAP_DELETE_ELEM, &attr);
}

/* ---- Finding one. */

/* What would be read of a map with other sizes would not fit. */
static int
has_our_sizes(int map)
{
    struct bpf_map_info info = {0};
    union bpf_attr attr = {.info = {.bpf_fd = (uint32_t)map, .info_len = sizeof(info), .info = address_of(&info)}};
    return call(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 && info.type == BPF_MAP_TYPE_HASH && info.key_size == sizeof(uint64_t) &&
           info.value_size == sizeof(uint64_t);
}

static int
has_value(int map, uint64_t key, uint64_t wanted)
{
    uint64_t value = 0;
    union bpf_attr attr = {.map_fd = (uint32_t)map, .key = address_of(&key), .value = address_of(&value)};
    return call(BPF_MAP_LOOKUP_ELEM, &attr) == 0 && value == wanted;
}

/* The kernel's number of the map that is open as `file`; 0: it is none. */
static uint32_t
id_of(pid_t pid, const char *file)
{
    char name[300], text[1024];
    struct slice line, rest = {text, 0}, word;
    uint64_t id = 0;
    snprintf(name, sizeof(name), "fdinfo/%s", file);
    rest.len = process_read_start(pid, name, text, sizeof(text));
    while (text_line(&rest, &line))
        if (text_word(&line, &word) && text_is(word, "map_id:") && text_word(&line, &word) && !text_number(word, UINT32_MAX, &id))
            id = 0;
    return (uint32_t)id;
}

static int
open_map(pid_t pid, const char *file, uint64_t key, uint64_t value)
{
    union bpf_attr attr = {.map_id = id_of(pid, file)};
    int map = attr.map_id != 0 ? call(BPF_MAP_GET_FD_BY_ID, &attr) : -1;
    if (map < 0 || (has_our_sizes(map) && has_value(map, key, value)))
        return map;
    close(map);
    return -1;
}

int
bpf_map_find(pid_t pid, uint64_t key, uint64_t value)
{
    char path[64];
    const struct dirent *entry;
    int map = -1;
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *files = opendir(path);
    while (files != NULL && map < 0 && (entry = readdir(files)) != NULL)
        map = open_map(pid, entry->d_name, key, value);
    if (files != NULL)
        closedir(files);
    return map;
}

#include "host/pid_file.h"

#include "host/input.h"

#include <errno.h>
#include <string.h>

static const char blanks[] = " \t\r\n";

/* Cuts the next word off the text, which then begins with the one behind it. */
static struct slice
next_word(struct slice *text)
{
    struct slice word = {text->ptr, 0};
    while (word.len < text->len && memchr(blanks, word.ptr[word.len], sizeof(blanks) - 1) == NULL)
        word.len++;
    text_skip(text, word.len);
    *text = text_trim_start(*text, blanks);
    return word;
}

static enum pid_file_state
refuse(const struct file *file, struct slice word, const char *expected, struct diag *diag)
{
    char quoted[64];
    diag_at(diag, files_position(file, word.ptr), "expected %s, but there is \"%s\"", expected,
            diag_quote(quoted, sizeof(quoted), word));
    return PID_FILE_BAD;
}

static enum pid_file_state
parse(pid_t *pid, const struct file *file, struct diag *diag)
{
    struct slice rest = text_trim_start(file->text, blanks), word = next_word(&rest);
    uint64_t number;
    if (word.len == 0) {
        diag_at(diag, (struct diag_pos){file->name, 1, 1}, "expected the number of a process, but the file is empty");
        return PID_FILE_MISSING;
    }
    if (!text_number(word, INT32_MAX, &number) || number == 0)
        return refuse(file, word, "the number of a process", diag);
    if (rest.len > 0)
        return refuse(file, next_word(&rest), "nothing behind the number of the process", diag);
    *pid = (pid_t)number;
    return PID_FILE_READ;
}

enum pid_file_state
pid_file_read(pid_t *pid, const char *path, bool is_forced, struct mem *mem, struct diag *diag)
{
    const struct open_input input = {
        .option = "--pid-file", .expected = "a file with the number of a process", .is_forced = is_forced};
    struct file file;
    if (input_read(&file, &input, path, mem, diag) == 0)
        return parse(pid, &file, diag);
    return errno == ENOENT ? PID_FILE_MISSING : PID_FILE_BAD;
}

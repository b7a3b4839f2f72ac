#include "program/standalone_limits.h"

unsigned
standalone_most_json(const struct bpftrace_row *row)
{
    enum { MOST = 200 };
    return row->has_ranges ? row->default_string_size : MOST;
}

static void
put_length_of_texts(struct outbuf *out, const struct bpftrace_row *row, bool is_json)
{
    unsigned most = is_json ? standalone_most_json(row) : row->default_string_size;
    most = most < row->default_string_size ? most : row->default_string_size;
    text_printf(
        out, "// - A text has up to 8,192 bytes there, and says what is cut. Here it ends before %u bytes, or at a NUL.", most);
    if (row->default_string_size < row->text_chunk)
        text_printf(out, " For up\n//   to %u: sudo %s=%u bpftrace ...", row->text_chunk, row->string_size_variable,
                    row->text_chunk);
    text_putc(out, '\n');
}

void
standalone_put_limits(struct outbuf *out, const struct plan *plan, const struct standalone_contents *contents, bool is_json)
{
    const struct bpftrace_row *row = &plan->bpftrace->row;
    const struct {
        bool applies;
        const char *text;
    } limits[] = {
        {contents->has_texts && is_json,
         "A text with a quote, a backslash, a control character, or what is not ASCII is null here, and "
         "its bytes stand in\n//   NAME_hex, which is null, too, where only a NUL ends the text in the server."},
        {contents->has_texts && !is_json,
         "Texts are safe to look at there. Here they come as clients sent them, control characters "
         "too: look at them through\n//   less or cat -v."},
        {contents->has_texts, "Names of well-known headers stand in pages that the server may not have read yet, and are empty "
                              "until it has."},
        {contents->has_bytes, "Bytes are hexadecimal digits without blanks between them, and say when there are more than are "
                              "shown."},
        {contents->has_pieces, "A record is printed at once. Here some take several printf, and records of several threads may "
                               "mix."},
        {contents->has_clock,
         "The clock is asked. Here \"at\" is counted from when this machine started: make the program anew "
         "after a reboot,\n//   and where it is to run."},
        {contents->has_extra_json, "Records are numbered (\"seq\")."},
        {row->per_cpu_buffers, "Records are in order. Here those of different CPUs are not."},
        {true, "Losses are counted. Here bpftrace says \"Lost N events\" in between."},
    };
    if (contents->has_texts)
        put_length_of_texts(out, row, is_json);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (limits[i].applies)
            text_printf(out, "// - %s\n", limits[i].text);
    struct slice rest = plan->left_out, line;
    while (text_line(&rest, &line))
        text_printf(out, "// Left out: %.*s\n", (int)line.len, line.ptr);
}

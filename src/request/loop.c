#include "request/loop.h"

void
loop_begin(struct outbuf *out, const char *text, const char *count, bool has_ranges)
{
    text_printf(out,
                has_ranges ? "\n    for (%1$s_i : 0..%2$s) {\n        %1$s_pos = (uint64)%1$s_i;\n"
                           : " %1$s_pos = (uint64)0;\n    while (%1$s_pos < %2$s) {\n",
                text, count);
}

void
loop_end(struct outbuf *out, const char *text, bool has_ranges)
{
    text_printf(out, has_ranges ? "\n    }\n" : " %1$s_pos = %1$s_pos + 1;\n    }\n", text);
}

/* Any template: an error with a position in it, or a text in which nothing but the variables has changed. */
#include "fuzz.h"

#include "base/template.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct template_variable variables[] = {{"a", {"", 0}}, {"bc", {"${a}", 4}}, {"d_1", {"\0x", 2}}};
    struct file file = {"t", {(const char *)data, size}};
    struct diag diag = {0};
    struct outbuf out = {0};
    int status = template_expand(&out, &file, variables, 3, &diag);
    bool has_variable = size > 1 && memmem(data, size, "${", 2) != NULL;
    if (status != 0)
        FUZZ_CHECK(has_variable && strncmp(diag.message, "t:", 2) == 0);
    else if (!has_variable)
        FUZZ_CHECK(out.len == size && (size == 0 || memcmp(out.ptr, data, size) == 0));
    text_free(&out);
    return 0;
}

/* Any catalogue or DTrace provider file: an error with a position in it, or a catalogue from which a program can be made. */
#include "fuzz.h"

#include "command/list.h"
#include "catalog/dtrace.h"
#include "program/wire_program.h"

static void
use(const struct catalog *catalog, struct mem *mem)
{
    struct files templates;
    struct bpftrace bpftrace;
    struct plan plan;
    struct diag diag = {0};
    struct outbuf out = {0};
    struct request request = {.group = "all", .redact = {redact_defaults, REDACT_DEFAULTS}, .app_data = true};
    bpftrace_newest(&bpftrace);
    struct select any = {0};
    list_write(&out, &(struct list){.catalog = catalog, .select = &any});
    out.len = 0;
    files_load_builtin(&templates, "templates", ".bt", mem);
    if (plan_make(&plan, catalog, NULL, &bpftrace, &request, mem, &diag) == 0)
        FUZZ_CHECK(wire_program_write(&out, &plan, FUZZ_NONCE, "fuzz", &templates, mem, &diag) == 0);
    text_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mem mem = {0};
    struct diag diag = {0};
    struct catalog catalog = {0};
    bool is_provider = size > 0 && data[0] == 'd';
    struct file file = {"t", {(const char *)data + (size > 0), size - (size > 0)}};
    struct files files = {&file, is_provider ? 0 : 1};
    int status = catalog_parse(&catalog, &files, &mem, &diag);
    if (status == 0 && is_provider)
        status = dtrace_parse(&catalog, &file, &mem, &diag);
    if (status == 0)
        use(&catalog, &mem);
    else
        FUZZ_CHECK(strncmp(diag.message, "t:", 2) == 0 && diag.status == DIAG_USAGE);
    mem_free(&mem);
    return 0;
}

#ifndef UNIT_H
#define UNIT_H

#include <check.h>

/* The suites: tests/unit-NAME.c each. A suite may cover small modules beside the one that it is named after. */
#define UNIT_SUITES(SUITE)                                                                                                    \
    SUITE(mem)                                                                                                                \
    SUITE(text)                                                                                                               \
    SUITE(diag)                                                                                                               \
    SUITE(options)                                                                                                            \
    SUITE(files)                                                                                                              \
    SUITE(usdt)                                                                                                               \
    SUITE(strangers)                                                                                                          \
    SUITE(target)                                                                                                             \
    SUITE(json)                                                                                                               \
    SUITE(types)                                                                                                              \
    SUITE(catalog)                                                                                                            \
    SUITE(list)                                                                                                               \
    SUITE(pattern)                                                                                                            \
    SUITE(redact)                                                                                                             \
    SUITE(filter)                                                                                                             \
    SUITE(child)                                                                                                              \
    SUITE(buffers)                                                                                                            \
    SUITE(plan)                                                                                                               \
    SUITE(contract)                                                                                                           \
    SUITE(wire_program)                                                                                                       \
    SUITE(decode)                                                                                                             \
    SUITE(texts)                                                                                                              \
    SUITE(doctor)                                                                                                             \
    SUITE(reorder)                                                                                                            \
    SUITE(counted)                                                                                                            \
    SUITE(summary)                                                                                                            \
    SUITE(group)                                                                                                              \
    SUITE(query)                                                                                                              \
    SUITE(format)                                                                                                             \
    SUITE(report)                                                                                                             \
    SUITE(view)                                                                                                               \
    SUITE(standalone)                                                                                                         \
    SUITE(sink)                                                                                                               \
    SUITE(privileges)                                                                                                         \
    SUITE(open)                                                                                                               \
    SUITE(input)                                                                                                              \
    SUITE(supervise) SUITE(replay) SUITE(find) SUITE(follow) SUITE(await) SUITE(members) SUITE(structures) SUITE(query_where) \
        SUITE(unfold)

#define UNIT_DECLARE(module) Suite *module##_suite(void);
UNIT_SUITES(UNIT_DECLARE)

#endif

#include "unit.h"

#include <stdlib.h>

/* All unit tests; prints TAP. */
int
main(void)
{
    SRunner *runner = srunner_create(NULL);
#define UNIT_ADD(module) srunner_add_suite(runner, module##_suite());
    UNIT_SUITES(UNIT_ADD)
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

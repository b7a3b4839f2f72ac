/* Fires the probe test:bare of arm64, with 42 at [x0], 43 at [x0, 8] and 44 at [sp]: what bpftrace reads by itself of an operand
 * without an offset. */
#include <stdint.h>
#include <sys/sdt.h>

int
main(void)
{
    static volatile uint64_t values[] = {42, 43, 44};
    register volatile uint64_t *at __asm__("x0") = values;
    uint64_t last = values[2];
    /* clang-format off */
    __asm__ __volatile__("str %[last], [sp, #-16]!\n"
                         STAP_PROBE_ASM(test, bare, 8@[x0] 8@%[later] 8@[sp])
                         "add sp, sp, #16\n"
                         : : "r"(at), [later] "m"(at[1]), [last] "r"(last) : "memory");
    /* clang-format on */
    return 0;
}

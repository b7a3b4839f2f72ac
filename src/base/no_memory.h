#ifndef NO_MEMORY_H
#define NO_MEMORY_H

/* What everybody calls who is given no memory: says so on stderr, and aborts. Nothing can be done without, and nearly
 * everything needs some. */
_Noreturn void no_memory(void);

#endif

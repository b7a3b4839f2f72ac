#ifndef FINISH_H
#define FINISH_H

/* Ends the program at once, whatever its other threads are doing. */
_Noreturn void
finish(int status);

#endif

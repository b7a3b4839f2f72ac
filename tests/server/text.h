#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

/* A piece of text that need not end with NUL. */
struct text {
    const char *base;
    size_t len;
};

#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})

#endif

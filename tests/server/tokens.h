/*
 * Well-known header names, as static strings in a page of the program file that the server itself never reads. A BPF
 * program cannot fault a page in, so a tracer sees these names only after it has touched that page itself.
 */
#ifndef TOKENS_H
#define TOKENS_H

#include "text.h"

#define TOKEN(id, text) TOKEN_##id,
enum token {
#include "tokens.def"
    TOKEN_COUNT
};
#undef TOKEN

/* The token's text, in the page. */
struct text
token_text(enum token token);

/* The token that spells the same as `name`, in the page; base NULL if there is none. */
struct text
token_find(struct text name);

/* Takes the page out of this process's page table; 0, or -1 with errno. */
int
tokens_drop(void);

#endif

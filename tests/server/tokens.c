#define _GNU_SOURCE 1
#include "tokens.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

/* The largest that a kernel has, so that it is whole pages everywhere. */
#define PAGE 65536

#define TOKEN(id, text) char id[sizeof(text)];
struct token_texts {
#include "tokens.def"
};
#undef TOKEN

/* A page of its own, so that nothing else the server reads brings it in. */
union token_page {
    struct token_texts texts;
    char bytes[PAGE];
};

#define TOKEN(id, text) .id = text,
static const union token_page page __attribute__((aligned(PAGE), section(".rodata.tokens"))) = {{
#include "tokens.def"
}};
#undef TOKEN

/* The copy that the server reads instead. */
#define TOKEN(id, text) {text, sizeof(text) - 1, offsetof(struct token_texts, id)},
static const struct {
    const char *name;
    size_t len;
    size_t offset;
} tokens[TOKEN_COUNT] = {
#include "tokens.def"
};
#undef TOKEN

struct text
token_text(enum token token)
{
    return (struct text){page.bytes + tokens[token].offset, tokens[token].len};
}

struct text
token_find(struct text name)
{
    for (enum token i = 0; i < TOKEN_COUNT; i++)
        if (tokens[i].len == name.len && memcmp(tokens[i].name, name.base, name.len) == 0)
            return token_text(i);
    return (struct text){NULL, 0};
}

int
tokens_drop(void)
{
    void *start = (void *)&page;
    /* The advice itself is of no interest: it makes the page a mapping of its own, out of reach of the kernel's habit
     * of mapping the neighbours of a faulting page too. */
    if (madvise(start, PAGE, MADV_RANDOM) != 0)
        return -1;
    return madvise(start, PAGE, MADV_DONTNEED);
}

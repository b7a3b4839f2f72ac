#include "show/line_filter.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

/* A tag has letters, digits, _ and -; a glob of tags has ? and * as well. `(?:...)` and `^a:` are regular expressions. */
static size_t
tag_len(const char *value)
{
    size_t len = 0;
    while (isalnum((unsigned char)value[len]) || (value[len] != '\0' && strchr("_-?*", value[len]) != NULL))
        len++;
    return value[len] == ':' ? len : 0;
}

const char *
sift_tag(const char *value, struct mem *mem)
{
    size_t len = tag_len(value);
    return len > 0 ? mem_strndup(mem, value, len) : NULL;
}

static void
add_rule(struct sift *sift, struct sift_rule rule, struct mem *mem)
{
    sift->rules = mem_grow(mem, sift->rules, sift->nrules, sizeof(rule));
    sift->rules[sift->nrules++] = rule;
    sift->includes |= !rule.excludes;
}

static int
add_regex(struct sift *sift, bool excludes, const char *option, const char *value, struct mem *mem, struct diag *diag)
{
    struct slice whole = text_of(mem_strdup(mem, value));
    size_t len = tag_len(value), at = len > 0 ? len + 1 : 0;
    struct slice pattern = {whole.ptr + at, whole.len - at};
    struct regex *regex = regex_compile(pattern, option, whole, at, mem, diag);
    if (regex == NULL)
        return -1;
    add_rule(sift, (struct sift_rule){excludes, sift_tag(value, mem), regex}, mem);
    return 0;
}

static void
add_tags(struct sift *sift, bool excludes, const char *value, struct mem *mem)
{
    char *rest = mem_strdup(mem, value);
    for (char *word; (word = strsep(&rest, ",")) != NULL;)
        add_rule(sift, (struct sift_rule){excludes, word, NULL}, mem);
}

int
sift_add(struct sift *sift, const char *option, const char *value, struct mem *mem, struct diag *diag)
{
    bool excludes = strncmp(option, "exclude", 7) == 0;
    bool is_regex = text_ends_with(text_of(option), "-regex");
    if (is_regex)
        return add_regex(sift, excludes, option, value, mem, diag);
    add_tags(sift, excludes, value, mem);
    return 0;
}

void
sift_free(struct sift *sift)
{
    for (size_t i = 0; i < sift->nrules; i++)
        if (sift->rules[i].regex != NULL)
            regex_free(sift->rules[i].regex);
    sift->nrules = 0;
    text_free(&sift->line);
}

/* What stands behind the first three columns. */
static struct slice
content_of(struct sift *sift, const struct record *record)
{
    struct format plain = {0};
    struct slice word;
    if (sift->line.len == 0)
        format_line(&plain, &sift->line, record);
    struct slice rest = {sift->line.ptr, sift->line.len};
    for (int i = 0; i < 3; i++)
        text_word(&rest, &word);
    while (rest.len > 0 && *rest.ptr == ' ')
        rest.ptr++, rest.len--;
    return rest;
}

static bool
rule_fits(struct sift *sift, const struct sift_rule *rule, const struct record *record)
{
    if (rule->tag != NULL && fnmatch(rule->tag, record->event->probe->tag, FNM_CASEFOLD) != 0)
        return false;
    return rule->regex == NULL || regex_fits(rule->regex, content_of(sift, record));
}

bool
sift_fits(struct sift *sift, const struct record *record)
{
    bool is_included = !sift->includes;
    if (!filter_fits(&sift->filter, record->event->probe, record->values))
        return false;
    sift->line.len = 0;
    for (size_t i = 0; i < sift->nrules; i++) {
        const struct sift_rule *rule = &sift->rules[i];
        if ((rule->excludes || !is_included) && rule_fits(sift, rule, record)) {
            if (rule->excludes)
                return false;
            is_included = true;
        }
    }
    return is_included;
}

uint64_t
sift_given_up(const struct sift *sift)
{
    uint64_t count = 0;
    for (size_t i = 0; i < sift->nrules; i++)
        count += sift->rules[i].regex != NULL ? sift->rules[i].regex->given_up : 0;
    return count;
}

#include "show/line_filter.h"

#include "show/format_line.h"

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
line_filter_tag(const char *value, struct mem *mem)
{
    size_t len = tag_len(value);
    return len > 0 ? mem_strndup(mem, value, len) : NULL;
}

static void
line_filter_add_rule(struct line_filter *line_filter, struct line_filter_rule rule, struct mem *mem)
{
    line_filter->rules = mem_grow(mem, line_filter->rules, line_filter->nrules, sizeof(rule));
    line_filter->rules[line_filter->nrules++] = rule;
    line_filter->includes |= !rule.excludes;
}

static int
line_filter_add_regex(struct line_filter *line_filter, bool excludes, const char *option, const char *value, struct mem *mem,
                      struct diag *diag)
{
    struct slice whole = text_of(mem_strdup(mem, value));
    size_t len = tag_len(value), at = len > 0 ? len + 1 : 0;
    struct slice pattern = {whole.ptr + at, whole.len - at};
    struct regex *regex = regex_compile(pattern, option, whole, at, mem, diag);
    if (regex == NULL)
        return -1;
    line_filter_add_rule(line_filter, (struct line_filter_rule){excludes, line_filter_tag(value, mem), regex}, mem);
    return 0;
}

static void
line_filter_add_tags(struct line_filter *line_filter, bool excludes, const char *value, struct mem *mem)
{
    char *rest = mem_strdup(mem, value);
    for (char *word; (word = strsep(&rest, ",")) != NULL;)
        line_filter_add_rule(line_filter, (struct line_filter_rule){excludes, word, NULL}, mem);
}

int
line_filter_add(struct line_filter *line_filter, const char *option, const char *value, struct mem *mem, struct diag *diag)
{
    bool excludes = strncmp(option, "exclude", 7) == 0;
    bool is_regex = text_ends_with(text_of(option), "-regex");
    if (is_regex)
        return line_filter_add_regex(line_filter, excludes, option, value, mem, diag);
    line_filter_add_tags(line_filter, excludes, value, mem);
    return 0;
}

void
line_filter_free(struct line_filter *line_filter)
{
    for (size_t i = 0; i < line_filter->nrules; i++)
        if (line_filter->rules[i].regex != NULL)
            regex_free(line_filter->rules[i].regex);
    line_filter->nrules = 0;
    text_free(&line_filter->line);
}

/* What stands behind the first three columns. */
static struct slice
content_of(struct line_filter *line_filter, const struct record *record)
{
    struct format plain = {0};
    struct slice word;
    if (line_filter->line.len == 0)
        format_line(&plain, &line_filter->line, record);
    struct slice rest = {line_filter->line.ptr, line_filter->line.len};
    for (int i = 0; i < 3; i++)
        text_word(&rest, &word);
    return text_trim_start(rest, " ");
}

static bool
rule_fits(struct line_filter *line_filter, const struct line_filter_rule *rule, const struct record *record)
{
    if (rule->tag != NULL && fnmatch(rule->tag, record->event->probe->tag, FNM_CASEFOLD) != 0)
        return false;
    return rule->regex == NULL || regex_fits(rule->regex, content_of(line_filter, record));
}

bool
line_filter_fits_all(struct line_filter *line_filter, const struct record *record)
{
    bool is_included = !line_filter->includes;
    if (!filter_fits(&line_filter->filter, record->event->probe, record->values))
        return false;
    line_filter->line.len = 0;
    for (size_t i = 0; i < line_filter->nrules; i++) {
        const struct line_filter_rule *rule = &line_filter->rules[i];
        if ((rule->excludes || !is_included) && rule_fits(line_filter, rule, record)) {
            if (rule->excludes)
                return false;
            is_included = true;
        }
    }
    return is_included;
}

uint64_t
line_filter_given_up(const struct line_filter *line_filter)
{
    uint64_t count = 0;
    for (size_t i = 0; i < line_filter->nrules; i++)
        count += line_filter->rules[i].regex != NULL ? line_filter->rules[i].regex->given_up : 0;
    return count;
}

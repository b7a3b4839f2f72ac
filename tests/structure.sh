#!/usr/bin/env bash
# What the sources promise of themselves: modules in order, one place for messages, exits and options.
set -u

count=0

# Passes when nothing was found.
check() { # DESCRIPTION FOUND
    count=$((count + 1))
    if [[ -z $2 ]]; then
        echo "ok $count - $1"
        return
    fi
    echo "not ok $count - $1"
    while read -r line; do echo "# $line"; done <<<"$2"
}

# The headers of Makefile.am's list of modules, in its order.
headers() {
    sed -n '/^modules = /,/[^\\]$/p' "$top_srcdir/Makefile.am" | grep -o 'src/[a-z]*/[a-z]*\.h'
}

sources() {
    sed -n '/^modules = /,/[^\\]$/p' "$top_srcdir/Makefile.am" | grep -o 'src/[a-z]*/[a-z_]*\.[ch]'
}

# A module's number in the list, by a file's name: format_line.c belongs to format.
place() { # FILE
    local name=${1##*/}
    name=${name%.*}
    headers | grep -n "/${name%%_*}\.h\$" | cut -d: -f1
}

upward_includes() {
    local file header
    for file in $(sources); do
        for header in $(sed -n 's,^#include "[a-z]*/\([a-z]*\.h\)"$,\1,p' "$top_srcdir/$file"); do
            (($(place "$header") <= $(place "$file"))) || echo "$file includes $header, which stands below it"
        done
    done
}

outside_of() { # PATTERN FILE...
    local pattern=$1
    shift
    local excluded=()
    for file in "$@"; do excluded+=(--exclude="$file"); done
    grep -nE "${excluded[@]}" "$pattern" "$top_srcdir"/src/main.c "$top_srcdir"/src/*/*.[ch] /dev/null |
        grep -vE "$(printf '/%s:|' "$@")/builtin\.c:"
}

long_lines() {
    awk 'length($0) > 130 { print FILENAME ":" FNR ": " length($0) " columns" }' "$top_srcdir"/src/main.c "$top_srcdir"/src/*/[!b]*.[ch] \
        "$top_srcdir"/tests/*.[ch]
}

undocumented_options() {
    local help option
    help=$("$H2OLOG" --help)
    for option in $(sed -n '/^OPTION/s/^[^"]*"\([a-z-]*\)".*/\1/p' "$top_srcdir/src/command/options.def"); do
        [[ $help == *"--$option"* ]] || echo "--$option is not in --help"
        grep -q -- "--$option" "$top_srcdir/README.md" || echo "--$option is not in README.md"
    done
}

check "a module includes headers of modules above it only" "$(upward_includes)"
check "nothing is called utils, common or internal" \
    "$(find "$top_srcdir/src" -name '*util*' -o -name '*common*' -o -name '*internal*')"
check "only diag writes to stderr" "$(outside_of '\bstderr\b' diag.c diag.h child.h supervise.c options.def | grep -v '/\*')"
check "only main and forked children exit" "$(outside_of '\b_?exit\(' main.c child.c keeper.c)"
check "lines are short" "$(long_lines)"
check "every option is in --help and in README" "$(undocumented_options)"
echo "1..$count"

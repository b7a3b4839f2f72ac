#!/usr/bin/env bash
# What the sources promise of themselves: folders in order, short files, one place for messages, exits and options.
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

# The folders of src/, from the lowest to the highest: a folder includes itself and those below it, and main.c all of them.
ladder="base host catalog request plan program record show run command"

# Files that still have more than 500 lines.
may_be_long=""

# A line a finding; one awk reads all files.
findings=$(cd "$top_srcdir" && awk -v ladder="$ladder" -v may_be_long="$may_be_long" -f tests/structure.awk Makefile.am \
    $(find src -name '*.[ch]' ! -name builtin.c -o -name '*.def') tests/*.[ch]) || { echo "Bail out! structure.awk failed" && exit 1; }

findings_of() { # KIND
    sed -n "s/^$1\t//p" <<<"$findings"
}

undocumented_options() {
    local help option
    help=$("$H2OLOG" --help)
    for option in $(sed -n '/^OPTION/s/^[^"]*"\([a-z-]*\)".*/\1/p' "$top_srcdir/src/command/options.def"); do
        [[ $help == *"--$option"* ]] || echo "--$option is not in --help"
        grep -q -- "--$option" "$top_srcdir/README.md" || echo "--$option is not in README.md"
    done
}

# What doc/design.md names must be there.
missing_files() {
    local file
    grep -oE '\b(src|tests|templates|probes|doc)/[A-Za-z0-9_./-]*[A-Za-z0-9]' "$top_srcdir/doc/design.md" | sort -u | while read -r file; do
        [[ -e $top_srcdir/$file ]] || echo "doc/design.md names $file, which is not there"
    done
}

check "a folder includes only those below it" "$(findings_of ladder)"
check "includes within a folder make no circle" "$(findings_of cycle)"
check "only main.c is in src/ itself, all else in a folder" "$(findings_of place)"
check "Makefile.am names every file" "$(findings_of listed)"
check "no file has more than 500 lines" "$(findings_of length)"
check "nothing is called utils, common or internal" \
    "$(find "$top_srcdir/src" -name '*util*' -o -name '*common*' -o -name '*internal*')"
check "only diag writes to stderr" "$(findings_of stderr)"
check "only main and forked children exit" "$(findings_of exit)"
check "lines are short" "$(findings_of width)"
check "doc/design.md names files that are there" "$(missing_files)"
check "every option is in --help and in README" "$(undocumented_options)"
echo "1..$count"

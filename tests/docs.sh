#!/bin/bash
# The man pages and the completions that are made from the tables of options and probes.
# shellcheck disable=SC2015,SC2317 # A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

doc=$(dirname "$H2OLOG")/../doc
[[ -e $doc/h2olog.1 ]] || doc=$top_srcdir/doc # of a tarball
readonly doc

need() { # COMMAND
    command -v "$1" >/dev/null || skip "there is no $1"
}

# Long lines and what looks like other names are left to taste.
is_clean() { # PAGE
    need mandoc || return
    mandoc -Tlint -W warning "$doc/$1" >"$dir/lint" 2>&1
    grep -v 'lacks .* entry' "$dir/lint" >"$dir/complaints"
    same /dev/null "$dir/complaints"
}

# Every option and every event has its item.
names_everything() {
    "$H2OLOG" --help=table | cut -f2 | sed 's/.*/Fl -&/' | sort >"$dir/options"
    same "$dir/options" <(grep '^\.It.* Fl -' "$doc/h2olog.1" | grep -o 'Fl -[a-z][a-z-]*' | sort) || return
    "$H2OLOG" --list | sed 's/^[^:]*:\([^ ]*\).*/\1/' | sort -u >"$dir/events"
    same "$dir/events" <(sed -n 's/^\.It Sy \([a-z0-9_]*\)$/\1/p; s/^\.It Sy \([a-z0-9_]*\) Pq \([^p].*\)$/\1/p; s/^\.It Sy [a-z0-9_]* Pq probe \([a-z0-9_]*\).*/\1/p' \
        "$doc/h2olog-probes.5" | sort -u)
}

# What bash offers for the last of the words.
completes() { # EXPECTED WORD...
    (
        PATH=$(dirname "$H2OLOG"):$PATH
        # shellcheck source=/dev/null
        . "$doc/h2olog.bash"
        COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)) COMPREPLY=()
        _h2olog
        printf '%s\n' "${COMPREPLY[@]}"
    ) | paste -sd' ' >"$dir/offered"
    same <(echo "$1") "$dir/offered"
}

bash_completes() {
    completes 'accept' h2olog -t acce && completes 'packet_lost,accept' h2olog quic --type packet_lost,acce &&
        completes 'http' h2olog ht && completes '--follow --format --force' h2olog --fo && completes 'json' h2olog -f j &&
        completes 'common combined' h2olog -F com && completes 'auto always' h2olog --color = a && completes '--color' h2olog --col &&
        completes 'h2o.probes' h2olog --probes h2o.p
}

# Files are completed from where one is.
in_probes() {
    cd "$top_srcdir/probes" && "$@"
}

is_valid() { # SHELL
    need "$1" && "$1" -n "$doc/h2olog.$1"
}

fish_completes() {
    need fish || return
    PATH=$(cd "$(dirname "$H2OLOG")" && pwd):$PATH HOME=$dir fish -c "source $doc/h2olog.fish; complete -C 'h2olog -t acc'; complete -C 'h2olog --for'" |
        cut -f1 | paste -sd' ' >"$dir/offered"
    same <(echo 'accept --force --format') "$dir/offered"
}

test_case "h2olog(1) is clean" is_clean h2olog.1
test_case "h2olog-probes(5) is clean" is_clean h2olog-probes.5
test_case "every option and every event is in the man pages" names_everything
test_case "bash completes" in_probes bash_completes
test_case "the completions for zsh are valid" is_valid zsh
test_case "fish completes" fish_completes

done_testing

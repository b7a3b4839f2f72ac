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

# A line an option: "-p, --pid PID[,PID]".
help_lines() {
    "$H2OLOG" --help | sed -n 's/^  \(-.,\|   \) \(--[a-z-]*\(\[=[^ ]*\| [^ ]*[A-Z|][^ ]*\| request\)\{0,1\}\).*/\1 \2/p' | sed 's/^ *//; s/ *$//'
}

# O5: the page had `PID[,PID` and `-I [=TAG:]REGEX]`.
page_has_options_as_help() {
    need mandoc || return
    help_lines >"$dir/help" && [[ $(wc -l <"$dir/help") == $("$H2OLOG" --help=table | wc -l) ]] || { show "$dir/help"; return 1; }
    mandoc -Tascii -O width=200 "$doc/h2olog.1" | col -b | sed -n '/^DESCRIPTION/,/^OUTPUT/s/^     \(-[-a-zA-Z1].*\)$/\1/p' | sed 's/  .*//' >"$dir/page"
    same "$dir/help" "$dir/page"
}

# An option as "LETTER NAME ARGUMENT", where ARGUMENT is none, needed or optional.
help_options() {
    help_lines | sed 's/^--/- &/; s/^-\(.\), --/\1 --/' | awk '{
        optional = sub(/\[=.*/, "", $2)
        print $1, substr($2, 3), optional ? "optional" : $3 == "" ? "none" : "needed"
    }' | sort
}

bash_options() {
    local words names
    words=$(sed -n "s/^    \*) words='http quic all \(.*\)' ;;/\1/p" "$doc/h2olog.bash")
    names=$(sed -n 's/^    \(--[^)]*\)) .*/\1/p' "$doc/h2olog.bash")
    awk -v names="$names" 'BEGIN { count = split(names, lines, "\n"); for (i = 1; i <= count; i++) { split(lines[i], part, " "); what[part[1]] = lines[i] } }
        function end() { if (name != "") print letter == "" ? "-" : letter, name, "--" name "=" in what ? "optional" : "--" name in what ? "needed" : "none" }
        /^--/ { end(); name = substr($0, 3); letter = ""; next }
        { letter = substr($0, 2) }
        END { end() }' <(tr ' ' '\n' <<<"$words") | sort
}

zsh_options() {
    sed -n "s/^    '\*\(-[^[]*\)\[[^]]*\]\(.*\)' .$/\1 \2/p" "$doc/h2olog.zsh" | awk '{
        argument = $2 ~ /^::/ ? "optional" : $2 ~ /^:/ ? "needed" : "none"
        sub(/[+=-]*$/, "", $1)
        if ($1 ~ /^--/) { print letter == "" ? "-" : letter, substr($1, 3), argument; letter = "" }
        else letter = substr($1, 2)
    }' | sort
}

# fish cannot say that an argument is optional.
fish_options() {
    sed -n 's/^complete -c h2olog -l \([a-z-]*\)\(.*\)/\1\2/p' "$doc/h2olog.fish" | awk '{
        letter = $2 == "-s" ? $3 : "-"
        rest = letter == "-" ? $2 : $4
        print letter, $1, rest == "-x" || rest == "-r" ? "needed" : "none"
    }' | sort
}

completions_have_options_as_help() {
    help_options >"$dir/help" && [[ $(wc -l <"$dir/help") == $("$H2OLOG" --help=table | wc -l) ]] &&
        grep -qx 'p pid needed' "$dir/help" && grep -qx -- '- color optional' "$dir/help" && grep -qx 'l list none' "$dir/help" || return
    same "$dir/help" <(bash_options) && same "$dir/help" <(zsh_options) &&
        same <(sed 's/optional$/none/' "$dir/help" | sort) <(fish_options)
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
        completes 'common combined' h2olog -F com && completes 'always auto' h2olog --color = a && completes '--color' h2olog --col &&
        completes 'h2o.probes' h2olog --probes h2o.p &&
        completes 'stream batch' h2olog --transport '' && completes 'batch' h2olog --transport = b && completes 'root' h2olog --user roo &&
        completes 'RxHeader RxProtocol' h2olog -i Rx && completes 'TxStatus,TxHeader' h2olog --exclude = TxStatus,TxH &&
        completes 'accept' h2olog -t quicly : acce && completes 'accept' h2olog --type = x,quicly : acce &&
        completes 'receive_message' h2olog -t picotls : receive_m && colon_offers
}

# Behind a colon alone.
colon_offers() {
    completes "$("$H2OLOG" --list | sed -n 's/^picotls:\([^ ]*\).*/\1/p' | sort -u | paste -sd' ')" h2olog -t picotls :
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
test_case "h2olog(1) has the options as --help has them" page_has_options_as_help
test_case "the completions have the options as --help has them" completions_have_options_as_help
test_case "bash completes" in_probes bash_completes
test_case "the completions for zsh are valid" is_valid zsh
test_case "fish completes" fish_completes

done_testing

#!/bin/bash
# The live tests with the bpftrace of several Debian releases, and one table of what came out; run by `make check-matrix`. h2olog and
# the servers run here, bpftrace in a directory tree that debootstrap makes below MATRIX_CACHE. MATRIX_RELEASES and MATRIX_TESTS
# choose, MATRIX_JOBS releases are tested at a time. MATRIX_BPFTRACES are paths of further bpftraces. A release that cannot be had
# has its reason in the table; logs are in ./matrix.
set -u
unset SUDO_UID SUDO_GID # behind sudo h2olog takes no PATH from the user

# shellcheck source-path=SCRIPTDIR source=trees.sh
. "$(dirname "$0")/trees.sh"

tests=$(cd "$(dirname "$0")" && pwd)
names=${MATRIX_TESTS:-$(cd "$tests" && echo live-*.sh | sed 's/\.sh//g')}

# One that h2olog does not support is refused with a sentence.
is_refused() { # RELEASE
    local status=0
    PATH=$PWD/matrix/$1:$PATH "$H2OLOG" -p $$ >/dev/null 2>"matrix/$1/refused" || status=$?
    [[ $status == 4 ]] && grep -q 'install version 0.12 or later' "matrix/$1/refused"
}

run_test() { # RELEASE TEST
    local log=matrix/$1/$2.log good bad
    PATH=$PWD/matrix/$1:$PATH bash "$tests/$2.sh" >"$log" 2>&1
    good=$(grep -c '^ok' "$log") bad=$(grep -c '^not ok' "$log")
    [[ $good != 0 || $bad != 0 ]] || bad=1 # it did not run
    echo "$good/$((good + bad))" >"matrix/$1/$2"
    grep -A 3 '^not ok' "$log" | sed "s/^/# $1: /" >&2
}

# Makes matrix/COLUMN/bpftrace, for a release or a path.
make_bpftrace() { # COLUMN
    local path tree
    for path in ${MATRIX_BPFTRACES:-}; do
        [[ $(column_of "$path") != "$1" ]] || { ln -s "$(realpath "$path")" "matrix/$1/bpftrace" && return; }
    done
    tree=$(bpftrace_tree "$1")
    make_tree "$tree" "$1" bpftrace "matrix/$1/log" && make_wrapper "$tree" "matrix/$1"
}

# "opt-bpftrace-0.25" of a path.
column_of() { # PATH
    local name=${1#/}
    echo "${name//\//-}"
}

# Leaves a file for each test, with what its cell says.
run_release() { # RELEASE
    local name
    rm -rf "matrix/$1" && mkdir "matrix/$1" || return
    if ! make_bpftrace "$1"; then
        echo "not to be had" >"matrix/$1/version"
        echo "# $1: $(tail -n 1 "matrix/$1/log")" >&2
        return
    fi
    "matrix/$1/bpftrace" --version | sed 's/bpftrace v//' >"matrix/$1/version"
    for name in $names; do
        if is_refused "$1"; then echo refused >"matrix/$1/$name"; else run_test "$1" "$name"; fi
    done
}

print_row() { # NAME FILE
    printf '%-16s' "$1"
    for release in $releases; do printf '%-26s' "$(cat "matrix/$release/$2" 2>/dev/null || echo -)"; done
    echo
}

print_table() {
    local name
    # shellcheck disable=SC2086 # words
    printf '%-16s' '' && printf '%-26s' $releases && echo
    print_row bpftrace version
    for name in $names; do print_row "$name" "$name"; done
    for name in $names; do cat matrix/*/"$name"; done 2>/dev/null |
        awk -F/ '{ good += $1 == "refused" ? 1 : $1; bad += $2 - $1 } END { printf "# PASS:  %d\n# FAIL:  %d\n", good, bad; exit bad > 0 }'
}

[[ $EUID == 0 ]] || { echo "make check-matrix needs root" >&2; exit 1; }
for path in ${MATRIX_BPFTRACES:-}; do
    [[ -x $path ]] || { echo "MATRIX_BPFTRACES: $path cannot be run" >&2; exit 1; }
    releases="$releases $(column_of "$path")"
done
need_tracefs "$@"
rm -rf matrix && mkdir matrix || exit 1
for release in $releases; do
    (($(jobs -rp | wc -l) < ${MATRIX_JOBS:-1})) || wait -n
    run_release "$release" &
done
wait
print_table >matrix/table
status=$?
sed 's/ *$//' matrix/table
exit "$status"

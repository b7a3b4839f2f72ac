#!/bin/bash
# The live tests with the bpftrace of several Debian releases, and one table of what came out; run by `make check-matrix`. h2olog and
# the servers run here, bpftrace in a directory tree that debootstrap makes below MATRIX_CACHE. MATRIX_RELEASES and MATRIX_TESTS
# choose. A release that cannot be had has its reason in the table; logs are kept in ./matrix.
set -u

# shellcheck source-path=SCRIPTDIR source=trees.sh
. "$(dirname "$0")/trees.sh"

tests=$(cd "$(dirname "$0")" && pwd)
names=${MATRIX_TESTS:-$(cd "$tests" && echo live-*.sh | sed 's/\.sh//g')}
passed=0 failed=0
declare -A cells

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
    passed=$((passed + good)) failed=$((failed + bad))
    cells[$1 $2]="$good/$((good + bad))"
    grep -A 3 '^not ok' "$log" | sed "s/^/# $1: /" >&2
}

run_release() { # RELEASE
    local name
    if ! make_tree "$1" "$1" bpftrace "matrix/$1.log"; then
        versions[$1]="not to be had"
        echo "# $1: $(tail -n 1 "matrix/$1.log")" >&2
        return
    fi
    make_wrapper "$1" "matrix/$1"
    for name in $names; do
        if is_refused "$1"; then
            passed=$((passed + 1))
            cells[$1 $name]=refused
        else
            run_test "$1" "$name"
        fi
    done
}

print_table() {
    local release name
    printf '%-16s' ''
    for release in $releases; do printf '%-16s' "$release"; done
    printf '\n%-16s' bpftrace
    for release in $releases; do printf '%-16s' "${versions[$release]}"; done
    for name in $names; do
        printf '\n%-16s' "$name"
        for release in $releases; do printf '%-16s' "${cells[$release $name]:--}"; done
    done
    printf '\n# PASS:  %d\n# FAIL:  %d\n' "$passed" "$failed"
}

[[ $EUID == 0 ]] || { echo "make check-matrix needs root" >&2; exit 1; }
mkdir -p matrix || exit 1
for release in $releases; do run_release "$release"; done
print_table | sed 's/ *$//'
[[ $failed == 0 ]]

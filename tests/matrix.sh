#!/bin/bash
# The live tests with the bpftrace of several Debian releases, and one table of what came out; run by `make check-matrix`. h2olog and
# the servers run here, bpftrace in a directory tree that debootstrap makes below MATRIX_CACHE. MATRIX_RELEASES and MATRIX_TESTS
# choose. A release that cannot be had has its reason in the table; logs are kept in ./matrix.
set -u

releases=${MATRIX_RELEASES:-bullseye bookworm trixie sid}
cache=${MATRIX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/h2olog-matrix}
tests=$(cd "$(dirname "$0")" && pwd)
names=${MATRIX_TESTS:-$(cd "$tests" && echo live-*.sh | sed 's/\.sh//g')}
passed=0 failed=0
declare -A cells versions

# A tree with bpftrace in it; made under another name first, so that half of one is never taken for whole.
make_tree() { # RELEASE
    local tree=$cache/$1
    [[ -x $tree/usr/bin/bpftrace ]] && return
    command -v debootstrap >/dev/null || { echo "there is no debootstrap" >"matrix/$1.log"; return 1; }
    mkdir -p "$cache" && rm -rf "$tree.new" && timeout "${MATRIX_SECONDS:-600}" debootstrap --variant=minbase --include=bpftrace "$1" "$tree.new" \
        >"matrix/$1.log" 2>&1 && mv "$tree.new" "$tree"
}

# A bpftrace that runs in the tree, in a mount namespace of its own and under its own pid; its version it tells without root, too.
make_wrapper() { # RELEASE
    versions[$1]=$(chroot "$cache/$1" /usr/bin/bpftrace --version | sed 's/bpftrace v//')
    mkdir -p "matrix/$1" && cat >"matrix/$1/bpftrace" <<END && chmod 755 "matrix/$1/bpftrace"
#!/bin/sh
[ "\$1" != --version ] || exec echo bpftrace v${versions[$1]}
exec unshare --mount sh -c 'for at in proc sys dev tmp; do mount --rbind /\$at $cache/$1/\$at || exit 126; done
exec chroot $cache/$1 /usr/bin/bpftrace "\$@"' bpftrace "\$@"
END
}

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
    if ! make_tree "$1"; then
        versions[$1]="not to be had"
        echo "# $1: $(tail -n 1 "matrix/$1.log")" >&2
        return
    fi
    make_wrapper "$1"
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

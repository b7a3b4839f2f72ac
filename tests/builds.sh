#!/bin/bash
# Builds the tarball with gcc and clang in Debian releases, with neither network nor autotools, and runs the unit tests there; run by
# `make check-builds`, which makes the tarball. One table; a release that cannot be had fails. Logs are kept in ./builds.
set -u

# shellcheck source-path=SCRIPTDIR source=trees.sh
. "$(dirname "$0")/trees.sh"

tarball=$1
readonly packages=gcc,clang,make,pkg-config,libc6-dev,libelf-dev,libdw-dev,libpcre2-dev,uthash-dev,check,systemtap-sdt-dev,procps
readonly installed="usr/bin/h2olog usr/share/man/man1/h2olog.1 usr/share/man/man5/h2olog-probes.5 usr/share/h2olog/probes/h2o.probes
usr/share/h2olog/templates/program.bt usr/share/bash-completion/completions/h2olog usr/share/zsh/site-functions/_h2olog
usr/share/fish/vendor_completions.d/h2olog.fish"
passed=0 failed=0
declare -A cells

# In a network namespace of its own, which is empty.
build() { # RELEASE COMPILER
    local directory=/tmp/h2olog-$2 status
    rm -rf "$cache/$1-build$directory" && mkdir "$cache/$1-build$directory" && tar -xzf "$tarball" -C "$cache/$1-build$directory" --strip-components=1 || return
    timeout 600 unshare --net --mount sh -c 'for at in proc dev; do mount --rbind /$at $0/$at || exit; done
        exec chroot "$0" sh -ec "
            cd $1; ! command -v autoconf; ./configure --prefix=/usr CC=$2 CFLAGS=\"-O2 -Werror\"
            make -j2; make -j2 check TESTS=tests/unit; make install DESTDIR=$1/to"' "$cache/$1-build" "$directory" "$2" || return
    for file in $installed; do
        [[ -s $cache/$1-build$directory/to/$file ]] || { echo "make install did not install $file"; status=1; }
    done
    rm -rf "$cache/$1-build$directory"
    return "${status:-0}"
}

[[ $EUID == 0 ]] || { echo "make check-builds needs root" >&2; exit 1; }
mkdir -p builds || exit 1
for release in $releases; do
    for compiler in gcc clang; do
        log=builds/$release-$compiler.log
        if make_tree "$release-build" "$release" "$packages" "$log" && build "$release" "$compiler" >"$log" 2>&1; then
            passed=$((passed + 1)) cells[$release $compiler]=ok
        else
            failed=$((failed + 1)) cells[$release $compiler]=failed
            tail -n 5 "$log" | sed "s/^/# $release, $compiler: /" >&2
        fi
    done
done
for release in $releases; do printf '%-10s gcc %-8s clang %s\n' "$release" "${cells[$release gcc]}" "${cells[$release clang]}"; done
printf '# PASS:  %d\n# FAIL:  %d\n' "$passed" "$failed"
[[ $failed == 0 ]]

#!/bin/sh
# Makes ./configure. With --deps, first installs what building, testing and running need; with --deps=all, also what `make deb`, `make fuzz`,
# `make bench`, `make check-valgrind`, `make check-matrix` and `make check-kernels` need, and what checks man pages and completions; with
# --deps=kernels, also what check-kernels needs for arm64.
set -eu
cd "$(dirname "$0")"

# Building: a C compiler, make, autotools, libelf, libdw, PCRE2, uthash. Tests: check, sys/sdt.h, curl, procps, tmux. Running: bpftrace.
packages="gcc libc6-dev make autoconf automake pkg-config libelf-dev libdw-dev libpcre2-dev uthash-dev check systemtap-sdt-dev curl procps tmux bpftrace"
more_packages="dpkg-dev debhelper clang libclang-rt-dev valgrind mandoc zsh fish nghttp2-client debootstrap qemu-system-x86 cpio kmod xz-utils e2fsprogs"
arm_packages="qemu-system-arm gcc-aarch64-linux-gnu libc6-dev-arm64-cross"

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        echo "autogen.sh: installing packages needs root or sudo" >&2
        exit 1
    fi
}

missing_packages() {
    for package in $packages; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2> /dev/null | grep -q '^installed$' || printf ' %s' "$package"
    done
}

install_packages() {
    if ! command -v apt-get > /dev/null || ! command -v dpkg-query > /dev/null; then
        echo "autogen.sh: --deps knows only Debian and Ubuntu; install what these packages hold there, then run ./autogen.sh:" >&2
        echo "  $packages" >&2
        exit 1
    fi
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    as_root apt-get update -q
    # shellcheck disable=SC2086 # a list of words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}

case "${1-}" in
--deps) install_packages ;;
--deps=all)
    packages="$packages $more_packages"
    install_packages
    ;;
--deps=kernels)
    packages="$packages $more_packages $arm_packages"
    install_packages
    ;;
'') ;;
*)
    echo "usage: ./autogen.sh [--deps | --deps=all | --deps=kernels]" >&2
    exit 2
    ;;
esac

mkdir -p build-aux
autoreconf --install --force

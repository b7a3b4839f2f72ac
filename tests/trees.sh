# Directory trees of Debian releases, made by debootstrap below MATRIX_CACHE; read by matrix.sh, builds.sh, kernels.sh and
# bench-doc.sh.
# shellcheck shell=bash

releases=${MATRIX_RELEASES:-bullseye bookworm trixie sid}
cache=${MATRIX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/h2olog-matrix}
export releases

# A debootstrap that was killed leaves this machine's /proc mounted in its tree.
drop_half() { # DIRECTORY
    umount "$1/proc" "$1/sys" 2>/dev/null
    rm -rf --one-file-system "$1"
}

# Made under another name first, so that half of one is never taken for whole. One of another architecture is unpacked and not set
# up, as no program of it runs here. One that was made of other packages is made anew, and so is the disk that holds it.
make_tree() { # NAME RELEASE PACKAGES LOG [ARCHITECTURE]
    local tree=$cache/$1 foreign=()
    [[ ! -d $tree || $(cat "$tree.packages" 2>/dev/null) != "$3" ]] || return 0
    command -v debootstrap >/dev/null || { echo "there is no debootstrap" >"$4"; return 1; }
    [[ ${5:-$(dpkg --print-architecture)} == "$(dpkg --print-architecture)" ]] || foreign=(--foreign "--arch=$5")
    mkdir -p "$cache" && drop_half "$tree.new" &&
        timeout "${MATRIX_SECONDS:-600}" debootstrap --variant=minbase "${foreign[@]}" --include="$3" "$2" "$tree.new" >"$4" 2>&1 || return
    [[ ${#foreign[@]} == 0 ]] || unpack_all "$tree.new" >>"$4" 2>&1 || return
    drop_half "$tree" && rm -f "$tree.img" && mv "$tree.new" "$tree" && echo "$3" >"$tree.packages"
}

# What is needed of the packages' set-up is done by hand.
unpack_all() { # DIRECTORY
    local package name
    for package in "$1"/var/cache/apt/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$1" || return
    done
    rm -rf "$1/debootstrap" "$1"/var/cache/apt/archives/*.deb
    [[ ! -L $1/proc ]] || { rm "$1/proc" && mkdir "$1/proc"; } || return # in a container debootstrap makes a link
    for name in passwd group; do cp "$1/usr/share/base-passwd/$name.master" "$1/etc/$name" || return; done
    ln -sf gawk "$1/usr/bin/awk"
}

# The name of a release's tree with bpftrace. That of a guest of kernels.sh has more, and serves where it is.
bpftrace_tree() { # RELEASE
    local guest
    guest=kernel-$1-$(dpkg --print-architecture 2>/dev/null)
    [[ -d $cache/$guest && ! -d $cache/$1 ]] && echo "$guest" || echo "$1"
}

# A bpftrace that runs in the tree, in a mount namespace of its own and under its own pid; its version it tells without root, too.
make_wrapper() { # TREE DIRECTORY
    local version
    version=$(chroot "$cache/$1" /usr/bin/bpftrace --version) && cat >"$2/bpftrace" <<END && chmod 755 "$2/bpftrace"
#!/bin/sh
[ "\$1" != --version ] || exec echo $version
exec unshare --mount sh -c 'for at in proc sys dev tmp; do mount --rbind /\$at $cache/$1/\$at || exit 126; done
exec chroot $cache/$1 /usr/bin/bpftrace "\$@"' bpftrace "\$@"
END
}

# bpftrace 0.25 and later needs tracefs. Where nobody mounted it, the script runs again with it in a mount namespace of its own.
need_tracefs() {
    [[ ! -e /sys/kernel/tracing/available_events ]] || return 0
    [[ -z ${IN_NAMESPACE:-} ]] || { echo "tracefs cannot be mounted on /sys/kernel/tracing" >&2; exit 1; }
    # shellcheck disable=SC2016 # the inner shell expands it
    IN_NAMESPACE=1 exec unshare --mount bash -c 'mount -t tracefs tracefs /sys/kernel/tracing; exec bash "$0" "$@"' "$0" "$@"
}

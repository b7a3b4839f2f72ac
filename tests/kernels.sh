#!/bin/bash
# Debian's own kernels, booted in an emulator, each with its own bpftrace: that every program of h2olog's loads there, how many
# instructions the kernel's verifier follows for it, and that what is printed is right; run by `make check-kernels`. Trees, kernels
# and disks are made once, below MATRIX_CACHE. KERNELS chooses guests, KERNEL_CHECKS what runs in them; logs are in ./kernels.
set -u

# shellcheck source-path=SCRIPTDIR source=trees.sh
. "$(dirname "$0")/trees.sh"

source=$(cd "$(dirname "$0")/.." && pwd)

# A guest is a kernel's release and an architecture. Debian 11's bpftrace is refused, so its kernel runs with Debian 12's. 16k: the
# release's kernel with pages of 16 KiB; only when asked for.
readonly usual="bookworm-amd64 bookworm-arm64 bullseye-amd64 trixie-amd64 trixie-arm64 sid-amd64 sid-arm64"
readonly all="$usual trixie16k-arm64"
guests=${KERNELS:-$usual}
checks=${KERNEL_CHECKS:-all}
readonly packages=bpftrace,busybox-static,libelf-dev,libdw-dev,libpcre2-dev,libc6-dev,uthash-dev,systemtap-sdt-dev,curl,procps,gawk,perl-base

release_of() { local name=${1%-*} && echo "${name%16k}"; }
arch_of() { echo "${1##*-}"; }
userland_of() { # GUEST
    echo "kernel-$(release_of "${1/bullseye/bookworm}")-$(arch_of "$1")"
}
kernel_package() { # GUEST
    case $1 in
    *16k-arm64) echo linux-image-arm64-16k ;;
    *-arm64) echo linux-image-arm64 ;;
    *) echo linux-image-cloud-amd64 ;;
    esac
}
# A Cortex-A72 has no pages of 16 KiB.
machine_of() { # GUEST
    case $1 in
    *16k-arm64) echo "-M virt -cpu neoverse-n1 -m 4096" ;;
    *-arm64) echo "-M virt -cpu cortex-a72 -m 4096" ;;
    *) echo "-machine q35 -cpu max -m 3000" ;;
    esac
}
emulator() { [[ $(arch_of "$1") == arm64 ]] && echo qemu-system-aarch64 || echo qemu-system-x86_64; }
triplet() { [[ $(arch_of "$1") == arm64 ]] && echo aarch64-linux-gnu || echo x86_64-linux-gnu; }
compiler() { echo "$(triplet "$1")-gcc"; }

# The kernel and its modules, unpacked from their package: installing it would take minutes.
make_kernel() { # GUEST LOG
    local to=$cache/linux-$1 package
    [[ ! -d $to ]] || return 0
    rm -rf "$to.new" "$to.packages" && mkdir -p "$to.new" || return
    debootstrap --variant=minbase --download-only --arch="$(arch_of "$1")" --include="$(kernel_package "$1")" \
        "$(release_of "$1")" "$to.packages" >"$2" 2>&1
    for package in "$to.packages"/var/cache/apt/archives/linux-{image,binary,modules}-[0-9]*.deb; do
        [[ ! -f $package ]] || dpkg-deb -x "$package" "$to.new" || return
    done
    rm -rf "$to.packages"
    [[ -d $to.new/usr/lib ]] && ln -s usr/lib "$to.new/lib"
    depmod -b "$to.new" "$(version_of "$to.new")" && mv "$to.new" "$to"
}

version_of() { # DIRECTORY
    basename "$1"/lib/modules/*
}

# sid has no /boot in its packages.
image_of() { # DIRECTORY
    find "$1/boot" "$1/usr/lib/modules" -name 'vmlinuz*' 2>/dev/null | head -n 1
}

# The files of a guest's first root: an init that mounts the disk, and the modules that it needs for that.
make_initramfs() { # GUEST DIRECTORY
    local linux=$cache/linux-$1 root=$2/initramfs module version
    version=$(version_of "$linux")
    rm -rf "$root" && mkdir -p "$root"/{bin,modules,proc,sys,dev,root} || return
    cp "$cache/$(userland_of "$1")/bin/busybox" "$root/bin/busybox" && cp "$source/tests/kernel-init.sh" "$root/init" && chmod 755 "$root/init" || return
    modprobe -d "$linux" -S "$version" --show-depends -a virtio_pci virtio_mmio virtio_blk ext4 2>"$2/modprobe.log" |
        sed -n 's/^insmod //p' | awk '!seen[$1]++ { print $1 }' >"$2/modules"
    while read -r module; do
        case $module in
        *.xz) xz -dc "$module" >"$root/modules/$(basename "$module" .xz)" ;;
        *) cp "$module" "$root/modules/" ;;
        esac
        basename "$module" .xz >>"$root/modules/order"
    done <"$2/modules"
    (cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) >"$2/initramfs.gz"
}

# The guest's disk: the tree as it is.
make_disk() { # GUEST
    local disk=$cache/$(userland_of "$1").img
    [[ -f $disk ]] || { mke2fs -q -t ext4 -d "$cache/$(userland_of "$1")" "$disk.new" 4G && mv "$disk.new" "$disk"; }
}

# h2olog and the test server, for the guest's architecture and libraries.
build() { # GUEST DIRECTORY
    local tree flags
    tree=$cache/$(userland_of "$1")
    flags=("--sysroot=$tree" "-L$tree/usr/lib/$(triplet "$1")" -std=c11 -D_GNU_SOURCE -O2 -g)
    # shellcheck disable=SC2086 # words
    "$(compiler "$1")" "${flags[@]}" -DPACKAGE_STRING='"h2olog kernels"' -DHAVE_SYS_SDT_H=1 -I"$source/src" $MODULES src/base/builtin.c \
        "$source/src/main.c" -ldw -lelf -lpcre2-8 -o "$2/h2olog" &&
        "$(compiler "$1")" "${flags[@]}" -DERA=2026 -pthread $SERVER_SOURCES -o "$2/usdt-server" &&
        "$(compiler "$1")" "${flags[@]}" -DERA=2026 -DSINGLE_SITES -DSTRUCTURES=1 -pthread $SERVER_SOURCES -o "$2/usdt-server-whole" &&
        "$(compiler "$1")" "${flags[@]}" "$source/tests/verified.c" -o "$2/verified" &&
        { [[ $(arch_of "$1") != arm64 ]] || "$(compiler "$1")" "${flags[@]}" "$source/tests/bare.c" -o "$2/bare"; }
}

# What the guest finds on its second disk.
pack() { # GUEST DIRECTORY
    mkdir -p "$2/work" && build "$1" "$2/work" >"$2/build.log" 2>&1 || return
    cp -r "$source/tests" "$source/probes" "$2/work/" && tar -C "$2/work" -cf "$2/work.tar" . && truncate -s %512 "$2/work.tar" && rm -rf "$2/work"
}

# The kernel of x86-64 panics when the timer of an emulator on a busy host is late, unless it does not check that.
boot() { # GUEST DIRECTORY
    local linux=$cache/linux-$1 disks=() machine
    machine=$(machine_of "$1")
    truncate -s 64M "$2/results.tar"
    disks+=(-drive "file=$cache/$(userland_of "$1").img,format=raw,if=virtio,snapshot=on")
    disks+=(-drive "file=$2/work.tar,format=raw,if=virtio,readonly=on" -drive "file=$2/results.tar,format=raw,if=virtio")
    # shellcheck disable=SC2086 # words
    timeout "${KERNEL_SECONDS:-5400}" "$(emulator "$1")" $machine -accel tcg,thread=multi -smp 2 -nographic -no-reboot -nic none -kernel "$(image_of "$linux")" -initrd "$2/initramfs.gz" \
        -append "console=ttyS0 console=ttyAMA0 quiet panic=-1 no_timer_check checks=$checks" "${disks[@]}" </dev/null >"$2/console" 2>&1 &
    trap "kill $! 2>/dev/null; exit 143" TERM
    wait $!
}

# Makes what is missing of a guest. What cannot be done is said.
make_guest() { # GUEST
    local directory=kernels/$1 release
    release=$(release_of "${1/bullseye/bookworm}")
    if ! command -v "$(emulator "$1")" "$(compiler "$1")" >/dev/null; then
        echo "no $(emulator "$1"), or no $(compiler "$1"): ./autogen.sh --deps=kernels installs them" >"$directory/failed"
    elif ! make_tree "$(userland_of "$1")" "$release" "$packages" "$directory/tree.log" "$(arch_of "$1")"; then
        echo "no tree: $(tail -n 1 "$directory/tree.log")" >"$directory/failed"
    elif ! make_kernel "$1" "$directory/kernel.log"; then
        echo "no kernel: $(tail -n 1 "$directory/kernel.log")" >"$directory/failed"
    elif ! make_disk "$1"; then
        echo "no disk" >"$directory/failed"
    elif [[ $checks != none ]] && { ! make_initramfs "$1" "$directory" || ! pack "$1" "$directory"; }; then
        echo "not built: $(tail -n 1 "$directory/build.log")" >"$directory/failed"
    fi
    [[ ! -e $directory/failed ]]
}

# One at a time makes what it needs, as two may need the same tree; other checkouts use the cache, too.
run_guest() { # GUEST
    local directory=kernels/$1
    mkdir -p "$directory/results" || return
    (flock 9 && make_guest "$1") 9>"$cache/making" || return
    [[ $checks != none ]] || return 0
    if ! boot "$1" "$directory" || ! tar -C "$directory/results" -xf "$directory/results.tar" || [[ ! -e $directory/results/done ]]; then
        echo "it did not run to its end: $(tail -n 1 "$directory/console")" >"$directory/failed"
    fi
}

print_row() { # NAME
    printf '%-18s' "$1"
    for guest in $guests; do printf '%-18s' "$(cat "kernels/$guest/results/$1" 2>/dev/null || echo -)"; done
    echo
}

# Every row that a guest has, in the order in which it was made. A cell is good if it says how much was followed, or that all passed;
# `right` and `wrong` are about bpftrace by itself, and count as neither.
print_table() {
    local name cell good=0 bad=0
    # shellcheck disable=SC2086 # words
    printf '%-18s' '' $guests && echo
    print_row kernel && print_row pages && print_row bpftrace
    for name in $(cat kernels/*/results/rows 2>/dev/null | awk '!seen[$0]++'); do
        print_row "$name"
        for guest in $guests; do
            cell=$(cat "kernels/$guest/results/$name" 2>/dev/null)
            case $cell in
            '') ! grep -qx "$name" "kernels/$guest/results/rows" 2>/dev/null || bad=$((bad + 1)) ;;
            right | wrong) ;;
            *'>'*) bad=$((bad + 1)) ;;
            ok | *' in '*' s') good=$((good + 1)) ;;
            */*' '*) [[ ${cell%/*} != 0 && ${cell#*/} == "${cell%/*} "* ]] && good=$((good + 1)) || bad=$((bad + 1)) ;;
            *) bad=$((bad + 1)) ;;
            esac
        done
    done
    for guest in $guests; do
        [[ ! -s kernels/$guest/failed ]] || { echo "# $guest: $(cat "kernels/$guest/failed")" && bad=$((bad + 1)); }
    done
    [[ $bad == 0 ]] || echo "# a cell with > has more instructions than the check allows; logs: kernels/GUEST/results/ROW.log, kernels/GUEST/console"
    printf '# PASS:  %d\n# FAIL:  %d\n' "$good" "$bad"
    [[ $bad == 0 ]]
}

[[ $EUID == 0 ]] || { echo "make check-kernels needs root" >&2; exit 1; }
check_words() {
    local guest check
    for check in ${checks//,/ }; do
        [[ " all http whole events redact bpftrace none " == *" $check "* ]] ||
            { echo "no check $check; KERNEL_CHECKS is some of: all,http,whole,events,redact,bpftrace, or none" >&2; return 1; }
    done
    for guest in $guests; do
        [[ " $all " == *" $guest "* ]] || { echo "no guest $guest; KERNELS is some of: $all" >&2; return 1; }
    done
}

check_words && rm -rf kernels && mkdir -p kernels "$cache" || exit 1
# A job in the background ignores SIGINT.
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; exit 130' INT TERM HUP
for guest in $guests; do
    (($(jobs -rp | wc -l) < ${KERNEL_JOBS:-1})) || wait -n
    run_guest "$guest" &
    pids+=($!)
done
wait
print_table >kernels/table
status=$?
sed 's/ *$//' kernels/table
exit "$status"

#!/bin/busybox sh
# The first process of a guest of kernels.sh: mounts the disk and runs what the second one brings; results go to the third one.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
while read -r module; do $b insmod "/modules/$module"; done < /modules/order
for disk in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/vdc ] && break; $b sleep 1; done
$b mount -t ext4 /dev/vda /root || $b poweroff -f
for at in proc sys dev; do $b mount --move /$at /root/$at; done
$b ln -s /proc/self/fd /root/dev/fd
$b mount -t tracefs tracefs /root/sys/kernel/tracing
$b mount -t tmpfs tmpfs /root/tmp
$b ip link set lo up
$b mkdir -p /root/guest /root/results
$b tar -C /root/guest -xf /root/dev/vdb
checks=$($b sed -n 's/.*checks=\([^ ]*\).*/\1/p' /root/proc/cmdline)
PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 $b chroot /root /bin/bash /guest/tests/kernel-guest.sh "$checks"
$b tar -C /root/results -cf /root/dev/vdc .
$b sync
$b poweroff -f

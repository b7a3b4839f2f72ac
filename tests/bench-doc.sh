#!/bin/bash
# What h2olog costs with the bpftrace of several Debian releases, as a document; run by `make bench-doc`. BENCH_ROUNDS, BENCH_SECONDS
# and H2O are those of bench.sh, MATRIX_RELEASES and MATRIX_CACHE those of matrix.sh.
set -u

: "${MATRIX_RELEASES:=bookworm trixie sid}"
# shellcheck source-path=SCRIPTDIR source=trees.sh
. "$(dirname "$0")/trees.sh"

document=$1
parts="server startup modes texts burst whole filters decode" # the last two depend on bpftrace little, and are measured once
failed=0

[[ $EUID == 0 ]] || { echo "make bench-doc needs root" >&2; exit 1; }
need_tracefs "$@"
mkdir -p bench || exit 1
sed 's/^# \?//' >bench/doc.md <<'END'
# # What it costs
#
# Written by `H2O=/path/to/h2o make bench-doc`: every figure is a median with its range, every ratio is to a bpftrace program of the same
# content that was written by hand and measured in the same round ([tests/bench.sh](../tests/bench.sh)). Flat out means as many requests
# as the client can make; "lost" is a share of all events. Each bpftrace has the transport that h2olog chooses for it, and the
# other one: batch before 0.19, stream from then on. Empty probes are the same probes with nothing in them: what the kernel takes for
# any tracing at all, which no tracer can save. It differs much between machines: 0.7 us an event on one, 6 us on another, a guest
# whose traps are dear.
END
for release in $releases; do
    tree=$(bpftrace_tree "$release")
    mkdir -p "bench/$release" && make_tree "$tree" "$release" bpftrace "bench/$release.log" && make_wrapper "$tree" "bench/$release" &&
        PATH=$PWD/bench/$release:$PATH BENCH_PARTS=$parts bash "$(dirname "$0")/bench.sh" >"bench/$release.log" 2>&1 ||
        { failed=1 && tail -n 5 "bench/$release.log" >&2 && continue; }
    { echo && cat bench.md; } >>bench/doc.md
    parts="server startup modes texts burst whole"
done
[[ $failed == 0 ]] && mv bench/doc.md "$document" && cat "$document"

#!/bin/bash
# Whether bench.sh still runs: each part of it once, with little load, must fill its tables. What it measures is not looked at.
# shellcheck disable=SC2015,SC2317 # A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

bench=$tests/bench.sh
readonly bench

# A line a metric: its name, and how many cases have numbers.
metrics() {
    perl -MJSON::PP -0777 -ne '
        for my $row (@{decode_json($_)->{results}}) {
            $row->{$_} =~ /^-?[0-9.]+(e[-+]?\d+)?$/ or die "$row->{metric}, $row->{case}: $_ is $row->{$_}\n" for qw(median from to);
            $cases{$row->{metric}}++;
        }
        print map { "$_ $cases{$_}\n" } sort keys %cases;' bench.json
}

fills() { # PART METRIC-AND-CASES...
    cd "$dir" || return
    BENCH_QUICK=1 BENCH_PARTS=$1 bash "$bench" >"$dir/log" 2>&1 || { show "$dir/log"; return 1; }
    metrics >"$dir/metrics" && same <(printf '%s\n' "${@:2}") "$dir/metrics" && [[ $(grep -c '^|---' bench.md) == $(($# - 1)) ]]
}

server_side() {
    command -v h2load >/dev/null || { skip "there is no h2load; nghttp2-client has it"; return; }
    fills server 'above-2000 3' 'cpu-2000 4' 'lost-2000 3' 'memory 5' 'p50-2000 5' 'p99-2000 5' 'rate-2000 5' 'reading 5' 'unreported-2000 3'
}

whole_side() {
    command -v h2load >/dev/null || { skip "there is no h2load; nghttp2-client has it"; return; }
    fills whole 'whole 10' 'whole-lost 2' 'whole-rate 11'
}

live_case "the server under tracing" server_side
live_case "start-up" fills startup 'startup 3'
live_case "what filters save" fills filters 'filter 3'
text_cases=5
is_before 22 && text_cases=4 # bpftrace 0.17 has no strings of 2,000 bytes
live_case "what long texts cost" fills texts "text $text_cases"
live_case "attaching and ending, by mode" fills modes 'attach 3' 'compile 3' 'end 3'
live_case "a burst of QUIC" fills burst 'burst 3' 'burst-lost 3'
live_case "what a whole request costs" whole_side
live_case "decoding and printing" fills decode 'cost 2' 'records 2'

done_testing

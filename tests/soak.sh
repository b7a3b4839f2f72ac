#!/bin/bash
# SECONDS of RATE events a second: every one must come out, in order, and no process may grow. Run by `make soak`.
# shellcheck disable=SC2015,SC2317 # A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

seconds=${SOAK_SECONDS:-60}
rate=${SOAK_RATE:-20000}
readonly seconds rate

# KiB that are resident, of h2olog, its keeper and bpftrace.
memory() {
    local pid
    for pid in "$log" $(children_of "$log"); do
        sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$pid/status"
    done | paste -sd' '
}

# Counts the records, and those that are not the next one.
count_records() {
    awk '$1 == 1 && $2 == next_one { next_one++; next } { wrong++; next_one = $2 + 1 } END { print next_one + 0, wrong + 0 }'
}

# Buffers grow once when something stalls, by what comes meanwhile; a leak of a byte an event would be far more in a long run.
has_grown() { # FIRST LAST
    local i first last
    read -ra first <<<"$1"
    read -ra last <<<"$2"
    for i in 0 1 2; do
        ((last[i] <= first[i] + first[i] / 10 + 16384)) || return 0
    done
    return 1
}

soak() {
    local counter first last total=$((seconds * rate)) end
    mkfifo "$dir/records" && LIFETIME=$((seconds + 300)) start_server || return
    count_records <"$dir/records" >"$dir/counted" &
    counter=$!
    spawn "$H2OLOG" -p "$server" -d >"$dir/records" 2>"$dir/err"
    log=$spawned
    log_is_ready || return
    tell "repeat $total $rate fire h2o:receive_request 1 i 0x101" "print fired"
    sleep 10
    first=$(memory)
    end=$((SECONDS + seconds + 60))
    while ((SECONDS < end)) && ! has_line fired "$dir/server.out"; do
        sleep 5
        last=$(memory)
    done
    sleep 2
    kill -INT "$log" && reap "$log" 20 && status_is 0 && wait "$counter" || return
    explain "$total events at $rate a second; KiB of h2olog, keeper, bpftrace: $first after 10 s, $last at the end"
    explain "$(tail -n 1 "$dir/err")"
    [[ $(<"$dir/counted") == "$total 0" ]] || { explain "counted $(<"$dir/counted")"; return 1; }
    grep -qx "h2olog: $total events; 0 lost, 0 damaged, 0 values cut" "$dir/err" && ! has_grown "$first" "$last"
}

live_case "$seconds seconds of $rate events a second" soak
done_testing

#!/bin/bash
# The transports. Records that are kept in BPF maps: their order, when they come, and what happens when there are too many. What is
# printed at once: when bpftrace is paused.
# shellcheck disable=SC2015,SC2317 # A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
use_single_sites

readonly NUL_HEADER='1 i "a" len "x\\0y" len' # printed, not kept
readonly HEADER='2 i "a" len "x" len'

# While bpftrace stands still the maps are full soon.
full_maps() {
    local shown lost
    start_server && start_log --transport=batch && freeze_tracer || return
    tell "repeat 200000 0 fire h2o:receive_request 1 i 0x101" && server_is_done && kill -CONT "$tracer" || return
    wait_for 20 has_count 32768 # h2olog waits 2 s for a bpftrace that says nothing
    end_log || return
    shown=$(grep -c RxProtocol "$dir/out")
    lost=$(count_lost)
    ((shown >= 32768 && lost > 0 && shown + lost == 200000)) && grep -q ' 0 damaged' "$dir/err" && return
    explain "$shown records were shown and ${lost:-none} counted as lost, of 200000"
    return 1
}

# As one download over HTTP/3 makes in half a second. Even if bpftrace printed nothing meanwhile, the maps would hold it.
v7_burst() {
    start_server && start_log quic --transport=batch || return
    tell thread "repeat 100000 0 fire quicly:packet_acked conn(1,0,0) 1580154303459 i 0" end \
        "repeat 100000 0 fire quicly:stream_send conn(1,0,0) 1580154303459 stream(4) i null 1280 0 0" join
    server_is_done 60 && wait_for 30 has_count 200000 && end_log && messages_are_clean
}

# What is in the maps when the server ends is printed by bpftrace in an order of its own.
rest_at_the_end() {
    local value
    value=$(text 1500)
    start_server && start_log --transport=batch --batch-interval 5s || return
    tell "repeat 300 0 fire h2o:receive_request_header 1 i \"a\" len \"$value\" len" "exit 0"
    expect "$(seq -f "1 %.0f RxHeader   a $value" 0 299)"
    reap "$log" 20 && status_is 0 && has_printed_expected && messages_are_clean
}

# What comes right after a batch waits for the next one. The first event may come right before one, and a look may be late.
interval() {
    local begin
    start_server && start_log --transport=batch --batch-interval 3s || return
    for req in 1 2 3 4; do
        begin=$(microseconds)
        tell "fire h2o:receive_request 1 $req 0x101" && wait_for 6 has_count "$req" || return
        (($(microseconds) - begin <= 500000)) || break
    done
    ((req < 4)) || { explain "four events were shown at once"; return 1; }
    end_log
}

# Those that are kept and those that are printed come in the order of their times.
in_order() {
    local threads=() i
    start_server && start_log --transport=batch -f json -E || return
    for i in 1 2; do
        threads+=(thread "repeat 2000 4000 fire h2o:receive_request_header $HEADER" end
            thread "repeat 200 400 fire h2o:receive_request_header $NUL_HEADER" end)
    done
    tell "${threads[@]}" join && server_is_done && wait_for 10 has_count 4400 && end_log && messages_are_clean || return
    sed -n 's/.*"nsecs": \([0-9]*\).*/\1/p' "$dir/out" >"$dir/times"
    [[ $(wc -l <"$dir/times") == 4400 ]] && sort -n -c "$dir/times"
}

# How often bpftrace was seen stopped becomes $stopped.
watch_tracer() { # LOOKS
    local stat
    stopped=0
    for _ in $(seq "$1"); do
        read_stat "$tracer" && [[ ${stat[0]} == T ]] && stopped=$((stopped + 1))
        rest 0.01
    done
}

# Fires headers, and looks at bpftrace while they come.
watch_load() {
    tell "repeat 3000 2000 fire h2o:receive_request_header $NUL_HEADER"
    watch_tracer 100
}

# Whoever looks may be too late for what it looks for.
is_often_stopped() {
    rounds=$((rounds + 1))
    watch_load
    ((stopped > 20))
}

# The pause after the last record may still be to come when that record is shown.
is_stopped_no_more() {
    watch_tracer 20
    ((stopped == 0))
}

all_is_shown() { # COUNT
    server_is_done && wait_for 10 has_count "$1"
}

stream_pauses() {
    rounds=0
    start_server && start_log --transport=stream && find_tracer || return
    wait_for 3 is_often_stopped || { explain "bpftrace was stopped $stopped times of 100 that it was looked at"; return 1; }
    all_is_shown $((3000 * rounds)) || return
    wait_for 5 is_stopped_no_more || { explain "it is still stopped, $stopped times of 20, with nothing to read"; return 1; }
    end_log && messages_are_clean
}

batch_does_not_pause() {
    start_server && start_log --transport=batch && find_tracer && watch_load && ((stopped == 0)) && all_is_shown 3000 && end_log && messages_are_clean
}

live_case "what does not fit the maps is counted" full_maps
live_case "v7: a burst of QUIC events is not lost" v7_burst
live_case "what is in the maps when the server ends is shown" rest_at_the_end
live_case "--batch-interval" interval
live_case "what is kept and what is printed is in order" in_order
live_case "bpftrace is not woken for each event of a stream" stream_pauses
live_case "bpftrace is not paused while it has maps to print" batch_does_not_pause

done_testing

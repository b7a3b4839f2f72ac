#!/bin/bash
# How a run ends: with which status, with all records written, and with nothing left behind.
# shellcheck disable=SC2015,SC2016,SC2317 # A && B || C; $1 of an inner shell; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
use_single_sites

# COUNT events as fast as the server can, and the lines of them.
fire_many() { # COUNT
    tell "repeat $1 0 fire h2o:receive_request 1 i 0x101"
    expect "$(seq -f '1 %.0f RxProtocol HTTP/1.1' 0 $(($1 - 1)))"
}

# What was captured before the signal is written.
ends_at_signal() { # SIGNAL
    start_server && start_log || return
    fire_many 2000
    server_is_done && stop_log "$1" && has_printed_expected && nothing_left && probes_are_off
}

# What is fired after the signal is not waited for.
ends_under_load() { # SIGNAL
    start_server && start_log || return
    tell thread "repeat 1000000 5000 fire h2o:receive_request 1 i 0x101" end
    wait_for 10 has_line "1 2000 RxProtocol HTTP/1.1" "$dir/out" || { explain "no events"; return 1; }
    stop_log "$1" && nothing_left && messages_are_clean || return
    seq -f '1 %.0f RxProtocol HTTP/1.1' 0 $(($(wc -l <"$dir/out") - 1)) >"$dir/expected"
    same "$dir/expected" "$dir/out"
}

ends_while_starting() { # SIGNAL
    start_server || return
    spawn "$H2OLOG" -p "$server" -d >"$dir/out" 2>"$dir/err"
    log=$spawned
    wait_for 5 is_attaching || explain "no bpftrace was started"
    descendants=$(for pid in $(children_of "$log"); do with_start "$pid"; done)
    stop_log "$1" && nothing_left 15 && probes_are_off
}

is_attaching() {
    local pid
    for pid in $(children_of "$log"); do
        [[ $(<"/proc/$pid/comm") != bpftrace || $(tr '\0' ' ' <"/proc/$pid/cmdline") != *" -p $server "* ]] || return 0
    done 2>/dev/null
    return 1
}

# A signal that h2olog cannot or does not handle.
dies_of_signal() { # SIGNAL
    start_server && start_log || return
    kill -"$1" "$log" && reap "$log" 10 && nothing_left 30 && probes_are_off 15
}

# A bpftrace that does not write, and so cannot notice that nobody reads any more.
killed_with_silent_tracer() {
    printf '%s\n' '#!/bin/sh' '[ "$1" = --version ] && { echo bpftrace v0.17.0; exit; }' 'trap "" HUP INT TERM' \
        'exec sleep 300' >"$dir/bpftrace" && chmod +x "$dir/bpftrace" && start_server || return
    spawn "$H2OLOG" -p "$server" -d --bpftrace "$dir/bpftrace" >"$dir/out" 2>"$dir/err"
    log=$spawned
    wait_for 5 has_started_sleep && kill -KILL "$log" && reap "$log" 10 && nothing_left 5
}

has_started_sleep() {
    descendants=$(for pid in $(children_of "$log"); do with_start "$pid"; done)
    [[ $(wc -l <<<"$descendants") == 2 && $(cat "/proc/$(cut -d' ' -f1 <<<"$descendants" | tail -n 1)/comm" 2>/dev/null) == sleep ]]
}

killed_while_starting() {
    start_server || return
    spawn "$H2OLOG" -p "$server" -d >"$dir/out" 2>"$dir/err"
    log=$spawned
    wait_for 5 is_attaching && kill -KILL "$log" && reap "$log" 10 && nothing_left 15 && probes_are_off 15
}

second_signal() {
    start_server && start_log && freeze_tracer || return
    kill -INT "$log" && wait_for 5 has_taken_signals && kill -INT "$log" && reap "$log" 5 && status_is 0 && nothing_left 15 # the kernel detaches the probes
}

frozen_tracer() {
    start_server && start_log && freeze_tracer || return
    kill -INT "$log" && wait_for 5 has_taken_signals && kill -CONT "$tracer" && reap "$log" 10 && status_is 0 && nothing_left
}

server_ends() { # COMMAND... (its last argument: the server's pid)
    start_server && start_log || return
    fire_many 500
    server_is_done && "$@" "$server" && reap "$log" 10 && status_is 0 && has_printed_expected && nothing_left
}

# bpftrace may take long to detach many probes: h2olog waits for what it has still to say.
server_ends_before_slow_tracer() {
    start_server && start_log || return
    fire_many 500
    server_is_done && freeze_tracer && kill -KILL "$server" || return
    rest 2.5 # where nothing is to come any more h2olog is patient for 1 s
    kill -CONT "$tracer" || explain "bpftrace is gone already"
    reap "$log" 10 && status_is 0 && has_printed_expected && nothing_left
}

# With no time for h2olog between the last event and the end.
thread_ends() {
    start_server && start_log || return
    tell thread 'fire h2o:receive_request 1 0 0x101' end join 'sleep 300' 'fire h2o:receive_request 1 1 0x101'
    expect '1 0 RxProtocol HTTP/1.1' '1 1 RxProtocol HTTP/1.1'
    server_is_done && stop_log && has_printed_expected && nothing_left
}

server_exits() {
    start_server && start_log || return
    fire_many 500
    tell "exit 7"
    reap "$log" 10 && status_is 0 && has_printed_expected && nothing_left && reap "$server" 1 && [[ $status == 7 ]]
}

# ----------------------------------------------------------------------------------------------------------- the reader

# Runs h2olog into a reader of one line.
one_line() {
    local statuses
    "$H2OLOG" -p "$server" -d 2>"$dir/err" | head -n 1 >"$dir/out"
    statuses=${PIPESTATUS[*]}
    echo "$statuses" >"$dir/statuses"
}

reader_ends() {
    start_server || return
    spawn one_line
    log=$spawned
    wait_for 30 is_ready_or_gone && is_ready || { show "$dir/err"; return 1; }
    descendants=$(for pid in $(children_of "$log"); do with_start "$pid"; done)
    fire_many 10
    expect_only_first
    reap "$log" 10 || return
    [[ $(<"$dir/statuses") == "0 0" ]] || { explain "statuses $(<"$dir/statuses")" && show "$dir/err"; return 1; }
    has_printed_expected && is_quiet && nothing_left
}

expect_only_first() {
    sed -i 1q "$dir/expected"
}

# No word of a broken pipe.
is_quiet() {
    ! grep -Eai 'pipe|write|error' "$dir/err"
}

# The reader goes when no event comes that could be written to it.
reader_ends_silently() {
    start_server && mkfifo "$dir/pipe" && exec {pipe}<>"$dir/pipe" || return
    spawn "$H2OLOG" -p "$server" -d >"$dir/pipe" 2>"$dir/err" {pipe}>&-
    log=$spawned
    log_is_ready || return
    exec {pipe}>&-
    reap "$log" 10 && status_is 0 && is_quiet && nothing_left
}

full_disk() {
    [[ -c /dev/full ]] || { skip "there is no /dev/full"; return; }
    start_server || return
    spawn "$H2OLOG" -p "$server" -d >/dev/full 2>"$dir/err"
    log=$spawned
    log_is_ready || return
    fire_many 10
    reap "$log" 10 && status_is 1 && grep -qi 'no space left' "$dir/err" && nothing_left
}

# A reader that does not read: the second signal still ends it.
stalled_reader() {
    start_server && mkfifo "$dir/pipe" && exec {pipe}<>"$dir/pipe" || return
    spawn "$H2OLOG" -p "$server" -d >"$dir/pipe" 2>"$dir/err"
    log=$spawned
    log_is_ready || return
    fire_many 20000
    server_is_done || return
    kill -INT "$log" && wait_for 5 has_taken_signals
    ! is_alive "$log" || kill -INT "$log"
    reap "$log" 5 && nothing_left
}

# ----------------------------------------------------------------------------------------------------------- the tracer

tracer_dies() {
    start_server && start_log && find_tracer || return
    fire_many 5
    server_is_done && wait_for 5 has_line "1 4 RxProtocol HTTP/1.1" "$dir/out"
    # It has ended when the kernel has detached its probes.
    kill -KILL "$tracer" && reap "$log" 30 && status_is 137 && has_one_message_of "killed by signal 9" &&
        has_printed_expected && nothing_left && probes_are_off
}

# The kernel may take longer to detach the probes than h2olog waits: the status was 0 then (unit-supervise.c makes that sure).
tracer_dies_before_signal() {
    start_server && start_log && find_tracer || return
    kill -KILL "$tracer" && kill -TERM "$log" && reap "$log" 5 || return
    case $status in
    1) has_one_message_of "bpftrace was killed or has ended before it was told to" ;;
    137) has_one_message_of "killed by signal 9" ;;
    *) status_is "1 or 137" ;;
    esac && nothing_left 60
}

# Who starts h2olog may ignore the ends of its children, and have signals blocked.
ends_with_odd_signals() {
    start_server || return
    start_log_as perl -MPOSIX -e 'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(1 .. 31)); $SIG{$_} = "IGNORE" for qw(TERM INT HUP PIPE CHLD CONT);
        exec @ARGV' "$H2OLOG" -p "$server" || return
    tell 'fire h2o:receive_request 1 2 0x101'
    expect '1 2 RxProtocol HTTP/1.1'
    server_is_done && stop_log TERM && has_printed_expected && nothing_left
}

# As who stops a service does.
ends_with_all() {
    start_server && start_log && find_tracer || return
    # shellcheck disable=SC2046 # one argument a pid
    kill -TERM "$log" $(children_of "$log") && reap "$log" 5 && status_is 0 && nothing_left 15 && probes_are_off 15
}

has_one_message_of() { # WORDS
    [[ $(grep -c "^h2olog: .*$1" "$dir/err") == 1 ]] && return
    explain "no message of \"$1\":" && show "$dir/err"
    return 1
}

# While h2olog and its keeper are stopped nobody can end anything.
stopped_both() { # WHO-GOES-ON
    local keeper
    start_server && start_log && keeper=$(keeper_of "$log") || return
    kill -STOP "$log" "$keeper" && kill -TERM "$log" && rest 1.5 # the keeper looks once a second
    is_alive "$log" && is_alive "$keeper" || { explain "one has ended"; return 1; }
    kill -CONT "${!1}" && reap "$log" 5 && status_is 0 && nothing_left 15
}

# Where there is no file to open anew it ends the run; where there is, it waits until h2olog goes on.
hangup_of_stopped() {
    start_server && start_log && kill -STOP "$log" && kill -HUP "$log" && reap "$log" 5 && status_is 0 && nothing_left 15
}

reopens_when_it_goes_on() {
    start_server && start_log -w "$dir/file" && kill -STOP "$log" && mv "$dir/file" "$dir/file.1" && kill -HUP "$log" || return
    rest 1.5 # the keeper looks once a second
    [[ $(state_of_log) == T && ! -e $dir/file ]] || { explain "it did not stay stopped"; return 1; }
    kill -CONT "$log" && wait_for 5 test -e "$dir/file" && stop_log && nothing_left
}

state_of_log() {
    local stat
    read_stat "$log" && echo "${stat[0]}"
}

# What h2olog, or who reads from it, cannot read for a while waits, and comes in its order although the server's thread
# goes from one processor to another.
paused() { # PID
    kill -STOP "$1"
    tell "repeat 4000 2000 fire h2o:receive_request 1 i 0x101"
    expect "$(seq -f '1 %.0f RxProtocol HTTP/1.1' 0 3999)"
    wander && server_is_done && kill -CONT "$1" && prints_expected
}

# Moves the server between two processors, for two seconds.
wander() {
    for step in {1..40}; do
        taskset --all-tasks --pid --cpu-list "$((step % 2))" "$server"
        rest 0.05
    done >"$dir/taskset" 2>&1
}

paused_log() {
    start_server && start_log && paused "$log"
}

paused_reader() {
    start_server && mkfifo "$dir/pipe" && exec {pipe}<>"$dir/pipe" || return
    spawn cat <&"$pipe" >"$dir/out"
    local reader=$spawned
    spawn "$H2OLOG" -p "$server" -d >"$dir/pipe" 2>"$dir/err"
    log=$spawned
    log_is_ready && paused "$reader"
}

two_at_once() {
    local first
    start_server && start_log && first=$log && mv "$dir/out" "$dir/out1" && mv "$dir/err" "$dir/err1" &&
        start_log || return
    fire_many 100
    server_is_done && stop_log && has_printed_expected || return
    log=$first
    stop_log && same "$dir/expected" "$dir/out1" && nothing_left && probes_are_off
}

# ------------------------------------------------------------------------------------------------------------ the cases

for signal in INT TERM; do
    live_case "SIG$signal ends h2olog with status 0, all records written, nothing left" ends_at_signal "$signal"
    live_case "SIG$signal ends h2olog while events come" ends_under_load "$signal"
    live_case "SIG$signal ends h2olog while it starts" ends_while_starting "$signal"
done
live_case "SIGKILL leaves no bpftrace behind" dies_of_signal KILL
live_case "SIGKILL leaves no bpftrace behind that is silent" killed_with_silent_tracer
live_case "SIGKILL while h2olog starts leaves no bpftrace behind" killed_while_starting
live_case "SIGHUP leaves no bpftrace behind" dies_of_signal HUP
live_case "SIGSEGV leaves no bpftrace behind" dies_of_signal SEGV
live_case "a second SIGINT ends h2olog at once" second_signal
live_case "a bpftrace that was stopped is ended when it goes on" frozen_tracer
live_case "SIGTERM to the server ends h2olog, all records written, nothing left" server_ends kill -TERM
live_case "SIGKILL to the server ends h2olog, all records written, nothing left" server_ends kill -KILL
live_case "when the server has ended, a slow bpftrace is waited for" server_ends_before_slow_tracer
live_case "the server's exit right after events ends h2olog, all records written" server_exits
live_case "the end of a thread of the server ends nothing" thread_ends
live_case "a reader that has enough ends h2olog quietly, with status 0" reader_ends
live_case "a reader that goes while nothing happens ends h2olog quietly" reader_ends_silently
live_case "a full disk ends h2olog with status 1" full_disk
live_case "SIGINT ends h2olog while its reader is stalled" stalled_reader
live_case "bpftrace killed by a signal: status 128 + 9 and a sentence" tracer_dies
live_case "bpftrace killed, and h2olog ended by SIGTERM at once: no status 0" tracer_dies_before_signal
live_case "who starts h2olog may have signals blocked or ignored" ends_with_odd_signals
live_case "SIGTERM to h2olog, its keeper and bpftrace at once: status 0" ends_with_all
live_case "SIGTERM while h2olog and its keeper are stopped: all end when h2olog goes on" stopped_both log
live_case "SIGTERM while h2olog and its keeper are stopped: all end when the keeper goes on" stopped_both keeper
live_case "SIGHUP ends an h2olog that is stopped" hangup_of_stopped
live_case "SIGHUP to an h2olog that is stopped opens the file anew when it goes on" reopens_when_it_goes_on
live_case "SIGSTOP and SIGCONT of h2olog lose nothing, and no order" paused_log
live_case "a reader that pauses loses nothing, and no order" paused_reader
live_case "two at once trace one server" two_at_once

done_testing

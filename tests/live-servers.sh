#!/bin/bash
# Which servers are traced: by pid, executable and pid file, those of a master, and those that are still to come.
# shellcheck disable=SC2015,SC2016,SC2317 # A && B || C; what inner shells expand; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
use_single_sites

# Starts another server in a directory of its own; its pid is $other, its script $other_script.
start_other() { # PROGRAM
    local here=$dir first=$server first_script=$script ok=0
    dir=$here/other-$((++others))
    mkdir "$dir" && start_server_as "$1" || ok=1
    other=$server other_script=$script
    dir=$here server=$first script=$first_script
    return "$ok"
}
others=0

are_traced() { # COUNT
    [[ $(grep -Ec '^h2olog: tracing pid [0-9]+ \(.*\), probes attached' "$dir/err") -ge $1 ]]
}

says() { # LINE
    grep -Fqx -- "h2olog: $1" "$dir/err" && return
    explain "not said: $1" && show "$dir/err"
    return 1
}

# h2olog without a server to be ready for; its pid is $log.
start_waiting() { # OPTION...
    spawn "$H2OLOG" -d "$@" >"$dir/out" 2>"$dir/err"
    log=$spawned
    wait_for 10 grep -q '^h2olog: waiting for ' "$dir/err" || { explain "it does not wait:" && show "$dir/err"; return 1; }
}

# One event of the server comes; before its line there is PREFIX.
one_event() { # [PREFIX]
    log_is_ready && tell 'fire h2o:receive_request 1 2 0x101' || return
    expect "${1:-}1 2 RxProtocol HTTP/1.1"
    wait_for 10 has_line "${1:-}1 2 RxProtocol HTTP/1.1" "$dir/out" || { show "$dir/err"; return 1; }
    stop_log && has_printed_expected && nothing_left
}

# ------------------------------------------------------------------------------------------------------------ the wait

wait_is_ended() { # SIGNAL
    cp "$SERVER" "$dir/server" && start_waiting -e "$dir/server" --wait || return
    rest 1
    local begin
    begin=$(milliseconds)
    kill -"$1" "$log" && reap "$log" 5 && status_is 0 || return
    (($(milliseconds) - begin < 1000 * ${SLOW:-1})) || { explain "it took $(($(milliseconds) - begin)) ms"; return 1; }
    says "waiting for an h2o that runs $dir/server; Ctrl-C ends" && says "ended while waiting; no server was traced" || return
    [[ $(grep -vc ' is version ' "$dir/err") == 3 && ! -s $dir/out ]] || { show "$dir/err"; return 1; }
}

# What it costs is the same after many processes.
waits_for_any() {
    start_waiting --wait && says "waiting for an h2o; Ctrl-C ends" || return
    for _ in {1..50}; do /bin/true; done
    rest 0.6
    start_server && one_event
}

waits_for_exe() {
    start_server && cp "$SERVER" "$dir/server" && start_waiting -e "$dir/server" --wait || return
    start_server_of "$dir/server" && one_event "$server "
}

# A second one beside the first.
start_server_of() { # PROGRAM
    rm -f "$dir/script" && exec {script}>&- && start_server_as "$1"
}

waits_for_pid_file() {
    start_waiting --pid-file "$dir/pid" --wait || return
    : >"$dir/pid" && rest 0.6
    start_server && rest 0.6 && ! grep -q attaching "$dir/err" || return
    echo "$server" >"$dir/pid" && one_event "$server "
}

# Found when it runs already: nothing is said of waiting.
need_not_wait() {
    start_server && echo " $server " >"$dir/pid" && start_log_as "$H2OLOG" --pid-file "$dir/pid" --wait && ! grep -q waiting "$dir/err" &&
        one_event "$server "
}

# The time begins with the tracing.
waits_beyond_duration() {
    cp "$SERVER" "$dir/server" && start_waiting -e "$dir/server" --wait --duration 1s || return
    rest 2
    is_alive "$log" && start_server_as "$dir/server" && log_is_ready && reap "$log" 20 && status_is 0
}

bad_while_waiting() {
    start_waiting --pid-file "$dir/pid" --wait || return
    printf 'pid\n' >"$dir/pid" && reap "$log" 10 && status_is 2 && says "$dir/pid:1:1: expected the number of a process, but there is \"pid\""
}

# With --follow the next one is traced, too.
waits_and_follows() {
    cp "$SERVER" "$dir/server" && start_waiting -e "$dir/server" --wait --follow || return
    start_server_as "$dir/server" && log_is_ready && start_other "$dir/server" && wait_for 20 are_traced 2 || { show "$dir/err"; return 1; }
    tell 'fire h2o:receive_request 1 2 0x101' && echo 'fire h2o:receive_request 3 4 0x101' >&"$other_script"
    wait_for 10 has_line "$server 1 2 RxProtocol HTTP/1.1" "$dir/out" && wait_for 10 has_line "$other 3 4 RxProtocol HTTP/1.1" "$dir/out" || { show "$dir/out"; return 1; }
    end_log 40 && nothing_left
}

# -------------------------------------------------------------------------------------------------------- several at once

# Two of the file, and not a third one.
traces_exe() {
    cp "$SERVER" "$dir/server" && start_server && local third=$server && start_server_of "$dir/server" && start_other "$dir/server" || return
    start_log_as "$H2OLOG" -e "$dir/server" && wait_for 20 are_traced 2 || { show "$dir/err"; return 1; }
    [[ -z $(tracers_of "$third") ]] || { explain "$third is traced, too"; return 1; }
    tell 'fire h2o:receive_request 1 2 0x101' && echo 'fire h2o:receive_request 3 4 0x101' >&"$other_script"
    wait_for 10 has_line "$server 1 2 RxProtocol HTTP/1.1" "$dir/out" && wait_for 10 has_line "$other 3 4 RxProtocol HTTP/1.1" "$dir/out" || { show "$dir/out"; return 1; }
    end_log 40 && nothing_left
}

exe_without_server() {
    status=0
    cp "$SERVER" "$dir/server" || return
    "$H2OLOG" -e "$dir/server" >"$dir/out" 2>"$dir/err" || status=$?
    status_is 3 && says "no running process has h2o's probes and runs $dir/server; start it, or wait for it with --wait"
}

# T1: the time began with the first of them, and was over before the last one was traced.
traces_all_for_a_time() {
    start_server && start_other "$SERVER" && start_log_as "$H2OLOG" -p "$server,$other" --duration 1s || return
    are_traced 2 && reap "$log" 20 && status_is 0 || { show "$dir/err"; return 1; }
}

# All that there are on this host, with their pids.
traces_all() {
    start_server && start_other "$SERVER" && start_log_as "$H2OLOG" -p all && wait_for 20 are_traced 2 || { show "$dir/err"; return 1; }
    tell 'fire h2o:receive_request 1 2 0x101'
    wait_for 10 has_line "$server 1 2 RxProtocol HTTP/1.1" "$dir/out" && end_log 40
}

# ------------------------------------------------------------------------------------------- what a pid stands for (T11)

# A master with two generations: both are traced, and a process of another kind that it has started is not.
start_master() {
    mkfifo "$dir/script" && exec {script}<>"$dir/script" || return
    spawn bash -c 'sleep 300 & "$1" --lifetime 300 --script - <"$2" >"$3/1" & "$1" --lifetime 300 --script /dev/null >"$3/2" & wait' \
        master "$SERVER" "$dir/script" "$dir"
    master=$spawned
    wait_for 5 have_begun || { explain "there are no servers"; return 1; }
    server=$(sed 's/.* pid //' "$dir/1") second=$(sed 's/.* pid //' "$dir/2")
}

have_begun() {
    grep -qs '^listening' "$dir/1" && grep -qs '^listening' "$dir/2"
}

end_master() {
    kill -KILL "$server" "$second" 2>/dev/null
}

traces_generations() { # OPTION... (its last argument: a file for the master's pid, or the option for it)
    start_master || return
    trap 'end_master; end_spawned' EXIT
    local pids
    pids=$(printf '%s\n' "$server" "$second" | sort -n | paste -sd, | sed 's/,/, /')
    if [[ $1 == --pid-file ]]; then
        echo "$master" >"$dir/pid" && start_log_as "$H2OLOG" --pid-file "$dir/pid"
    else
        start_log_as "$H2OLOG" -p "$master"
    fi || return
    wait_for 20 are_traced 2 && grep -Eqx "h2olog: pid $master \(.*\) is no h2o, but has started several: pid $pids" "$dir/err" || { show "$dir/err"; return 1; }
    tell 'fire h2o:receive_request 1 2 0x101'
    wait_for 20 has_line "$server 1 2 RxProtocol HTTP/1.1" "$dir/out" || { explain "the event is not shown" && show "$dir/err" && show "$dir/out"; return 1; }
    end_log 40 && nothing_left
}

# For what is about one process, two are too many.
lists_generations() {
    start_master || return
    trap 'end_master; end_spawned' EXIT
    status=0
    "$H2OLOG" --list --quiet -p "$master" >"$dir/out" 2>"$dir/err" || status=$?
    status_is 2 && says "2 processes are meant; this is done for one -p PID only:" && grep -q "^ *$second  .*usdt-server" "$dir/err" && return
    show "$dir/err"
    return 1
}

# As h2o's that keeps the TLS keys.
traces_owner() {
    start_server && tell helper && wait_for 5 grep -q '^helper [0-9]' "$dir/server.out" || return
    local helper
    helper=$(sed -n 's/^helper //p' "$dir/server.out")
    start_log_as "$H2OLOG" -p "$helper" &&
        says "pid $helper is a helper of h2o's, as the one that keeps the TLS keys; the server is its parent: pid $server" && one_event
}

run_alone "$@"

live_case "--wait is ended by SIGINT" wait_is_ended INT
live_case "--wait is ended by SIGTERM" wait_is_ended TERM
live_case "--wait: the first h2o that appears" alone waits_for_any
live_case "--wait -e: the first that runs the file" waits_for_exe
live_case "--wait --pid-file: the one that the file names" waits_for_pid_file
live_case "--wait where there is one" need_not_wait
live_case "--wait --duration: the time begins with the tracing" waits_beyond_duration
live_case "--wait --pid-file with what is no number" bad_while_waiting
live_case "--wait -e --follow" waits_and_follows
live_case "-e: all that run the file" traces_exe
live_case "-e without a server" exe_without_server
live_case "-p all" alone traces_all
live_case "several for a time: it begins when all are traced" traces_all_for_a_time
live_case "-p of a master: all its servers" traces_generations -p
live_case "--pid-file of a master" traces_generations --pid-file
live_case "--list -p of a master with two servers" lists_generations
live_case "-p of a helper: its server" traces_owner

done_testing

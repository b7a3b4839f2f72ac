#!/bin/bash
# Whatever is killed or stopped, at whatever moment, nothing stays: KILL_ROUNDS random deeds to h2olog, its keeper and its bpftrace.
# KILL_SEED repeats a run. `make check-kill` runs more rounds than `make check`.
# shellcheck disable=SC2015,SC2317 # A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
use_single_sites

rounds=${KILL_ROUNDS:-60}
seed=${KILL_SEED:-$RANDOM}
readonly rounds seed WORKERS=3 GROUP=5

# A deed: what happens to whom. Two of a kind are done one after the other, with a random while between them.
readonly deeds=(
    "KILL h2olog" "KILL keeper" "KILL bpftrace"
    "TERM h2olog" "TERM keeper" "TERM bpftrace"
    "STOP h2olog TERM h2olog" "STOP keeper TERM h2olog" "STOP bpftrace TERM h2olog"
    "STOP keeper KILL h2olog" "STOP bpftrace KILL h2olog" "STOP h2olog KILL h2olog"
    "HUP h2olog" "STOP h2olog HUP h2olog" "STOP h2olog STOP keeper KILL h2olog" "STOP keeper STOP bpftrace TERM h2olog"
    "STOP h2olog STOP keeper TERM h2olog CONT keeper" "STOP h2olog STOP keeper TERM h2olog CONT h2olog"
    "STOP h2olog KILL keeper" "STOP h2olog KILL bpftrace"
    "STOP h2olog STOP bpftrace TERM keeper" "STOP bpftrace KILL keeper" "STOP keeper KILL keeper" "STOP keeper KILL bpftrace"
    "STOP bpftrace KILL bpftrace"
)
readonly ways=("-t receive_request" "http" "-t receive_request --transport=stream" "http --record $work/record")

# The processes of the round. A bpftrace is known by the server that it traces.
members() {
    processes_where $GROUP "$log"
    tracers_of "$server"
}

# The pid of h2olog, keeper or bpftrace; nothing where there is none yet, or none any more.
who() { # NAME
    case $1 in
    h2olog) echo "$log" ;;
    keeper) keeper_of "$log" ;;
    bpftrace) tracers_of "$server" ;;
    esac
}

random() { # BELOW
    echo $((RANDOM % $1))
}

# A random while, mostly short, as most happens in the beginning; in thousandths of a second.
a_while() {
    local ms
    case $(random 3) in
    0) ms=$(random 30) ;;
    1) ms=$(random 400) ;;
    2) ms=$(random 2000) ;;
    esac
    rest "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
}

# false: it came too early or too late, and found nobody.
do_deed() { # SIGNAL WHOM
    local pid
    pid=$(who "$2")
    # shellcheck disable=SC2086 # one argument a pid
    [[ -n $pid ]] && kill "-$1" $pid 2>/dev/null
}

are_gone() { # PID...
    local pid
    for pid; do
        is_gone "$pid" || return 1
    done
}

# To find members is dear, so those that are known are looked at first.
is_round_over() {
    # shellcheck disable=SC2086 # one argument a pid
    are_gone $known && known=$(members) && are_gone $known
}
known=

state_of() { # PID
    local stat
    read_stat "$1" && echo "$1 $(<"/proc/$1/comm") ${stat[0]}"
} 2>/dev/null

# One that ends by itself first detaches its probes, and one that is killed has not ended before; which may take the kernel a while.
bpftrace_is_gone() {
    [[ -z $(who bpftrace) ]]
}

end_by_term() {
    do_deed TERM h2olog
    wait_for 5 is_round_over
}

# An h2olog that was stopped before it had a keeper has nothing that could be left, and nobody to let it go on. A process that read
# an executable for it is a zombie until it does.
is_stopped_alone() {
    local stat pid
    for pid in $(members); do [[ $pid == "$log" ]] || is_gone "$pid" || return; done
    read_stat "$log" && [[ ${stat[0]} == T ]]
}

is_round_over_or_stuck() {
    is_round_over || is_stopped_alone
}

# Where a deed found nobody, the round may go on for ever.
end_round() { # PATIENCE MISSED
    local seconds=$1
    [[ -z $2 ]] || seconds=1
    if ! wait_for "$seconds" is_round_over_or_stuck; then
        [[ $2 ]] && end_by_term
    elif is_stopped_alone; then
        [[ -z $2 ]] || do_deed TERM h2olog
        do_deed CONT h2olog
        wait_for 5 is_round_over
    fi
}

round() { # NUMBER
    local words deed what pid missed= patience=5
    read -ra words <<<"${ways[$(random ${#ways[@]})]}"
    read -ra deed <<<"${deeds[$(random ${#deeds[@]})]}"
    spawn "$H2OLOG" -p "$server" -d "${words[@]}" >"$dir/out.$1" 2>"$dir/err.$1"
    log=$spawned what=${deed[*]} known=
    while ((${#deed[@]} > 0)); do
        a_while
        do_deed "${deed[@]:0:2}" || missed=yes
        deed=("${deed[@]:2}")
    done
    grep -q attaching "$dir/err.$1" || missed=yes # h2olog did not know of its bpftrace yet
    [[ $what != *bpftrace || $what == *KILL* ]] || wait_for 30 bpftrace_is_gone
    [[ $what != *"KILL bpftrace" ]] || patience=30
    end_round $patience "$missed" && return
    explain "round $1 of seed $seed: h2olog ${words[*]}: $what; left:"
    for pid in $(members); do explain "  $(state_of "$pid")"; done
    show "$dir/err.$1"
    return 1
}

# Servers of their own keep the workers' processes apart.
worker() { # NUMBER
    local i
    RANDOM=$((seed + $1)) dir=$dir/$1
    mkdir "$dir" && start_server || return
    tell thread "repeat 1000000 $(($1 * 2000)) fire h2o:receive_request 1 i 0x101" end
    for ((i = $1; i < rounds; i += WORKERS)); do
        round "$i" || return
    done
}

nothing_stays() {
    local i pids=() failed=0
    explain "seed $seed"
    for ((i = 0; i < WORKERS; i++)); do
        (trap end_spawned EXIT && worker "$i") &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i" || failed=1; done
    return $failed
}

LIFETIME=3600
live_case "$rounds random deeds leave nothing behind" nothing_stays
done_testing

#!/bin/bash
# What kernels.sh runs in a guest: a file in /results for each row of its table, with what the cell says, and logs. The second
# argument chooses: all, or what CI has time for.
# shellcheck disable=SC2317 # functions that are called by name

checks=${1:-all}
export H2OLOG=/work/h2olog SERVER=/work/usdt-server CI=true SLOW=${SLOW:-10}
cd /work || exit 1
mkdir -p /results
readonly MOST=500000 # half of what the verifier follows at most

# Names a row of the table.
begin() { # ROW
    echo "$1" >>/results/rows
    say "$1"
}

say() { echo "$(cut -d' ' -f1 /proc/uptime) $*" >/dev/console; }

uname -r >/results/kernel
bpftrace --version | sed 's/bpftrace v//' >/results/bpftrace

./usdt-server --lifetime 10000 --script - < <(sleep 10000) >/tmp/server.out 2>&1 &
server=$!
until grep -q '^listening' /tmp/server.out; do sleep 0.1; done

# The most instructions that the verifier followed for a program, while the command runs.
most_verified() { # PID
    local insns programs most=0
    while kill -0 "$1" 2>/dev/null; do
        read -r insns programs < <(./verified)
        ((insns <= most)) || most=$insns
        sleep 0.2
    done
    echo "$most"
}

# A cell "138008 in 7 s": the program is loaded and attached, and its largest probe has so many instructions.
load() { # ROW COMMAND...
    local row=$1 begin=$SECONDS most
    shift
    begin "$row"
    "$@" >"/results/$row.out" 2>"/results/$row.log" &
    most=$(most_verified $!)
    if ! wait $! || grep -q 'is refused' "/results/$row.log"; then
        echo "refused" >"/results/$row"
    elif ((most > MOST)); then
        echo "too many: $most" >"/results/$row"
    else
        echo "$most in $((SECONDS - begin)) s" >"/results/$row"
    fi
    say "$row: $(cat "/results/$row")"
}

wire() { # ROW OPTION...
    load "$1" ./h2olog -p "$server" --duration 1s "${@:2}"
}

# It prints a word when it is attached, and ends.
standalone() { # ROW OPTION...
    begin "$1"
    ./h2olog --emit-script -p "$server" "${@:2}" >/tmp/program.bt || return
    echo 'interval:ms:100 { printf("attached\n"); exit(); }' >>/tmp/program.bt
    load "$1" run_program
    grep -q attached "/results/$1.out" || echo refused >"/results/$1"
}

run_program() {
    timeout --signal=INT --kill-after=60 600 bpftrace -q -p "$server" /tmp/program.bt
}

# A cell "7/7": cases that passed, of those that match.
live() { # ROW SCRIPT PATTERN
    local good bad
    begin "$1"
    ONLY=$3 bash "tests/$2.sh" >"/results/$1.log" 2>&1
    good=$(grep -c '^ok' "/results/$1.log") bad=$(grep -c '^not ok' "/results/$1.log")
    echo "$good/$((good + bad))" >"/results/$1"
    say "$1: $(cat "/results/$1")"
}

doctor() {
    local status=0
    begin doctor
    ./h2olog --doctor -p "$server" >/results/doctor.log 2>&1 || status=$?
    [[ $status == 0 ]] && echo ok >/results/doctor || echo "status $status" >/results/doctor
}


doctor
for transport in stream batch; do wire "http-$transport" --transport=$transport; done
live live-http live-http 'texts take every way'
if [[ $checks == all ]]; then
    for transport in stream batch; do
        wire "quic-$transport" quic --transport=$transport
        wire "all-$transport" all --transport=$transport
        wire "group-$transport" -g request --transport=$transport
        wire "access-log-$transport" -F combined --transport=$transport
        wire "redact-$transport" --redact-default --transport=$transport
    done
    standalone http-alone
    standalone quic-alone quic
    standalone all-alone all
    standalone redact-alone --redact-default
    live live-events live-events '2026: every probe|beyond the sixth'
fi
kill $server
: >/results/done

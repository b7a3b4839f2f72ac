#!/bin/bash
# What kernels.sh runs in a guest: a file in /results for each row of its table, with what the cell says, and logs. The second
# argument chooses, with commas between: all, http (what CI has time for), whole, events, redact, bpftrace (what bpftrace does by itself).
# shellcheck disable=SC2317 # functions that are called by name

checks=${1:-all}
export H2OLOG=/guest/h2olog SERVER=/guest/usdt-server CI=true SLOW=60
cd /guest || exit 1
mkdir -p /results
readonly MOST=500000 # half of what the verifier follows at most

# Names a row of the table.
begin() { # ROW
    echo "$1" >>/results/rows
    say "$1"
}

say() { echo "$(cut -d' ' -f1 /proc/uptime) $*" >/dev/console; }

uname -r | sed 's/-\([a-z]*-\)\?a[mr][dm]64.*//' >/results/kernel
getconf PAGESIZE >/results/pages
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

# Before Linux 5.16 the kernel does not tell how many instructions its verifier followed.
count_of() { # INSTRUCTIONS
    case $1 in
    0) echo '?' ;;
    *) (($1 > MOST)) && echo "$1>$MOST" || echo "$1" ;;
    esac
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
    else
        echo "$(count_of "$most") in $((SECONDS - begin)) s" >"/results/$row"
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

# A cell "2/2 80329": cases that passed, of those that match, and the instructions of the largest program.
live() { # SCRIPT PATTERN
    local good bad most
    begin "$1"
    ONLY=$2 bash "tests/$1.sh" >"/results/$1.log" 2>&1 &
    most=$(most_verified $!)
    good=$(grep '^ok' "/results/$1.log" | grep -vc '# SKIP') bad=$(grep -c '^not ok\|^ok.*# SKIP' "/results/$1.log")
    ((bad == 0)) || grep '^#\|^not ok' "/results/$1.log" | cut -c1-200 | head -n 20 >/dev/console
    echo "$good/$((good + bad)) $(count_of "$most")" >"/results/$1"
    say "$1: $(cat "/results/$1")"
}

doctor() {
    local status=0
    begin doctor
    ./h2olog --doctor -p "$server" >/results/doctor.log 2>&1 || status=$?
    [[ $status == 0 ]] && echo ok >/results/doctor || echo "status $status" >/results/doctor
}

# What bpftrace makes of operands of arm64 without an offset, when h2olog does not read them for it: `right`, or `wrong` if it hands
# over addresses.
bare_operand() {
    local row=bare-operand program='usdt:./bare:test:bare { printf("read %ld %ld %ld\n", arg0, arg1, arg2); }' seen
    begin $row
    timeout --signal=INT --kill-after=60 600 bpftrace -q -c ./bare -e "$program" >/results/$row.out 2>/results/$row.log
    seen=$(sed -n 's/^read //p' /results/$row.out)
    case $seen in
    '42 43 44') echo right ;;
    *' 43 '*) echo wrong ;;
    *) echo "read '$seen'" ;;
    esac >/results/$row
    say "$row: $(cat /results/$row)"
}

# Whether one of these checks was asked for, or all.
wants() { # CHECK...
    local check
    for check in all "$@"; do [[ ,$checks, == *,$check,* ]] && return; done
    return 1
}

# The kernel's verifier takes each probe's program by itself, and `all` has those of http, of quic and of whole requests.
[[ $(uname -m) != aarch64 ]] || ! wants bpftrace http || bare_operand
if wants http; then
    doctor
    live live-http 'texts take every way|404 and 500|least and the greatest numbers'
fi
! wants whole || live live-whole 'three protocols|an access log|mean the same|many lengths'
! wants whole || live live-emit 'by a program itself'
! wants events || live live-events '2026: every probe|beyond the sixth'
if wants all; then
    wire all-batch all --transport=batch
    for transport in stream batch; do
        wire "access-log-$transport" -F combined --transport=$transport
    done
    standalone all-alone all
    standalone redact-alone --redact-default
fi
if wants redact; then
    wire redact-stream --redact-default --transport=stream
    wire redact-batch --redact-default --transport=batch
fi
kill $server
: >/results/done

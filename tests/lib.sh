# Helpers of the live tests: TAP, processes, the test server, h2olog. README.md beside this file says how to use them.
# shellcheck shell=bash disable=SC2119,SC2120,SC2015 # optional arguments; A && B || C

set -u
export LC_ALL=C
unset SUDO_UID SUDO_GID # h2olog takes no PATH from who called sudo, and the tests choose bpftrace by it

H2OLOG=${H2OLOG:-./h2olog}
SERVER=${SERVER:-./usdt-server}
readonly H2OLOG SERVERS=$SERVER
readonly SKIPPED=77
# Waits are as long as an idle machine may take; others run beside, and who has not to wait does not.
SLOW=${SLOW:-4}

# ------------------------------------------------------------------------------------------------------------------ TAP

count=0
failures=0
case_pid=
work=$(mktemp -d "${TMPDIR:-/tmp}/h2olog-test.XXXXXX") || exit 99
chmod 755 "$work"
# Nothing comes from here: reading it waits without a process.
mkfifo "$work/idle" && exec {idle}<>"$work/idle" || exit 99

end_all() {
    [[ -z $case_pid ]] || end_case
    rm -rf "$work"
}

# The case ends what it has started, unless it is stuck.
end_case() {
    kill -TERM "$case_pid" 2>/dev/null
    wait_for 5 is_gone "$case_pid" && return
    # shellcheck disable=SC2046 # one argument a pid
    kill -KILL "$case_pid" $(children_of "$case_pid") 2>/dev/null
}

trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

result() { # ok|"not ok" DESCRIPTION [DIRECTIVE]
    count=$((count + 1))
    echo "$1 $count - $2${3:+ # $3}"
    [[ $1 == ok ]] || failures=$((failures + 1))
}

explain() {
    printf '# %s\n' "$@"
}

# The arguments become the reason of a skipped case.
skip() {
    echo "$*" >"$dir/skip"
    return $SKIPPED
}

# Runs FUNCTION in a process and a directory ($dir) of its own. What it starts with `spawn` is ended afterwards.
# ONLY=PATTERN leaves out all cases whose description does not match.
test_case() { # DESCRIPTION FUNCTION [ARGUMENT]...
    [[ $1 =~ ${ONLY:-} ]] || return 0
    local description=$1 status=0
    shift
    dir=$work/$((count + 1))
    mkdir "$dir"
    set -m
    run_case "$@" </dev/null &
    case_pid=$!
    set +m
    wait "$case_pid" || status=$?
    case_pid=
    case $status in
    0) result ok "$description" ;;
    "$SKIPPED") result ok "$description" "SKIP $(<"$dir/skip")" ;;
    *) result "not ok" "$description" ;;
    esac
    rm -rf "$dir"
}

run_case() {
    trap end_spawned EXIT
    trap 'exit 143' TERM
    trap - INT HUP
    "$@"
}

# A case that needs to trace.
live_case() { # DESCRIPTION FUNCTION [ARGUMENT]...
    if [[ -z $obstacle || ! $1 =~ ${ONLY:-} ]]; then
        test_case "$@"
    elif [[ ${CI:-} == true ]]; then
        explain "$obstacle"
        result "not ok" "$1"
    else
        result ok "$1" "SKIP $obstacle"
    fi
}

# Runs FUNCTION, of a script that calls run_alone, where no processes are but its own.
alone() { # FUNCTION
    unshare --pid --fork --mount-proc true 2>"$dir/unshare" || { skip "unshare: $(<"$dir/unshare")"; return; }
    SERVER=$SERVERS spawn unshare --pid --fork --mount-proc --kill-child bash "$0" --alone "$dir" "$1"
    reap "$spawned" 60 && [[ $status == 0 ]]
}

run_alone() { # ARGUMENTS-OF-THE-SCRIPT...
    [[ ${1:-} == --alone ]] || return 0
    rm -r "$work"
    dir=$2
    run_case "$3"
    exit
}

done_testing() {
    times >"$work/times"
    explain "took $SECONDS s; CPU time of what it started, user and system: $(tail -n 1 "$work/times")"
    echo "1..$count"
    [[ $failures == 0 ]]
    exit
}

find_obstacle() {
    if [[ $EUID != 0 ]]; then
        echo "tracing needs root"
    elif ! command -v bpftrace >/dev/null; then
        echo "there is no bpftrace"
    fi
}
obstacle=$(find_obstacle)

# Whether this bpftrace is older than 0.MINOR, or there is none.
BPFTRACE_MINOR=$(bpftrace --version 2>/dev/null | sed -n 's/^bpftrace v0\.\([0-9]*\).*/\1/p; s/^bpftrace v[1-9].*/1000/p')
readonly BPFTRACE_MINOR
is_before() { # MINOR
    ((${BPFTRACE_MINOR:-0} < $1))
}

# With OTHER_TRANSPORT h2olog is started with the transport that this bpftrace does not get by itself.
find_transport() {
    if [[ -z ${OTHER_TRANSPORT:-} ]]; then
        echo ""
    elif is_before 19; then
        echo stream
    else
        echo batch
    fi
}
TRANSPORT=$(find_transport)
readonly TRANSPORT

# So many bytes of a text are printed, and of a header's name.
readonly TEXT_LIMIT=8192 NAME_LIMIT=512

# ------------------------------------------------------------------------------------------------------------ processes

spawned=
all_spawned=()
server=
log=
descendants= # of h2olog, once it traces

# Starts a command in the background, with a process group and default signals; its pid is $spawned.
spawn() {
    set -m
    "$@" <&0 &  # bash closes it otherwise
    spawned=$!
    set +m
    all_spawned+=("$spawned")
}

end_spawned() {
    local pid
    for pid in ${all_spawned[@]+"${all_spawned[@]}"}; do
        kill -KILL -- "-$pid" "$pid"
        wait "$pid"
    done 2>/dev/null
}

# One that has ended, but that this shell has not waited for yet, is not; on a slow machine that may last.
is_alive() {
    local stat
    read_stat "$1" && [[ ${stat[0]} != Z ]]
}

is_gone() {
    ! is_alive "$1"
}

# A pause without a process.
rest() { # SECONDS
    read -r -t "$1" -u "$idle" || :
}

# Until the command succeeds, for SLOW times SECONDS at most.
wait_for() { # SECONDS COMMAND...
    local end=$((SECONDS + $1 * SLOW))
    shift
    until "$@"; do
        ((SECONDS <= end)) || return 1
        rest 0.03
    done
}

# The exit status of what was spawned becomes $status.
reap() { # PID SECONDS
    wait_for "$2" is_gone "$1" || { explain "process $1 is still running after $(($2 * SLOW)) s"; return 1; }
    status=0
    wait "$1" || status=$?
}

microseconds() {
    echo "${EPOCHREALTIME/./}"
}

children_of() {
    local child children
    children=$(cat /proc/"$1"/task/*/children 2>/dev/null)
    for child in $children; do
        echo "$child"
        children_of "$child"
    done
}

# The fields of /proc/PID/stat from the state on, which is the third one, go to $stat.
read_stat() { # PID
    local line
    read -r line <"/proc/$1/stat" && read -ra stat <<<"${line##*) }"
} 2>/dev/null

# A pid with the time its process began: names one process for ever.
with_start() { # PID
    local stat
    read_stat "$1" && [[ ${stat[0]} != Z ]] && echo "$1 ${stat[22 - 3]}"
}

# The processes of those whose file FILE in /proc/PID has a line that the pattern matches. Whoever waits looks often, and to read
# the files here would cost ten times as much.
processes_like() { # FILE PATTERN
    cd /proc && grep -Els -- "$2" [0-9]*/"$1" | sed 's,/.*,,'
}

# The processes in whose /proc/PID/stat field number FIELD, from 4 on, is VALUE.
processes_where() { # FIELD VALUE
    (processes_like stat "\) [A-Za-z] ([-0-9]+ ){$(($1 - 4))}$2 ")
}
# shellcheck disable=SC2034 # for scripts
readonly PARENT=4 SESSION=6

explain_processes() { # PID...
    local pid
    for pid; do
        explain "  $pid $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")"
    done
}

# Every bpftrace that was started with -p PID.
tracers_of() { # PID
    local pid words
    for pid in $(processes_like comm '^bpftrace$'); do
        mapfile -t -d '' words <"/proc/$pid/cmdline"
        [[ " ${words[*]} " != *" -p $1 "* ]] || echo "$pid"
    done 2>/dev/null
}

# A process that runs `bpftrace --version` is a child of h2olog, too.
keeper_of() { # PID
    local pid
    for pid in $(cat "/proc/$1/task/$1/children"); do
        [[ $(<"/proc/$pid/comm") != h2olog-keeper ]] || echo "$pid"
    done
} 2>/dev/null

# ----------------------------------------------------------------------------------------------------------- the server

server_of() { # ERA
    [[ $1 == 2026 ]] && echo "$SERVER" || echo "$SERVERS-$1"
}

# For a script whose cases are not about probe sites. The kernel detaches them one after the other, 0.1 s each, for all tests that run.
use_single_sites() {
    SERVER=$SERVERS-single
}

# Starts the server with a script that `tell` writes; its pid is $server, its port $port.
start_server() { # [OPTION]...
    start_server_as "$SERVER" "$@"
}

start_server_as() { # PROGRAM [OPTION]...
    mkfifo "$dir/script" && exec {script}<>"$dir/script" || return
    spawn "$@" --lifetime "${LIFETIME:-$((300 * SLOW))}" --script - <"$dir/script" >"$dir/server.out" 2>"$dir/server.err"
    server=$spawned
    wait_for 5 grep -q '^listening' "$dir/server.out" || { explain "no server: $(<"$dir/server.err")"; return 1; }
    port=$(sed -n 's/^listening on 127.0.0.1:\([0-9]*\) .*/\1/p' "$dir/server.out")
}

# Lines for the server's script.
tell() {
    printf '%s\n' "$@" >&"$script"
}

# Waits until the server has done all that it was told.
milestone=0
server_is_done() { # [SECONDS]
    milestone=$((milestone + 1))
    tell "print milestone $milestone"
    wait_for "${1:-20}" has_line "milestone $milestone" "$dir/server.out" && return
    explain "the server is not done: $(<"$dir/server.err")"
    return 1
}

get() { # PATH [CURL OPTION]...
    local path=$1
    shift
    curl --silent --max-time $((5 * SLOW)) --http1.1 --user-agent test --output "$dir/body" "$@" \
        "http://127.0.0.1:$port$path" && return
    explain "curl cannot get $path"
    return 1
}

# --------------------------------------------------------------------------------------------------------------- h2olog

# Starts h2olog on the server and waits until it traces; its pid is $log.
start_log() { # [OPTION]...
    start_log_as "$H2OLOG" -p "$server" ${TRANSPORT:+"--transport=$TRANSPORT"} "$@"
}

start_log_as() { # COMMAND...
    spawn "$@" -d >"$dir/out" 2>"$dir/err"
    log=$spawned
    log_is_ready
}

log_is_ready() {
    wait_for 60 is_ready_or_gone
    if ! is_ready; then
        explain "h2olog does not trace:" && show "$dir/err"
        return 1
    fi
    descendants=$(for pid in $(children_of "$log"); do with_start "$pid" || :; done) # one may have ended by now
}

# Without a process, as many wait for it.
is_ready() {
    local parts
    mapfile -t -d '' parts <"$dir/err"
    [[ $'\n'${parts[*]} =~ $'\n''h2olog: tracing pid '[0-9]+ && ${parts[*]} == *'h2olog: tracing; Ctrl-C ends'* ]]
}

is_ready_or_gone() {
    is_ready || is_gone "$log"
}

has_line() { # LINE FILE
    grep -Faqx -- "$1" "$2"
}

# Ends h2olog; it must be gone soon, with status 0.
stop_log() { # [SIGNAL]
    kill -"${1:-INT}" "$log" || { explain "h2olog has ended before:"; show "$dir/err"; return 1; }
    reap "$log" 10 && status_is 0
}

# The same for many probes, which take the kernel long to detach.
end_log() { # [SECONDS]
    kill -INT "$log" && reap "$log" "${1:-60}" && status_is 0
}

# How many events the summary says were lost.
count_lost() {
    sed -n 's/.* events; \(at least \)\?\([0-9]*\) lost.*/\2/p' "$dir/err"
}

has_one_tracer() {
    tracer=$(tracers_of "$server")
    [[ $tracer =~ ^[0-9]+$ ]]
}

# The pid of h2olog's bpftrace becomes $tracer. It may have forked for a moment.
find_tracer() {
    wait_for 5 has_one_tracer || { explain "not one bpftrace, but: $tracer"; return 1; }
}

# Stops bpftrace. A pause that h2olog itself has begun ends with its going on, so it is stopped until it stays so.
freeze_tracer() {
    find_tracer && wait_for 5 stays_stopped "$tracer"
}

stays_stopped() { # PID
    local stat
    kill -STOP "$1" || return
    rest 0.2 # a pause takes 18 ms, and whoever ends it may be late
    read_stat "$1" && [[ ${stat[0]} == T ]]
}

# Whether h2olog has taken every signal that it was sent.
has_taken_signals() {
    ! grep -q '^ShdPnd:.*[1-9a-f]' "/proc/$log/status" 2>/dev/null
}

has_count() { # COUNT
    [[ $(wc -l <"$dir/out") -ge $1 ]]
}

status_is() { # STATUS
    [[ $status == "$1" ]] && return
    explain "exit status $status instead of $1, and on stderr:"
    show "$dir/err"
    return 1
}

# Nothing that h2olog started is there any more, and nothing else that traces the server.
nothing_left() { # [SECONDS]
    wait_for "${1:-10}" is_nothing_left && return
    explain "these are left:"
    # shellcheck disable=SC2046 # one argument a pid
    explain_processes $(left_behind)
    return 1
}

# The search for others is dear.
is_nothing_left() {
    local pid start
    while read -r pid start; do
        [[ -n $pid ]] && is_alive "$pid" && [[ $(with_start "$pid") == "$pid $start" ]] && return 1
    done <<<"$descendants"
    [[ -z $(left_behind) ]]
}

left_behind() {
    local pid start
    while read -r pid start; do
        [[ -n $pid && $(with_start "$pid") == "$pid $start" ]] && echo "$pid"
    done <<<"$descendants"
    tracers_of "$server"
}

# The probes' semaphores are zero again.
probes_are_off() { # [SECONDS]
    tell "wait-gone h2o:receive_request" "wait-gone h2o:receive_request_header" \
        "wait-gone h2o:send_response" "wait-gone h2o:send_response_header" "print probes are off"
    wait_for "${1:-2}" has_line "probes are off" "$dir/server.out" && return
    explain "the server still fires its probes"
    return 1
}

# Every message on stderr says whose it is, and none tells of a loss.
messages_are_clean() {
    if grep -av '^h2olog: ' "$dir/err" || grep -Eai '^h2olog: .*([1-9][0-9]* (events were )?lost|[1-9][0-9]* damaged)' "$dir/err"; then
        return 1
    fi >"$dir/unclean"
    return 0
}

# -------------------------------------------------------------------------------------------- programs that need no h2olog

# Runs $dir/program.bt and waits until it traces; `printed` is what it prints.
start_program() {
    echo 'interval:ms:50 { printf("attached\n"); }' >>"$dir/program.bt"
    spawn bpftrace -q --no-warnings -p "$server" "$dir/program.bt" >"$dir/standalone" 2>"$dir/standalone.err"
    wait_for 30 has_line attached "$dir/standalone" || { explain "the program does not run:" && show "$dir/standalone.err"; return 1; }
}

# All that was fired is printed: bpftrace reads the buffers of all CPUs in turn, and has gone around twice.
program_is_done() {
    local marks
    marks=$(count_marks)
    wait_for 10 has_marks $((marks + 3))
}

count_marks() {
    grep -ac attached "$dir/standalone"
}

has_marks() { # COUNT
    [[ $(count_marks) -ge $1 ]]
}

# Has bpftrace compile a program, and no more.
dry_run() { # ARGUMENT...
    local option=--dry-run
    ! is_before 23 || option=-d
    bpftrace "$option" "$@"
}

# Its mark may stand in the midst of a record that takes several printf.
printed() {
    perl -0777 -pe 's/attached\n//g' "$dir/standalone"
}

# ------------------------------------------------------------------------------------------------------ the events of an era

tests=$(cd "$(dirname "$0")" && pwd)
probes=$tests/../probes
readonly tests probes


# Runs expect.awk for an era; what follows are its variables and, last, a file if it needs one.
expectation() { # ERA VARIABLE=VALUE... [FILE]
    local variables=() era=$1
    shift
    while [[ ${1:-} == *=* ]]; do
        variables+=(-v "$1")
        shift
    done
    awk -v limit="$TEXT_LIMIT" "${variables[@]}" -f "$tests/expect.awk" "$tests/server/probes-$era.def" "$probes"/*.probes "$@"
}

# Header names with any one byte first, in the midst and last, each with a value of its own: as a script that fires them, or the
# values of those that are names.
any_byte_in_names() { # fire|shown
    perl -e 'for $byte (0 .. 255) {
        for $at (0, 3, 6) {
            my ($name, $value) = ("cookie", sprintf "secret-%02x-%d", $byte, $at);
            substr($name, $at, 0) = sprintf "\\x%02x", $byte;
            my $is_good = chr($byte) =~ /[!#\$%&\x27*+.^_`|~0-9A-Za-z-]/ || ($byte == 58 && $at == 0);
            print "fire h2o:receive_request_header 1 2 \"$name\" len \"$value.\" len\n" if $ARGV[0] eq "fire";
            print "$value\n" if $ARGV[0] eq "shown" && $is_good;
        }
    }' "$1"
}

# Those values are in the file, and no others.
has_values_of_names() { # FILE
    any_byte_in_names shown >"$dir/shown"
    grep -ao 'secret-[0-9a-f][0-9a-f]-[0-9]' "$1" | sort >"$dir/values"
    same "$dir/shown" "$dir/values"
}

milliseconds() {
    date +%s%3N
}

# Has the server run a script and prints what it did last, so that all before it has come when that has.
fire_file() { # FILE
    cat "$1" >&"$script" && server_is_done 60
}

# The same in portions of COUNT lines, for which bpftrace has time on a slow machine. COMMAND, with how many events were fired so far
# behind it, is done after each.
fire_in_portions() { # FILE COUNT COMMAND...
    local lines fired=0
    while mapfile -t -n "$2" lines && [[ ${#lines[@]} != 0 ]]; do
        tell "${lines[@]}"
        fired=$((fired + $(printf '%s\n' "${lines[@]}" | grep -c ^fire)))
        server_is_done 60 && "${@:3}" "$fired" || return
    done <"$1"
}

# Everything that the server has, secrets named.
options_for_all() { # ERA
    secrets=$(expectation "$1" mode=secrets | paste -sd,)
    options=(all -a -t 'h2o:*,quicly:*' -t 'picotls:*' -t "$secrets")
}

# ---------------------------------------------------------------------------------------------------------- expectation

# Lines that h2olog is to print.
expect() {
    printf '%s\n' "$@" >>"$dir/expected"
}

# The request and response headers that the test server adds to those of the client.
expect_request() { # CONN REQ METHOD PATH
    expect "$1 $2 RxProtocol HTTP/1.1" "$1 $2 RxHeader   :authority 127.0.0.1:$port" "$1 $2 RxHeader   :method $3" \
        "$1 $2 RxHeader   :path $4" "$1 $2 RxHeader   :scheme http"
}

expect_response() { # CONN REQ STATUS LENGTH
    expect "$1 $2 TxStatus   $3" "$1 $2 TxHeader   content-length $4" "$1 $2 TxHeader   content-type text/plain" \
        "$1 $2 TxHeader   server usdt-server"
}

# Has the server fire a last event, waits for its line, ends h2olog and compares all that it printed.
prints_expected() {
    local last="0 0 TxStatus   299"
    expect "$last"
    tell "fire h2o:send_response 0 0 299"
    wait_for 20 has_line "$last" "$dir/out" || explain "the last event's line did not come"
    stop_log && has_printed_expected
}

has_printed_expected() {
    same "$dir/expected" "$dir/out" && messages_are_clean && return
    [[ ! -s $dir/unclean ]] || { explain "unexpected on stderr:" && show "$dir/unclean"; }
    return 1
}

# Byte by byte.
same() { # EXPECTED ACTUAL
    cmp "$1" "$2" >"$dir/cmp" 2>&1 && return
    sed 's/^/# /' "$dir/cmp"
    diff -a -u "$1" "$2" | cat -v | cut -c1-200 | head -n 20 | sed 's/^/# /'
    return 1
}

# 60 requests, of /0 to /9, the more of a path the higher its number; 7 of them failed, and one had no response.
dispose_requests() {
    local i path status http conn=0
    for i in 0 1 2 3 4 5 6 7 8 9; do
        for ((path = 0; path <= i; path++)); do
            status=200
            [[ $i$path == ?[67] ]] && status=404
            conn=$((conn + 1)) http=$((conn % 3 + 1))
            echo "dispose $http $conn 1 0x${http}00 $status 100 \"GET\" \"/$i\" \"a.test\" sockaddr(127.0.0.$((i % 2 + 1)):4001) null response"
        done
    done >"$dir/fired"
    echo 'dispose 1 99 1 0x101 0 0 "GET" "/gone" "a.test" null null' >>"$dir/fired"
    fire_file "$dir/fired"
}

# h2olog for $server ends at once with the status, and says the message.
is_refused() { # STATUS MESSAGE OPTION...
    timeout 60 "$H2OLOG" "${@:3}" -p "$server" >"$dir/out" 2>"$dir/err"
    [[ $? == "$1" ]] && grep -qF -e "$2" "$dir/err" || { explain "${*:3}"; show "$dir/err"; return 1; }
}

show() { # FILE
    cat -v "$1" | cut -c1-300 | head -n 20 | sed 's/^/#   /'
}

# LENGTH bytes of text in which every place looks different: 00000 00001 00002 ... without the blanks.
text() { # LENGTH
    printf '%s' "${places:0:$1}"
}
printf -v places '%05d' {0..13108} # 65,545 digits

# How stdin's bytes are printed if they are no valid UTF-8 from 0x80 on.
escaped_bytes() {
    perl -0777 -pe 's/([\0-\x1f\x7f-\xff])|\\/defined $1 ? sprintf "\\x%02x", ord $1 : "\\\\"/ge'
}

# ------------------------------------------------------------------------------------------------------ several servers

# Starts another server in a directory of its own; its pid is $other, its script $other_script, and what it says in $other_out.
start_other() { # PROGRAM [OPTION]...
    local here=$dir first=$server first_script=$script ok=0
    dir=$here/other-$((++others))
    mkdir "$dir" && start_server_as "$@" || ok=1
    other=$server other_script=$script other_out=$dir/server.out
    dir=$here server=$first script=$first_script
    return "$ok"
}
others=0

fire_at() { # SCRIPT-FD CONN COUNT
    echo "repeat $3 0 fire h2o:receive_request $2 i 0x101" >&"$1"
    echo "print fired $2" >&"$1"
}

lines_of() { # CONN COUNT
    seq -f "$1 %.0f RxProtocol HTTP/1.1" 0 $(($2 - 1))
}

are_traced() { # COUNT
    grep -qx 'h2olog: tracing; Ctrl-C ends' "$dir/err" && [[ $(grep -Ec '^h2olog: tracing pid [0-9]+ \(.*\), probes attached' "$dir/err") -ge $1 ]]
}

#!/bin/bash
# What h2olog says, and with which status it ends, when it is given what it cannot use; and how it finds its process.
# shellcheck disable=SC2015,SC2016,SC2317 # A && B || C; ${...} of the catalogue; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
use_single_sites

templates=$(cd "$(dirname "$0")/../templates" && pwd)

# Runs a command to its end, in a session of its own, for SLOW times 20 s at most; its status becomes $status.
run() { # COMMAND...
    status=0
    timeout $((20 * SLOW)) setsid --wait bash -c 'echo $$ >"$0"; exec "$@"' "$dir/session" "$@" >"$dir/out" 2>"$dir/err" ||
        status=$?
    wait_for 15 session_is_over && return # the kernel may still detach the probes of a bpftrace that was killed
    # shellcheck disable=SC2046 # one argument a pid
    explain "left running:" && explain_processes $(session) && kill -KILL $(session)
    return 1
}

session() {
    processes_where "$SESSION" "$(<"$dir/session")"
}

session_is_over() {
    [[ -z $(session) ]]
}

# The command ends with STATUS and one message; after "h2olog: " it has what PATTERN says.
fails() { # STATUS PATTERN COMMAND...
    local expected=$1 pattern=$2
    shift 2
    run "$@" && status_is "$expected" && is_empty "$dir/out" || return
    sed -i '/^h2olog: attaching /d' "$dir/err"
    [[ $(wc -l <"$dir/err") == 1 ]] && grep -Eq -- "^h2olog: .*($pattern)" "$dir/err" && return
    explain "not one message that matches $pattern:" && show "$dir/err"
    return 1
}

is_empty() { # FILE
    [[ ! -s $1 ]] && return
    explain "unexpected output:" && show "$1"
    return 1
}

succeeds() { # COMMAND...
    run "$@" && status_is 0 && is_empty "$dir/err"
}

# The same on the server's process.
fails_on_server() { # STATUS PATTERN COMMAND...
    start_server && fails "$@" -p "$server" && probes_are_off
}

has_lines() { # PATTERN...
    local pattern
    for pattern; do
        grep -Eq -- "$pattern" "$dir/out" && continue
        explain "no line matches $pattern:" && show "$dir/out"
        return 1
    done
}

# ----------------------------------------------------------------------------------------------------- the command line

prints_help() {
    succeeds "$H2OLOG" "$1" &&
        has_lines '^Usage: h2olog' '-p, --pid ' '-d, --debug ' '-l, --list ' '--emit-script\[=' '--bpftrace ' \
            '--probes ' '--templates ' '-h, --help ' '-V, --version ' '-H, --http '
}

prints_version() {
    succeeds "$H2OLOG" "$1" && has_lines '^h2olog [0-9]+\.[0-9]+' && [[ $(wc -l <"$dir/out") == 1 ]]
}

prints_list() { # COMMAND...
    succeeds "$@" && has_lines '^h2o:receive_request .*conn_id.*req_id.*http_version' \
        '^h2o:receive_request_header .*conn_id.*req_id.*name.*value' '^h2o:send_response .*conn_id.*req_id.*status' \
        '^h2o:send_response_header .*conn_id.*req_id.*name.*value'
}

# A probe that the server has, and one that it has not.
lists_process() {
    local -a about=(' tag A' ' group http' ' summary A.' ' arg 0 conn_id u64' ' line ${conn_id}')
    mkdir "$dir/probes" || return
    printf '%s\n' 'provider h2o' 'probe receive_request' "${about[@]}" 'probe never' "${about[@]}" \
        >"$dir/probes/a.probes"
    start_server && succeeds "$H2OLOG" -l --probes "$dir/probes" -p "$server" &&
        has_lines '^\+ h2o:receive_request ' '^- h2o:never '
}

prints_script() {
    succeeds "$H2OLOG" --emit-script && has_lines 'usdt:.*:h2o:receive_request$' 'usdt:.*:h2o:receive_request_header$' \
        'usdt:.*:h2o:send_response$' 'usdt:.*:h2o:send_response_header$'
}

# bpftrace itself takes the program and prints what it is to.
script_runs() {
    start_server && succeeds "$H2OLOG" --emit-script -p "$server" && mv "$dir/out" "$dir/program.bt" || return
    spawn bpftrace -p "$server" "$dir/program.bt" >"$dir/traced" 2>"$dir/err"
    tell "wait h2o:receive_request" "wait h2o:receive_request_header" "wait h2o:send_response" \
        "wait h2o:send_response_header"
    server_is_done || return
    wait_for 10 fires_into "$dir/traced" || { show "$dir/traced" && show "$dir/err"; return 1; }
    kill -INT "$spawned" && reap "$spawned" 10
}

fires_into() { # FILE
    tell 'fire h2o:receive_request_header 1 1 "a-name" len "a-value" len'
    grep -aq 'a-name.*a-value' "$1"
}

# ------------------------------------------------------------------------------------------------------------ processes

without_probes() {
    spawn sleep 60
    fails 3 "$spawned.*-DWITH_DTRACE=on" "$H2OLOG" -p "$spawned"
}

kernel_thread() {
    [[ $(cat /proc/2/comm 2>/dev/null) == kthreadd ]] || { skip "pid 2 is no kernel thread"; return; }
    fails 3 "process 2 " "$H2OLOG" -p 2
}

dead_process() {
    spawn perl -e 'defined(my $pid = fork) or die; exit if $pid == 0; sleep 60'
    local zombie
    wait_for 5 has_zombie "$spawned" && zombie=$(processes_where "$PARENT" "$spawned") || return
    fails 3 "process $zombie " "$H2OLOG" -p "$zombie"
}

has_zombie() { # PARENT
    local stat
    read_stat "$(processes_where "$PARENT" "$1")" && [[ ${stat[0]} == Z ]]
}

# --------------------------------------------------------------------------------------------------------------- rights

# A copy that anybody may run.
unprivileged() { # STATUS PATTERN [OPTION]...
    local status=$1 pattern=$2
    shift 2
    cp "$H2OLOG" "$dir/h2olog" && chmod 755 "$dir" "$dir/h2olog" || return
    fails "$status" "$pattern" "${as_nobody[@]}" "$dir/h2olog" "$@"
}

as_nobody=(env)
[[ $EUID != 0 ]] || as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

lists_unprivileged() {
    cp "$H2OLOG" "$dir/h2olog" && chmod 755 "$dir" "$dir/h2olog" && prints_list "${as_nobody[@]}" "$dir/h2olog" --list
}

not_my_process() {
    start_server && unprivileged 4 "$server.*root" -l -p "$server"
}

# ------------------------------------------------------------------------------------------------------------- bpftrace

# O3: the program was kept in part, and that was "Success".
small_files() {
    start_server && fails 4 'cannot keep the program in memory: File too large; allow larger files, as with ulimit -f unlimited' \
        bash -c 'ulimit -f 1; exec "$@"' - "$H2OLOG" -p "$server"
}

# O3: bpftrace was killed by signal 6. A root that may raises the limit.
few_files() {
    local command=(bash -c 'ulimit -n 64; exec "$@"' - "$H2OLOG" --quiet all --duration 1)
    start_server || return
    if (ulimit -n 64 && ulimit -n 128) 2>/dev/null; then
        succeeds "${command[@]}" -p "$server"
    else
        fails 4 'bpftrace needs [0-9]+ open files at least for [0-9]+ probes, and may have 64; allow more, as with ulimit -n 65536, or trace fewer events with -t$' "${command[@]}" -p "$server"
    fi
}

# O3: without these it was "Error attaching probe", or another error without its cause.
lacks_capabilities() {
    local without=-sys_admin,-bpf,-perfmon,-sys_resource
    setpriv --bounding-set "$without" --inh-caps "$without" true 2>"$dir/setpriv" || { skip "setpriv: $(<"$dir/setpriv")"; return; }
    start_server && fails 4 'CAP_(SYS_ADMIN|BPF|PERFMON|IPC_LOCK)' setpriv --bounding-set "$without" --inh-caps "$without" "$H2OLOG" --quiet -p "$server"
}

# A program that is called bpftrace, with the lines as its text.
fake_bpftrace() { # LINE...
    mkdir -p "$dir/bin" && printf '%s\n' '#!/bin/sh' "$@" >"$dir/bin/bpftrace" && chmod +x "$dir/bin/bpftrace"
}

# O4: the program was for another bpftrace than the one that is here, without a word.
other_bpftrace() { # PATTERN
    PATH=$dir/bin:$PATH run "$H2OLOG" --emit-script && status_is 0 && has_lines '^usdt:.*:h2o:receive_request$' || return
    [[ $(wc -l <"$dir/err") == 1 ]] && grep -Eq "^h2olog: the program is for bpftrace 0\.[0-9]+, as $1" "$dir/err" || { show "$dir/err"; return 1; }
    PATH=$dir/bin:$PATH run "$H2OLOG" --emit-script --quiet && status_is 0 && is_empty "$dir/err"
}

old_bpftrace() {
    fake_bpftrace 'echo bpftrace v0.11.4' && other_bpftrace "$dir/bin/bpftrace is bpftrace 0\.11\.4"
}

untrusted_bpftrace() {
    [[ $EUID == 0 ]] || { skip "not root"; return; }
    fake_bpftrace 'echo bpftrace v0.17.0' && chown 4321 "$dir/bin/bpftrace" && other_bpftrace "bpftrace on PATH: others than root can change $dir/bin/bpftrace"
}

no_bpftrace() {
    mkdir "$dir/empty" && fails_on_server 4 'bpftrace.*install' env PATH="$dir/empty" "$(realpath "$H2OLOG")"
}

fake() { # STATUS PATTERN LINE...
    local status=$1 pattern=$2
    shift 2
    fake_bpftrace "$@" && fails_on_server "$status" "$pattern" "$H2OLOG" --bpftrace "$dir/bin/bpftrace"
}

not_executable() {
    : >"$dir/file" && fails_on_server 4 "$dir/file" "$H2OLOG" --bpftrace "$dir/file"
}

# The first bpftrace on PATH is the one that is asked.
first_on_path() {
    fake_bpftrace 'echo bpftrace v0.11.4' && PATH=$dir/bin:$PATH fails_on_server 4 "$dir/bin/bpftrace.*0\.12" "$H2OLOG"
}

# Refuses, as a kernel would, every program whose loops go beyond 512 bytes.
smaller_program() { # TRANSPORT
    fake_bpftrace 'for file; do :; done' \
        'case $1 in --version) ;; *) grep -Eq "at < 576|pieces2 > 7" "$file" || { echo "ERROR: Error loading program: x" >&2; exit 255; } ;; esac' \
        "exec $(command -v bpftrace) \"\$@\""
    start_server && start_log --bpftrace "$dir/bin/bpftrace" --transport="$1" || return
    grep -q "^h2olog: the program for pid $server is refused as too large; trying a smaller one, which shows 512 bytes of a text at most" "$dir/err" ||
        { explain "not said:" && show "$dir/err"; return 1; }
    tell "fire h2o:receive_request_header 5 1 \"$(text 600)\" len \"$(text 512)\" len" \
        "fire h2o:receive_request_header 5 2 \"name\" len \"$(text 600)\" len" "fire h2o:receive_request_header 5 3 \"a\" len \"$(text 300)\\x00b\" len"
    expect "5 1 RxHeader   $(text 512)\\[88 bytes cut] $(text 512)" "5 2 RxHeader   name $(text 512)\\[88 bytes cut]" "5 3 RxHeader   a $(text 300)\\[2 bytes cut]"
    prints_expected && nothing_left
}

readonly IS_0_17='[ "$1" = --version ] && { echo bpftrace v0.17.0; exit; }'

# Found when the signals were blocked for the minute that bpftrace --version may take.
slow_version_is_interrupted() {
    fake_bpftrace "echo x >$dir/begun" 'exec sleep 30'
    start_server || return
    spawn "$H2OLOG" -p "$server" --bpftrace "$dir/bin/bpftrace"
    wait_for 10 test -s "$dir/begun" && kill -INT "$spawned" && reap "$spawned" 5 || return
    [[ $status == 130 ]] || { explain "status $status instead of 130"; return 1; }
}

# With --quiet the error is the only message.
smaller_program_is_refused() {
    fake_bpftrace "$IS_0_17" "echo x >>$dir/starts" 'echo ERROR: Error loading program: x >&2; exit 255'
    fails_on_server 4 "bpftrace ended before it could trace: ERROR: Error loading program: x; the kernel's verifier refused the program" \
        "$H2OLOG" --quiet --bpftrace "$dir/bin/bpftrace" || return
    [[ $(wc -l <"$dir/starts") == 2 ]] || { explain "it was started $(wc -l <"$dir/starts") times"; return 1; }
}

# A server that ends between the two starts takes nothing from the other one; what still holds bpftrace's pipe delays the second.
smaller_program_is_too_late() {
    start_server && spawn "$SERVER" --lifetime 60 >"$dir/other.out" 2>&1 || return
    local other=$spawned h2olog
    wait_for 5 grep -q '^listening' "$dir/other.out" || return
    fake_bpftrace 'for file; do :; done' "case \$1 in --version) ;; *)" "case \$* in *'-p $other '*) until grep -q 'tracing pid $server' $dir/err; do sleep 0.1; done" \
        "echo 'ERROR: Error loading program: x' >&2; { sleep 0.3; kill $other; sleep 0.4; } & exit 255 ;; esac ;; esac" "exec $(command -v bpftrace) \"\$@\""
    spawn "$H2OLOG" -d -p "$other,$server" --bpftrace "$dir/bin/bpftrace" >"$dir/out" 2>"$dir/err"
    h2olog=$spawned
    wait_for 20 grep -q "pid $other is refused as too large" "$dir/err" && wait_for 20 is_gone "$other" && rest 1 || { show "$dir/err"; return 1; }
    tell "fire h2o:receive_request_header 5 1 \"name\" len \"value\" len"
    expect "5 1 RxHeader   name value"
    wait_for 5 grep -q RxHeader "$dir/out" && kill -INT "$h2olog" && wait_for 10 is_gone "$h2olog" && wait "$h2olog"
    [[ $? == 3 ]] && grep -q "h2olog: pid $other has ended before it could be traced" "$dir/err" && grep -Eq '^([0-9]+ )?5 1 RxHeader   name value' "$dir/out" ||
        { show "$dir/out" "$dir/err"; return 1; }
}

# --------------------------------------------------------------------------------------------- catalogues and templates

# The catalogue is refused where a @ stands in the lines.
bad_catalogue() { # PATTERN LINE...
    local pattern=$1 place
    shift
    mkdir "$dir/probes" && printf '%s\n' "$@" >"$dir/marked" && tr -d @ <"$dir/marked" >"$dir/probes/own.probes"
    place=$(awk 'at = index($0, "@") { print NR ":" at }' "$dir/marked")
    fails 2 "$dir/probes/own\.probes:$place: .*$pattern" "$H2OLOG" -l --probes "$dir/probes"
}

no_catalogue() {
    mkdir "$dir/empty" && fails 2 "$dir/empty.*\.probes" "$H2OLOG" -l --probes "$dir/empty" &&
        fails 2 "$dir/none.*No such file" "$H2OLOG" -l --probes "$dir/none"
}

readonly PROBE=('provider h2o' 'probe receive_request' '    tag      RxProtocol' '    group    http'
    '    summary  A request.')

copy_templates() {
    mkdir "$dir/templates" && cp "$templates"/*.bt "$dir/templates" && chmod u+w "$dir/templates"/*.bt
}

# The template is refused at TEXT, in the line after its last.
bad_template() { # PATTERN TEXT
    local lines
    copy_templates && lines=$(wc -l <"$templates/program.bt") || return
    echo "// $2" >>"$dir/templates/program.bt"
    fails 2 "$dir/templates/program\.bt:$((lines + 1)):[0-9]+: .*($1)" \
        "$H2OLOG" --emit-script=wire --templates "$dir/templates"
}

no_template() {
    copy_templates && rm "$dir/templates/program.bt" || return
    fails 2 'program\.bt' "$H2OLOG" --emit-script=wire --templates "$dir/templates"
}

# -------------------------------------------------------------------------------------------- which process, without -p

finds_none() {
    fails 3 'h2o.*-p PID' "$H2OLOG"
}

# The process is named without -d too.
finds_only_one() {
    start_server && finds_server
}

finds_server() {
    spawn "$H2OLOG" >"$dir/out" 2>"$dir/err"
    log=$spawned
    wait_for 10 is_traced && descendants=$(for pid in $(children_of "$log"); do with_start "$pid"; done) &&
        stop_log && nothing_left || return
    sed -n 1p "$dir/err" | grep -Eqx "h2olog: attaching [0-9]+ probes to pid $server \(.*usdt-server.*\)" && return
    show "$dir/err"
    return 1
}

is_traced() {
    [[ -n $(tracers_of "$server") ]]
}

# As h2o does it for the keys of TLS.
finds_parent() {
    start_server_as bash -c '"$0" --lifetime 60 >/dev/null & exec "$@"' "$SERVER" "$SERVER" &&
        [[ $(children_of "$server") ]] && finds_server
}

finds_two() {
    local pids=()
    for _ in 1 2; do
        spawn "$SERVER" --lifetime 60 >"$dir/server.out"
        pids+=("$spawned")
        wait_for 5 grep -q '^listening' "$dir/server.out" || return
    done
    run "$H2OLOG" && status_is 2 && is_empty "$dir/out" && grep -Eq '^h2olog: .*-p PID' "$dir/err" &&
        grep -Eq "\b${pids[0]}\b.*usdt-server-single --lifetime 60" "$dir/err" &&
        grep -Eq "\b${pids[1]}\b.*usdt-server-single --lifetime 60" "$dir/err" && return
    show "$dir/err"
    return 1
}

run_alone "$@"

# ------------------------------------------------------------------------------------------------------------ the cases

test_case "-h prints the help" prints_help -h
test_case "--help prints the help" prints_help --help
test_case "-V prints the version" prints_version -V
test_case "--version prints the version" prints_version --version
test_case "-l lists every probe with its fields" prints_list "$H2OLOG" -l
test_case "-l needs no rights" lists_unprivileged
live_case "-l -p PID says which probes the process has" lists_process
test_case "--emit-script prints a program" prints_script
live_case "bpftrace runs the program of --emit-script -p PID" script_runs

test_case "an unknown long option" fails 2 '--colour' "$H2OLOG" --colour
test_case "an unknown short option" fails 2 '-Z' "$H2OLOG" -Z
test_case "an unknown command" fails 2 'frob' "$H2OLOG" frob
test_case "a superfluous word" fails 2 'frob' "$H2OLOG" http frob
test_case "an option without its argument" fails 2 '-p' "$H2OLOG" -p
test_case "a long option without its argument" fails 2 '--bpftrace' "$H2OLOG" --bpftrace
for number in "" 0 -1 +1 abc 12x 1.5 " 1" 0x10 2147483648 99999999999999999999; do
    test_case "a process id that is none: '$number'" fails 2 'process id' "$H2OLOG" -p "$number"
done

live_case "files may not grow" small_files
live_case "there may be few open files" few_files
live_case "a root without capabilities" lacks_capabilities
test_case "a closed stdout" fails 1 'stdout is closed' bash -c '"$@" >&-' - "$H2OLOG" --replay "$top_srcdir/tests/data/h2o-2026.rec"
test_case "a stdout that is read" fails 1 'stdout is closed' bash -c '"$@" 1</dev/null' - "$H2OLOG" --replay "$top_srcdir/tests/data/h2o-2026.rec"
live_case "a process that does not exist" fails 3 2147483647 "$H2OLOG" -p 2147483647
live_case "a process without h2o's probes" without_probes
live_case "a kernel thread" kernel_thread
live_case "a dead process" dead_process

test_case "not root" unprivileged 4 'root' -p 1
test_case "not root, and no process named" unprivileged 4 'root'
live_case "another user's process" not_my_process

live_case "no bpftrace on PATH" no_bpftrace
live_case "--bpftrace names nothing" fails_on_server 4 /none/bpftrace "$H2OLOG" --bpftrace /none/bpftrace
live_case "--bpftrace names what cannot be run" not_executable
live_case "--bpftrace names what is no bpftrace" fails_on_server 4 /bin/false "$H2OLOG" --bpftrace /bin/false
live_case "a program that says something else than its version" fake 4 'bin/bpftrace.*hello' 'echo hello'
live_case "a bpftrace that is too old" fake 4 '0\.11\.4.*0\.12' 'echo bpftrace v0.11.4'
live_case "the first bpftrace on PATH is too old" first_on_path
test_case "a program where bpftrace is too old" old_bpftrace
test_case "a program where bpftrace is another user's" untrusted_bpftrace
live_case "a kernel that refuses the program is given a smaller one" smaller_program stream
live_case "the same with records in maps" smaller_program batch
live_case "a kernel that refuses the smaller program, too" smaller_program_is_refused
live_case "a server that ends before its smaller program is started" smaller_program_is_too_late
live_case "an interrupt while bpftrace --version takes its time" slow_version_is_interrupted
live_case "a bpftrace that fails" fake 1 'ERROR: no luck' "$IS_0_17" 'echo ERROR: no luck >&2; exit 1'
live_case "a bpftrace that is newer than any that was tried, and refuses the program" fake 1 'syntax error.*0\.99 is newer than any' \
    '[ "$1" = --version ] && { echo bpftrace v0.99.0; exit; }' 'echo "stdin:1:2: ERROR: syntax error, unexpected while" >&2; exit 1'
live_case "a bpftrace that ends at once" fake 1 'bpftrace ended' "$IS_0_17"
live_case "a bpftrace that is killed at once" fake 143 'bpftrace.*signal 15' "$IS_0_17" 'kill -TERM $$'

test_case "a catalogue with an unknown word" bad_catalogue colour "${PROBE[@]}" '    @colour   blue'
test_case "a catalogue with an unknown line" bad_catalogue supplier '# comment' '@supplier h2o'
test_case "a catalogue with an unknown type" bad_catalogue u128 "${PROBE[@]}" '    arg 0    conn_id       @u128'
test_case "a catalogue with a bad number" bad_catalogue zero "${PROBE[@]}" '    arg @zero conn_id       u64'
test_case "a catalogue with an unknown flag" bad_catalogue sized "${PROBE[@]}" '    arg 0    conn_id  u64  @sized=1'
test_case "a catalogue with too many words" bad_catalogue more "${PROBE[@]}" '    now      other  @more'
test_case "a catalogue with a probe before any provider" bad_catalogue provider '@probe receive_request'
test_case "a catalogue with a field in a line that is not there" bad_catalogue req_id "${PROBE[@]}" \
    '    arg 0    conn_id       u64' '    line     ${conn_id} ${@req_id}'
test_case "no catalogue" no_catalogue
test_case "a template with an unknown name" bad_template colour '${colour}'
test_case "a template with an unfinished name" bad_template '}' '${nonce'
test_case "no template" no_template

live_case "no process has h2o's probes" alone finds_none
live_case "one process has: it is traced, and named" alone finds_only_one
live_case "a child of the same executable is no other server" alone finds_parent
live_case "two have: both are listed" alone finds_two

done_testing

#!/bin/bash
# What an operator relies on: rights that are given up, several servers and those that come later, output files, redaction, losses.
# shellcheck disable=SC2015,SC2016,SC2317 # A && B || C; $1 of an inner shell; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
use_single_sites

# --------------------------------------------------------------------------------------------------------------- rights

status_field() { # PID FIELD
    sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' ' | sed 's/ *$//'
}

has_status() { # PID FIELD VALUE
    local value
    value=$(status_field "$1" "$2")
    [[ $value == "$3" ]] && return
    explain "$2 of $1 ($(<"/proc/$1/comm")) is \"$value\" instead of \"$3\""
    return 1
}

four_times() {
    echo "$1 $1 $1 $1"
}

# The two processes below h2olog: $keeper and $tracer.
find_processes() {
    keeper=$(children_of "$log" | sed -n 1p)
    [[ $keeper ]] || { explain "h2olog has no keeper"; return 1; }
    find_tracer && [[ $tracer == $(children_of "$keeper") ]] && return
    explain "the keeper has no tracer"
    return 1
}

# Whoever reads what the server says has UID and GID, and nothing else; the others are root.
reads_as() { # UID GID COMMAND...
    local uid=$1 gid=$2
    shift 2
    start_server && start_log_as "$@" -p "$server" && find_processes || return
    has_status "$log" Uid "$(four_times "$uid")" && has_status "$log" Gid "$(four_times "$gid")" || return
    has_status "$log" Groups "" && has_status "$log" NoNewPrivs 1 && has_status "$log" CapEff 0000000000000000 &&
        has_status "$log" CapPrm 0000000000000000 || return
    has_status "$keeper" Uid "0 0 0 0" && has_status "$tracer" Uid "0 0 0 0" || return
    tell 'fire h2o:receive_request 1 2 0x101'
    expect '1 2 RxProtocol HTTP/1.1'
    wait_for 5 has_line '1 2 RxProtocol HTTP/1.1' "$dir/out"
    stop_log && has_printed_expected && nothing_left
}

# Becomes a command, where there is the user that the package makes.
with_own_user() { # COMMAND...
    { grep -v ^_h2olog: /etc/passwd && echo _h2olog:x:4331:4332::/nonexistent:/usr/sbin/nologin; } >"$dir/passwd"
    exec unshare --mount bash -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$dir/passwd" "$@"
}

# What waitpid(2) tells of a command that waits for its input when SIGABRT ends it: 6, and 128 more with a core.
abort_status() { # COMMAND...
    (cd "$dir" && ulimit -c unlimited && perl -e 'pipe(my $in, my $out) or die; my $pid = fork // die;
        if (!$pid) { open(STDIN, "<&", $in) or die; exec @ARGV or die }
        my ($name, $state) = ("", "");
        while ($state ne "S" || $name eq "perl") {
            select(undef, undef, undef, 0.01); open(my $stat, "<", "/proc/$pid/stat") or die; ($name, $state) = <$stat> =~ /\((.*)\) (.)/;
        }
        kill ABRT => $pid; waitpid($pid, 0); print $? & 255' "$@")
}

dumps_no_core() {
    local dumped
    [[ $(abort_status cat) == 134 ]] || { skip "no process dumps core here (core_pattern)"; return; }
    dumped=$(abort_status "$(realpath "$H2OLOG")" --replay /dev/stdin)
    [[ $dumped == 6 ]] && return
    explain "the process ended with $dumped instead of 6"
    return 1
}

keeps_root() {
    start_server && start_log -r && has_status "$log" Uid "0 0 0 0" && stop_log
}

# The process that stays root has neither the tracer's output nor h2olog's.
keeper_reads_nothing() {
    start_server && start_log -w "$dir/file" && find_processes || return
    local fd pipe
    for fd in 1 2; do
        pipe=$(readlink "/proc/$tracer/fd/$fd")
        [[ $pipe == pipe:* ]] || { explain "fd $fd of the tracer is $pipe"; return 1; }
        ! readlink "/proc/$keeper"/fd/* | grep -Fqx "$pipe" || { explain "the keeper has $pipe"; return 1; }
        readlink "/proc/$log"/fd/* | grep -Fqx "$pipe" || { explain "h2olog does not have $pipe"; return 1; }
    done
    ! readlink "/proc/$keeper"/fd/* | grep -Fq "$dir/file" || { readlink "/proc/$keeper"/fd/*; return 1; }
    stop_log
}

keeper_dies() {
    start_server && start_log && find_processes && kill -KILL "$keeper" && reap "$log" 10 && status_is 1 || return
    grep -q '^h2olog: .*root process has ended' "$dir/err" && nothing_left 15 && probes_are_off 15
}

untrusted() { # OPTION PATH COMMAND
    printf '%s\n' '#!/bin/sh' 'echo bpftrace v0.17.0' >"$dir/bpftrace" && chmod 755 "$dir/bpftrace" || return
    mkdir "$dir/probes" "$dir/templates" && cp "$top_srcdir"/probes/*.probes "$dir/probes" &&
        cp "$top_srcdir"/templates/*.bt "$dir/templates" && eval "$3" || return
    "$H2OLOG" --emit-script "$1" "$dir/$2" >"$dir/out" 2>"$dir/err"
    status=$?
    status_is 2 && [[ ! -s $dir/out ]] && grep -Eq "^h2olog: $1: others than root can change $dir.*--force$" "$dir/err" ||
        { show "$dir/err"; return 1; }
    "$H2OLOG" --emit-script --force "$1" "$dir/$2" >"$dir/out" 2>"$dir/err"
    status=$?
    status_is 0 && grep -q receive_request_header "$dir/out"
}

# A link of root's leads by one of another user's to a good bpftrace.
link_chain() {
    mkdir "$dir/good" "$dir/other"
    printf '%s\n' '#!/bin/sh' 'echo bpftrace v0.17.0' >"$dir/good/bpftrace" && chmod 755 "$dir/good/bpftrace" &&
        ln -s "$dir/good/bpftrace" "$dir/other/link" && chown -h 4321 "$dir/other" "$dir/other/link" && ln -s other/link "$dir/link" || return
    status=0
    "$H2OLOG" --emit-script --bpftrace "$dir/link" >"$dir/out" 2>"$dir/err" || status=$?
    status_is 2 && [[ ! -s $dir/out ]] && refuses "--bpftrace: others than root can change $dir/other, which is user 4321's, so root"
}

refuses() { # MESSAGE
    [[ $(wc -l <"$dir/err") == 1 && $(<"$dir/err") == "h2olog: $1"* ]] || { show "$dir/err"; return 1; }
}

# What is found on PATH is not run, not even for its version.
bpftrace_on_path() {
    mkdir "$dir/bin" && printf '%s\n' '#!/bin/sh' "touch $dir/was-run" >"$dir/bin/bpftrace" && chmod 755 "$dir/bin/bpftrace" &&
        chown 4321 "$dir/bin" && start_server || return
    status=0
    PATH=$dir/bin:$PATH "$H2OLOG" -p "$server" >"$dir/out" 2>"$dir/err" || status=$?
    status_is 2 && refuses "bpftrace on PATH: others than root can change $dir/bin, which is user 4321's" && [[ ! -e $dir/was-run ]]
}

# Who called sudo may have chosen PATH, and may be allowed one command line only: root's bpftrace is another, and so is its PATH.
bpftrace_on_path_of_sudo_user() {
    mkdir "$dir/bin" && printf '%s\n' '#!/bin/sh' "touch $dir/was-run" >"$dir/bin/bpftrace" && chmod 755 "$dir/bin/bpftrace" &&
        chown -R 4321 "$dir/bin" && start_server || return
    start_log_as env SUDO_UID=4321 SUDO_GID=4321 PATH="$dir/bin:$PATH" "$H2OLOG" -p "$server" && find_tracer || return
    ! tr '\0' '\n' <"/proc/$tracer/environ" | grep -F "$dir/bin" && [[ ! -e $dir/was-run ]] && stop_log
}

# Files of the user who called sudo are that user's own affair.
trusts_sudo_user() {
    mkdir "$dir/probes" && cp "$top_srcdir"/probes/*.probes "$dir/probes" && chown -R 4321:4321 "$dir/probes" &&
        chmod -R g+w "$dir/probes" || return
    SUDO_UID=4321 SUDO_GID=4321 "$H2OLOG" --emit-script --probes "$dir/probes" >"$dir/out" 2>"$dir/err" || { show "$dir/err"; return 1; }
    ! SUDO_UID=4322 SUDO_GID=4322 "$H2OLOG" --emit-script --probes "$dir/probes" >"$dir/out" 2>"$dir/err"
}

# ------------------------------------------------------------------------------------------------------ several servers

two_servers() {
    start_server && start_other "$SERVER" && start_log -p "$other" --record "$dir/recording" && wait_for 20 are_traced 2 || { show "$dir/err"; return 1; }
    fire_at "$script" 1 300 && fire_at "$other_script" 2 300 && wait_for 5 has_count 600
    kill -KILL "$other" && wait_for 20 grep -q "process $other has ended" "$dir/err" || return
    fire_at "$script" 3 50 && wait_for 5 has_count 650
    kill -TERM "$server" && reap "$log" 20 && status_is 0 || return
    { lines_of 1 300 && lines_of 3 50; } | sed "s/^/$server /" >"$dir/expected"
    lines_of 2 300 | sed "s/^/$other /" >"$dir/expected2"
    grep "^$server " "$dir/out" >"$dir/of-server"
    grep "^$other " "$dir/out" >"$dir/of-other"
    same "$dir/expected" "$dir/of-server" && same "$dir/expected2" "$dir/of-other" && nothing_left || return
    "$H2OLOG" --quiet --replay "$dir/recording" >"$dir/replayed" && same "$dir/out" "$dir/replayed"
}

# The other server's bpftrace is killed: that is said at once, and this server is traced on.
one_of_two_ends() {
    start_server && start_other "$SERVER" && start_log -p "$other" -E && wait_for 20 are_traced 2 || { show "$dir/err"; return 1; }
    kill -KILL "$(tracers_of "$other")" && wait_for 30 grep -qx "h2olog: bpftrace was killed by signal 9 (Killed); pid $other is not traced any more" "$dir/err" || return
    fire_at "$script" 1 50 && wait_for 5 has_count 50 && kill -TERM "$log" && reap "$log" 20 && status_is 137 && nothing_left
}

one_of_two_fails() {
    start_server && spawn sleep 60 || return
    "$H2OLOG" -p "$server" -p "$spawned" >"$dir/out" 2>"$dir/err"
    status=$?
    status_is 3 && grep -q "^h2olog: process $spawned (sleep 60) has none of h2o's probes" "$dir/err"
}

# --------------------------------------------------------------------------------------------------------- output files

writes_file() {
    echo old >"$dir/file" && start_server && start_log -w "$dir/file" || return
    tell 'fire h2o:receive_request 1 2 0x101'
    wait_for 5 has_line '1 2 RxProtocol HTTP/1.1' "$dir/file"
    stop_log && expect '1 2 RxProtocol HTTP/1.1' && same "$dir/expected" "$dir/file" && [[ ! -s $dir/out ]] || return
    rm "$dir/file"
    start_log -w "$dir/file" && stop_log && [[ $(stat -c %a "$dir/file") == 600 ]] || return
    start_log -w "$dir/file" --append && tell 'fire h2o:receive_request 1 3 0x101' || return
    wait_for 5 has_line '1 3 RxProtocol HTTP/1.1' "$dir/file"
    stop_log && start_log -w "$dir/file" --append && tell 'fire h2o:receive_request 1 4 0x101' || return
    wait_for 5 has_line '1 4 RxProtocol HTTP/1.1' "$dir/file"
    stop_log && printf '%s\n' '1 3 RxProtocol HTTP/1.1' '1 4 RxProtocol HTTP/1.1' >"$dir/expected" && same "$dir/expected" "$dir/file"
}

# Five rotations under load: all records, each once, none split.
rotates() {
    start_server && start_log -w "$dir/file" || return
    for i in 1 2 3 4 5; do
        tell "repeat 3000 5000 fire h2o:receive_request $i i 0x101"
        wait_for 5 test -s "$dir/file" || { explain "file $i stays empty"; return 1; }
        mv "$dir/file" "$dir/file.$i" && kill -HUP "$log" && wait_for 5 test -e "$dir/file" || { explain "no new file"; return 1; }
    done
    server_is_done && stop_log && messages_are_clean || return
    for i in 1 2 3 4 5; do lines_of "$i" 3000; done >"$dir/expected"
    cat "$dir"/file.{1,2,3,4,5} "$dir/file" >"$dir/all"
    for i in 1 2 3 4 5; do [[ -s $dir/file.$i ]] || { explain "file $i is empty" && wc -l "$dir"/file*; return 1; }; done
    same "$dir/expected" "$dir/all"
}

# A directory that has gone: it is said, and nothing is lost.
directory_vanishes() {
    mkdir "$dir/logs" && start_server && start_log -w "$dir/logs/file" || return
    exec {old}<"$dir/logs/file"
    rm -r "$dir/logs" && kill -HUP "$log" && wait_for 5 grep -q '^h2olog: cannot open .*the file of before' "$dir/err" || return
    tell 'fire h2o:receive_request 1 2 0x101'
    expect '1 2 RxProtocol HTTP/1.1'
    server_is_done && stop_log && cat <&"$old" >"$dir/content" && same "$dir/expected" "$dir/content"
}

cannot_write() { # FILE OPTION
    start_server || return
    status=0
    timeout -k 1 $((30 * SLOW)) "$H2OLOG" -p "$server" "$2" "$1" >"$dir/out" 2>"$dir/err" || status=$?
    status_is 1 && refuses "cannot open $1 for writing: "
}

# With all signals blocked it waited for a reader.
fifo_without_reader() { # OPTION
    mkfifo "$dir/fifo" && cannot_write "$dir/fifo" "$1"
}

# Others lead root to a file of root's.
link_of_others() { # OPTION
    echo root >"$dir/victim" && mkdir "$dir/tmp" && chmod 1777 "$dir/tmp" && ln -s "$dir/victim" "$dir/tmp/link" && chown -h 4321 "$dir/tmp/link" || return
    cannot_write "$dir/tmp/link" "$1" && [[ $(<"$dir/victim") == root ]]
}

# What others, or nobody, could read is not opened anew; it is said, and the old file goes on.
reopens_nothing() { # COMMAND
    echo root >"$dir/victim" && start_server && start_log -w "$dir/file" && mv "$dir/file" "$dir/file.1" && (cd "$dir" && eval "$1") &&
        kill -HUP "$log" && wait_for 5 grep -q '^h2olog: cannot open .*the file of before' "$dir/err" || { show "$dir/err"; return 1; }
    tell 'fire h2o:receive_request 1 2 0x101'
    expect '1 2 RxProtocol HTTP/1.1'
    server_is_done && stop_log && same "$dir/expected" "$dir/file.1" && [[ $(<"$dir/victim") == root ]] && nothing_left
}

quiet() {
    start_server && start_log || return
    stop_log && grep -qx 'h2olog: 0 events; 0 lost, 0 damaged, 0 values cut' "$dir/err" || { show "$dir/err"; return 1; }
    spawn "$H2OLOG" --quiet -p "$server" >"$dir/out" 2>"$dir/err"
    log=$spawned
    tell 'repeat 6000 20 fire h2o:receive_request 1 2 0x101' # it does not say when it traces
    wait_for 30 has_line '1 2 RxProtocol HTTP/1.1' "$dir/out" && kill -INT "$log" && reap "$log" 10 && status_is 0 && [[ ! -s $dir/err ]]
}

# -------------------------------------------------------------------------------------------------- redaction and losses

fire_header() { # NAME VALUE
    tell "fire h2o:receive_request_header 1 2 \"$1\" len \"$2\" len"
}

redacts() {
    start_server && start_log --redact-default --redact 'X-*-Secret,*-token,pass?' || return
    fire_header cookie "a=b"
    fire_header CooKie "$(text 3000)"
    fire_header cookies "a=c"
    fire_header cooki "a=d"
    fire_header set-cookie ""
    fire_header authorization "a\\x00b"
    fire_header proxy-authorization x
    fire_header x-api-key xy
    fire_header x-my-secret xyz
    fire_header x--secret xyz
    fire_header x-secret shown
    fire_header x-my-secrets shown
    fire_header csrf-token abcd
    fire_header token shown
    fire_header pass1 abcde
    fire_header pass shown
    tell 'fire h2o:receive_request_header 1 2 unmapped 6 "hidden" len' \
        'fire h2o:receive_request_header 1 2 edge("cookie") len edge("abcdefg") len' \
        'fire h2o:send_response_header 1 2 "set-cookie" len "abc" len' 'fire h2o:send_response_header 1 2 "" len "shown" len'
    redacted() { expect "1 2 RxHeader   $1 \\[$2 bytes redacted]"; }
    redacted cookie 3
    redacted CooKie 3000
    expect '1 2 RxHeader   cookies a=c' '1 2 RxHeader   cooki a=d'
    redacted set-cookie 0
    redacted authorization 3
    redacted proxy-authorization 1
    redacted x-api-key 2
    redacted x-my-secret 3
    redacted x--secret 3
    expect '1 2 RxHeader   x-secret shown' '1 2 RxHeader   x-my-secrets shown'
    redacted csrf-token 4
    expect '1 2 RxHeader   token shown'
    redacted pass1 5
    expect '1 2 RxHeader   pass shown'
    expect '1 2 RxHeader   \[6 bytes cut] \[6 bytes redacted]'
    redacted cookie 7
    expect '1 2 TxHeader   set-cookie \[3 bytes redacted]' '1 2 TxHeader    shown'
    server_is_done && wait_for 5 has_line '1 2 TxHeader    shown' "$dir/out"
    stop_log && has_printed_expected
}

# Names that clients of HTTP/2 can send. None of these is "cookie", and each may be read as it.
redacts_odd_names() { # OPTION...
    local name
    start_server && start_log --redact cookie "$@" || return
    for name in 'cookie ' ' cookie' 'cookie\t' 'cookie\n' '\rcookie' 'cookie\x00' 'coo\x00kie' 'cookie\x7f' 'cookie\xc2\x85' \
        cookie: 'cookie;' cookie= cookie, '\"cookie\"' ::cookie; do
        tell "fire h2o:receive_request_header 1 2 \"$name\" len \"very-secret\" len"
    done
    fire_header :path /shown && fire_header 'x-foo_bar.1~!#$%&'"'"'*+^`|' shown
    tell "fire h2o:send_response_header 1 2 \"cookie \" len \"very-secret\" len" \
        "fire h2o:receive_request_header 1 2 \"$(text 65)\" len \"very-secret\" len" \
        "fire h2o:receive_request_header 1 2 \"$(text 64)\" len \"shown\" len" \
        'fire h2o:receive_request_header 1 2 edge("cookie ") len "very-secret" len' 'fire h2o:receive_request_header 1 2 "" len "shown" len'
    for name in 'cookie ' ' cookie' 'cookie\x09' 'cookie\x0a' '\x0dcookie' 'cookie\x00' 'coo\[4 bytes cut]' 'cookie\x7f' 'cookie\xc2\x85' \
        cookie: 'cookie;' cookie= cookie, '"cookie"' ::cookie; do
        expect "1 2 RxHeader   $name \\[11 bytes redacted]"
    done
    expect '1 2 RxHeader   :path /shown' '1 2 RxHeader   x-foo_bar.1~!#$%&'"'"'*+^`| shown'
    expect '1 2 TxHeader   cookie  \[11 bytes redacted]' "1 2 RxHeader   $(text 65) \\[11 bytes redacted]" "1 2 RxHeader   $(text 64) shown" \
        '1 2 RxHeader   cookie  \[11 bytes redacted]' '1 2 RxHeader    shown'
    server_is_done && wait_for 5 has_line '1 2 RxHeader    shown' "$dir/out"
    stop_log && has_printed_expected
}

# B7: of a name with a visible byte that no name has the value was shown, and recorded.
redacts_any_byte() { # OPTION...
    start_server && start_log --redact cookie --record "$dir/recording" "$@" || return
    any_byte_in_names fire >"$dir/fired"
    fire_file "$dir/fired" && wait_for 10 has_count 768
    stop_log || return
    perl -0777 -pe 's/\nout [0-9 ]+\n//g' "$dir/recording" >"$dir/recorded" # a block may end within a text
    has_values_of_names "$dir/out" && has_values_of_names "$dir/recorded"
}

redacts_json() {
    start_server && start_log -f json --redact cookie || return
    fire_header cookie "a=b"
    server_is_done && wait_for 5 has_count 1
    stop_log && grep -q '"name": "cookie", "value": null, "value_redacted": 1, "value_len": 3}$' "$dir/out" || { show "$dir/out"; return 1; }
}

bad_redaction() { # NAME
    "$H2OLOG" --emit-script --redact "$1" >"$dir/out" 2>"$dir/err"
    status=$?
    status_is 2 && grep -q '^h2olog: --redact: "' "$dir/err" && [[ ! -s $dir/out ]]
}

# bpftrace is stopped while more events come than its buffers hold: what is lost is counted, to the event, where it happened.
loses() { # FORMAT
    local began=$SECONDS most
    start_server && start_log -f "$1" || return
    tell 'fire h2o:receive_request 1 7777777 0x101'
    wait_for 5 has_count 1 && freeze_tracer || return
    tell "repeat 400000 0 fire h2o:receive_request 1 i 0x101" "print fired"
    wait_for 60 has_line "fired" "$dir/server.out" && kill -CONT "$tracer" || return
    wait_for 20 grep -aqs -e 'event-lost' -e 'lost here' "$dir/out" "$dir/err" || explain "no loss was told of"
    tell 'fire h2o:receive_request 1 8888888 0x101'
    wait_for 20 grep -q 8888888 "$dir/out" || explain "the last event did not come"
    stop_log
    local lost shown
    shown=$(grep -ac -e RxProtocol -e '"type": "receive_request"' "$dir/out")
    lost=$(sed -n 's/^h2olog: [0-9]* events; \(at least \)*\([0-9]*\) lost, 0 damaged, 0 values cut$/\2/p' "$dir/err")
    # bpftrace counts lost heartbeats too, some 40 a second and CPU
    most=$((400002 + 1000 + 50 * $(nproc) * (SECONDS - began)))
    # From 0.24 on bpftrace does not count what is lost on the last CPU.
    is_before 24 || { [[ $lost -gt 0 && $((lost + shown)) -lt $most ]] && grep -q '; at least ' "$dir/err"; return; }
    [[ $lost -gt 0 && $((lost + shown)) -ge 400002 && $((lost + shown)) -lt $most ]] || { explain "lost $lost, shown $shown" && show "$dir/err"; return 1; }
}

loses_json() {
    loses json || return
    local told
    told=$(sed -n 's/.*"type": "h2olog-event-lost", "lost": \([0-9]*\)}$/\1/p' "$dir/out" | paste -sd+)
    [[ $((told)) -gt 0 && $((told)) == $(sed -n 's/^h2olog: [0-9]* events; \(at least \)*\([0-9]*\) lost.*/\2/p' "$dir/err") ]] ||
        { explain "told $told"; return 1; }
    tail -n 1 "$dir/out" | grep -q 8888888 && head -n 1 "$dir/out" | grep -q 7777777
}

loses_line() {
    loses line && grep -Eq '^h2olog: (at least )?[1-9][0-9]* events were lost here' "$dir/err"
}

# ------------------------------------------------------------------------------------------------------------ the cases

nobody=$(id -u nobody) && nogroup=$(id -g nobody)
live_case "whoever reads what servers say is nobody" reads_as "$nobody" "$nogroup" env -u SUDO_UID -u SUDO_GID "$H2OLOG"
live_case "or the user who called sudo" reads_as 4321 4322 env SUDO_UID=4321 SUDO_GID=4322 "$H2OLOG"
live_case "or nobody, when root did" reads_as "$nobody" "$nogroup" env SUDO_UID=0 SUDO_GID=0 "$H2OLOG"
live_case "or the one of --user" reads_as "$(id -u daemon)" "$(id -g daemon)" env SUDO_UID=4321 SUDO_GID=4322 "$H2OLOG" --user daemon
live_case "or the one that the package makes" reads_as 4331 4332 with_own_user env SUDO_UID=4321 SUDO_GID=4322 "$H2OLOG"
live_case "or root, with -r" keeps_root
test_case "which dumps no core" dumps_no_core
live_case "the process that stays root does not read" keeper_reads_nothing
live_case "without the process that stays root it ends, with status 1" keeper_dies
test_case "a bpftrace that others can write" untrusted --bpftrace bpftrace 'chmod o+w "$dir/bpftrace"'
test_case "a bpftrace in a directory that others can write" untrusted --bpftrace bpftrace 'chmod o+w "$dir"'
test_case "a catalogue of another user" untrusted --probes probes 'chown 4321 "$dir/probes"'
test_case "a file of the catalogue that a group can write" untrusted --probes probes 'chgrp 4321 "$dir/probes/h2o.probes" && chmod g+w "$dir/probes/h2o.probes"'
test_case "templates that others can write" untrusted --templates templates 'chmod o+w "$dir/templates"'
test_case "a bpftrace behind another user's link" link_chain
live_case "a bpftrace on PATH in another user's directory" bpftrace_on_path
live_case "a bpftrace on PATH of the user who called sudo" bpftrace_on_path_of_sudo_user
test_case "a catalogue of the user who called sudo" trusts_sudo_user
live_case "two servers at once" two_servers
live_case "the bpftrace of one of two is killed" one_of_two_ends
live_case "one of two cannot be traced" one_of_two_fails
live_case "-w and --append" writes_file
live_case "SIGHUP rotates the file under load" rotates
live_case "SIGHUP when the directory has gone" directory_vanishes
live_case "SIGHUP when there is a FIFO" reopens_nothing 'mkfifo file'
live_case "SIGHUP when there is another user's link" reopens_nothing 'chmod 1777 . && ln -s victim file && chown -h 4321 file'
live_case "SIGHUP when there is another user's file" reopens_nothing 'touch file && chown 4321 file'
live_case "a file that cannot be written" cannot_write /nonexistent/file -w
live_case "-w to a FIFO that nobody reads" fifo_without_reader -w
live_case "--record to a FIFO that nobody reads" fifo_without_reader --record
live_case "-w to another user's link" link_of_others -w
live_case "--record to another user's link" link_of_others --record
live_case "--quiet" quiet
live_case "--redact in lines" redacts
live_case "--redact and names with blanks and control bytes, as a stream" redacts_odd_names --transport=stream
live_case "--redact and names with blanks and control bytes, in batches" redacts_odd_names --transport=batch
live_case "--redact and names with any byte, as a stream" redacts_any_byte --transport=stream
live_case "--redact and names with any byte, in batches" redacts_any_byte --transport=batch
live_case "--redact in JSON" redacts_json
test_case "--redact with two stars" bad_redaction 'a*b*'
test_case "--redact with a blank" bad_redaction 'a b'
live_case "a loss, in lines" loses_line
live_case "a loss, in JSON" loses_json

done_testing

#!/bin/bash
# --doctor: what it says of good and of bad hosts, and its exit status.
# shellcheck disable=SC2015,SC2317 # A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# Leaves the report in $dir/out.
examine() { # STATUS OPTION...
    status=0
    "$H2OLOG" --doctor "${@:2}" >"$dir/out" 2>"$dir/err" || status=$?
    [[ $status == "$1" && ! -s $dir/err ]] && return
    explain "status $status" && show "$dir/out" && show "$dir/err"
    return 1
}

says() { # LINE...
    local line
    for line; do
        grep -Eqx -- "$line" "$dir/out" || { explain "no line: $line" && show "$dir/out"; return 1; }
    done
}

readonly ATTACHED="bpftrace saw h2olog's own probe fire after [0-9.]* s, with every argument right"

good_host() {
    local id
    id=$(readelf -n "$SERVER" | sed -n 's/^ *Build ID: //p')
    start_server && examine 0 -p "$server" || return
    says 'ok       user      root, .*' 'ok       kernel    Linux [0-9].*' 'ok       bpf       .*' "ok       bpftrace  .*/bpftrace is [0-9.]*, works as [0-9.]* does" \
        "ok       attach    $ATTACHED" \
        "ok       server    pid $server, .*usdt-server, build id ${id:-none}: $(grep -c ^PROBE "$(dirname "$0")/server/probes-2026.def") probes of the catalogue, 0 unknown to it, whole requests from its probes" 'ok       summary   tracing will work' &&
        probes_are_off
}

# An object a line, with the same words.
as_json() {
    start_server && examine 0 -p "$server" && mv "$dir/out" "$dir/lines" && examine 0 -f json -p "$server" || return
    perl -MJSON::PP -ne '$_ = decode_json($_); printf "%-8s %-9s %s\n", @$_{qw(state check detail)}; die if $_->{state} ne "ok" and !$_->{advice}' \
        <"$dir/out" >"$dir/from-json" && same <(sed 's/after [0-9.]* s//' "$dir/lines") <(sed 's/after [0-9.]* s//' "$dir/from-json")
}

# What is missing is a problem, and what depends on it was not tried.
without_bpftrace() {
    PATH=$dir examine 4 && says 'problem  bpftrace  bpftrace is not on PATH' ' *-> install it .*' 'note     attach    not tried, as there is no bpftrace that works' \
        'problem  summary   tracing will not work: 1 problem'
}

without_root() {
    [[ $EUID == 0 ]] || { skip "this needs root, to give it up"; return; }
    cp "$H2OLOG" "$dir/h2olog" && chmod 755 "$dir" "$dir/h2olog" || return
    status=0
    setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/h2olog" --doctor >"$dir/out" 2>&1 || status=$?
    [[ $status == 4 ]] && says 'problem  user      user 65534, not root' ' *-> run h2olog with sudo' 'note     bpf       not tried without root' \
        'note     attach    not tried without root'
}

without_probes() {
    spawn sleep 60
    examine 3 -p "$spawned" && says "problem  server    process $spawned .sleep 60. has none of h2o's probes" ' *-> it is not h2o, or an h2o built without .*' &&
        examine 3 -p 999999999 && says 'problem  server    there is no process 999999999 .*'
}

# bpftrace before 0.25 does without tracefs; one that calls itself newer does not.
without_tracefs() {
    unshare -m true 2>/dev/null || { skip "this needs mount namespaces"; return; }
    # shellcheck disable=SC2016 # for the other shell
    unshare -m bash -c 'umount -R -l /sys/kernel/tracing /sys/kernel/debug 2>/dev/null; [[ ! -e /sys/kernel/tracing/events ]] && exec "$@"' - \
        "$H2OLOG" --doctor >"$dir/out" 2>&1
    local works=$?
    if is_before 25; then
        [[ $works == 0 ]] && says 'ok       tracefs   no tracefs; bpftrace before 0.25 does without' 'ok       attach    .*'
    else
        [[ $works == 4 ]] && says 'problem  tracefs   no tracefs, which this bpftrace needs' ' *-> mount -t tracefs tracefs /sys/kernel/tracing'
    fi
}

without_sys() {
    unshare -m true 2>/dev/null || { skip "this needs mount namespaces"; return; }
    # shellcheck disable=SC2016 # for the other shell
    unshare -m bash -c 'mount -t tmpfs none /sys && exec "$@"' - "$H2OLOG" --doctor >"$dir/out" 2>&1
    [[ $? == 4 ]] && says 'problem  uprobes   there is no /sys/bus/event_source/devices/uprobe/type' 'problem  attach    bpftrace says: .+'
}

# It is used, and said so.
a_newer_bpftrace() {
    printf '#!/bin/sh\necho bpftrace v9.8.7\n' >"$dir/bpftrace" && chmod 755 "$dir/bpftrace" && examine 4 --force --bpftrace "$dir/bpftrace" || return
    says 'note     bpftrace  .*/bpftrace is 9.8.7, works as 0.27 does; it is newer than any that was tried' 'problem  attach    bpftrace ended after [0-9.]* s, without a word'
}

# The program is of the kind that h2olog loads.
either_transport() {
    examine 0 --transport=stream && says "ok       attach    $ATTACHED" && examine 0 --transport=batch && says "ok       attach    $ATTACHED"
}

# A bpftrace that runs a command on what the real one prints.
make_wrapper() { # COMMAND
    # shellcheck disable=SC2016 # for the other shell
    printf '#!/bin/bash\n%s\n' "$1" >"$dir/bpftrace" && chmod 755 "$dir/bpftrace"
}

# Hexadecimal in a stream, decimal in a map.
wrong_values() {
    local advice=' *-> values of this server.s would be wrong, too: try another bpftrace .--bpftrace PATH., and please report it'
    make_wrapper 'bpftrace "$@" | LC_ALL=C sed -u "s/ 123456789abcdef / 1234 /; s/, 81985529216486895, /, 4660, /"' || return
    examine 4 --force --bpftrace "$dir/bpftrace" && says "$advice" \
        "problem  attach    bpftrace reads h2olog's own probe wrongly: argument \"first\" \(8@[^ ]*\): expected 81985529216486895 \(0x123456789abcdef\), saw 4660 \(0x1234\)" || return
    make_wrapper 'bpftrace "$@" | LC_ALL=C sed -u "s/)\*+,-/)*+,./"' && examine 4 --force --bpftrace "$dir/bpftrace" && says "$advice" \
        "problem  attach    bpftrace reads h2olog's own probe wrongly: argument \"name\" \(.* and .*\): expected \"-\./0123456789:;<\" at byte 11 of 60, saw \"\.\./0123456789:;<\" of 60"
}

# h2olog would go on with a smaller program, and so it is no problem.
refused_program() {
    make_wrapper 'for program; do :; done
[[ $program != *"texts 64 "* && $program == */* ]] && echo "ERROR: Error loading program: usdt:h2olog:doctor" >&2 && exit 1
exec bpftrace "$@"' && examine 0 --force --bpftrace "$dir/bpftrace" &&
        says "note     attach    bpftrace says: ERROR: Error loading program: usdt:h2olog:doctor; but with texts of 512 bytes at most $ATTACHED" \
            " *-> the kernel's verifier refused the program; h2olog -ddd shows why" 'ok       summary   tracing will work'
}

slow_bpftrace() {
    make_wrapper 'sleep 1; exec bpftrace "$@"' && examine 0 --force --bpftrace "$dir/bpftrace" && says "ok       attach    $ATTACHED" &&
        ! grep -q 'attach .* after 0' "$dir/out"
}

live_case "a good host" good_host
live_case "a report in JSON" as_json
live_case "a stream and batches" either_transport
live_case "a bpftrace that reads arguments wrongly" wrong_values
live_case "a program that is refused" refused_program
live_case "a slow bpftrace" slow_bpftrace
test_case "no bpftrace" without_bpftrace
test_case "no root" without_root
test_case "a server without probes" without_probes
live_case "no tracefs" without_tracefs
live_case "no sysfs" without_sys
live_case "a bpftrace that is too new to be known" a_newer_bpftrace

done_testing

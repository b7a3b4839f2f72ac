#!/bin/bash
# --follow: servers that come later, and how much of them is seen.
# shellcheck disable=SC2015,SC2317 # A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
use_single_sites

# A graceful restart: the new server comes, both serve, the old one ends. `replace` puts another file in the old one's place first.
follows() { # keep|replace
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && start_log --follow || return
    fire_at "$script" 1 200
    if [[ $1 == replace ]]; then
        cp "$SERVER" "$dir/new" && mv "$dir/new" "$dir/server" || return
    fi
    start_other "$dir/server" && wait_for 20 are_traced 2 || { show "$dir/err"; return 1; }
    fire_at "$script" 2 200 && fire_at "$other_script" 3 200 && wait_for 5 has_line "fired 2" "$dir/server.out"
    kill -TERM "$server" && wait_for 20 grep -q "process $server has ended" "$dir/err" || return
    fire_at "$other_script" 4 200 && wait_for 10 has_count 800
    end_log 40 || return
    { lines_of 1 200 && lines_of 2 200; } | sed "s/^/$server /" >"$dir/expected"
    { lines_of 3 200 && lines_of 4 200; } | sed "s/^/$other /" >"$dir/expected2"
    grep "^$server " "$dir/out" >"$dir/of-server"
    grep "^$other " "$dir/out" >"$dir/of-other"
    same "$dir/expected" "$dir/of-server" && same "$dir/expected2" "$dir/of-other" && nothing_left
}

# The server is gone before the next one comes.
follows_over_a_gap() {
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && start_log --follow || return
    kill -TERM "$server" && wait_for 20 grep -q "process $server has ended" "$dir/err" || return
    rest 0.5 # it looks four times a second
    is_alive "$log" || { explain "h2olog has ended"; return 1; }
    start_other "$dir/server" && wait_for 20 are_traced 2 || { show "$dir/err"; return 1; }
    fire_at "$other_script" 5 100 && wait_for 5 has_count 100
    end_log 40 || return
    lines_of 5 100 | sed "s/^/$other /" >"$dir/expected"
    has_printed_expected && nothing_left
}

# What runs something else, or was forked by a server, is not followed.
follows_no_others() {
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && start_log --follow || return
    start_other "$SERVER" || return
    rest 0.8 # it looks four times a second
    [[ -z $(tracers_of "$other") ]] || { show "$dir/err"; return 1; }
    stop_log
}

# T8: a new server of the same file is seen from its first event on. Nobody waits until it is found; but who it was cannot be asked
# any more of one that has ended by then.
restarts_without_gap() { # OPTION...
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && start_log --follow --record "$dir/recording" "$@" || return
    fire_at "$script" 1 100
    for conn in 2 3; do
        start_other "$dir/server" && fire_at "$other_script" "$conn" 200 && wait_for 5 has_line "fired $conn" "$other_out" || return
        kill -TERM "$server" && script=$other_script server=$other || return
        lines_of "$conn" 200 | sed "s/^/$other /" >>"$dir/expected-later"
        wait_for 20 has_count $((100 + (conn - 1) * 200)) || return
    done
    wait_for 10 has_count 500
    end_log 40 || return
    sort "$dir/expected-later" >"$dir/expected" && grep -v ' 1 [0-9]* Rx' "$dir/out" | sort >"$dir/later"
    same "$dir/expected" "$dir/later" && has_count 500 && ! grep -q 'a gap:' "$dir/err" && messages_are_clean && nothing_left || return
    "$H2OLOG" --quiet --replay "$dir/recording" >"$dir/replayed" && sort "$dir/out" | same - <(sort "$dir/replayed")
}

# Another instance of the file, an older one, is not shown, and after its first event not read any more.
another_instance() {
    local thread older older_script older_out
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && rest 0.05 && start_other "$dir/server" || return
    older=$server older_script=$script older_out=$dir/server.out server=$other script=$other_script
    start_log --follow --transport=stream --record "$dir/recording" || return
    fire_at "$older_script" 7 1 && rest 1 && fire_at "$older_script" 8 500 && wait_for 5 has_line "fired 8" "$older_out" || return
    fire_at "$script" 1 100 && wait_for 5 has_count 100
    end_log 40 || return
    lines_of 1 100 | sed "s/^/$server /" >"$dir/expected"
    has_printed_expected || return
    thread=$(printf ' %x[0-9a-f]{8} ' "$older")
    [[ $(grep -aEc "^[0-9a-f]{16} [0-9a-f]+ [0-9a-f]+$thread" "$dir/recording") == 1 ]] || { explain "its events are read"; return 1; }
    "$H2OLOG" --quiet --replay "$dir/recording" >"$dir/replayed" && same "$dir/out" "$dir/replayed"
}

# A younger server that is there when the run begins was not missed before.
was_there_before() {
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && rest 0.05 && start_other "$dir/server" && rest 1 || return
    start_log --follow && wait_for 20 grep -q "following pid $other " "$dir/err" || return
    fire_at "$other_script" 2 100 && wait_for 5 has_count 100
    end_log 40 || return
    lines_of 2 100 | sed "s/^/$other /" >"$dir/expected"
    has_printed_expected && ! grep -q 'a gap:' "$dir/err"
}

# Of a server of another file what came before its probes were attached is missing, and that is said.
upgrade_with_gap() {
    local started begun from to at first last
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && start_log --follow -f json || return
    cp "$SERVER" "$dir/new" && mv "$dir/new" "$dir/server" && started=$(($(microseconds) / 1000)) || return
    start_other "$dir/server" && begun=$(($(microseconds) / 1000)) || return
    echo 'repeat 1000000 500 fire h2o:receive_request 5 i 0x101' >&"$other_script"
    wait_for 30 has_count 1000
    end_log 40 || return
    read -r from to < <(sed -n "s/^{\"at\": [0-9]*, \"type\": \"h2olog-gap\", \"pid\": $other, \"from\": \([0-9]*\), \"to\": \([0-9]*\)}\$/\1 \2/p" "$dir/out")
    sed -n 's/^{"at": \([0-9]*\), "type": "receive_request".* "req_id": \([0-9]*\),.*/\1 \2/p' "$dir/out" >"$dir/events"
    read -r at first <"$dir/events" && read -r _ last < <(tail -n 1 "$dir/events")
    [[ $from && $first ]] || { explain "no gap, or no events" && show "$dir/out"; return 1; }
    ((from >= started - 20 && from <= begun + 20 && from < to && to <= at)) || { explain "gap $from to $to, started $started, first event $at"; return 1; }
    [[ $(wc -l <"$dir/events") == $((last - first + 1)) ]] || { explain "events are missing behind the gap"; return 1; }
    grep -q "^h2olog: a gap: pid $other was not seen for " "$dir/err" && grep -q '; 1 gap, [0-9.]* s in all$' "$dir/err"
}

# bpftrace reads the file through the server that it was started for, and fails where that has ended by then.
restarts_while_attaching() {
    # shellcheck disable=SC2016 # the wrapper's own
    printf '#!/bin/bash\n[[ $* != */fd/* ]] || { : >>"%s/begun"; until [[ -e %s/go ]]; do sleep 0.1; done; }\nexec bpftrace "$@"\n' \
        "$dir" "$dir" >"$dir/bpftrace" && chmod 755 "$dir/bpftrace" || return
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" || return
    spawn "$H2OLOG" -p "$server" --follow --force --bpftrace "$dir/bpftrace" -d >"$dir/out" 2>"$dir/err"
    log=$spawned
    wait_for 20 test -e "$dir/begun" && start_other "$dir/server" && wait_for 20 grep -q "following pid $other " "$dir/err" || return
    kill -TERM "$server" && wait_for 20 grep -q "process $server has ended" "$dir/err" && : >"$dir/go" || return
    wait_for 40 grep -q "tracing; Ctrl-C ends" "$dir/err" && grep -q "attaching .* to pid $other " "$dir/err" || { show "$dir/err"; return 1; }
    fire_at "$other_script" 3 100 && wait_for 5 has_count 100 || return
    stop_log || return
    lines_of 3 100 | sed "s/^/$other /" >"$dir/expected"
    has_printed_expected && grep -q "a gap: pid $other " "$dir/err" && ! grep -q "before it could trace" "$dir/err"
}

live_case "--follow: a graceful restart" follows keep
live_case "--follow: an upgrade" follows replace
live_case "--follow: a stop and a start" follows_over_a_gap
live_case "--follow: another program" follows_no_others
live_case "--follow: a restart without a gap" restarts_without_gap
live_case "--follow: a restart without a gap, as a stream" restarts_without_gap --transport=stream
live_case "--follow: another instance of the file" another_instance
live_case "--follow: a server that was there before" was_there_before
live_case "--follow: an upgrade has a gap" upgrade_with_gap
live_case "--follow: a restart while bpftrace attaches" restarts_while_attaching

done_testing

#!/bin/bash
# Numbers of requests: stat, top and hist.
# shellcheck disable=SC2015,SC2016,SC2317 # A && B || C; awk's dollars; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
SERVER=$SERVERS-whole

# Members of the objects, summed up over all intervals: "PATH" is keys with points between.
sum_of() { # PATH
    perl -MJSON::PP -ne 'BEGIN { our @path = split /\./, shift @ARGV } my $v = decode_json($_); $v = $v->{$_} // {} for @path; $sum += ref $v ? 0 : $v; END { print $sum + 0 }' "$1" "$dir/out"
}

is_sum() { # PATH EXPECTED...
    while (($# > 1)); do
        [[ $(sum_of "$1") == "$2" ]] || { explain "$1: $(sum_of "$1"), expected $2"; return 1; }
        shift 2
    done
}

is_recording_refused() { # MESSAGE OPTION...
    ! "$H2OLOG" --replay "$dir/recording" "${@:2}" >/dev/null 2>"$dir/said" && grep -qF -e "$1" "$dir/said" || { show "$dir/said"; return 1; }
}

is_shown_of_recording() { # PATTERN OPTION...
    "$H2OLOG" --replay "$dir/recording" "${@:2}" >/dev/null 2>"$dir/said" && grep -q -e "$1" "$dir/said" || { show "$dir/said"; return 1; }
}

stat_counts() {
    start_server && start_log stat -f json --interval 300ms --record "$dir/recording" && dispose_requests && end_log && messages_are_clean || return
    is_sum now.requests 56 now.unanswered 1 now.statuses.2xx 48 now.statuses.4xx 7 now.bytes.sum 5500 now.duration_ms.count 55 now.duration_ms.sum 82500 now.ttfb_ms.sum 6875 lost 0 || return
    is_recording_refused "these records do not have \":path\"" top && is_shown_of_recording '^h2olog: 56' top status || return
    tail -n 1 "$dir/err" | grep -q '^h2olog: 56 requests, 1 of them unanswered' || { show "$dir/err"; return 1; }
    tail -n 1 "$dir/out" | perl -MJSON::PP -ne '$v = decode_json($_); $t = $v->{total};
        exit !($v->{source} eq "server" && $t->{requests} == 56 && abs($t->{duration_ms}{p50} / 1500 - 1) < 0.032 && $t->{duration_ms}{max} == 1500 && abs($t->{ttfb_ms}{p99} / 125 - 1) < 0.032)' || { cat "$dir/out"; return 1; }
    "$H2OLOG" --quiet --replay "$dir/recording" >"$dir/replayed" && same "$dir/out" "$dir/replayed"
}

# The rows of all requests, as "REQUESTS 4XX KEY"; other has no key.
top_rows() { # OPTION...
    "$H2OLOG" --quiet --replay "$dir/recording" top "$@" --cumulative --interval 1h | sed -nE 's/^ +([0-9]+) +[0-9.]+% +([0-9]+) .*[0-9-] ( ?)([^ ].*)$/\1 \2 \4/p'
}

top_sorts() {
    start_server && start_log -g request --record "$dir/recording" && dispose_requests && end_log || return
    same - <(top_rows --lines 3) <<'END' || return
10 2 /9
9 2 /8
8 2 /7
29 1 *other
END
    same <(printf '%s\n' $'48 0 200\tGET' $'7 7 404\tGET' $'1 0 -\tGET') <(top_rows status,method) && same <(printf '%s\n' '25 3 127.0.0.1' '30 4 127.0.0.2' '1 0 -' | sort) <(top_rows address | sort) || return
    same <(printf '%s\n' '10 2 /9' '9 2 /8') <(top_rows path --sort errors --lines 2 | head -2) && same <(echo '7 7 /') <(top_rows '%{x}i' -q 'status == 404' | sed 's/-$/\//') || return
    [[ $(top_rows --status 404 | awk '{ sum += $1 } END { print sum }') == 7 ]]
}

histogram() {
    start_server && start_log hist duration --by protocol --interval 500ms && dispose_requests && end_log || return
    grep -Eq '^duration of [0-9]+ requests: p50 +1\.5 s p90 +1\.5 s p99 +1\.5 s p99\.9 +1\.5 s max +1\.5 s$' "$dir/out" && grep -Eq '^ +1 s #{40} +[0-9]+ +[0-9]+ p50 p90 p99 p99\.9$' "$dir/out" &&
        grep -Eq '^ +[0-9]+  p50 .* max +1\.5 s  HTTP/2$' "$dir/out" || { cat "$dir/out"; return 1; }
}

# A row of stat: the columns behind its name.
stat_row() { # NAME
    sed -n "s/^$1  *\([0-9.-][ 0-9.-]*\)$/\1/p" "$dir/out" | tail -n 1 | tr -s ' '
}

# What the server had counted before is not part of the run.
count_before() {
    printf '%s\n' 'count _num_sessions 1000' 'count _num_connections 10' 'count sent 500' >"$dir/fired" && fire_file "$dir/fired"
}

count_now() {
    printf '%s\n' 'count _num_sessions 8' 'count _num_connections 3' 'count _num_quic_connections 2' 'count active 1' 'count active 1 1' 'count handshake_full 4 0' 'count handshake_full 1 1' 'count handshake_resume 6' \
        'count errors 2 1' 'count handshake_done 3' 'count num_handshake_timeouts 1' 'count packet_received 70' 'count packet_received 30 1' 'count sent 200 1' 'count lost 5' 'dispose 3 7 1 0x300 200 10 "GET" "/" "a.test" null null' >"$dir/fired" && fire_file "$dir/fired"
}

has_block() {
    [[ -s $dir/out ]]
}

counters_of_the_server() {
    local levels='connections_open 13 connections_active 2 quic_connections_open 2'
    start_server && count_before && start_log stat -f json --interval 300ms --record "$dir/recording" && wait_for 5 has_block && count_now && rest 0.7 && end_log && messages_are_clean || return
    # shellcheck disable=SC2086 # names and numbers
    is_sum now.connections_opened 8 now.connections_closed 5 now.tls_handshakes_full 5 now.tls_handshakes_resumed 6 now.tls_handshakes_failed 2 now.quic_handshakes 3 now.quic_handshake_timeouts 1 now.quic_packets_received 100 \
        now.quic_packets_sent 200 now.quic_packets_lost 5 now.rtt_ms.count 1 now.rtt_ms.sum 30 || return
    [[ $(tail -n 1 "$dir/out" | perl -MJSON::PP -e '$v = decode_json(<>); print "$_ $v->{$_} " for qw(connections_open connections_active quic_connections_open)') == "$levels " ]] || { tail -n 1 "$dir/out"; return 1; }
    "$H2OLOG" --quiet --replay "$dir/recording" >"$dir/replayed" && same "$dir/out" "$dir/replayed" || return
    "$H2OLOG" --quiet --replay "$dir/recording" stat -f line --interval 1h --prom "$dir/prom" >"$dir/out" || return
    same <(printf '%s\n' 13 '8 8 8' '5 5 5' '5 5 5' 2 '200 200 200' '2.50 2.50 2.50') <(stat_row connections; stat_row '  opened'; stat_row '  closed'; stat_row 'TLS full'; stat_row 'QUIC connections'; stat_row 'QUIC sent'; stat_row 'QUIC lost %') || return
    same <(printf '%s\n' 'h2olog_connections_open 13' 'h2olog_connections_opened_total 8' 'h2olog_quic_packets_lost_total 5') <(grep -E '^h2olog_(connections_open|connections_opened_total|quic_packets_lost_total) ' "$dir/prom")
}

# Of two servers, the second one of which begins during the run and has ended nothing before.
counters_of_a_successor() {
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && count_before && start_log stat --follow -f json --interval 300ms && wait_for 5 has_block && tell 'count _num_sessions 2' || return
    start_other "$dir/server" && printf '%s\n' 'count _num_sessions 5' 'count _num_connections 4' >&"$other_script" && wait_for 20 are_traced 2 && rest 0.7 && kill -TERM "$server" || { show "$dir/err"; return 1; }
    wait_for 20 grep -q "process $server has ended" "$dir/err" && printf '%s\n' 'count _num_sessions 1' >&"$other_script" && rest 0.7 && end_log && is_sum now.connections_opened 8 || return
    tail -n 1 "$dir/out" | grep -q '"connections_open": 4,' || { tail -n 1 "$dir/out"; return 1; }
}

# Where the contexts are not what they are taken for nothing is said of them.
counters_elsewhere() {
    start_server && echo 'count globalconf 1' >"$dir/fired" && fire_file "$dir/fired" && start_log stat -f json --interval 300ms && count_now && rest 0.7 && end_log && messages_are_clean &&
        is_sum now.requests 1 now.connections_opened 0 && tail -n 1 "$dir/out" | grep -q '"connections_open": null'
}

# A shell that restores nothing by itself, at a terminal of 60 x 10.
in_terminal() { # COMMAND [ARGUMENT]...
    tmux -S "$dir/tmux" "$@"
}

type_keys() { # KEY...
    in_terminal send-keys "$@"
}

says() { # TEXT
    in_terminal capture-pane -p | grep -qF -e "$1"
}

tells_modes() { # FILE
    type_keys "stty -g >$dir/$1" Enter && wait_for 5 is_written "$1"
}

is_written() { # FILE
    [[ -s $dir/$1 ]]
}

# The terminal's modes are those of before.
is_restored() { # FILE
    tells_modes "$1" && same "$dir/modes" "$dir/$1"
}

keys() {
    local status=0
    command -v tmux >/dev/null || { skip "tmux is not installed"; return; }
    use_keys || { status=1 && in_terminal capture-pane -p; }
    in_terminal kill-server
    return "$status"
}

use_keys() {
    start_server && in_terminal new-session -d -x 60 -y 10 sh && tells_modes modes || return
    type_keys "$H2OLOG top --interval 300ms -p $server" Enter && wait_for 20 says '0 different' && wait_for 5 says '? tells the keys' || return
    type_keys '?' && wait_for 5 says 'q quit, space hold' && type_keys s && wait_for 5 says 'sorted by errors' && wait_for 5 says 5xx && type_keys s && wait_for 5 says 'sorted by p50' && type_keys Space && wait_for 5 says 'held; space goes on' || return
    dispose_requests && rest 1 && says '0 different' && type_keys Space && wait_for 5 says '/9' && type_keys 2 && wait_for 5 says 'every 2 s' && wait_for 5 says 'requests of' || return
    type_keys C-z && wait_for 5 says Stopped && is_restored stopped && type_keys fg Enter && rest 0.5 && type_keys '?' && wait_for 5 says 'q quit, space hold' || return
    type_keys q && wait_for 5 says '56 requests, 1 of them unanswered' && is_restored ended || return
    # Killed, it restores nothing itself.
    type_keys "$H2OLOG top -p $server; echo killed" Enter && wait_for 20 says '0 different' && pkill -o -KILL -f -x "$H2OLOG top -p $server" && wait_for 5 says killed && is_restored after || return
}

# 90 of 20 ms and 10 of 200 ms, of two connections; the window of the latter is larger.
acknowledge() {
    {
        for ((i = 0; i < 90; i++)); do echo 'fire quicly:quictrace_cc_ack conn(1,0,0) 1 rtt(1,2,3,20) 12000 5'; done
        for ((i = 0; i < 10; i++)); do echo 'fire quicly:quictrace_cc_ack conn(2,0,0) 1 rtt(1,2,3,200) 48000 5'; done
    } >"$dir/fired" && fire_file "$dir/fired"
}

acknowledgements() {
    start_server && start_log hist rtt --interval 300ms -f json --record "$dir/recording" && acknowledge && end_log && messages_are_clean && is_sum rtt_ms.count 100 rtt_ms.sum 3800 lost 0 || return
    "$H2OLOG" --quiet --replay "$dir/recording" >"$dir/replayed" && same "$dir/out" "$dir/replayed" || return
    "$H2OLOG" --quiet --replay "$dir/recording" hist rtt --interval 1h >"$dir/out" && grep -Eq '^rtt of 100 acknowledgements: p50 +20 ms p90 +20 ms p99 +200 ms p99\.9 +200 ms max +200 ms$' "$dir/out" || { cat "$dir/out"; return 1; }
    "$H2OLOG" --quiet --replay "$dir/recording" hist cwnd --conn 2 --interval 1h -f json >"$dir/out" && is_sum cwnd.count 10 cwnd.sum 480000 || return
    "$H2OLOG" --quiet --replay "$dir/recording" --conn 1 >"$dir/out" && is_sum rtt_ms.count 90 || return
    "$H2OLOG" --quiet --replay "$dir/recording" quic >"$dir/out" && [[ $(grep -c '"type": "quictrace_cc_ack"' "$dir/out") == 100 ]] || { head -n 3 "$dir/out"; return 1; }
    is_refused 2 'hist rtt, hist cwnd and keylog are made of events' hist rtt -q 'status == 200' && is_refused 2 '--by means nothing for hist rtt and cwnd' hist cwnd --by host && is_refused 2 'both quic and http' hist cwnd top
}

# What a program cannot do, or not with numbers.
refused() {
    start_server || return
    is_refused 2 '--sort is for stat, top and hist' --sort p99 && is_refused 2 'stat, top and hist: choose one' stat top && is_refused 2 'top: there is no column "paths"; did you mean path?' top paths &&
        is_refused 2 '--log-format shows requests, and stat, top and hist numbers of them; choose one' stat -F %s && is_refused 2 'both http and quic; choose one' stat quic &&
        is_refused 2 '--interval: "0" is not a time' stat --interval 0 && is_refused 2 '--sort means nothing for stat' --sort p99 stat && is_refused 2 '--by means nothing for top' top --by path
}

# Of probes there are neither durations nor bytes.
from_probes() {
    SERVER=$SERVERS-single
    start_server && is_refused 3 "duration is known from the server's structures only" hist duration && start_log stat -f json --interval 200ms && get /x && get /missing && end_log &&
        is_sum now.requests 2 now.statuses.2xx 1 now.statuses.4xx 1 now.ttfb_ms.count 2 now.bytes.count 0 && tail -n 1 "$dir/out" | grep -q '"source": "probes"'
}

# 10 rows of 40 columns: redrawn in place, and nothing is beyond.
on_a_terminal() {
    start_server && start_log -g request --record "$dir/recording" && dispose_requests && end_log || return
    echo "stty rows 10 cols 40; exec $H2OLOG --quiet --replay $dir/recording top" >"$dir/run"
    TERM=xterm script -qec "bash $dir/run" /dev/null </dev/null | tr -d '\r' >"$dir/shown"
    perl -CSD -0777 -ne '@screens = split /\e\[H/; shift @screens; exit 1 if !@screens;
        for (@screens) { exit 2 if !s/\e\[J$//; @lines = split /\e\[K\n/; exit 3 if @lines > 9; for (@lines) { exit 4 if length > 40 || /\e/ } }' "$dir/shown" || { explain "status $?"; od -c "$dir/shown" | head -20; return 1; }
}

live_case "stat counts every request once, live and of a recording" stat_counts
live_case "top has the heaviest keys, and all else in one row" top_sorts
live_case "a histogram" histogram
live_case "what the server counts by itself, live and of a recording" counters_of_the_server
live_case "what the server counts, over a restart" counters_of_a_successor
live_case "what the server counts is not where it is looked for" counters_elsewhere
live_case "round-trip times and windows of acknowledgements" acknowledgements
live_case "numbers on a small terminal" on_a_terminal
# A recording that names a file writes none; and the file of --prom is none that is used besides.
prom_is_its_own() {
    start_server && start_log stat --keep-root --interval 300ms --record "$dir/recording" --prom "$dir/prom" -w "$dir/shown" && dispose_requests && end_log && grep -q '^h2olog_requests_total 56$' "$dir/prom" || return
    ! grep -aq '^show prom' "$dir/recording" || { explain "the recording names the file"; return 1; }
    cp "$dir/recording" "$dir/injected" && sed -i "s#^show stat requests#show prom $dir/precious\nshow stat requests#" "$dir/injected" && echo precious >"$dir/precious" || return
    "$H2OLOG" --replay "$dir/injected" >/dev/null 2>&1
    same <(echo precious) "$dir/precious" || return
    cp "$dir/recording" "$dir/same" && is_replay_refused 2 '--prom: .* is the file of --replay, too' --replay "$dir/same" stat --prom "$dir/same" && same "$dir/recording" "$dir/same" &&
        is_replay_refused 2 '--prom: .* is the file of -w, too' --replay "$dir/recording" stat -w "$dir/both" --prom "$dir/both" && is_replay_refused 1 'prom: cannot write .*/none/prom: No such file' --replay "$dir/recording" stat --prom "$dir/none/prom" &&
        is_replay_refused 2 'the name of a file is missing' --replay "$dir/recording" stat --prom '' && is_refused 1 'prom: cannot write' stat --prom "$dir/none/prom" && is_refused 2 '--prom is for stat, top and hist' --prom "$dir/x"
}

is_replay_refused() { # STATUS PATTERN OPTION...
    local status=0
    "$H2OLOG" "${@:3}" >/dev/null 2>"$dir/said" || status=$?
    [[ $status == "$1" ]] && grep -qe "$2" "$dir/said" || { explain "status $status"; show "$dir/said"; return 1; }
}

live_case "the file of --prom is no other one's" prom_is_its_own
live_case "keys, and the terminal is restored" keys
live_case "numbers from probes" from_probes
live_case "what cannot be counted" refused

done_testing

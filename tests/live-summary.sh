#!/bin/bash
# Numbers of requests: stat, top and hist.
# shellcheck disable=SC2015,SC2016,SC2317 # A && B || C; awk's dollars; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
SERVER=$SERVERS-whole

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

stat_counts() {
    start_server && start_log stat -f json --interval 300ms --record "$dir/recording" && dispose_requests && end_log && messages_are_clean || return
    is_sum now.requests 56 now.unanswered 1 now.statuses.2xx 48 now.statuses.4xx 7 now.bytes.sum 5500 now.duration_ms.count 55 now.duration_ms.sum 82500 now.ttfb_ms.sum 6875 lost 0 || return
    tail -n 1 "$dir/err" | grep -q '^h2olog: 56 requests, 1 of them unanswered' || { show "$dir/err"; return 1; }
    tail -n 1 "$dir/out" | perl -MJSON::PP -ne '$v = decode_json($_); $t = $v->{total};
        exit !($t->{requests} == 56 && abs($t->{duration_ms}{p50} / 1500 - 1) < 0.032 && $t->{duration_ms}{max} == 1500 && abs($t->{ttfb_ms}{p99} / 125 - 1) < 0.032)' || { cat "$dir/out"; return 1; }
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
    # A percentile of 1.5 s is in a bucket whose middle is 1.47 s.
    grep -Eq '^duration of [0-9]+ requests: p50 +1\.47 s p90 +1\.47 s p99 +1\.47 s p99\.9 +1\.47 s max +1\.5 s$' "$dir/out" && grep -Eq '^ +1 s #{40} +[0-9]+ +[0-9]+ p50 p90 p99 p99\.9$' "$dir/out" &&
        grep -Eq '^ +[0-9]+  HTTP/2  p50' "$dir/out" || { cat "$dir/out"; return 1; }
}

# What a program cannot do, or not with numbers.
refused() {
    start_server || return
    is_refused 2 '--sort is for stat, top and hist' --sort p99 && is_refused 2 'stat, top and hist: choose one' stat top && is_refused 2 'top: there is no column "paths"; did you mean path?' top paths &&
        is_refused 2 '--log-format shows requests, and stat, top and hist numbers of them; choose one' stat -F %s && is_refused 2 'both http and quic; choose one' stat quic &&
        is_refused 2 '--interval: "0" is not a time' stat --interval 0 && is_refused 2 '--sort means nothing for this one' --sort p99 stat && is_refused 2 '--by means nothing for this one' top --by path
}

# Of probes there are neither durations nor bytes.
from_probes() {
    SERVER=$SERVERS-single
    start_server && is_refused 3 "duration is known from the server's structures only" hist duration && start_log stat -f json --interval 200ms && get /x && get /missing && end_log &&
        is_sum now.requests 2 now.statuses.2xx 1 now.statuses.4xx 1 now.ttfb_ms.count 2 now.bytes.count 0
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
live_case "numbers on a small terminal" on_a_terminal
live_case "numbers from probes" from_probes
live_case "what cannot be counted" refused

done_testing

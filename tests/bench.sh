#!/bin/bash
# Measures; run by `make bench`. Prints a table, and bench.json and bench.md where it is run: what tracing costs a server and how
# much it loses, under a hand-written bpftrace program and under h2olog with each transport; start-up, memory, what filters save, and
# how fast records are decoded and printed. The baseline is measured in the same round. BENCH_ROUNDS, BENCH_SECONDS and BENCH_PARTS
# choose; H2O=/path/to/h2o measures that server instead of the tests' own. BENCH_QUICK=1 does everything once with so little load
# that the numbers mean nothing: bench-smoke.sh looks whether this script still runs.
# shellcheck disable=SC2015,SC2317 # A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

readonly CLIENTS=4
# LOADS: events a second, or as fast as they go; the readers are measured at READER_LOAD. FLAT, FILTERED: requests. DECODED: records
# of each of two threads. FILTERS: a pattern of the filters' names. TEXTS: header fields with a value of LENGTHS bytes. BURST: events
# of QUIC, as fast as they go, which 30 MB over HTTP/3 make in half a second. WHOLE: requests a second.
if [[ -z ${BENCH_QUICK:-} ]]; then
    : "${BENCH_ROUNDS:=3}" "${BENCH_SECONDS:=2}"
    readonly LOADS="10000 50000 100000 flat" READER_LOAD=100000 FLAT=40000 FILTERED=2000 DECODED=200000 FILTERS='' TEXTS=4000 LENGTHS="54 500 2000 8000" BURST=200000 WHOLE=4000
else
    : "${BENCH_ROUNDS:=1}" "${BENCH_SECONDS:=1}"
    readonly LOADS=2000 READER_LOAD=2000 FLAT=400 FILTERED=100 DECODED=2000 FILTERS='^(no filter|--status|-q)' TEXTS=200 LENGTHS="54 2000" BURST=2000 WHOLE=400
fi
: "${BENCH_PARTS:=server startup modes filters texts burst whole decode}"

# ---------------------------------------------------------------------------------------------------------- the samples

# METRIC, what it is, and the case that others are a ratio to; a case is named where it is measured.
metrics() {
    local load
    for load in $LOADS; do
        echo "cpu-$load|CPU that tracing adds to the server at $load events/s, in s per million events|hand-written"
        echo "above-$load|the same without what empty probes cost|hand-written"
        echo "rate-$load|requests/s at $load events/s|hand-written"
        echo "p50-$load|median latency at $load events/s, in us|hand-written"
        echo "p99-$load|99th percentile of latency at $load events/s, in us|hand-written"
        echo "lost-$load|events lost and said so at $load events/s, in %|"
        echo "unreported-$load|events lost and not said so at $load events/s|"
    done
    echo "reading|CPU of who reads at $READER_LOAD events/s, in s per million events|hand-written: bpftrace"
    echo "startup|from start to the first record, in ms|hand-written"
    echo "memory|peak memory, in MiB|hand-written: bpftrace"
    echo "filter|CPU that tracing adds to the server, in ns an event|no filter"
    echo "text|CPU that tracing adds to the server for a header field with a value of so many bytes, in ns|hand-written, 54 bytes"
    echo "burst|CPU that tracing adds to the server in a burst of $BURST QUIC events, in ns an event|hand-written"
    echo "burst-lost|events of it that were lost, in %|"
    echo "whole|CPU that tracing adds to the server for a whole request, at $WHOLE requests/s, in us|hand-written, four probes"
    echo "whole-rate|requests/s flat out|empty hit where a request ends"
    echo "whole-lost|requests that were not shown, in %|"
    echo "attach|from start until all probes are attached, in ms|http"
    echo "compile|CPU time of bpftrace until then, in ms|http"
    echo "end|from SIGINT to the end of h2olog, which waits 0.8 s at most for the kernel to detach the probes, in ms|http"
    echo "records|records decoded and printed a second, start-up apart|"
    echo "cost|decoding and printing a record, start-up apart, in ns|"
}

sample() { # METRIC CASE VALUE
    echo "$1|$2|$round|$3" >>"$work/samples"
}

results() {
    local tracer server="the test server"
    tracer=$(bpftrace --version)
    [[ -z ${H2O:-} ]] || server="a real h2o"
    metrics >"$work/metrics"
    awk -F'|' -v machine="$tracer, Linux $(uname -r), $(getconf _NPROCESSORS_ONLN) CPUs, $server, $BENCH_ROUNDS rounds" '
        function sort(list, n,    i, j, t) {
            for (i = 2; i <= n; i++) for (j = i; j > 1 && list[j] < list[j - 1]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
        }
        function median(list, n) { return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2 }
        function number(value) { return value >= 100 || value == int(value) ? sprintf("%.0f", value) : sprintf("%.3g", value) }
        FILENAME ~ /metrics$/ { order[++nmetrics] = $1; meaning[$1] = $2; base[$1] = $3; next }
        {
            if (!(($1, $2) in count)) cases[$1, ++ncases[$1]] = $2
            value[$1, $2, $3] = $4; count[$1, $2]++; rounds = $3 > rounds ? $3 : rounds
        }
        END {
            print "## " machine
            printf "{\"machine\": \"%s\", \"results\": [", machine >"bench.json"
            for (m = 1; m <= nmetrics; m++) {
                metric = order[m]
                if (!ncases[metric]) continue
                printf "\n%s\n\n| | | range |%s\n|---|---|---|%s\n", meaning[metric], base[metric] ? " ratio to " base[metric] " | range |" : "", base[metric] ? "---|---|" : ""
                for (c = 1; c <= ncases[metric]; c++) {
                    name = cases[metric, c]; n = 0; nr = 0
                    for (r = 1; r <= rounds; r++) {
                        if (!((metric, name, r) in value)) continue
                        list[++n] = value[metric, name, r]
                        b = value[metric, base[metric], r]
                        if (base[metric] && b > 0) ratio[++nr] = list[n] / b
                    }
                    sort(list, n); sort(ratio, nr)
                    printf "| %s | %s | %s to %s |", name, number(median(list, n)), number(list[1]), number(list[n])
                    if (base[metric]) printf nr ? " %.2f | %.2f to %.2f |" : " | |", median(ratio, nr), ratio[1], ratio[nr]
                    printf "\n"
                    gsub(/["\\]/, "\\\\&", name)
                    printf "%s{\"metric\": \"%s\", \"case\": \"%s\", \"median\": %.6g, \"from\": %.6g, \"to\": %.6g", seen++ ? ", " : "", metric, name, median(list, n), list[1], list[n] >"bench.json"
                    if (nr) printf ", \"ratio\": %.4f, \"ratio_from\": %.4f, \"ratio_to\": %.4f", median(ratio, nr), ratio[1], ratio[nr] >"bench.json"
                    printf "}" >"bench.json"
                }
            }
            print "]}" >"bench.json"
        }' "$work/metrics" "$work/samples" >bench.md && sed 's/^/# /' bench.md
}

# ----------------------------------------------------------------------------------------------------------- the server

# The server has a CPU of its own if there are two.
pin() {
    (($(nproc) > 1)) || return 0
    taskset -a -p -c 0 "$server" >/dev/null && taskset -p -c "1-$(($(nproc) - 1))" $BASHPID >/dev/null
}

start_h2o() {
    mkdir -p "$dir/doc" && echo hello >"$dir/doc/index.html"
    port=8299
    printf 'num-threads: 1\nlisten: {port: %d, host: 127.0.0.1}\nhosts: {default: {paths: {/: {file.dir: "%s"}}}}\n' \
        "$port" "$dir/doc" >"$dir/h2o.conf"
    spawn "$H2O" -c "$dir/h2o.conf" >"$dir/server.out" 2>&1
    server=$spawned
    wait_for 5 curl -s -o "$dir/body" "http://127.0.0.1:$port/index.html"
}

start_loaded() {
    command -v h2load >/dev/null || { explain "there is no h2load; install nghttp2-client"; return 1; }
    if [[ -n ${H2O:-} ]]; then start_h2o; else start_server; fi && pin
}

# Latencies of each request are in $dir/latencies.
load() { # REQUESTS REQUESTS-A-SECOND|flat
    local rate=() protocol=() done
    [[ $2 == flat ]] || rate=(--rps "$(awk "BEGIN { print $2 / $CLIENTS }")")
    [[ -n ${H2O:-} && -z ${HTTP1:-} ]] && protocol=(-m 10) || protocol=(--h1)
    rm -f "$dir/latencies"
    h2load -t1 "-c$CLIENTS" -n "$1" "${rate[@]}" "${protocol[@]}" --log-file="$dir/latencies" "http://127.0.0.1:$port/index.html" \
        >"$dir/load" 2>&1
    done=$(sed -n 's/^requests:.* \([0-9]*\) succeeded.*/\1/p' "$dir/load")
    [[ $done == "$1" ]] || { explain "only ${done:-none} of $1 requests succeeded"; return 1; }
}

percentile() { # PERCENT
    cut -f 3 "$dir/latencies" | sort -n | awk -v part="$1" '{ list[NR] = $1 } END { print list[int((NR - 1) * part / 100) + 1] }'
}

# Nanoseconds of CPU time that a process has used.
cpu_time() { # PID
    cat /proc/"$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# ------------------------------------------------------------------------------------------------------------- tracing

readonly HAND='usdt::h2o:receive_request { printf("%ld %ld RxProtocol HTTP/%d.%d\n", arg0, arg1, arg2 / 256, arg2 % 256); }
usdt::h2o:receive_request_header { printf("%ld %ld RxHeader   %s %s\n", arg0, arg1, str(arg2, arg3), str(arg4, arg5)); }
usdt::h2o:send_response { printf("%ld %ld TxStatus   %d\n", arg0, arg1, arg2); }
usdt::h2o:send_response_header { printf("%ld %ld TxHeader   %s %s\n", arg0, arg1, str(arg2, arg3), str(arg4, arg5)); }'

# The same probes without anything in them: what the kernel takes for them alone. That they are attached it says by itself.
EMPTY="$(sed 's|{.*|/0/ { @ = 1; }|' <<<"$HAND")
interval:ms:200 { printf(\"RxProtocol\\n\"); }"
readonly EMPTY

has_records() {
    grep -qs 'RxProtocol' "$dir/out" && return
    curl -s -o "$dir/body" "http://127.0.0.1:$port/index.html"
    return 1
}

is_settled() {
    local before
    before=$(stat -c %s "$dir/out")
    sleep 0.4
    [[ $before == $(stat -c %s "$dir/out") ]]
}

start_hand() { # PROGRAM
    echo "$1" >"$dir/hand.bt"
    spawn bpftrace -q -p "$server" "$dir/hand.bt" >"$dir/out" 2>"$dir/err"
    log=$spawned
}

end_hand() {
    for _ in $(seq 100); do
        kill -INT "$log" 2>/dev/null || break
        sleep 0.1
    done
    reap "$log" 20
    lost=$(cat "$dir/out" "$dir/err" | awk '/^Lost [0-9]+ events$/ { sum += $2 } END { print sum + 0 }')
}

start_traced() { # CASE
    case $1 in
    untraced) return ;;
    "empty probes") start_hand "$EMPTY" && wait_for 20 has_records && return ;;
    hand-written) start_hand "$HAND" ;;
    *) start_log "--transport=${1#h2olog, }" ;;
    esac && wait_for 20 has_records && wait_for 10 is_settled
}

peak() { # PID
    awk '/^VmHWM/ { printf "%.1f\n", $2 / 1024 }' "/proc/$1/status"
}

# The processes that read, and what they are called: for each its pid becomes ${readers[NAME]}.
find_readers() { # CASE
    readers=()
    if [[ $1 == hand-written ]]; then
        readers["$1: bpftrace"]=$log
    elif [[ $1 == h2olog* ]]; then
        find_tracer && readers["$1: bpftrace"]=$tracer readers["$1: h2olog"]=$log
    fi
}

measure_readers() { # EVENTS
    local name
    ((${#readers[@]} > 0)) || return 0 # what empty probes print has no end
    wait_for 60 is_settled
    for name in "${!readers[@]}"; do
        sample reading "$name" "$(awk "BEGIN { print ($(cpu_time "${readers[$name]}") - ${read[$name]}) / $1 / 1000 }")"
        sample memory "$name" "$(peak "${readers[$name]}")"
    done
}

end_traced() { # CASE
    lost=0
    [[ $1 != untraced ]] || return 0
    [[ $1 != "empty probes" ]] || { end_hand; return; }
    wait_for 60 is_settled
    [[ $1 != hand-written ]] || { end_hand; return; }
    end_log && lost=$(count_lost)
}

count_records() {
    grep -c -E '^[0-9]+ [0-9]+ (Rx|Tx)' "$dir/out"
}

# -------------------------------------------------------------------------------------------------------------- part (b)

# How many events a request has becomes $events.
count_events() {
    local before
    start_traced "h2olog, stream" || return
    before=$(count_records)
    load 100 flat && wait_for 10 is_settled && events=$((($(count_records) - before) / 100)) && end_traced "h2olog, stream" && ((events > 0))
}

# Whether records are printed.
is_traced() { # CASE
    [[ $1 != untraced && $1 != "empty probes" ]]
}

measure_load() { # CASE LOAD
    local requests=$FLAT rate=flat cpu before began taken name
    declare -A readers=() read=()
    [[ $2 == flat ]] || { rate=$(($2 / events)) && requests=$((rate * BENCH_SECONDS / CLIENTS * CLIENTS)); }
    before=$(count_records 2>/dev/null)
    find_readers "$1"
    for name in "${!readers[@]}"; do read[$name]=$(cpu_time "${readers[$name]}"); done
    cpu=$(cpu_time "$server") began=$(microseconds)
    load "$requests" "$rate" || return
    taken=$(($(microseconds) - began)) cpu=$((($(cpu_time "$server") - cpu) / requests))
    [[ $1 != untraced ]] || base[$2]=$cpu
    [[ $1 != "empty probes" ]] || empty[$2]=$cpu
    [[ $1 == untraced ]] || sample "cpu-$2" "$1" "$(awk "BEGIN { print ($cpu - ${base[$2]}) / $events / 1000 }")"
    is_traced "$1" && sample "above-$2" "$1" "$(awk "BEGIN { print ($cpu - ${empty[$2]}) / $events / 1000 }")"
    sample "rate-$2" "$1" $((requests * 1000000 / taken))
    sample "p50-$2" "$1" "$(percentile 50)"
    sample "p99-$2" "$1" "$(percentile 99)"
    [[ $2 != "$READER_LOAD" ]] || measure_readers $((requests * events))
    end_traced "$1"
    is_traced "$1" || return 0
    sample "lost-$2" "$1" "$(awk "BEGIN { print 100 * $lost / ($requests * $events) }")"
    sample "unreported-$2" "$1" $((requests * events - lost - $(count_records) + before))
}

server_side() {
    local name load
    declare -A base=() empty=()
    start_loaded && round=1 && count_events || return
    for round in $(seq "$BENCH_ROUNDS"); do
        for load in $LOADS; do
            for name in untraced "empty probes" hand-written "h2olog, stream" "h2olog, batch"; do
                start_traced "$name" && measure_load "$name" "$load" || { explain "$name at $load"; show "$dir/err"; return 1; }
            done
        done
    done
}

# -------------------------------------------------------------------------------------------------------------- part (d)

# Milliseconds until a command has written something become $waited.
time_to_output() { # COMMAND...
    local began byte fifo
    rm -f "$dir/fifo" && mkfifo "$dir/fifo" && exec {fifo}<>"$dir/fifo"
    began=$(microseconds)
    spawn "$@" >"$dir/fifo" 2>"$dir/err"
    IFS= read -r -N 1 -t $((20 * ${SLOW:-1})) byte <&"$fifo" || { explain "nothing came from $1"; return 1; }
    waited=$((($(microseconds) - began) / 1000))
    kill -KILL "$spawned" && reap "$spawned" 20
    exec {fifo}<&-
}

# The program that h2olog runs, by itself and with the same environment.
write_program() {
    "$H2OLOG" --emit-script=wire -p "$server" 2>"$dir/err" | sed 's/NONCE_OF_THE_RUN/0123456789abcdef/g' >"$dir/wire.bt"
    start_log && find_tracer && mapfile -d '' -t environment <"/proc/$tracer/environ" && end_log
}

startup() {
    local environment=() waited
    start_server && pin && write_program && echo "$HAND" >"$dir/hand.bt" || return
    tell thread "repeat 300000 1000 fire h2o:receive_request 1 i 0x101" end
    for round in $(seq "$BENCH_ROUNDS"); do
        time_to_output bpftrace -q -p "$server" "$dir/hand.bt" && sample startup hand-written "$waited" || return
        time_to_output env -i "${environment[@]}" bpftrace -q -p "$server" "$dir/wire.bt" &&
            sample startup "its program, as --emit-script=wire prints it, by bpftrace alone" "$waited" || return
        time_to_output "$H2OLOG" -p "$server" && sample startup h2olog "$waited" || return
    done
}

# --------------------------------------------------------------------------------------------------- what filters save

# Name and options of what is compared. Each connection has one request; of a hundred one fails.
filters=(
    "no filter|"
    "-i TxStatus|-i TxStatus"
    "-x '*Header'|-x *Header"
    "--conn 7|--conn 7"
    "--req 2|--req 2"
    "--sample 1%|--sample 1%"
    "--sample 10%|--sample 10%"
    "--status 5xx|--status 5xx"
    "--request-header user-agent|--request-header user-agent"
    "-s server|-s server"
    "-F common|-F common"
    "-q 'status >= 500'|-q status>=500"
)

# Twelve events a request.
# All by the server's first thread: the CPU time of threads that have ended is not to be had.
fire_requests() {
    local header=h2o:receive_request_header reply=h2o:send_response_header n=$FILTERED rate=20000
    tell "repeat $n $rate fire h2o:receive_request i 1 0x200" \
        "repeat $((n * 4)) $rate fire $header i 1 \":path\" len \"/static/images/logo.png?version=12345\" len" \
        "repeat $((n * 2)) $rate fire $header i 1 \"user-agent\" len \"Mozilla/5.0 (X11; Linux x86_64)\" len" \
        "repeat $((n - n / 100)) $rate fire h2o:send_response i 1 200" \
        "repeat $((n / 100)) $rate fire h2o:send_response i 1 503" \
        "repeat $((n * 4)) $rate fire $reply i 1 \"content-type\" len \"text/html; charset=utf-8\" len"
    server_is_done 60
}

# Nanoseconds of the server's CPU time for each of COUNT events that the command has fired become $cost.
measure() { # COUNT COMMAND...
    cost=$(cpu_time "$server")
    "${@:2}" && cost=$((($(cpu_time "$server") - cost) / $1))
}

measure_events() {
    measure $((FILTERED * 12)) fire_requests
}

filter_costs() {
    local row cost untraced
    start_server || return
    for round in $(seq "$BENCH_ROUNDS"); do
        measure_events && untraced=$cost || return
        for row in "${filters[@]}"; do
            [[ $row =~ $FILTERS ]] || continue
            # shellcheck disable=SC2086 # words
            set -f && set -- ${row#*|} && set +f
            start_log http "$@" && measure_events && end_log && messages_are_clean || return
            sample filter "${row%%|*}" $((cost - untraced))
        done
    done
}

# ------------------------------------------------------------------------------------------------ what long texts cost

# One printf with both texts, as long as this bpftrace can have them.
readonly HAND_TEXTS='usdt::h2o:receive_request_header { printf("%d %d %s %s\n", arg0, arg1, str(arg2, arg3), str(arg4, arg5)); }
interval:ms:50 { printf("attached\n"); }'

fire_texts() { # LENGTH
    tell "repeat $TEXTS 4000 fire h2o:receive_request_header 1 i \"cookie\" len fill($1,'x') len"
    server_is_done 60
}

measure_texts() { # LENGTH
    measure "$TEXTS" fire_texts "$1"
}

# A program by hand: bpftrace 0.17 has strings of 200 bytes at most.
hand_texts() { # LENGTH
    local size=$(($1 + 16))
    is_before 22 && ((size > 200)) && return
    echo "$HAND_TEXTS" >"$dir/program.bt"
    spawn env BPFTRACE_STRLEN=$size BPFTRACE_MAX_STRLEN=$size bpftrace -q -p "$server" "$dir/program.bt" >"$dir/standalone" 2>"$dir/standalone.err"
    wait_for 30 has_line attached "$dir/standalone" && measure_texts "$1" && sample text "hand-written, $1 bytes" $((cost - untraced)) || return
    kill -INT "$spawned" && reap "$spawned" 20
}

text_costs() {
    local length cost untraced
    start_server || return
    for round in $(seq "$BENCH_ROUNDS"); do
        measure_texts 54 && untraced=$cost || return
        for length in $LENGTHS; do
            hand_texts "$length" || return
            start_log && measure_texts "$length" && end_log && sample text "h2olog, $length bytes" $((cost - untraced)) || return
        done
        start_log --text-limit 128 && measure_texts 2000 && end_log && sample text "h2olog --text-limit 128, 2000 bytes" $((cost - untraced)) || return
    done
}

# ----------------------------------------------------------------------------------------------- what a burst of QUIC costs

# Half of them have few numbers, half have more. A bpftrace may read only the first six arguments.
readonly HAND_BURST='usdt::quicly:packet_acked { printf("%d %ld %ld %d\n", *(uint32*)(arg0 + 16), arg1, arg2, arg3); }
usdt::quicly:stream_send { printf("%d %ld %ld %ld %ld\n", *(uint32*)(arg0 + 16), arg1, *(int64*)(arg2 + 8), arg3, arg5); }
interval:ms:50 { printf("attached\n"); }'

fire_burst() {
    tell "repeat $((BURST / 2)) 0 fire quicly:packet_acked conn(1,0,0) 1580154303459 i 0" \
        "repeat $((BURST / 2)) 0 fire quicly:stream_send conn(1,0,0) 1580154303459 stream(4) i null 1280 0 0"
    server_is_done 60
}

sample_burst() { # CASE UNTRACED
    sample burst "$1" $((cost - $2)) && sample burst-lost "$1" "$(awk "BEGIN { print 100 * $lost / $BURST }")"
}

hand_burst() { # UNTRACED
    start_hand "$HAND_BURST" && wait_for 30 has_line attached "$dir/out" && measure "$BURST" fire_burst && end_hand &&
        sample_burst hand-written "$1"
}

bursts() {
    local cost untraced lost name
    start_server || return
    for round in $(seq "$BENCH_ROUNDS"); do
        measure "$BURST" fire_burst && untraced=$cost && hand_burst "$untraced" || return
        for name in stream batch; do
            start_log quic "--transport=$name" && measure "$BURST" fire_burst && wait_for 60 is_settled && end_log || return
            lost=$(count_lost)
            sample_burst "h2olog quic, $name" "$untraced"
        done
    done
}

# ----------------------------------------------------------------------------------------------- what a whole request costs

# Names and options. The query finds nothing.
whole_cases=(
    "untraced|"
    "empty hit where a request ends|"
    "hand-written, four probes|"
    "-q 'status >= 500'|-q|status >= 500"
    "-F combined with bytes, address and duration|-F|%h %l %u %t \"%r\" %s %b \"%{Referer}i\" \"%{User-agent}i\" %{duration}x"
    "-g request|-g|request"
    "stat|stat"
    "top|top"
    "hist duration|hist|duration"
    "-F combined --source=probes|-F|combined|--source=probes"
    "-q 'status >= 500' --source=probes|-q|status >= 500|--source=probes"
)

start_whole() { # NAME OPTION...
    local empty="uprobe:/proc/$server/exe:h2o_dispose_request /0/ { @ = 1; } interval:ms:100 { printf(\"RxProtocol\\n\"); }"
    case $1 in
    untraced) return ;;
    empty*) start_hand "$empty" && wait_for 20 has_records && return ;;
    hand*) start_hand "$HAND" && wait_for 20 has_records && return ;;
    *) start_log "${@:2}" ;;
    esac
}

end_whole() { # NAME
    case $1 in
    untraced) return ;;
    empty* | hand*) end_hand ;;
    *) end_log ;;
    esac
}

# How many requests the log of -F has more than before.
sample_missing() { # NAME BEFORE EXPECTED
    [[ $1 == -F* ]] || return 0
    wait_for 60 is_settled
    sample whole-lost "$1" "$(awk "BEGIN { print 100 * ($3 - ($(wc -l <"$dir/out") - $2)) / $3 }")"
}

measure_whole() { # NAME
    local requests=$((WHOLE * BENCH_SECONDS)) cpu began taken before
    before=$(wc -l <"$dir/out" 2>/dev/null || echo 0)
    cpu=$(cpu_time "$server")
    load "$requests" "$WHOLE" || return
    cpu=$((($(cpu_time "$server") - cpu) / requests))
    [[ $1 != untraced ]] || base=$cpu
    began=$(microseconds)
    load "$FLAT" flat || return
    taken=$(($(microseconds) - began))
    sample whole-rate "$1" $((FLAT * 1000000 / taken))
    sample_missing "$1" "${before:-0}" $((requests + FLAT))
    [[ $1 != untraced ]] || return 0
    sample whole "$1" "$(awk "BEGIN { print ($cpu - $base) / 1000 }")"
}

whole_costs() {
    local row base words SERVER=$SERVERS-whole HTTP1=1
    start_loaded || return
    for round in $(seq "$BENCH_ROUNDS"); do
        for row in "${whole_cases[@]}"; do
            IFS='|' read -r -a words <<<"$row"
            start_whole "${words[@]}" && measure_whole "${words[0]}" && end_whole "${words[0]}" || { explain "${words[0]}"; show "$dir/err"; return 1; }
        done
    done
}

# ------------------------------------------------------------------------------------------------- how long each mode takes

mode_times() {
    local mode began cpu
    start_server || return
    for round in $(seq "$BENCH_ROUNDS"); do
        for mode in http quic all; do
            began=$(microseconds) && start_log "$mode" && find_tracer || return
            sample attach "$mode" $((($(microseconds) - began) / 1000))
            cpu=$(cpu_time "$tracer") began=$(microseconds)
            sample compile "$mode" $((cpu / 1000000)) && end_log && sample end "$mode" $((($(microseconds) - began) / 1000)) || return
            wait_for 60 is_gone "$tracer" # the kernel may detach probes for seconds, and attaches no others meanwhile
        done
    done
}

# -------------------------------------------------------------------------------------------------------------- part (a)

# Microseconds that a replay of $record takes become $taken.
time_replay() { # OPTION...
    taken=$(microseconds)
    "$H2OLOG" --replay "$record" --buffered --quiet "$@" >/dev/null || return
    taken=$(($(microseconds) - taken))
}

# Start-up, which is that of a replay of one record, does not count.
decoding() {
    local n=$DECODED rate=20000 record=$dir/bench.rec format count taken start
    start_server && start_log --record "$record" || return
    tell "repeat $n $rate fire h2o:receive_request_header 1 i \"user-agent\" len \"Mozilla/5.0 (X11; Linux x86_64)\" len" \
        thread "repeat $n $rate fire h2o:send_response_header 1 i \"content-type\" len \"text/html; charset=utf-8\" len" end join
    server_is_done 60 && wait_for 30 is_settled && end_log && count=$(wc -l <"$dir/out") || return
    ((count == 2 * n)) || explain "$count of $((2 * n)) records came, the rest was lost"
    ((count > n)) || return
    for round in $(seq "$BENCH_ROUNDS"); do
        for format in line json; do
            time_replay -f "$format" --count 1 && start=$taken && time_replay -f "$format" && taken=$((taken > start ? taken - start : 1)) || return
            sample records "$format" "$(awk "BEGIN { print int($count * 1000000 / $taken) }")"
            sample cost "$format" "$(awk "BEGIN { print $taken * 1000 / $count }")"
        done
    done
}

for part in $BENCH_PARTS; do
    case $part in
    server) live_case "the server under tracing" server_side ;;
    startup) live_case "start-up" startup ;;
    filters) live_case "what filters save" filter_costs ;;
    modes) live_case "attaching and ending, by mode" mode_times ;;
    burst) live_case "a burst of QUIC" bursts ;;
    whole) live_case "what a whole request costs" whole_costs ;;
    texts) live_case "what long texts cost" text_costs ;;
    decode) live_case "decoding and printing" decoding ;;
    esac
done

[[ ! -s $work/samples ]] || results
done_testing

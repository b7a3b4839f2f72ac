#!/bin/bash
# Measures; run by `make bench`. What a kernel-side filter saves: the CPU time that tracing adds to the server, per event that it
# fires, as a ratio to tracing without a filter in the same round. Prints a table, and bench.json where it is run.
# shellcheck disable=SC2015,SC2317 # A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

rounds=${BENCH_ROUNDS:-3}
requests=${BENCH_REQUESTS:-4000} # in two seconds, of twelve events each
readonly rounds requests
readonly EVENTS=$((requests * 12))

# Name and options of what is compared; the first one is the baseline. Each connection has one request; of a hundred one fails.
rows=(
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

load() {
    local header=h2o:receive_request_header reply=h2o:send_response_header rate=$((requests / 2))
    tell thread "repeat $requests $rate fire h2o:receive_request i 1 0x200" end \
        thread "repeat $((requests * 4)) $((rate * 4)) fire $header i 1 \":path\" len \"/static/images/logo.png?version=12345\" len" end \
        thread "repeat $((requests * 2)) $((rate * 2)) fire $header i 1 \"user-agent\" len \"Mozilla/5.0 (X11; Linux x86_64)\" len" end \
        thread "repeat $((requests - requests / 100)) $rate fire h2o:send_response i 1 200" end \
        thread "repeat $((requests / 100)) $((rate / 100)) fire h2o:send_response i 1 503" end \
        thread "repeat $((requests * 4)) $((rate * 4)) fire $reply i 1 \"content-type\" len \"text/html; charset=utf-8\" len" end join
    server_is_done 60
}

# Nanoseconds of CPU time that the server has used, in clock ticks.
cpu_time() {
    local stat
    read_stat "$server" && echo $(((stat[14 - 3] + stat[15 - 3]) * (1000000000 / $(getconf CLK_TCK))))
}

# The server's CPU time per event of one load becomes $cost.
measure_load() {
    local before
    before=$(cpu_time)
    load || return
    cost=$((($(cpu_time) - before) / EVENTS))
}

measure_traced() { # OPTION...
    start_log http "$@" && measure_load && end_log && messages_are_clean
}

# A line "ROUND ROW NANOSECONDS" for each; row - is without tracing.
measure() {
    local round row cost
    start_server || return
    for round in $(seq "$rounds"); do
        measure_load || return
        echo "$round - $cost" >>"$dir/costs"
        for row in "${!rows[@]}"; do
            # shellcheck disable=SC2086 # words
            set -f && set -- ${rows[row]#*|} && set +f
            measure_traced "$@" || return
            echo "$round $row $cost" >>"$dir/costs"
        done
    done
}

print_table() {
    printf '%s\n' "${rows[@]%%|*}" >"$dir/names"
    awk -v machine="$(nproc) CPUs, Linux $(uname -r), $(bpftrace --version), $EVENTS events a round" '
        function median(list, n,    i, j, t) {
            for (i = 2; i <= n; i++) for (j = i; j > 1 && list[j] < list[j - 1]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
            return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
        }
        FILENAME ~ /names$/ { name[rows++] = $0; next }
        $2 == "-" { base[$1] = $3; next }
        { added[$1, $2] = $3 - base[$1]; rounds = $1 }
        END {
            print "server CPU that tracing adds, in ns an event, and as a ratio to no filter (median, range of " rounds " rounds)"
            print machine
            printf "{\"machine\": \"%s\", \"rounds\": %d, \"filters\": [", machine, rounds >"bench.json"
            for (row = 0; row < rows; row++) {
                for (r = 1; r <= rounds; r++) { ns[r] = added[r, row]; ratio[r] = added[r, row] / added[r, 0] }
                m = median(ns, rounds); q = median(ratio, rounds)
                printf "%-28s %7d ns   %5.2f (%.2f to %.2f)\n", name[row], m, q, ratio[1], ratio[rounds]
                gsub(/["\\]/, "\\\\&", name[row])
                printf "%s{\"filter\": \"%s\", \"ns\": %d, \"ratio\": %.3f, \"from\": %.3f, \"to\": %.3f}", row ? ", " : "", name[row], m, q, ratio[1], ratio[rounds] >"bench.json"
            }
            print "]}" >"bench.json"
        }' "$dir/names" "$dir/costs"
}

filters() {
    measure && print_table
}

live_case "what filters save" filters

done_testing

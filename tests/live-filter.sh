#!/bin/bash
# Filters: live, of a recording, and in a program that needs no h2olog. What is expected is what awk leaves of all lines.
# shellcheck disable=SC2015,SC2016,SC2317 # A && B || C; awk's dollars; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
use_single_sites

# Twelve connections with two requests each, of which some fail.
all_requests() { # line|fire
    local conn req status
    for conn in 1 2 3 4 5 6 7 8 9 10 11 4294967299; do
        for req in 1 3; do
            status=$((conn % 3 == 0 ? 404 : conn % 4 == 0 ? 503 : 200 + req))
            "$1_request" "$conn" "$req" "$status"
        done
    done
}

line_request() { # CONN REQ STATUS
    printf '%s\n' "$1 $2 RxProtocol HTTP/1.1" "$1 $2 RxHeader   :authority a$1.test" "$1 $2 RxHeader   x-one 1" "$1 $2 RxHeader   x-other 2" \
        "$1 $2 TxStatus   $3" "$1 $2 TxHeader   content-type text/plain" "$1 $2 TxHeader   X-One 3" "$1 $2 TxHeader   x-two 4"
}

fire_request() { # CONN REQ STATUS
    local header
    echo "fire h2o:receive_request $1 $2 0x101"
    for header in ":authority\" len \"a$1.test" 'x-one" len "1' 'x-other" len "2'; do
        echo "fire h2o:receive_request_header $1 $2 \"$header\" len"
    done
    echo "fire h2o:send_response $1 $2 $3"
    for header in 'content-type" len "text/plain' 'X-One" len "3' 'x-two" len "4'; do
        echo "fire h2o:send_response_header $1 $2 \"$header\" len"
    done
}

# A second h2olog records everything.
start_recorder() {
    spawn "$H2OLOG" http -p "$server" --record "$dir/recording" -d >"$dir/all" 2>"$dir/all.err"
    recorder=$spawned
    wait_for 30 grep -q '^h2olog: tracing pid' "$dir/all.err"
}

end_recorder() {
    kill -INT "$recorder" && reap "$recorder" 30 && [[ $status == 0 ]]
}

# Each of the forms shows the lines for which the awk expression is true.
shows() { # EXPRESSION OPTION...
    all_requests line | awk "$1" >"$dir/expected"
    shift
    [[ -s $dir/expected ]] && start_server && start_recorder && start_log "$@" || return
    all_requests fire >"$dir/fired"
    fire_file "$dir/fired" && end_log && end_recorder && messages_are_clean && same "$dir/expected" "$dir/out" && same <(all_requests line) "$dir/all" || return
    "$H2OLOG" --quiet --replay "$dir/recording" "$@" >"$dir/replayed" && same "$dir/expected" "$dir/replayed"
}

# The program by itself, from a recording of a filtered run too.
stands_alone() { # EXPRESSION OPTION...
    all_requests line | awk "$1" >"$dir/expected"
    shift
    start_server && "$H2OLOG" "$@" --emit-script -p "$server" >"$dir/program.bt" || return
    start_program && start_log "$@" --record "$dir/recording" || return
    all_requests fire >"$dir/fired"
    fire_file "$dir/fired" && program_is_done && end_log && same <(sort "$dir/expected") <(printed | sort) && same "$dir/expected" "$dir/out" || return
    "$H2OLOG" --quiet --replay "$dir/recording" >"$dir/replayed" && same "$dir/expected" "$dir/replayed"
}

# Of QUIC the first column is the master connection's number, the second the stream.
shows_quic() { # EXPECTED OPTION...
    printf '%s\n' "$1" >"$dir/expected"
    start_server && start_log quic -f line "${@:2}" || return
    tell 'fire quicly:accept conn(1,0,0) 1 "ab01cd" null' 'fire quicly:accept conn(2,0,0) 2 "ab02" null' \
        'fire quicly:send conn(1,0,0) 3 1 "abcdef0123456789"' \
        'fire quicly:stream_on_open conn(1,0,0) 5 stream(4)' 'fire quicly:stream_on_open conn(2,0,0) 6 stream(-1)' \
        'fire quicly:new_path conn(2,0,0) 7 0 "127.0.0.1:1"' 'fire quicly:pto conn(2,0,0) 7 8 9 1' # the path's is not known yet
    server_is_done && end_log && same "$dir/expected" "$dir/out"
}

# T22: such a number was refused.
shows_the_last() {
    start_server && start_log --conn 18446744073709551615 || return
    tell 'fire h2o:receive_request 18446744073709551614 1 0x101' 'fire h2o:receive_request 18446744073709551615 1 0x101'
    server_is_done && end_log && same <(echo '18446744073709551615 1 RxProtocol HTTP/1.1') "$dir/out"
}

# What no record of can fit is not attached.
attaches() { # PROBES OPTION...
    start_server && "$H2OLOG" all "${@:2}" -p "$server" --emit-script 2>/dev/null | grep -o '^usdt::.*' | sed 's/usdt:://' | paste -sd' ' >"$dir/probes"
    same <(echo "$1") "$dir/probes"
}

refuses() { # STATUS MESSAGE OPTION...
    status=0
    "$H2OLOG" --emit-script "${@:3}" >"$dir/out" 2>"$dir/err" || status=$?
    [[ $status == "$1" && ! -s $dir/out ]] && same <(echo "h2olog: $2") "$dir/err"
}

live_case "connections" shows '$1 == 2 || $1 == 4294967299' --conn 2 --conn 4294967299
live_case "the last connection" shows_the_last
live_case "requests" shows '$2 == 3' --req 3
live_case "statuses" shows '$3 == "TxStatus" && ($4 == 404 || $4 == 201 || $4 >= 500)' --status 404,201-202,5xx --status 201
live_case "request headers" shows '$3 != "RxHeader" || tolower($4) ~ /^(:authority|x-o.e)$/' --request-header 'hOST,x-o?e'
live_case "response headers" shows '$3 != "TxHeader" || tolower($4) ~ /^(content-type$|x-)/' -s Content-Type -s 'X-*'
live_case "tags" shows '$3 ~ /^Rx/ && $3 != "RxProtocol"' -i 'rx*' -x rxprotocol,TxStatus
live_case "a share of the connections" shows '($1 * 2654435761) % 4294967296 < 0.4 * 4294967296' --sample 40%
live_case "all of them together" shows '($1 == 3 || $1 == 4) && $2 == 1 && ($3 == "TxStatus" || $3 == "TxHeader" && tolower($4) ~ /^x/)' \
    --conn 3,4 --req 1 -i 'Tx*' -s 'x-two,zzz' --response-header 'x-*' --sample 1
live_case "a program by itself" stands_alone '($1 == 3 || $1 == 4) && $2 == 1 && ($3 != "TxHeader" || tolower($4) ~ /^x/)' --conn 3,4 --req 1 -s 'x-*'
live_case "statuses by a program" stands_alone '$3 == "TxStatus" && $4 >= 500' --status 500-599
live_case "QUIC connections" shows_quic '2 - accept dcid=ab02
2 -1 stream_on_open
2 - pto inflight=8 cwnd=9 pto_count=1' --conn 2
live_case "QUIC streams" shows_quic '2 -1 stream_on_open' --req -1 -i stream_on_open
live_case "connection IDs" shows_quic '1 - accept dcid=ab01cd
1 - send state=1 dcid=abcdef0123456789' --dcid ab01,abcdef0123456
live_case "only probes that can fit are attached" attaches 'h2o:send_response' --status 500
live_case "only probes with a connection ID are attached" attaches 'quicly:accept quicly:send quicly:receive quicly:packet_prepare' --dcid 00
# After so many records the run ends by itself; so does its recording.
stops_after() { # OPTION...
    # A server of its own, as --follow would take those of other tests too.
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && start_log --record "$dir/recording" "$@" && tell 'repeat 1000 0 fire h2o:receive_request 1 i 0x101' || return
    reap "$log" 60 && status_is 0 && nothing_left && probes_are_off || return
    local pid=
    [[ " $* " != *' --follow '* ]] || pid="$server "
    for i in $(seq 0 99); do echo "${pid}1 $i RxProtocol HTTP/1.1"; done >"$dir/expected"
    same "$dir/expected" "$dir/out" && grep -q '^h2olog: 100 events; 0 lost, 0 damaged' "$dir/err" || return
    "$H2OLOG" --quiet --replay "$dir/recording" >"$dir/replayed" && same "$dir/expected" "$dir/replayed" || return
    "$H2OLOG" --quiet --replay "$dir/recording" -k 7 >"$dir/replayed" && same <(head -n 7 "$dir/expected") "$dir/replayed"
}

# The time counts from when it traces, whenever that is: of events that come all the time, those of 1.5 s are shown.
lasts() {
    local times
    start_server && tell 'repeat 60000 500 fire h2o:receive_request 1 1 0x101' && start_log -f json -E --duration 1500ms || return
    reap "$log" 20 && status_is 0 && nothing_left || return
    times=$(sed -n 's/.*"nsecs": \([0-9]*\)}$/\1/; 1p; $p' "$dir/out" | paste -sd' ')
    ((${times#* } - ${times% *} >= 1300000000)) || { explain "from $times" && show "$dir/err"; return 1; }
}

live_case "a number of records" stops_after -k 100
live_case "a number of records ends --follow" stops_after --count 100 --follow
live_case "a time" lasts
test_case "no count" refuses 2 '--count: "0" is not a positive number' -k 0
test_case "no time" refuses 2 '--duration: "3d" is not a time, as 30s, 500ms, 5m or 1h' --duration 3d
test_case "no number" refuses 2 '--conn: "x" is not a number, as the first columns of a line show them' --conn 1,x
test_case "no status" refuses 2 '--status: "600-500" is not a status, as 404, 5xx or 500-599' --status 600-500
test_case "no share" refuses 2 '--sample: "2" is not a share of the connections, as 0.01, 1% or 1/100' --sample 2
test_case "T23: too small a share" refuses 2 '--sample: "1e-12" is not a share that takes any connection; the smallest is 1/4294967296' --sample 1e-12
test_case "no header name" refuses 2 '--response-header: "a b" is not a header name of up to 64 characters; ? and one * may stand in it' -s 'a b'
test_case "no connection ID" refuses 2 '--dcid: "xy" is not how a connection ID begins: up to 40 digits, 0 to 9 and a to f' --dcid xy
test_case "an empty word" refuses 2 '--include: an empty word; see h2olog --help for what it takes' -i a,,b
test_case "no such tag" refuses 2 '--exclude: there is no tag "TxStat"; did you mean TxStatus?' -x TxStat
test_case "nothing fits" refuses 3 'no event fits the filters; h2olog --list shows which fields events have' -i packet_sent

done_testing

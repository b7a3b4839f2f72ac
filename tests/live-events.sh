#!/bin/bash
# Every event of every h2o since 2020 as JSON and as lines: what each field is, which events are chosen, and what is not shown.
# expect.awk works out the expected JSON from the catalogue.
# shellcheck disable=SC1003,SC2015,SC2317 # a backslash before a quote; A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# Fires what a file says and compares h2olog's JSON with what the catalogue makes of it, byte by byte.
shows_fired() { # ERA FILE [VARIABLE=VALUE]...
    local era=$1 file=$2 from
    shift 2
    expectation "$era" mode=expect "$@" "$file" >"$dir/expected" || return
    from=$(milliseconds)
    fire_in_portions "$file" 100 wait_for 10 has_count
    wait_for 10 has_count "$(wc -l <"$dir/expected")" || explain "only $(wc -l <"$dir/out") lines came"
    end_log && normalise "$from" && prints_json
}

# Both are said, what is no JSON and what is not as expected.
prints_json() {
    local result=0
    is_json "$dir/out" || result=1
    same "$dir/expected" "$dir/normal" || result=1
    messages_are_clean || { explain "unexpected on stderr:" && show "$dir/unclean" && result=1; }
    return "$result"
}

normalise() { # FROM
    awk -v mode=normalise -v from="$1" -v to="$(milliseconds)" -f "$tests/expect.awk" "$dir/out" >"$dir/normal"
}

# Every line is a JSON object and valid UTF-8.
is_json() { # FILE
    if [[ $(tr -dc '\000' <"$1" | wc -c) != 0 ]]; then
        explain "there are NULs in the output"
        return 1
    fi
    awk -v mode=check -f "$tests/expect.awk" "$1" >"$dir/bad" || { show "$dir/bad"; return 1; }
    iconv -f UTF-8 -t UTF-8 "$1" >/dev/null 2>"$dir/bad" || { show "$dir/bad"; return 1; }
}

# ---------------------------------------------------------------------------------------------------- every probe's JSON

# All probes of an era in one run.
every_probe() { # ERA [OPTION]...
    local era=$1 variables=() options secrets
    shift
    start_server_as "$(server_of "$era")" && options_for_all "$era" && start_log "${options[@]}" "$@" || return
    [[ " $* " != *" -E "* ]] || variables+=(extra=1 pid="$server" tid="$(script_thread)")
    [[ " $* " != *" --names "* ]] || variables+=(names=1)
    expectation "$era" mode=fire >"$dir/fired" || return
    fires_all "$era" "$dir/fired" && shows_fired "$era" "$dir/fired" app=1 secrets=1 ${variables[@]+"${variables[@]}"}
}

# The script fires every probe that the server has.
fires_all() { # ERA FILE
    "$(server_of "$1")" --dump | cut -d' ' -f1 | sort >"$dir/there"
    sed -n 's/^fire \([^ ]*\).*/\1/p' "$2" | sort -u >"$dir/fired-names"
    [[ -s $dir/there ]] && same "$dir/there" "$dir/fired-names"
}

# The server's last thread runs the script.
script_thread() {
    printf '%s\n' /proc/"$server"/task/* | sed 's/.*\///' | sort -n | tail -n 1
}

# --------------------------------------------------------------------------------------------------- the original's events

# Fires the lines, and expects what `expect` was given.
shows_expected() { # LINE...
    local from
    from=$(milliseconds)
    tell "$@" && server_is_done 60 || return
    wait_for 5 has_count "$(wc -l <"$dir/expected")" || explain "only $(wc -l <"$dir/out") lines came"
    end_log && normalise "$from" && prints_json
}

# What the documents of February 2020 promise.
documented() {
    local conn='conn(1,0,0)' at=1580154303457 rest
    start_server_as "$(server_of 2020)" && start_log quic || return
    for rest in \
        '"accept", "master_conn_id": 1, "dcid": "5f5e100"' \
        '"receive", "master_conn_id": 1, "dcid": "5f5e100"' \
        '"version_switch", "master_conn_id": 1, "new_version": 4278190107' \
        '"idle_timeout", "master_conn_id": 1' \
        '"stateless_reset_receive", "master_conn_id": 1' \
        '"packet_prepare", "master_conn_id": 1, "first_octet": 192, "dcid": "00ff"' \
        '"packet_commit", "master_conn_id": 1, "packet_num": 0, "packet_len": 176, "ack_only": 0' \
        '"packet_acked", "master_conn_id": 1, "packet_num": 2, "newly_acked": 1' \
        '"packet_lost", "master_conn_id": 1, "packet_num": 3' \
        '"quictrace_recv", "master_conn_id": 1, "packet_num": 4' \
        '"quictrace_lost", "master_conn_id": 1, "packet_num": 5' \
        '"cc_ack_received", "master_conn_id": 1, "largest_acked": 6, "bytes_acked": 7, "cwnd": 8, "inflight": 9' \
        '"cc_congestion", "master_conn_id": 1, "max_lost_pn": 10, "inflight": 11, "cwnd": 12' \
        '"new_token_send", "master_conn_id": 1, "token_preview": "0123456789abcdef", "len": 9, "token_generation": 13' \
        '"new_token_acked", "master_conn_id": 1, "token_generation": 14' \
        '"new_token_receive", "master_conn_id": 1, "token_preview": "0123456789abcdef", "len": 8' \
        '"streams_blocked_send", "master_conn_id": 1, "limit": 15, "is_unidirectional": 0' \
        '"streams_blocked_receive", "master_conn_id": 1, "limit": 16, "is_unidirectional": 1' \
        '"data_blocked_receive", "master_conn_id": 1, "off": 17' \
        '"stream_data_blocked_receive", "master_conn_id": 1, "stream_id": 4, "limit": 18' \
        '"quictrace_sent", "master_conn_id": 1, "packet_num": 19, "packet_len": 20, "packet_type": 3' \
        '"quictrace_recv_ack_delay", "master_conn_id": 1, "ack_delay": 21'; do
        expect "{\"at\": $at, \"type\": $rest}"
    done
    shows_expected \
        "fire quicly:accept $conn $at \"5f5e100\" null" \
        "fire quicly:receive $conn $at \"5f5e100\" hex\"0102\" len" \
        "fire quicly:version_switch $conn $at 4278190107" \
        "fire quicly:idle_timeout $conn $at" \
        "fire quicly:stateless_reset_receive $conn $at" \
        "fire quicly:packet_prepare $conn $at 192 \"00ff\"" \
        "fire quicly:packet_commit $conn $at 0 176 0" \
        "fire quicly:packet_acked $conn $at 2 1" \
        "fire quicly:packet_lost $conn $at 3" \
        "fire quicly:quictrace_recv $conn $at 4" \
        "fire quicly:quictrace_lost $conn $at 5" \
        "fire quicly:cc_ack_received $conn $at 6 7 8 9" \
        "fire quicly:cc_congestion $conn $at 10 11 12" \
        "fire quicly:new_token_send $conn $at hex\"0123456789abcdef01\" len 13" \
        "fire quicly:new_token_acked $conn $at 14" \
        "fire quicly:new_token_receive $conn $at hex\"0123456789abcdef\" len" \
        "fire quicly:streams_blocked_send $conn $at 15 0" \
        "fire quicly:streams_blocked_receive $conn $at 16 1" \
        "fire quicly:data_blocked_receive $conn $at 17" \
        "fire quicly:stream_data_blocked_receive $conn $at 4 18" \
        "fire quicly:quictrace_sent $conn $at 19 20 3" \
        "fire quicly:quictrace_recv_ack_delay $conn $at 21"
}

# -------------------------------------------------------------------------------------------------- many arguments, formats

# Beyond the sixth argument the program reads registers or the stack.
many_arguments() {
    start_server && start_log all -a -t stream_send,stream_receive,h3s_destroy,h3s_stream_stats || return
    expect '{"at": 2, "type": "stream_send", "master_conn_id": 1, "stream_id": 3, "off": 4, "data": "616263", "len": 3, "is_fin": 5, "wrote_all": 6}' \
        '{"at": -2, "type": "stream_send", "master_conn_id": 9, "stream_id": -3, "off": 18446744073709551615, "data": null, "len": 77, "is_fin": -2147483648, "wrote_all": 2147483647}' \
        '{"at": 2, "type": "stream_receive", "master_conn_id": 1, "stream_id": 3, "off": 4, "data": "6162", "len": 2, "is_fin": -5}' \
        '{"at": 3, "type": "stream_send", "master_conn_id": 1, "stream_id": 3, "off": 4, "data": "61", "len": 1, "is_fin": 7, "wrote_all": 8}' \
        '{"at": 4, "type": "stream_send", "master_conn_id": 1, "stream_id": 3, "off": 4, "data": "62", "len": 1, "is_fin": -9, "wrote_all": 10}' \
        '{"at": NOW, "type": "h3s_destroy", "conn_id": 101, "num_requests": 102, "request_stream_bytes": 103, "request_header_bytes": 104, "request_body_bytes": 105, "request_header_count": 106, "request_header_text_bytes": 9223372036854775808, "response_stream_bytes": 108, "response_header_bytes": 109, "response_body_bytes": 110, "response_header_count": 111, "response_header_text_bytes": 18446744073709551615}' \
        '{"at": NOW, "type": "h3s_stream_stats", "conn_id": 201, "stream_id": 202, "request_stream_bytes": 203, "request_header_bytes": 204, "request_body_bytes": 205, "request_header_count": 206, "request_header_text_bytes": 207, "response_stream_bytes": 208, "response_header_bytes": 209, "response_body_bytes": 210, "response_header_count": 211, "response_header_text_bytes": 212}'
    shows_expected 'fire quicly:stream_send conn(1,0,0) 2 stream(3) 4 "abc" len 5 6' \
        'fire quicly:stream_send conn(9,0,0) -2 stream(-3) -1 null 77 -2147483648 2147483647' \
        'fire quicly:stream_receive conn(1,0,0) 2 stream(3) 4 "ab" len -5' \
        'fire h2o:receive_request 1 1 0x200' \
        'fire quicly:stream_send conn(1,0,0) 3 stream(3) 4 "a" len 7 8' \
        'fire h2o:receive_request 1 1 0x300' \
        'fire quicly:stream_send conn(1,0,0) 4 stream(3) 4 "b" len -9 10' \
        'fire h2o:h3s_destroy 101 102 103 104 105 106 9223372036854775808 108 109 110 111 -1' \
        'fire h2o:h3s_stream_stats 201 202 203 204 205 206 207 208 209 210 211 212'
}

# The same events in every mode and either form; `-f` and `--format` are one.
readonly MIXED=(
    'fire quicly:packet_sent conn(1,0,0) 1580154303457 5 176 3 0'
    'fire quicly:accept conn(1,0,0) 1580154303457 "5f5e100" null'
    'fire quicly:stream_send conn(1,0,0) 1580154303457 stream(-1) 4 "abc" len 1 0'
    'fire quicly:application_close_receive conn(1,0,0) 1580154303457 256 "a\x1bb\\\xff\xc3\xa9"'
    'fire quicly:path_response_send conn(1,0,0) 1580154303457 pattern(66) len'
    'fire h2o:receive_request 888 1 0x200'
    'fire h2o:receive_request_header 888 1 ":path" len "/" len'
    'fire h2o:send_response 888 1 200'
    'fire h2o:send_response_header 888 1 "server" len "h2o" len'
    'fire h2o:connect_tcp_start 888 1 sockaddr([::1]:443)'
    'fire h2o:connect_error 888 1 "dns_error" null ""'
)
readonly MIXED_TYPES=packet_sent,accept,stream_send,application_close_receive,path_response_send,receive_request,receive_request_header,send_response,send_response_header,connect_tcp_start,connect_error

mixed() { # line|json OPTION...
    local hex
    hex=$(printf '%02x' {1..64})
    start_server && start_log "${@:2}" -t "$MIXED_TYPES" || return
    if [[ $1 == line ]]; then
        expect '1 - packet_sent packet_num=5 packet_len=176 packet_type=3 ack_only=0' \
            '1 - accept dcid=5f5e100' \
            '1 -1 stream_send off=4 len=3 is_fin=1 wrote_all=0' \
            '1 - application_close_receive error_code=256 reason_phrase=a\x1bb\\\xff'$'\xc3\xa9' \
            "1 - path_response_send bytes=$hex\\[2 bytes cut] num_bytes=66" \
            '888 1 RxProtocol HTTP/2.0' '888 1 RxHeader   :path /' '888 1 TxStatus   200' '888 1 TxHeader   server h2o' \
            '888 1 connect_tcp_start dest=[::1]:443' '888 1 connect_error error_type=dns_error details=null rcode='
        tell "${MIXED[@]}" && server_is_done 60 && wait_for 5 has_count "${#MIXED[@]}"
        end_log && has_printed_expected
        return
    fi
    expect '{"at": 1580154303457, "type": "packet_sent", "master_conn_id": 1, "packet_num": 5, "packet_len": 176, "packet_type": 3, "ack_only": 0}' \
        '{"at": 1580154303457, "type": "accept", "master_conn_id": 1, "dcid": "5f5e100"}' \
        '{"at": 1580154303457, "type": "stream_send", "master_conn_id": 1, "stream_id": -1, "off": 4, "len": 3, "is_fin": 1, "wrote_all": 0}' \
        '{"at": 1580154303457, "type": "application_close_receive", "master_conn_id": 1, "error_code": 256, "reason_phrase": "a\u001bb\\'$'\xef\xbf\xbd\xc3\xa9''", "reason_phrase_hex": "611b625cffc3a9"}' \
        '{"at": 1580154303457, "type": "path_response_send", "master_conn_id": 1, "bytes": "'"$hex"'", "num_bytes": 66}' \
        '{"at": NOW, "type": "receive_request", "conn_id": 888, "req_id": 1, "http_version": 512}' \
        '{"at": NOW, "type": "receive_request_header", "conn_id": 888, "req_id": 1, "name": ":path", "value": "/"}' \
        '{"at": NOW, "type": "send_response", "conn_id": 888, "req_id": 1, "status": 200}' \
        '{"at": NOW, "type": "send_response_header", "conn_id": 888, "req_id": 1, "name": "server", "value": "h2o"}' \
        '{"at": NOW, "type": "connect_tcp_start", "conn_id": 888, "req_id": 1, "dest": "[::1]:443"}' \
        '{"at": NOW, "type": "connect_error", "conn_id": 888, "req_id": 1, "error_type": "dns_error", "details": null, "rcode": ""}'
    shows_expected "${MIXED[@]}"
}

# The server's threads are told apart, and records are numbered from 1.
extra() {
    local before first second from up
    start_server && start_log all -E -t pto,h1_close || return
    before=$(printf '%s\n' /proc/"$server"/task/*)
    from=$(milliseconds)
    read -r up _ </proc/uptime
    tell thread 'fire quicly:pto conn(1,0,0) 5 6 7 -1' 'sleep 60000' end \
        thread 'sleep 300' 'fire h2o:h1_close 8' 'sleep 60000' end 'sleep 600' 'fire quicly:pto conn(1,0,0) 9 10 11 127'
    wait_for 10 has_count 3 || explain "only $(wc -l <"$dir/out") lines came"
    { read -r first && read -r second; } < <(comm -13 <(sort <<<"$before") <(printf '%s\n' /proc/"$server"/task/* | sort) |
        sed 's/.*\///' | sort -n)
    expect "{\"at\": 5, \"type\": \"pto\", \"master_conn_id\": 1, \"inflight\": 6, \"cwnd\": 7, \"pto_count\": -1, \"provider\": \"quicly\", \"pid\": $server, \"tid\": $first, \"seq\": 1, \"nsecs\": NSECS}" \
        "{\"at\": NOW, \"type\": \"h1_close\", \"conn_id\": 8, \"provider\": \"h2o\", \"pid\": $server, \"tid\": $second, \"seq\": 2, \"nsecs\": NSECS}" \
        "{\"at\": 9, \"type\": \"pto\", \"master_conn_id\": 1, \"inflight\": 10, \"cwnd\": 11, \"pto_count\": 127, \"provider\": \"quicly\", \"pid\": $server, \"tid\": $(script_thread_of "$before"), \"seq\": 3, \"nsecs\": NSECS}"
    end_log && normalise "$from" && prints_json && nsecs_count_from_boot "${up%.*}"
}

script_thread_of() { # TASKS
    sed 's/.*\///' <<<"$1" | sort -n | tail -n 1
}

nsecs_count_from_boot() { # SECONDS
    local up least
    read -r up _ </proc/uptime
    sed -n 's/.*"nsecs": \([0-9]*\)}$/\1/p' "$dir/out" | sort -n >"$dir/nsecs"
    least=$(head -n 1 "$dir/nsecs")
    [[ $least -ge $1"000000000" && $(tail -n 1 "$dir/nsecs") -le $((${up%.*} + 1))"000000000" ]] && return
    explain "nsecs do not count from the boot, $1 s to $up s:" && show "$dir/nsecs"
    return 1
}

names() { # json|line
    start_server && start_log all --names -f "$1" -t packet_sent,send,ecn_validation,accept,h3s_stream_set_state,h3_frame_receive ||
        return
    if [[ $1 == json ]]; then
        expect '{"at": 1, "type": "packet_sent", "master_conn_id": 1, "packet_num": 0, "packet_len": 176, "packet_type": 3, "packet_type_name": "1-RTT", "ack_only": 0}' \
            '{"at": 1, "type": "packet_sent", "master_conn_id": 1, "packet_num": 0, "packet_len": 176, "packet_type": 4, "ack_only": 0}' \
            '{"at": 1, "type": "send", "master_conn_id": 1, "state": 1, "state_name": "accepting", "dcid": "00"}' \
            '{"at": 1, "type": "ecn_validation", "master_conn_id": 1, "ecn_state": 2, "ecn_state_name": "probing"}' \
            '{"at": 1, "type": "accept", "master_conn_id": 1, "dcid": "00", "address_token_type": 1, "address_token_type_name": "resumption", "address_token_issued_at": 5}' \
            '{"at": NOW, "type": "h3s_stream_set_state", "conn_id": 1, "req_id": 0, "state": 7, "state_name": "close-wait"}' \
            '{"at": NOW, "type": "h3_frame_receive", "frame_type": 13, "frame_type_name": "MAX_PUSH_ID", "num_bytes": 0}'
    else
        expect '1 - packet_sent packet_num=0 packet_len=176 packet_type=3(1-RTT) ack_only=0' \
            '1 - packet_sent packet_num=0 packet_len=176 packet_type=4 ack_only=0' \
            '1 - send state=1(accepting) dcid=00' '1 - ecn_validation ecn_state=2(probing)' \
            '1 - accept dcid=00 address_token_type=1(resumption) address_token_issued_at=5' \
            '1 0 h3s_stream_set_state state=7(close-wait)' '- - h3_frame_receive frame_type=13(MAX_PUSH_ID) num_bytes=0'
    fi
    set -- "$1" 'fire quicly:packet_sent conn(1,0,0) 1 0 176 3 0' 'fire quicly:packet_sent conn(1,0,0) 1 0 176 4 0' \
        'fire quicly:send conn(1,0,0) 1 1 "00"' 'fire quicly:ecn_validation conn(1,0,0) 1 2' \
        'fire quicly:accept conn(1,0,0) 1 "00" token(1,5)' 'fire h2o:h3s_stream_set_state 1 0 7' \
        'fire h2o:h3_frame_receive 13 null 0'
    [[ $1 == json ]] && { shows_expected "${@:2}"; return; }
    tell "${@:2}" && server_is_done 60 && wait_for 5 has_count 7
    end_log && has_printed_expected
}

# ------------------------------------------------------------------------------------------------------- what is not shown

readonly PRIVATE=(receive packet_received stream_send stream_receive datagram_send datagram_receive h3_frame_receive
    new_connection_id_send new_connection_id_receive receive_message crypto_update_secret crypto_send_key_update new_secret)

# Some rounds of every probe that has application data or secrets.
private_script() {
    local name
    expectation 2026 mode=fire >"$dir/all"
    for name in "${PRIVATE[@]}"; do
        grep "^fire [a-z0-9]*:$name " "$dir/all" | head -n 6
    done >"$dir/fired"
}

keeps_private() { # APP SECRETS OPTION...
    start_server && private_script && start_log "${@:3}" && shows_fired 2026 "$dir/fired" app="$1" secrets="$2" || return
    if [[ $2 == 1 ]]; then
        warns crypto_update_secret crypto_send_key_update new_secret
    else
        ! grep -a warning "$dir/err"
    fi
}

warns() { # EVENT...
    local name
    for name; do
        grep -Eq "^h2olog: warning: $name .*TLS key" "$dir/err" && continue
        explain "no warning of $name:" && show "$dir/err"
        return 1
    done
}

private_types() {
    local IFS=,
    echo "${PRIVATE[*]}"
}

# The program that h2olog would run goes to $dir/program.
emits() { # ERA OPTION...
    local era=$1
    shift
    start_server_as "$(server_of "$era")" && emit "$@"
}

emit() { # OPTION...
    status=0
    "$H2OLOG" --emit-script -p "$server" "$@" >"$dir/program" 2>"$dir/err" || status=$?
}

# What the program does at that probe.
part_of_program() { # PROBE
    sed -n "/^usdt:.*:$1\( .*\)\{0,1\}\$/,/^}/p" "$dir/program"
}

reads() { # PROBE ARGUMENT
    part_of_program "$1" | grep -Eq "\\b$2\\b" && return
    explain "the program does not read $2 of $1:" && part_of_program "$1" | sed 's/^/#   /'
    return 1
}

reads_not() { # PROBE ARGUMENT
    [[ $(part_of_program "$1") ]] && ! part_of_program "$1" | grep -Eq "\\b$2\\b" && return
    explain "the program reads $2 of $1, or has no such probe:" && part_of_program "$1" | sed 's/^/#   /'
    return 1
}

# What is not shown is not read.
program_is_private() {
    emits 2026 all && status_is 0 && reads receive arg2 && reads_not receive arg3 && reads_not receive arg4 &&
        reads_not packet_received arg3 && reads packet_received arg4 && reads_not stream_send arg4 &&
        reads_not stream_receive arg4 && reads_not datagram_send arg2 && reads_not datagram_receive arg2 &&
        reads_not h3_frame_receive arg1 && reads crypto_update_secret arg4 && reads_not crypto_update_secret arg5 &&
        reads_not crypto_send_key_update arg3 && reads client_random arg1 && reads_not new_secret arg2 &&
        reads_not new_connection_id_send arg5 && reads_not new_connection_id_receive arg5 && reads_not receive_message arg2 || return
    emit all -a && status_is 0 && reads receive arg3 && reads stream_send arg4 && reads datagram_send arg2 &&
        reads_not crypto_update_secret arg5 && reads new_connection_id_send arg5 && reads receive_message arg2 && reads_not new_secret arg2 &&
        [[ ! -s $dir/err ]] || return
    emit quic -a -t 'crypto_*' -t 'picotls:*' && status_is 0 && reads_not crypto_update_secret arg5 &&
        reads_not new_secret arg2 && [[ ! -s $dir/err ]] || return
    emit quic -t crypto_update_secret && status_is 0 && reads_not crypto_update_secret arg5 && [[ ! -s $dir/err ]] || return
    emit quic -a -t 'crypto_*' -t quicly:crypto_update_secret && status_is 0 && reads crypto_update_secret arg5 &&
        reads_not crypto_send_key_update arg3 && warns crypto_update_secret
}

# --------------------------------------------------------------------------------------------------- which events are chosen

# The program attaches to the probes whose provider:name matches the pattern, and to no others.
chooses() { # PATTERN OPTION...
    local pattern=$1
    shift
    emit "$@" && status_is 0 || return
    sed -nE 's/^usdt:[^:]*:([a-z0-9_]+:[a-z0-9_]+).*/\1/p' "$dir/program" | sort >"$dir/chosen"
    grep -Ex -- "$pattern" "$dir/there" >"$dir/wanted"
    same "$dir/wanted" "$dir/chosen" && return
    explain "for the options $*"
    return 1
}

chooses_by_mode() { # ERA
    start_server_as "$(server_of "$1")" && "$(server_of "$1")" --dump | cut -d' ' -f1 | sort >"$dir/there" || return
    local http='h2o:(receive_request|send_response)(_header)?'
    chooses "$http" && chooses "$http" http && chooses "$http" -H && chooses 'quicly:.*|h2o:h3s?_(accept|destroy|close)' quic &&
        chooses '.*' all
}

chooses_by_type() {
    local mode
    start_server && "$SERVER" --dump | cut -d' ' -f1 | sort >"$dir/there" || return
    for mode in http quic all; do
        chooses 'quicly:accept' "$mode" -t accept &&
            chooses 'quicly:(accept|free)|picotls:free' "$mode" -t accept,free &&
            chooses 'quicly:(accept|pto)|h2o:h1_close' "$mode" -t accept --type pto -t h1_close -t accept &&
            chooses 'picotls:free' "$mode" --type=picotls:free &&
            chooses 'quicly:.*' "$mode" -t 'quicly:*' &&
            chooses 'h2o:connect_.*|quicly:pto' "$mode" -t 'h2o:connect_*,pto' &&
            chooses '.*:crypto_.*' "$mode" -t 'crypto_*' &&
            chooses '.*:(ping|handshake_done)_(send|receive)' "$mode" -t 'ping_*' -t 'handshake_done_[rs]*' &&
            chooses '.*' "$mode" -t '*' || return
    done
}

# One event, one name: the 2020 h2o's h3_accept is found under both.
chooses_by_either_name() {
    start_server_as "$(server_of 2020)" && "$(server_of 2020)" --dump | cut -d' ' -f1 | sort >"$dir/there" || return
    chooses 'h2o:h3_accept' quic -t h3s_accept && chooses 'h2o:h3_accept' quic -t h2o:h3_accept &&
        chooses 'h2o:h3_close' quic -t h3s_destroy
}

# As many types as there are probes.
chooses_all_by_name() {
    start_server && "$SERVER" --dump | cut -d' ' -f1 | sort >"$dir/there" || return
    chooses '.*' all -t "$(paste -sd, "$dir/there")"
}

# Ends with STATUS, and stderr is that message.
refuses() { # STATUS MESSAGE OPTION...
    emit "${@:3}"
    status_is "$1" && [[ ! -s $dir/program ]] && [[ $(<"$dir/err") =~ ^"h2olog: "$2$ ]] && return
    explain "not: $2" && show "$dir/err"
    return 1
}

refuses_types() {
    local result=0 mode
    start_server || return
    for mode in http quic all; do
        refuses 3 'packet_commit: this h2o has packet_sent instead' "$mode" -t packet_commit || result=1
    done
    refuses 3 'quicly:packet_commit: this h2o has packet_sent instead' quic -t quicly:packet_commit || result=1
    refuses 3 'quictrace_lost: this h2o has packet_lost instead' quic -t accept,quictrace_lost || result=1
    refuses 3 'crypto_decrypt: this h2o has packet_received instead' quic -t crypto_decrypt -t accept || result=1
    refuses 3 'tunnel_create: this h2o .*' all -t tunnel_create || result=1
    refuses 2 'there is no event "packet_snt"; did you mean packet_sent.*' quic -t packet_snt || result=1
    refuses 2 'there is no event "quicly:stream_sent"; did you mean .*stream_send.*' -t quicly:stream_sent || result=1
    refuses 2 'there is no event "h2o:accept".*' -t h2o:accept || result=1
    refuses 2 'there is no event "nosuch_\*".*' -t 'nosuch_*' || result=1
    refuses 2 'there is no event "recieve_request"; did you mean receive_request.*' -t recieve_request || result=1
    refuses 2 '.*' -t '' || result=1
    refuses 2 '.*' -t accept,,pto || result=1
    return "$result"
}

refuses_types_2020() {
    local result=0
    start_server_as "$(server_of 2020)" || return
    refuses 3 'packet_sent: this h2o has packet_commit instead' quic -t packet_sent || result=1
    refuses 3 'packet_received: this h2o has crypto_decrypt instead' all -t packet_received || result=1
    refuses 3 'ack_block_received: this h2o has quictrace_recv_ack instead' -t ack_block_received || result=1
    refuses 3 'io_uring_end: this h2o .*' -t io_uring_end || result=1
    refuses 3 'connect_\*: this h2o .*' -t 'connect_*' || result=1
    return "$result"
}

# h2o's own renames of 2020.
refuses_renamed() {
    local result=0
    start_server || return
    refuses 3 'h3_accept: this h2o has h3s_accept instead' quic -t h3_accept || result=1
    refuses 3 'h2o:h3_close: this h2o has h3s_destroy instead' quic -t h2o:h3_close || result=1
    refuses 3 'h3_stream_set_state: this h2o has h3s_stream_set_state instead' all -t h3_stream_set_state || result=1
    return "$result"
}

# A catalogue in which no description of h1_close and of packet_acked fits.
with_misfits() {
    mkdir "$dir/probes" && cp "$probes"/*.probes "$dir/probes" &&
        sed -i 's/^probe h1_close args=1/probe h1_close args=9/' "$dir/probes/h2o.probes" &&
        sed -i '/^probe packet_acked/s/args=4/args=5/' "$dir/probes/quicly.probes"
}

# Nothing is guessed: the event is there when it is asked for, with its arguments as integers.
misfits_are_integers() {
    with_misfits && start_server && start_log all --probes "$dir/probes" -t h1_close,packet_acked,h1_accept || return
    expect '{"at": NOW, "type": "h1_close", "arg0": 18446744073709551615}' \
        '{"at": NOW, "type": "packet_acked", "arg0": 4096, "arg1": -2, "arg2": 3, "arg3": -1}' \
        '{"at": NOW, "type": "h1_accept", "conn_id": 1, "sock": 2, "conn": 3, "conn_uuid": "u"}'
    shows_expected 'fire h2o:h1_close -1' 'fire quicly:packet_acked 4096 -2 3 -1' 'fire h2o:h1_accept 1 2 3 "u"' || return
    grep -q '^h2olog: warning: no description in the catalogue fits h2o:h1_close' "$dir/err" && return
    explain "no warning:" && show "$dir/err"
    return 1
}

misfits_are_left_out() {
    with_misfits && start_server && "$SERVER" --dump | cut -d' ' -f1 | sort >"$dir/there" || return
    sed -i '/:h1_close$/d; /:packet_acked$/d' "$dir/there"
    chooses '.*' all -d --probes "$dir/probes" || return
    grep -q 'left out: h2o:h1_close' "$dir/err" && grep -q 'left out: quicly:packet_acked' "$dir/err" && return
    explain "stderr does not say that h1_close and packet_acked are left out:" && show "$dir/err"
    return 1
}

# ------------------------------------------------------------------------------------------------- the checker of the checks

rejects_bad_json() {
    local line
    while read -r line; do
        printf '%s\n' "$line" >"$dir/line"
        if is_json "$dir/line" >/dev/null; then
            explain "taken for JSON: $line"
            return 1
        fi
    done <<'END'
{"a": 1, "a": 2}
{"a": 01}
{"a": -}
{"a": 1,}
{"a" 1}
{"a": "b}
{"a": "\x41"}
{"a": "\u12"}
{"a": tru}
{"a": 1} x
"a"
[1]

{"a": 1
END
    printf '{"a": "\xff"}\n' >"$dir/line" && ! is_json "$dir/line" >/dev/null &&
        printf '{"a": "\x01"}\n' >"$dir/line" && ! is_json "$dir/line" >/dev/null &&
        printf '{"a": "\0"}\n' >"$dir/line" && ! is_json "$dir/line" >/dev/null || { explain "taken for JSON"; return 1; }
    printf '%s\n' '{"a": "b\"\\\u001b", "c": -5, "d": 0, "e": null, "f": 18446744073709551615, "g": ""}' '{}' >"$dir/line" &&
        is_json "$dir/line"
}

run_alone "$@"

# ------------------------------------------------------------------------------------------------------------ the cases

test_case "what is no JSON is found" rejects_bad_json

test_case "each mode's probes, 2020" chooses_by_mode 2020
test_case "each mode's probes, 2022" chooses_by_mode 2022
test_case "each mode's probes, 2026" chooses_by_mode 2026
test_case "-t: names, lists, globs, repeated, in every mode" chooses_by_type
test_case "-t: an event by its old and new name" chooses_by_either_name
test_case "-t: every probe by name" chooses_all_by_name
test_case "-t: what this h2o calls otherwise or has not, and what nobody knows" refuses_types
test_case "-t: what came later than this h2o" refuses_types_2020
test_case "-t: what h2o renamed" refuses_renamed
test_case "a probe that no description fits is left out" misfits_are_left_out
test_case "what is not shown is not in the program" program_is_private

live_case "2020: every probe, extremes included" every_probe 2020
live_case "2022: every probe, with -E" every_probe 2022 -E
live_case "2026: every probe, with --names" every_probe 2026 --names
live_case "the original's 22 events" documented
live_case "arguments beyond the sixth" many_arguments
live_case "quic prints JSON" mixed json quic
live_case "all prints JSON" mixed json all
live_case "http -f json" mixed json http -f json
live_case "http prints lines" mixed line
live_case "quic --format line" mixed line quic --format line
live_case "all -f line" mixed line all -f line
live_case "-E adds provider, pid, tid, seq and nsecs" extra
live_case "--names adds names" names json
live_case "--names in lines" names line
live_case "without -a neither application data nor secrets" keeps_private 0 0 all -t "$(private_types)"
live_case "-a with a glob shows no secrets" keeps_private 1 0 all -a -t 'quicly:*e*' -t 'h3_*,new*,picotls:receive_*'
live_case "-a with names shows secrets, and warns" keeps_private 1 1 quic -a -t "$(private_types)"
live_case "a probe that no description fits, asked for" misfits_are_integers

done_testing

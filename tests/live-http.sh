#!/bin/bash
# HTTP lines of the test server: what is printed, byte by byte, and when.
# shellcheck disable=SC1003,SC2015,SC2317 # a backslash before a quote; A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

readonly SPECIAL=$'a"b\\c\td\xc3\xa9\xe2\x82\xac'           # a"b\c, a tab, and two characters of UTF-8
readonly SPECIAL_PRINTED=$'a"b\\\\c\\x09d\xc3\xa9\xe2\x82\xac' # only the backslash and the tab are escaped

# -------------------------------------------------------------------------------------------------------- over a socket

# h2olog has to make the names of well-known headers readable: the server itself reads them from elsewhere.
first_request() { # [PROGRAM]
    start_server_as "${1:-$SERVER}" && start_log && get "/hello?x=1" -H "X-Own: 1" || return
    expect_request 1 1 GET "/hello?x=1"
    expect "1 1 RxHeader   user-agent test" "1 1 RxHeader   accept */*" "1 1 RxHeader   x-own 1"
    expect_response 1 1 200 6
    prints_expected && nothing_left
}

era() { # PROGRAM
    [[ -x $1 ]] || { skip "there is no $1"; return; }
    first_request "$1"
}

statuses() {
    start_server && start_log && get /missing -H "Accept:" && get /error -H "Accept:" -X PUT || return
    expect_request 1 1 GET /missing
    expect "1 1 RxHeader   user-agent test"
    expect_response 1 1 404 10
    expect_request 2 1 PUT /error
    expect "2 1 RxHeader   user-agent test"
    expect_response 2 1 500 22
    prints_expected
}

keep_alive() {
    start_server && start_log && get /2 -H "Accept:" "http://127.0.0.1:$port/1" -o "$dir/body2" || return
    for req in 1 2; do
        expect_request 1 "$req" GET "/$req"
        expect "1 $req RxHeader   user-agent test"
        expect_response 1 "$req" 200 6
    done
    prints_expected
}

pipelined() {
    start_server && start_log && exec {socket}<>"/dev/tcp/127.0.0.1/$port" || return
    local host="Host: 127.0.0.1:$port" end=$'\r\n' req
    printf '%s' "GET /1 HTTP/1.1$end$host$end${end}GET /2 HTTP/1.1$end$host$end${end}" \
        "GET /3 HTTP/1.1$end$host${end}Connection: close$end$end" >&"$socket"
    timeout $((5 * SLOW)) cat <&"$socket" >"$dir/body"
    for req in 1 2 3; do
        expect_request 1 "$req" GET "/$req"
        [[ $req != 3 ]] || expect "1 3 RxHeader   connection close"
        expect_response 1 "$req" 200 6
    done
    prints_expected
}

old_version() {
    start_server && start_log && get / --http1.0 -H "Accept:" -H "User-Agent:" || return
    expect_request 1 1 GET /
    sed -i 's,HTTP/1\.1,HTTP/1.0,' "$dir/expected"
    expect_response 1 1 200 6
    prints_expected
}

long_and_special() {
    start_server && start_log || return
    get / -H "Accept:" -H "X-Long: $(text 3000)" -H "X-Special: $SPECIAL" -H "X-Empty;" || return
    expect_request 1 1 GET /
    expect "1 1 RxHeader   user-agent test" "1 1 RxHeader   x-long $(printed_text 3000)" \
        "1 1 RxHeader   x-special $SPECIAL_PRINTED" "1 1 RxHeader   x-empty "
    expect_response 1 1 200 6
    prints_expected
}

# ------------------------------------------------------------------------------------------------------ from the script

# A request of HTTP/2 or 3 as h2o fires it.
scripted_request() { # VERSION MAJOR REQ
    local id="888 $3" special='a\"b\\c\td\xc3\xa9\xe2\x82\xac'
    start_server && start_log || return
    tell "fire h2o:receive_request $id $1" \
        "fire h2o:receive_request_header $id \":path\" len \"/\" len" \
        "fire h2o:receive_request_header $id \"x-long\" len \"$(text 3000)\" len" \
        "fire h2o:receive_request_header $id \"x-special\" len \"$special\" len" \
        "fire h2o:send_response $id 200" \
        "fire h2o:send_response_header $id \"content-type\" len \"text/html\" len"
    expect "$id RxProtocol HTTP/$2" "$id RxHeader   :path /" "$id RxHeader   x-long $(printed_text 3000)" \
        "$id RxHeader   x-special $SPECIAL_PRINTED" "$id TxStatus   200" "$id TxHeader   content-type text/html"
    prints_expected
}

numbers() {
    local most=18446744073709551615
    start_server && start_log || return
    for ids in "0 0" "$most $most" "0 $most" "9223372036854775808 4294967296"; do
        tell "fire h2o:receive_request $ids 0x101" "fire h2o:receive_request_header $ids \"a\" len \"b\" len" \
            "fire h2o:send_response $ids 204" "fire h2o:send_response_header $ids \"c\" len \"d\" len"
        expect "$ids RxProtocol HTTP/1.1" "$ids RxHeader   a b" "$ids TxStatus   204" "$ids TxHeader   c d"
    done
    for version in "0x100 1.0" "0x200 2.0" "0x300 3.0" "0 0.0" "0xff02 255.2"; do
        tell "fire h2o:receive_request 1 1 ${version% *}"
        expect "1 1 RxProtocol HTTP/${version#* }"
    done
    for number in 0 100 599 999 2147483647 -1; do
        tell "fire h2o:send_response 1 1 $number"
        expect "1 1 TxStatus   $number"
    done
    prints_expected
}

# Fires a header whose name and value are arguments of the script, and expects it as two texts.
header_events=0
header() { # NAME VALUE PRINTED-NAME PRINTED-VALUE
    header_events=$((header_events + 1))
    tell "fire h2o:receive_request_header 5 $header_events $1 len $2 len"
    expect "5 $header_events RxHeader   $3 $4"
}

# Of a long one the first bytes are printed.
printed_text() { # LENGTH [LIMIT]
    local limit=${2:-$TEXT_LIMIT}
    if (($1 > limit)); then
        printf '%s\\[%d bytes cut]' "$(text "$limit")" "$(($1 - limit))"
    else
        text "$1"
    fi
}

printed_name() { # LENGTH
    printed_text "$1" "$NAME_LIMIT"
}

# Around where texts are taken apart: after 104 bytes and each 208 behind them, or after 1,008 each, and the last byte goes by itself.
readonly LENGTHS="0 1 2 3 7 8 9 103 104 105 106 208 209 210 312 313 314 511 512 513 514 1007 1008 1009 1010 1011 2016 2017 2018 4096 \
8191 8192 8193 8216 8217 8218 10000 65536"

long_values() {
    start_server && start_log || return
    for length in $LENGTHS; do
        header '"name"' "\"$(text "$length")\"" name "$(printed_text "$length")"
    done
    prints_expected
}

long_names() {
    start_server && start_log || return
    for length in $LENGTHS; do
        header "\"$(text "$length")\"" '"value"' "$(printed_name "$length")" value
    done
    for lengths in "111 112" "112 113" "113 111" "129 300" "300 129" "4096 4097" "8192 8193" "10000 10000"; do
        header "\"$(text "${lengths% *}")\"" "\"$(text "${lengths#* }")\"" \
            "$(printed_name "${lengths% *}")" "$(printed_text "${lengths#* }")"
    done
    prints_expected
}

# Texts without a NUL behind them, and behind them nothing that can be read.
at_the_edge() {
    start_server && start_log || return
    for length in $LENGTHS; do
        header '"name"' "edge(\"$(text "$length")\")" name "$(printed_text "$length")"
        header "edge(\"$(text "$length")\")" '"value"' "$(printed_name "$length")" value
    done
    header 'edge("ab")' 'edge("cd")' ab cd
    header 'edge("a\x00b")' 'edge("\x00")' 'a\[2 bytes cut]' '\[1 bytes cut]'
    prints_expected
}

# LENGTH bytes 1, 2, ... 255, 1, ...
pattern() {
    perl -e 'print map { chr($_ % 255 + 1) } 0 .. $ARGV[0] - 1' "$1"
}

printed_pattern() { # LENGTH
    pattern $(($1 < TEXT_LIMIT ? $1 : TEXT_LIMIT)) | escaped_bytes
    (($1 <= TEXT_LIMIT)) || printf '\\[%d bytes cut]' "$(($1 - TEXT_LIMIT))"
}

any_bytes() {
    start_server && start_log || return
    for length in 1 2 8 9 104 105 256 1000 4096 4097 8192 8193 10000; do
        header '"name"' "pattern($length)" name "$(printed_pattern "$length")"
    done
    header 'pattern(255)' '"value"' "$(printed_pattern 255)" value
    header 'pattern(300)' 'pattern(5000)' "$(printed_pattern 300)" "$(printed_pattern 5000)"
    prints_expected
}

# A text that is ASCII otherwise, and has a NUL there: what stands behind that is counted. Only a NUL at the end is shown.
printed_with_nul() { # LENGTH PLACE
    if (($2 == $1 - 1)); then
        printf '%s\\x00' "$(text "$2")"
    else
        printf '%s\\[%d bytes cut]' "$(text "$2")" "$(($1 - $2))"
    fi
}

nul() {
    local bytes
    start_server && start_log || return
    for length in 9 100 104 105 106 113 300 500; do
        for place in 0 1 8 99 103 104 105 106 111 150 200 208 210 311 312 314 $((length - 2)) $((length - 1)); do
            ((place < length)) || continue
            bytes="$(text "$place")\\x00$(text $((length - 1 - place)))"
            header '"name"' "\"$bytes\"" name "$(printed_with_nul "$length" "$place")"
            header "\"$bytes\"" '"value"' "$(printed_with_nul "$length" "$place")" value
        done
    done
    header '"\x00\x00"' '"a\x00"' '\[2 bytes cut]' 'a\x00'
    prints_expected
}

# A request over a socket, and texts that take each way there is: what a kernel must show that is asked once.
every_way() { # OPTION...
    start_server && start_log "$@" && get "/hello?x=1" -H "X-Long: $(text 6000)" -H "Accept:" || return
    expect_request 1 1 GET "/hello?x=1"
    expect "1 1 RxHeader   user-agent test" "1 1 RxHeader   x-long $(printed_text 6000)"
    expect_response 1 1 200 6
    for length in 0 1 7 8 9 63 64 65 127 128 500 2500 9000; do
        header '"name"' "\"$(text "$length")\"" name "$(printed_text "$length")"
        header '"name"' "edge(\"$(text "$length")\")" name "$(printed_text "$length")"
        header '"name"' "\"$(text "$length")\\x00b\"" name \
            "$( ((length < TEXT_LIMIT)) && printed_with_nul $((length + 2)) "$length" || printed_text $((length + 2)))"
    done
    header '"a\x00"' '"b\x00c"' 'a\x00' 'b\[2 bytes cut]'
    prints_expected
}

# A limit shorter than a name once hid the header from --request-header.
short_limit() {
    start_server && start_log --text-limit 9 --request-header user-agent -i '*Header' || return
    tell 'fire h2o:receive_request_header 5 1 "user-agent" len "curl/1234" len' 'fire h2o:receive_request_header 5 2 "user-agent" len "curl/12345" len' \
        "fire h2o:receive_request_header 5 3 \"user-agent\" len \"$(text 3000)\" len" 'fire h2o:receive_request_header 5 4 "user-agen" len "x" len'
    expect '5 1 RxHeader   user-agent curl/1234' '5 2 RxHeader   user-agent curl/1234\[1 bytes cut]' '5 3 RxHeader   user-agent 000000000\[2991 bytes cut]'
    wait_for 5 has_count 3 && stop_log && has_printed_expected
}

nothing_there() {
    start_server && start_log || return
    header '""' '""' '' ''
    header '"name"' '""' name ''
    header '""' '"value"' '' value
    tell "fire h2o:receive_request_header 6 1 \"name\" len null 0" \
        "fire h2o:receive_request_header 6 2 null 0 null 0" \
        "fire h2o:send_response_header 6 3 null 0 \"value\" len"
    expect "6 1 RxHeader   name " "6 2 RxHeader    " "6 3 TxHeader    value"
    prints_expected
}

# What may be valid UTF-8, and of what is valid, what a terminal must not get.
utf8() {
    local e='\xe2\x80'
    start_server && start_log || return
    header '"\xc3\xa9"' '"\xf0\x9f\x98\x80\xe3\x81\x82"' $'\xc3\xa9' $'\xf0\x9f\x98\x80\xe3\x81\x82'
    header '"c1"' '"\xc2\x80\xc2\x85\xc2\x9f\xc2\xa0"' c1 '\xc2\x80\xc2\x85\xc2\x9f'$'\xc2\xa0'
    header '"raw-c1"' '"\x80\x9f\x9b31m"' raw-c1 '\x80\x9f\x9b31m'
    header '"esc"' '"\x1b[31m\x07\x7f\r"' esc '\x1b[31m\x07\x7f\x0d'
    header '"bidi"' '"\xd8\x9c|\xe2\x80\x8e|\xe2\x80\x8f|\xe2\x80\xaa|\xe2\x80\xae|\xe2\x81\xa6|\xe2\x81\xa9"' \
        bidi "\\xd8\\x9c|$e\\x8e|$e\\x8f|$e\\xaa|$e\\xae|\\xe2\\x81\\xa6|\\xe2\\x81\\xa9"
    header '"near-bidi"' '"\xe2\x80\x8d\xe2\x80\x90\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa"' near-bidi \
        $'\xe2\x80\x8d\xe2\x80\x90\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa'
    header '"separators"' '"\xe2\x80\xa8\xe2\x80\xa9"' separators "$e\\xa8$e\\xa9"
    header '"overlong"' '"\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf"' overlong '\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf'
    header '"surrogate"' '"\xed\xa0\x80\xed\x9f\xbf"' surrogate '\xed\xa0\x80'$'\xed\x9f\xbf'
    header '"too-high"' '"\xf4\x90\x80\x80\xf4\x8f\xbf\xbf"' too-high '\xf4\x90\x80\x80'$'\xf4\x8f\xbf\xbf'
    header '"cut"' '"\xe2\x82a\xe2\x82"' cut '\xe2\x82a\xe2\x82'
    header '"cut-\xe2"' '"\x82\xac"' 'cut-\xe2' '\x82\xac'
    header '"backslash\\"' '"\\x41\\"' 'backslash\\' '\\x41\\'
    prints_expected
}

# A character of three bytes stands across every place where a long value could be taken apart.
utf8_in_long_values() {
    local euros
    start_server && start_log || return
    euros=$(printf '\xe2\x82\xac%.0s' $(seq 1300))
    for start in "" a ab; do
        header '"name"' "\"$start$euros\"" name "$start$euros"
    done
    prints_expected
}

# Whatever a value holds, it stays one line, and h2olog takes it for nothing else.
forged() {
    local lines='1\n7 7 TxStatus   200\n' record='\n0000000000000000 2 1 1 7 7 c8\n'
    start_server && start_log || return
    header '"a"' "\"$lines\"" a '1\x0a7 7 TxStatus   200\x0a'
    header "\"$lines\"" '"b"' '1\x0a7 7 TxStatus   200\x0a' b
    header '"a"' "\"$record\"" a '\x0a0000000000000000 2 1 1 7 7 c8\x0a'
    header '"a"' '"\nLost 100 events\n"' a '\x0aLost 100 events\x0a'
    header '"a"' '"\nAttaching 4 probes...\nERROR: no\n@a[1]: 2\n"' a \
        '\x0aAttaching 4 probes...\x0aERROR: no\x0a@a[1]: 2\x0a'
    header '"a"' '"\\[100 bytes cut]"' a '\\[100 bytes cut]'
    prints_expected
}

# ----------------------------------------------------------------------------------------------------- load and latency

# Lines of one connection out of h2olog's.
lines_of() { # CONN
    grep -a "^$1 " "$dir/out"
}

numbered_lines() { # CONN COUNT NAME VALUE
    seq -f "%.0f RxHeader   $3" 0 $(($2 - 1)) | CONN=$1 VALUE=$4 awk '{ print ENVIRON["CONN"], $0, ENVIRON["VALUE"] }'
}

# Tells the server to fire COUNT headers a connection, at RATE a second, and compares each connection's lines.
concurrently() { # COUNT RATE VALUE PRINTED-VALUE
    start_server && start_log || return
    for conn in 11 12; do
        tell thread "repeat $1 $2 fire h2o:receive_request_header $conn i \"$conn\" len $3 len" end
    done
    tell join
    server_is_done || return
    tell "fire h2o:send_response 13 0 200"
    wait_for 20 has_line "13 0 TxStatus   200" "$dir/out" || explain "the last line did not come"
    stop_log || return
    for conn in 11 12; do
        numbered_lines "$conn" "$1" "$conn" "$4" >"$dir/expected"
        lines_of "$conn" >"$dir/out.$conn"
        same "$dir/expected" "$dir/out.$conn" || { show "$dir/err"; return 1; }
    done
    [[ $(wc -l <"$dir/out") == $((2 * $1 + 1)) ]] && messages_are_clean
}

# Writes how many microseconds after an event its line came.
latency() { # REQ READER
    local begin line
    begin=$(microseconds)
    tell "fire h2o:receive_request_header 1 $1 \":path\" len \"/\" len"
    read -r -t $((20 * SLOW)) line <&"$2"
    echo $(($(microseconds) - begin))
    [[ $line == "1 $1 RxHeader   :path /" ]] || { explain "not the line of event $1: $line"; return 1; }
}

# The median of five, each after a pause.
median_latency() {
    for req in 1 2 3 4 5; do
        rest 0.4 # so that the server is quiet
        latency "$req" "$lines" || return
    done >"$dir/latencies"
    median=$(sort -n "$dir/latencies" | sed -n 3p)
}

# What else runs may make a median late, but hardly four.
is_prompt() {
    local limit=200000 median
    [[ ${CI:-} != true ]] || limit=300000
    mkfifo "$dir/out" && exec {lines}<>"$dir/out" && start_server && start_log || return
    for _ in 1 2 3 4; do
        median_latency || { cat "$dir/latencies"; show "$dir/err"; return 1; }
        ((median > limit)) || break
    done
    ((median <= limit)) || explain "median of $median microseconds"
    ((median <= limit)) && stop_log
}

turns_probes_off() {
    start_server && start_log || return
    tell "wait h2o:receive_request" "wait h2o:receive_request_header" "wait h2o:send_response" \
        "wait h2o:send_response_header"
    server_is_done && stop_log && probes_are_off 15 # the kernel may still be at it
}

# ---------------------------------------------------------------------------------------------------- where the file is

# ------------------------------------------------------------------------------------------------------------ the cases

live_case "the first request after the server's start is complete, with all names" first_request
live_case "the first request of a server of February 2020" era "$(server_of 2020)"
live_case "the first request of a server of December 2022" era "$(server_of 2022)"
live_case "answers of 404 and 500" statuses
live_case "two requests on one connection" keep_alive
live_case "three pipelined requests" pipelined
live_case "HTTP/1.0" old_version
live_case "HTTP/1.1: a header of 3,000 bytes, one with special characters, one that is empty" long_and_special
live_case "HTTP/2: the same" scripted_request 0x200 2.0 1
live_case "HTTP/3: the same" scripted_request 0x300 3.0 0
live_case "the least and the greatest numbers" numbers
live_case "values of 0 to 65,536 bytes" long_values
live_case "names of 0 to 65,536 bytes, and both long" long_names
live_case "names and values that end where a page ends" at_the_edge
live_case "names and values of any bytes" any_bytes
live_case "a NUL anywhere in a name or value" nul
live_case "texts take every way, as a stream" every_way --transport=stream
live_case "texts take every way, in maps" every_way --transport=batch
live_case "--text-limit: values are cut there, names are not" short_limit
live_case "empty names and values" nothing_there
live_case "UTF-8, valid or not, and control characters" utf8
live_case "long values of UTF-8" utf8_in_long_values
live_case "a value cannot forge a line, a record, or a message" forged
live_case "long values of two threads at once" concurrently 200 100 "\"$(text 3000)\"" "$(printed_text 3000)"
live_case "long values with NULs of two threads at once" \
    concurrently 100 50 "pattern(1000)" "$(pattern 1000 | escaped_bytes)"
live_case "20,000 events at 20,000 a second" concurrently 10000 10000 '"/"' /
live_case "a line is there within 0.2 s of its event" is_prompt
live_case "the probes are off soon after h2olog has ended" turns_probes_off

done_testing

#!/bin/bash
# Whole requests that are read in the server's structures when they end.
# shellcheck disable=SC2015,SC2016,SC2317 # A && B || C; awk's dollars; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
SERVER=$SERVERS-whole

# One of each protocol, one that was never answered, one that could not be parsed, one from a UNIX socket, and one that is part of
# another connection than it says, which is none of a client's, and one that the server refused before it looked for what to do.
dispose_requests() {
    cat >"$dir/fired" <<'END'
dispose 1 1 1 0x101 200 1000 "GET" "/a?q=1" "a.test:8080" sockaddr(127.0.0.2:4001) null "user-agent" "ua1" "cookie" "c=1" response "content-type" "text/html" "set-cookie" "a=1" "set-cookie" "b=2"
dispose 2 2 3 0x200 404 5 "POST" "/b" "b.test" sockaddr([2001:db8::1]:4002) "sni.test" "user-agent" "ua\"2\x01" response "x-id" "2.3"
dispose 3 3 8 0x300 503 0 "GET" "/c" "c.test" sockaddr(127.0.0.3:4003) "c.test" response
dispose 4 9 1 0x200 200 0 "GET" "/inner" "inner" sockaddr(127.0.0.9:4009) null
dispose 5 2 5 0x200 0 0 "GET" "/refused" "refused" sockaddr(127.0.0.9:4009) null
dispose 1 4 1 0x100 0 0 "GET" "/gone" "" sockaddr(unix) null
dispose 1 5 1 0 400 11 "" "" "" null null
dispose 1 6 1 0 0 0 "" "" "" null null
END
    fire_file "$dir/fired"
}

# What is known of them: the lines of -g request.
lines_of() { # CONN REQ LINE...
    printf "$1 $2 %s\n" "${@:3}"
    echo
}

all_lines() {
    lines_of 1 1 'RxProtocol HTTP/1.1' 'RxHeader   :method GET' 'RxHeader   :path /a?q=1' 'RxHeader   :scheme http' \
        'RxHeader   :authority a.test:8080' 'RxHeader   user-agent ua1' 'RxHeader   cookie c=1' 'TxStatus   200' \
        'TxHeader   content-type text/html' 'TxHeader   set-cookie a=1' 'TxHeader   set-cookie b=2' \
        'ReqEnd     address=127.0.0.2 port=4001 bytes=1000 duration_ms=1500.000'
    lines_of 2 3 'RxProtocol HTTP/2.0' 'RxHeader   :method POST' 'RxHeader   :path /b' 'RxHeader   :scheme https' \
        'RxHeader   :authority b.test' 'RxHeader   user-agent ua"2\x01' 'TxStatus   404' 'TxHeader   x-id 2.3' \
        'ReqEnd     address=2001:db8::1 port=4002 bytes=5 duration_ms=1500.000'
    lines_of 3 8 'RxProtocol HTTP/3.0' 'RxHeader   :method GET' 'RxHeader   :path /c' 'RxHeader   :scheme https' \
        'RxHeader   :authority c.test' 'TxStatus   503' 'ReqEnd     address=127.0.0.3 port=4003 bytes=0 duration_ms=1500.000'
    lines_of 4 1 'RxProtocol HTTP/1.0' 'RxHeader   :method GET' 'RxHeader   :path /gone' 'RxHeader   :scheme http' 'ReqEnd     bytes=0'
    lines_of 5 1 'RxHeader   :scheme http' 'TxStatus   400' 'ReqEnd     bytes=11 duration_ms=1500.000'
}

# Runs h2olog over them, and keeps a recording.
trace_whole() { # OPTION...
    start_server && start_log --record "$dir/recording" "$@" && dispose_requests && end_log && messages_are_clean
}

replays() { # EXPECTED OPTION...
    "$H2OLOG" --quiet --replay "$dir/recording" "${@:2}" >"$dir/replayed" && same "$1" "$dir/replayed"
}

whole_lines() { # VARIANT
    SERVER=$SERVERS-$1
    trace_whole -g request || return
    same <(all_lines) "$dir/out" && replays "$dir/out" && grep -qx "h2olog: requests come from the structures of pid $server, not from its probes" "$dir/err" &&
        tail -n 1 "$dir/err" | grep -q '^h2olog: 5 requests, 1 of them unanswered, 0 given up; 0 lost' || { cat "$dir/err"; return 1; }
}

# Every line of a request is cut at a terminal's width.
on_a_terminal() {
    trace_whole -g request || return
    echo "stty cols 30; exec $H2OLOG --quiet --color=never --replay $dir/recording -g request" >"$dir/run"
    script -qec "bash $dir/run" /dev/null </dev/null | tr -d '\r' >"$dir/shown"
    same <(sed -E 's/^(.{29})..+$/\1…/' "$dir/out") "$dir/shown"
}

objects() {
    trace_whole -g request -f json || return
    perl -MJSON::PP -ne '
        my $r = decode_json($_);
        my @q = $r->{request} ? (map { $_ // "-" } @{$r->{request}}{qw(method scheme authority path)}) : "-";
        print join("|", map({ $_ // "null" } @{$r}{qw(at conn_id req_id http_version)}), @q,
            map({ $_ // "null" } @{$r}{qw(status ttfb_ms duration_ms bytes request_bytes address port sni)})), "\n";' "$dir/out" >"$dir/parsed"
    same - "$dir/parsed" <<'END'
1700000000000|1|1|257|GET|http|a.test:8080|/a?q=1|200|125|1500|1000|7|127.0.0.2|4001|null
1700000000000|2|3|512|POST|https|b.test|/b|404|125|1500|5|7|2001:db8::1|4002|sni.test
1700000000000|3|8|768|GET|https|c.test|/c|503|125|1500|0|7|127.0.0.3|4003|c.test
1700000000000|4|1|256|GET|http|-|/gone|null|null|null|0|7|null|null|null
1700000000000|5|1|null|-|http|-|-|400|125|1500|11|7|null|null|null
END
}

# The notation of h2o's access log that only the structures answer, and some of what the probes answer, too.
access_log() {
    trace_whole -F '%h %{remote}p "%r" %s %b %{user-agent}i %{set-cookie}o %V|%q|%{connect-time}x %{request-total-time}x %{response-time}x %{duration}x %{request-body-bytes}x %{ssl.server-name}x %{usec}t %{http1.request-index}x' || return
    same - "$dir/out" <<'END' && replays "$dir/out"
127.0.0.2 4001 "GET /a?q=1 HTTP/1.1" 200 1000 ua1 a=1, b=2 a.test:8080|?q=1|0.500000 0 1.375000 1.500000 7 - 1700000000000250 1
2001:db8::1 4002 "POST /b HTTP/2" 404 5 ua\x222\x01 - b.test||0.500000 0 1.375000 1.500000 7 sni.test 1700000000000250 -
127.0.0.3 4003 "GET /c HTTP/3" 503 0 - - c.test||0.500000 0 1.375000 1.500000 7 c.test 1700000000000250 -
- - "GET /gone HTTP/1.0" - 0 - - ||0.500000 0 - - 7 - 1700000000000250 1
- - "-" 400 11 - - ||0.500000 0 1.375000 1.500000 7 - 1700000000000250 1
END
}

# The same with the query decided in h2olog alone, as it may be true for what the program does not know.
query_both() { # EXPRESSION EXPECTED-CONNECTION...
    local shown
    "$H2OLOG" --quiet --replay "$dir/recording" -F '%{connection-id}x' -q "$1" >"$dir/shown" || return
    mapfile -t shown <"$dir/shown"
    [[ ${shown[*]} == "${*:2}" ]] || { explain "$1: ${shown[*]} instead of ${*:2}"; return 1; }
}

# What a query keeps is the same whether the program decides it or h2olog.
readonly queries=(
    'status >= 500|3' 'status == 404 or status == 400|2 5' 'not status|4' 'status != 200|2 3 4 5' 'version >= 2|2 3' 'version < 1.1|4'
    'conn > 2 and conn <= 4|3 4' 'req == 8|3' 'bytes > 10|1 5' 'bytes <= 5|2 3 4' 'request_bytes == 7|1 2 3 4 5' 'duration > 1.4999s|1 2 3 5'
    'duration > 1500ms|' 'duration >= 1500ms|1 2 3 5' 'not duration|4' 'ttfb < 125001us|1 2 3 5' 'ttfb == 125ms|1 2 3 5' 'method eq POST|2'
    'method ne GET|2 5' 'path ~ "^/a"|1' 'path ~ "^/[bc]$"|2 3' 'path !~ "^/a"|2 3 4 5' 'authority eq "a.test:8080"|1' 'host eq a.test|1'
    'host ne a.test|2 3 4 5' 'scheme eq https|2 3' 'address eq 127.0.0.2|1' 'address eq "2001:db8::1"|2' 'address ne 127.0.0.3|1 2 4 5'
    'address ~ "^127"|1 3' 'port == 4002|2' 'sni eq sni.test|2' 'sni|2 3' 'req.user-agent ~ "^ua"|1 2' 'status >= 400 and not (path eq /b or host eq c.test)|5'
    'not (status >= 500 and path ~ "c$")|1 2 4 5' 'path|1 2 3 4' 'host|1 2 3')

asked() { # EXPRESSION
    start_log -F '%{connection-id}x' -q "$1" && dispose_requests && end_log && messages_are_clean
}

# Tracing takes a second each, so those that the program decides go together in one expression for each connection.
program_decides() {
    start_server && start_log -g request -f json --record "$dir/recording" && dispose_requests && end_log || return
    local query shown
    for query in "${queries[@]}"; do query_both "${query%%|*}" ${query#*|} || return; done
    for query in 'status >= 500' 'not (version >= 2 or status == 400) and path ~ "^/a"' 'duration > 1.4999s and address eq 127.0.0.2 or bytes == 5 and host eq b.test' \
        'method ne GET and not address eq 127.0.0.3' 'ttfb == 125ms and req.user-agent ~ "ua"' 'path !~ "^/a" and conn < 4' 'not duration or request_bytes > 7'; do
        "$H2OLOG" --quiet --replay "$dir/recording" -F '%{connection-id}x' -q "$query" >"$dir/expected" && asked "$query" || return
        same "$dir/expected" "$dir/out" || { explain "$query"; return 1; }
    done
}

# A program that decides a query prints nothing else.
only_what_is_wanted() {
    start_server && start_log -g request -q 'status >= 500' -ddd && dispose_requests && end_log || return
    grep -qx "h2olog: of the query, where requests are read in the server's structures, the program decides status >= 500; h2olog decides nothing" "$dir/err" || return
    same <(all_lines | perl -00 -ne 'print if /^3 /') "$dir/out" && grep -qF 'if (!((($status != 0 && $status >= 500)))) { return; }' "$dir/err"
}

filters() {
    start_server && start_log -F '%{connection-id}x %s' --status 4xx,2xx --conn 1,2,3 && dispose_requests && end_log || return
    same <(printf '%s\n' '1 200' '2 404') "$dir/out" || return
    start_log -F '%{connection-id}x' --address 127.0.0.2/31,2001:db8::/32 --record "$dir/recording" && dispose_requests && end_log || return
    same <(printf '%s\n' 1 2 3) "$dir/out" && replays <(echo 2) -F '%{connection-id}x' --address 2001:db8::1 || return
    start_log -F '%{connection-id}x' --sni '*.TEST' --address 127.0.0.0/8 && dispose_requests && end_log && same <(echo 3) "$dir/out"
}

# Events of QUIC connections: whose, as the probes do not say it. One event is of no connection.
fire_clients() {
    {
        echo 'fire quicly:free client(1,sockaddr(127.0.0.2:4001),"a.test") 1580154303458'
        echo 'fire quicly:free client(2,sockaddr([2001:db8::1]:4002),"B.Test") 1580154303458'
        echo 'fire quicly:free client(3,sockaddr(unix),null) 1580154303458'
        echo 'fire quicly:free client(4,sockaddr(127.0.0.3:4003),"") 1580154303458'
        local len
        for len in 6 7 8 9 200; do
            echo "fire quicly:free client($((len + 1000)),sockaddr(127.0.0.4:4004),\"$(printf 'x%.0s' $(seq "$len"))\") 1580154303458"
        done
        echo 'fire h2o:h3_packet_receive sockaddr(127.0.0.1:443) sockaddr(127.0.0.2:4001) "abc" len'
        echo 'fire h2o:h3_packet_receive sockaddr(127.0.0.2:443) sockaddr(127.0.0.1:4001) "abc" len'
        echo 'fire h2o:receive_request 5 1 0x300'
    } >"$dir/fired"
    fire_file "$dir/fired"
}

# The connections of the events, and the sources of the packets.
shows_clients() { # EXPECTED OPTION...
    start_log quic -t free,h3_packet_receive,receive_request -f json "${@:2}" && fire_clients && end_log || return
    same <(printf '%s\n' $1) <(sed -E 's/.*"(master_conn_id|conn_id|src)": "?([^,"}]*).*/\2/' "$dir/out") || { explain "${*:2}"; show "$dir/out"; return 1; }
}

quic_clients() { # VARIANT
    SERVER=$SERVERS-$1
    start_server && shows_clients '1 127.0.0.2:4001' --address 127.0.0.2 && shows_clients 2 --address 2001:db8::/32,127.9.0.0/16 || return
    shows_clients '1 2' --sni '*.test' && shows_clients '2' --sni 'b.test' --address ::/0 && shows_clients '1007 1009' --sni xxxxxxx,xxxxxxxxx || return
    shows_clients '1006 1007 1008 1009 1200' --sni 'x*' && shows_clients 1200 --sni "$(printf 'x%.0s' $(seq 60))*xx" && shows_clients 1 --sni '?.tes?' --conn 1
}

# A recording has what was asked for, and says nothing of clients.
quic_clients_recorded() {
    start_server && shows_clients '1 127.0.0.2:4001' --address 127.0.0.2 --record "$dir/recording" && replays "$dir/out" || return
    "$H2OLOG" --replay "$dir/recording" --address 127.0.0.2 2>"$dir/err"
    [[ $? == 2 ]] && grep -q '^h2olog: --address: a recording of single events does not say whose client they are of' "$dir/err" || return
    "$H2OLOG" quic -t free --address 127.0.0.2 -p "$server" --emit-script=wire >"$dir/program.bt" && start_log --script "$dir/program.bt" -f json && fire_clients && end_log &&
        [[ $(wc -l <"$dir/out") == 1 ]] && grep -q '"master_conn_id": 1}' "$dir/out" || return
    "$H2OLOG" quic --script "$dir/program.bt" --address 127.0.0.2 -p "$server" 2>"$dir/err"
    [[ $? == 2 ]] && grep -q '^h2olog: both --script and --address; that is in the program already' "$dir/err"
}

# What only the structures tell is an error where they are not there.
only_structures_tell() {
    start_server_as "$SERVERS-single" || return
    local option
    for option in '-q bytes>1' '-q sni' '-g request --address 127.0.0.1' '-F %s --sni a'; do
        # shellcheck disable=SC2086 # words
        "$H2OLOG" -p "$server" $option 2>"$dir/err"
        [[ $? == 3 ]] && grep -q "^h2olog: .* is known from the server's structures only, and those of process $server .* cannot be read: it has no symbol h2o_dispose_request" "$dir/err" ||
            { cat "$dir/err"; return 1; }
    done
    "$H2OLOG" -p "$server" --address 127.0.0.1 2>"$dir/err"
    [[ $? == 2 ]] && grep -q -- '^h2olog: --address is for whole requests and for QUIC: give --group, --query, --log-format, stat, top or hist, too, or quic' "$dir/err" || return
    "$H2OLOG" quic -p "$server" --address 127.0.0.1 2>"$dir/err"
    [[ $? == 3 ]] && grep -q "^h2olog: --address is known from the server's structures only, and those of process $server .* cannot be read: " "$dir/err" || return
    "$H2OLOG" quic --address 127.0.0.1 --emit-script=wire 2>"$dir/err"
    [[ $? == 2 ]] && grep -q '^h2olog: --address is known from the structures of a server that runs; say which with -p PID' "$dir/err"
}

# Values as long as a part of a text, a byte less and a byte more, several parts, and names likewise.
long_texts() {
    start_server && start_log -g request -i RxHeader || return
    local conn=0 lens len args expected=()
    for lens in '1 7 8 55 56 57 58 79 80 81 82 104 105 106 159 160 161 162 163 240 241 242' '1007 1008 1009 1010' '2016 2017 2018' '8192'; do
        conn=$((conn + 1)) args=()
        for len in $lens; do
            args+=("\"x$len\" fill($len,'v')")
            expected+=("$conn 1 RxHeader   x$len $(printf 'v%.0s' $(seq "$len"))")
        done
        echo "dispose 1 $conn 1 0x101 200 0 \"GET\" \"/\" \"\" null null ${args[*]}"
    done >"$dir/fired"
    conn=5 args=()
    for len in 55 56 57 79 80 81 82 161; do
        args+=("fill($len,'n') \"$len\"")
        expected+=("5 1 RxHeader   $(printf 'n%.0s' $(seq "$len")) $len")
    done
    echo "dispose 1 5 1 0x101 200 0 \"GET\" \"/\" \"\" null null ${args[*]}" >>"$dir/fired"
    fire_file "$dir/fired" && end_log && messages_are_clean && same <(printf '%s\n' "${expected[@]}") <(grep -v ':\|^$\|ReqEnd' "$dir/out")
}

# More of them than a program looks at are not left out in silence.
too_many() {
    start_server && start_log -F '%{connection-id}x %{x-last}i' || return
    { printf 'dispose 1 1 1 0x101 200 0 "GET" "/" "" null null'; printf ' "x-%d" "v"' $(seq 90); echo ' "x-last" "1"'; } >"$dir/fired"
    { printf 'dispose 1 2 1 0x101 200 0 "GET" "/" "" null null'; printf ' "x-%d" "v"' $(seq 10); echo ' "x-last" "2"'; } >>"$dir/fired"
    fire_file "$dir/fired" && end_log || return
    grep -qx '1 1\|1 - ~incomplete:request-headers' "$dir/out" && grep -qx '2 2' "$dir/out"
}

# A long field that the program has no turns left for is not begun, so nothing of it is lost. One is cut before that.
too_long() {
    local field lines
    field=$(printf " \"x\" fill(8192,'v')%.0s" {1..40})
    start_server && start_log -g request -i RxHeader && echo "dispose 1 1 1 0x101 200 1 \"GET\" \"/\" \"a\" null null $field" >"$dir/fired" && fire_file "$dir/fired" && end_log || return
    lines=$(grep -Ecx '1 1 RxHeader   x v{8192}' "$dir/out")
    ((lines >= 1 && lines < 40)) && [[ $(grep -c ' x v' "$dir/out") == "$lines" ]] && has_line '1 1 Incomplete request-headers may be missing' "$dir/out" &&
        tail -n 1 "$dir/err" | grep -q '^h2olog: 1 requests, 0 of them unanswered, 0 given up, 1 incomplete; 0 lost, 0 damaged, 0 values cut' || { explain "$lines lines" && show "$dir/err"; return 1; }
    start_log -g request -i RxHeader --text-limit 0 && echo "dispose 1 1 1 0x101 200 1 \"GET\" \"/\" \"a\" null null \"x\" fill(100000,'v') \"y\" \"1\"" >"$dir/fired" && fire_file "$dir/fired" && end_log || return
    grep -qx '1 1 RxHeader   x v*\\\[[0-9]* bytes cut\]' "$dir/out" && has_line '1 1 RxHeader   y 1' "$dir/out" && tail -n 1 "$dir/err" | grep -q '; 0 lost, 0 damaged, 1 values cut' ||
        { cut -c -80 "$dir/out"; show "$dir/err"; return 1; }
}

# Connections that do not lead back to where they should: the probes are traced instead, and the output says so.
wrong_structures() {
    own_probes || return
    sed -i 's/^http1.self .*/http1.self st_h2o_http1_conn_t(req).req/; s/^http2.back .*/http2.back st_h2o_req_t.conn->id/' "$dir/probes/x.structures"
    start_server && start_log -F '%r %s' --probes "$dir/probes" || return
    for i in 1 2 3 4 5 6 7 8; do echo "dispose 1 $i 1 0x101 200 7 \"GET\" \"/wrong\" \"\" null null"; done >"$dir/fired"
    fire_file "$dir/fired" && wait_for 20 grep -q 'attaching 5 probes' "$dir/err" && wait_for 20 has_tracing 2 || { cat "$dir/err"; return 1; }
    get /right && end_log && same <(echo 'GET /right HTTP/1.1 200') "$dir/out" &&
        grep -qx "h2olog: the requests of pid $server are not where its structures were taken to be; another layout, or its probes, are tried" "$dir/err" || { cat "$dir/err"; return 1; }
    spawn "$H2OLOG" -p "$server" -F '%r %s' --probes "$dir/probes" --source=server -d >"$dir/out" 2>"$dir/err"
    log=$spawned && log_is_ready && fire_file "$dir/fired" && reap "$log" 20 && status_is 1 && [[ ! -s $dir/out ]] &&
        tail -n 1 "$dir/err" | grep -q -- '--source=probes traces its probes$'
}

has_tracing() { # COUNT
    [[ $(grep -c '^h2olog: tracing pid' "$dir/err") == "$1" ]]
}

# A directory with the catalogue, and structures without the layouts that are known.
own_probes() {
    mkdir "$dir/probes" && cp "$probes"/*.probes "$dir/probes" && sed '/^layout/,$d' "$probes/h2o.structures" >"$dir/probes/x.structures"
}

# Where the structures cannot be read, requests come from the probes, as ever.
no_structures() {
    strip -g -o "$dir/server" "$SERVER" && own_probes && SERVER=$dir/server
    start_server && start_log -F '%r %h %s' --probes "$dir/probes" && get /x && end_log && same <(echo 'GET /x HTTP/1.1 - 200') "$dir/out" &&
        grep -qx "h2olog: requests come from the probes of pid $server, not from its structures: there is no debugging information; so addresses, bytes and the like are -" "$dir/err" || { cat "$dir/err"; return 1; }
    "$H2OLOG" -p "$server" -g request --source=server --probes "$dir/probes" 2>"$dir/err"
    [[ $? == 3 ]] && grep -q "^h2olog: the structures of process $server (.*) cannot be read: there is no debugging information; --source=probes" "$dir/err"
}

# Without debugging information the layouts that are known are tried, one after the other; none of them is this server's.
other_layouts() {
    strip -g -o "$dir/server" "$SERVER" && own_probes && SERVER=$dir/server
    sed -n '/^layout 2026/,/^$/p; /^layout 2020/,$p' "$probes/h2o.structures" >>"$dir/probes/x.structures"
    start_server && start_log -F '%r %s' --probes "$dir/probes" || return
    local i count
    for i in 1 2 3 4 5 6 7 8; do echo "dispose 2 $i 1 0x200 200 7 \"GET\" \"/wrong\" \"\" null null"; done >"$dir/fired"
    for count in 2 3; do fire_file "$dir/fired" && wait_for 20 has_tracing "$count" || { cat "$dir/err"; return 1; }; done
    get /right && end_log && same <(echo 'GET /right HTTP/1.1 200') "$dir/out" || { cat "$dir/err"; return 1; }
    same - <(grep -o 'requests come from.*' "$dir/err") <<END
requests come from the structures of pid $server, not from its probes, as h2o of 2026-06 has them
requests come from the structures of pid $server, not from its probes, as h2o of 2020-02 has them
requests come from the probes of pid $server, not from its structures: no other layout is known
END
}

# A layout in a file of one's own: the test server says where its members are.
own_layout() {
    strip -g -o "$dir/server" "$SERVER" && own_probes || return
    { echo "layout mine" && "$SERVER" --layout; } >>"$dir/probes/x.structures"
    SERVER=$dir/server
    start_server && start_log -g request --probes "$dir/probes" && dispose_requests && end_log && same <(all_lines) "$dir/out"
}

# A server that was built without probes.
no_probes() {
    objcopy --remove-section .note.stapsdt "$SERVER" "$dir/server" && SERVER=$dir/server
    start_server && start_log -F '%h "%r" %s %b' || return
    get /x && end_log && same <(echo '127.0.0.1 "GET /x HTTP/1.1" 200 6') "$dir/out" || return
    "$H2OLOG" -p "$server" 2>"$dir/err"
    [[ $? == 3 ]] && grep -q "^h2olog: process $server (.*) has none of h2o's probes, but its structures have whole requests: -g request, -q, -F, stat, top and hist show them" "$dir/err"
}

# The same from the probes and from the structures, by real requests.
same_as_probes() {
    local format='"%r" %s "%{user-agent}i" "%{x-a}i" "%{content-type}o" %{connection-id}x %H %m %U%q %V'
    start_server && start_log -F "$format" || return
    get '/a?b=c' -H 'x-a: 1' && get /missing -H 'x-a:' && get /error -d body && end_log && mv "$dir/out" "$dir/structures" || return
    start_log -F "$format" --source=probes && get '/a?b=c' -H 'x-a: 1' && get /missing -H 'x-a:' && get /error -d body && end_log || return
    same <(sed -E 's/ [0-9]+ (HTTP)/ N \1/' "$dir/structures") <(sed -E 's/ [0-9]+ (HTTP)/ N \1/' "$dir/out") && [[ $(wc -l <"$dir/out") == 3 ]]
}

# Sets `second` and `port`; the first one's stay in `server` and `first_port`.
start_second() {
    first_port=$port
    spawn "$SERVER" --lifetime 600 >"$dir/second.out" 2>&1
    second=$spawned
    wait_for 5 grep -q '^listening' "$dir/second.out" && port=$(sed -n 's/^listening on 127.0.0.1:\([0-9]*\) .*/\1/p' "$dir/second.out")
}

# bpftrace 0.17 -p leaves functions to any process.
another_server() {
    start_server && start_second && start_log -F '"%r" %h' || return
    get /other && port=$first_port && get /own && end_log && same <(echo '"GET /own HTTP/1.1" 127.0.0.1') "$dir/out"
}

# A successor is seen by the same program.
follows() {
    start_server && start_log --follow -F '%{h2olog.pid}x "%r" %h' && get /a && wait_for 10 grep -q /a "$dir/out" && start_second || return
    get /b && wait_for 10 grep -q "^$second" "$dir/out" && port=$first_port && get /c && end_log || return
    same <(printf '%s "GET /%s HTTP/1.1" 127.0.0.1\n' "$server" a "$second" b "$server" c) "$dir/out"
}

# A filter comes to the view that was recorded; what is asked of lines makes lines; what the records do not have is an error.
replayed() {
    trace_whole -F '%{connection-id}x %s' && replays <(echo '2 404') --status 404 && replays <(printf '%s\n' '2 404' '3 503') --conn 2,3 || return
    replays <(all_lines | perl -00 -ne 'print grep(/TxStatus|ReqEnd|^$/, split(/^/)) if /TxStatus/') -i TxStatus || return
    replays <(echo '3 503') --sni c.test && is_error "these records are whole requests, read in the server's structures" quic &&
        is_error "these records are whole requests, read in the server's structures" -t send_response || return
    start_log -g request --source=probes --record "$dir/recording" && get /x && end_log || return
    is_error "duration is known from the server's structures only, and these records are of probes" -q 'duration > 1s' &&
        is_error "--address is known from the server's structures only, and these records are of probes" -g request --address ::1
}

# It is run for the server that is given then, and refused where that has its members elsewhere.
program_for_another() {
    start_server && "$H2OLOG" -F '"%r"' --emit-script=wire -p "$server" >"$dir/program.bt" && start_second || return
    server=$second && start_log --script "$dir/program.bt" -F '"%r"' && get /second && port=$first_port && get /first && end_log &&
        same <(echo '"GET /second HTTP/1.1"') "$dir/out" || return
    SERVER=$SERVERS-moved
    start_second && "$H2OLOG" -p "$second" --script "$dir/program.bt" -F %s 2>"$dir/err"
    [[ $? == 2 ]] && grep -q 'the program was made for "layout ' "$dir/err" || { show "$dir/err"; return 1; }
}

is_error() { # MESSAGE OPTION...
    "$H2OLOG" --replay "$dir/recording" "${@:2}" >"$dir/replayed" 2>"$dir/err"
    [[ $? == 3 && ! -s $dir/replayed ]] && grep -qF -e "$1" "$dir/err" || { explain "${*:2}" && show "$dir/err"; return 1; }
}

# A program that was printed is run again.
printed_program() {
    start_server && "$H2OLOG" -F '%h %s' -q 'status < 500' --emit-script=wire -p "$server" >"$dir/program.bt" && grep -qx '//: source server' "$dir/program.bt" &&
        grep -qx '#define H2O_STATUS [0-9]* // st_h2o_req_t.res.status' "$dir/program.bt" && grep -qF '($req + H2O_STATUS)' "$dir/program.bt" &&
        start_log --script "$dir/program.bt" -F '%{connection-id}x %s' && dispose_requests && end_log || return
    same <(printf '%s\n' '1 200' '2 404' '5 400') "$dir/out" || return
    "$H2OLOG" --script "$dir/program.bt" -p "$server" 2>"$dir/err"
    [[ $? == 2 ]] && grep -q 'reads whole requests: give -g request, -q, -F, stat, top or hist, as it was made with' "$dir/err"
}

# Where all names can be looked at the structures are read; elsewhere the probes.
redacted() {
    start_server && start_log -g request --redact 'cookie,:path' || return
    if is_before 24; then
        grep -q 'not from its structures: bpftrace 0.* cannot look at the names' "$dir/err" || return
        get /secret -H 'cookie: secret' && end_log && ! grep -q secret "$dir/out"
        return
    fi
    dispose_requests && end_log || return
    same <(all_lines | awk '/ RxHeader   (:path|cookie) / {
        len = length($NF); $0 = substr($0, 1, length($0) - len) "\\[" len " bytes redacted]" } { print }') "$dir/out"
}

refused() {
    start_server && is_refused 2 '--source is for --group, --query, --log-format, stat, top and hist' --source=server &&
        is_refused 2 '--source is for --group, --query, --log-format, stat, top and hist' quic --source=probes &&
        is_refused 2 'both --source=server and --pending' -g request --source=server --pending 1s &&
        is_refused 3 'no event fits the filters' -g request --dcid aa && is_refused 2 'expected an address or a network' -q 'address eq 1.2.3'
}

live_case "lines of requests of three protocols" whole_lines whole
live_case "the same of structures whose members are elsewhere" whole_lines moved
live_case "lines on a terminal" on_a_terminal
live_case "objects with address, bytes and duration" objects
live_case "an access log that the probes could not write" access_log
live_case "queries mean the same in the program and in h2olog" program_decides
live_case "a program that decides a query sends nothing else" only_what_is_wanted
live_case "filters" filters
live_case "clients of QUIC connections" quic_clients whole
live_case "the same of structures whose members are elsewhere" quic_clients moved
live_case "a recording of one client's events, and a program for them" quic_clients_recorded
live_case "what only the structures tell" only_structures_tell
live_case "header fields of many lengths" long_texts
live_case "more header fields than the program looks at" too_many
live_case "long header fields than the program has turns for" too_long
live_case "structures that do not hold: the probes instead" wrong_structures
live_case "without debugging information the probes are traced" no_structures
live_case "layouts that are known, and are not the server's" other_layouts
live_case "a layout in a file" own_layout
live_case "a server without probes" no_probes
live_case "the same requests from structures and from probes" same_as_probes
live_case "another server of the same binary" another_server
live_case "a server and its successor" follows
live_case "a program for another server" program_for_another
live_case "recordings" replayed
live_case "a printed program" printed_program
live_case "redaction" redacted
live_case "options that cannot be meant" refused
done_testing

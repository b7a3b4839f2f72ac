#!/bin/bash
# Whole requests: grouped, queried, as an access log; and what is made of lines: regular expressions, colours, buffers.
# shellcheck disable=SC2015,SC2016,SC2317 # A && B || C; awk's dollars; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
use_single_sites

request() { # CONN REQ VERSION PATH
    echo "fire h2o:receive_request $1 $2 $3"
    local name
    for name in ':method" len "GET' ":path\" len \"$4" ':authority" len "a.test' ':scheme" len "https' "user-agent\" len \"ua$1"; do
        echo "fire h2o:receive_request_header $1 $2 \"$name\" len"
    done
}

response() { # CONN REQ STATUS
    echo "fire h2o:send_response $1 $2 $3"
    echo "fire h2o:send_response_header $1 $2 \"content-type\" len \"text/html\" len"
    echo "fire h2o:send_response_header $1 $2 \"x-id\" len \"$1.$2\" len"
}

# Two threads: streams of an HTTP/2 connection between each other, one of which is never answered; HTTP/1 connections of which
# one closes before its response and one has a response only, so its request came before; then an HTTP/3 connection that ends.
fire_requests() {
    {
        echo thread
        request 1 1 0x200 /a
        request 1 3 0x200 /b
        response 1 3 404
        echo sleep 50
        request 1 5 0x200 /never
        response 1 1 200
        echo end
        echo thread
        request 2 1 0x101 /c
        response 2 1 500
        request 2 2 0x101 /d
        response 2 2 200
        request 3 1 0x101 /closed
        echo fire h2o:h1_close 3
        response 4 1 201
        request 5 0 0x300 /h3
        response 5 0 503
        echo "fire h2o:h3s_destroy 5 0 0 0 0 0 0 0 0 0 0 0"
        echo end
        echo join
    } >"$dir/fired"
    fire_file "$dir/fired"
}

# The lines of a request, and the empty one.
request_lines() { # CONN REQ VERSION PATH
    printf '%s\n' "$1 $2 RxProtocol HTTP/$3" "$1 $2 RxHeader   :method GET" "$1 $2 RxHeader   :path $4" \
        "$1 $2 RxHeader   :authority a.test" "$1 $2 RxHeader   :scheme https" "$1 $2 RxHeader   user-agent ua$1"
}

response_lines() { # CONN REQ STATUS
    printf '%s\n' "$1 $2 TxStatus   $3" "$1 $2 TxHeader   content-type text/html" "$1 $2 TxHeader   x-id $1.$2"
}

exchange() { # CONN REQ VERSION PATH STATUS
    request_lines "$1" "$2" "$3" "$4"
    response_lines "$1" "$2" "$5"
    echo
}

# All of them, in the order of their first lines' text; paragraphs are compared without their order in time.
all_exchanges() {
    exchange 1 1 2.0 /a 200
    exchange 1 3 2.0 /b 404
    request_lines 1 5 2.0 /never && echo
    exchange 2 1 1.1 /c 500
    exchange 2 2 1.1 /d 200
    request_lines 3 1 1.1 /closed && echo
    exchange 5 0 3.0 /h3 503
}

paragraphs() {
    perl -00 -e 'print sort <>'
}

# Runs h2olog over fire_requests, and keeps a recording.
trace_requests() { # OPTION...
    start_server && start_log "$@" --record "$dir/recording" && fire_requests && end_log && messages_are_clean
}

replays() { # EXPECTED OPTION...
    "$H2OLOG" --quiet --replay "$dir/recording" "${@:2}" >"$dir/replayed" && same "$1" "$dir/replayed"
}

says() {
    tail -n 1 "$dir/err" | grep -qxF "h2olog: $1" || { tail -n 1 "$dir/err"; return 1; }
}

whole_requests() {
    trace_requests -g request || return
    same <(all_exchanges) <(paragraphs <"$dir/out") && says '7 requests, 2 of them unanswered, 0 given up, 1 began before; 0 lost, 0 damaged, 0 values cut' &&
        replays "$dir/out" || return
    # A response stands when it is complete; what was never answered at the end.
    same <(printf '%s\n' '1 3' '1 1' '1 5') <(perl -00 -ne 'print "$1\n" if /^(1 \d)/' "$dir/out") || return
    replays <(printf 'GET /%s HTTP/%s|ua%s|%s\n' b 2 1 404) -F '%r|%{user-agent}i|%s' -q 'status == 404 or version == 3 and req > 0' || return
    replays <(exchange 5 0 3.0 /h3 503) -q 'version == 3 and not incomplete' || return
    replays <(request_lines 1 5 2.0 /never; echo) -g request -q 'not status and path eq /never' || return
    replays <(printf '%s\n' '1 3 TxStatus   404' '1 3 TxHeader   x-id 1.3' '') -g request -i 'Tx*' -s 'X-*' --status 4xx
}

objects() {
    trace_requests -g request -f json -E || return
    perl -MJSON::PP -e '
        my %by;
        while (<STDIN>) {
            my $r = decode_json($_);
            $by{"$r->{conn_id} $r->{req_id}"}++ and die "twice";
            my @q = $r->{request} ? (@{$r->{request}}{qw(method scheme authority path)}, map { "$_->[0]=$_->[1]" } @{$r->{request}{headers}}) : "no request";
            my @a = $r->{response} ? map { "$_->[0]=$_->[1]" } @{$r->{response}{headers}} : "no response";
            my $ttfb = !defined $r->{ttfb_ms} ? "no" : $r->{ttfb_ms} > 0 && $r->{ttfb_ms} < 5000 ? "some" : "odd";
            $r->{seq} == ++$seq && $r->{pid} == $ARGV[0] && $r->{at} > 1.6e12 && $r->{nsecs} > 0 or die "odd: $_";
            push @lines, join "|", $r->{conn_id}, $r->{req_id}, $r->{http_version} // "null", @q, $r->{status} // "null", @a, $ttfb;
        }
        print map { "$_\n" } sort @lines;' "$server" <"$dir/out" >"$dir/parsed" || return
    local get='GET|https|a.test|'
    same - "$dir/parsed" <<END
1|1|512|$get/a|user-agent=ua1|200|content-type=text/html|x-id=1.1|some
1|3|512|$get/b|user-agent=ua1|404|content-type=text/html|x-id=1.3|some
1|5|512|$get/never|user-agent=ua1|null|no response|no
2|1|257|$get/c|user-agent=ua2|500|content-type=text/html|x-id=2.1|some
2|2|257|$get/d|user-agent=ua2|200|content-type=text/html|x-id=2.2|some
3|1|257|$get/closed|user-agent=ua3|null|no response|no
5|0|768|$get/h3|user-agent=ua5|503|content-type=text/html|x-id=5.0|some
END
}

# What a query keeps is printed whole; the program sends what it asks for, though the header field is not shown.
queries() {
    trace_requests -q 'status >= 500 and req.user-agent ~ "^ua[12]"' --request-header ':*' -x TxHeader || return
    same <(exchange 2 1 1.1 /c 500 | grep -Ev 'TxHeader|user-agent') "$dir/out" && says '1 requests, 0 of them unanswered, 0 given up, 1 began before; 0 lost, 0 damaged, 0 values cut' && replays "$dir/out"
}

# The program need not send other header fields than these.
access_log() {
    trace_requests -F combined --status 2xx,404 || return
    same - <(sed 's/\[[^]]*]/[time]/' "$dir/out" | sort) <<'END' && replays "$dir/out" && ! grep -aq 'authority' <(grep -a ' RxHeader\|a\.test' "$dir/recording")
- - - [time] "GET /a HTTP/2" 200 - "-" "ua1"
- - - [time] "GET /b HTTP/2" 404 - "-" "ua1"
- - - [time] "GET /d HTTP/1.1" 200 - "-" "ua2"
END
}

# One hangs, one is answered late, one at once, one never; all but the third are shown while they wait.
pending() {
    start_server && start_log --pending 300ms -x '*Header' --record "$dir/recording" || return
    for i in 1 2 3 4; do request "$i" 1 0x101 "/$i"; done >"$dir/fired"
    response 3 1 200 >>"$dir/fired"
    fire_file "$dir/fired" && wait_for 10 grep -q '^4 1 Pending ' "$dir/out" || return
    { response 1 1 200; response 2 1 503; } >"$dir/fired"
    fire_file "$dir/fired" && wait_for 10 has_line '2 1 TxStatus   503' "$dir/out" && end_log || return
    same - <(sed 's/Pending   [0-9.]* s/Pending   N s/' "$dir/out") <<'END' &&
1 1 RxProtocol HTTP/1.1
1 1 Pending   N s without a response

2 1 RxProtocol HTTP/1.1
2 1 Pending   N s without a response

4 1 RxProtocol HTTP/1.1
4 1 Pending   N s without a response

1 1 RxProtocol HTTP/1.1
1 1 TxStatus   200

2 1 RxProtocol HTTP/1.1
2 1 TxStatus   503

4 1 RxProtocol HTTP/1.1

END
        says '3 requests, 1 of them unanswered, 0 given up, 3 shown while they waited; 0 lost, 0 damaged, 0 values cut' || return
    [[ $(grep -c '^4 1 Pending   0\.[3-9]' "$dir/out") == 1 ]] && "$H2OLOG" --replay "$dir/recording" -f json --pending 300ms >"$dir/json" 2>"$dir/err" || return
    perl -MJSON::PP -ne '$o = decode_json($_); print "$o->{conn_id} ", $o->{status} // "-", " ", defined $o->{pending_ms} ? $o->{pending_ms} >= 300 : "-", "\n"' \
        "$dir/json" >"$dir/short"
    same <(printf '%s\n' '1 - 1' '2 - 1' '4 - 1' '1 200 -' '2 503 -' '4 - -') "$dir/short"
}

# Two requests may be held: the third takes the place of the first.
gives_up() {
    start_server && start_log -g request --max-requests 2 -x '*Header' && { request 1 1 0x101 /1; request 2 1 0x101 /2; request 3 1 0x101 /3; response 2 1 200; } >"$dir/fired" &&
        fire_file "$dir/fired" && end_log || return
    same - "$dir/out" <<'END' && says '3 requests, 2 of them unanswered, 1 given up, 1 incomplete; 0 lost, 0 damaged, 0 values cut'
1 1 RxProtocol HTTP/1.1
1 1 Incomplete response, response-headers may be missing

2 1 RxProtocol HTTP/1.1
2 1 TxStatus   200

3 1 RxProtocol HTTP/1.1

END
}

# A thread is interrupted between two header fields of a response for longer than h2olog waits: the late one is dropped.
does_not_split() {
    start_server && start_log -g request || return
    { request 7 1 0x101 /late; echo fire h2o:send_response 7 1 200; echo 'fire h2o:send_response_header 7 1 "server" len "x" len'; } >"$dir/fired"
    fire_file "$dir/fired" && wait_for 20 has_line '7 1 TxHeader   server x' "$dir/out" || return
    tell 'fire h2o:send_response_header 7 1 "content-type" len "text/html" len' && server_is_done && end_log || return
    same <(request_lines 7 1 1.1 /late; printf '%s\n' '7 1 TxStatus   200' '7 1 TxHeader   server x' '') "$dir/out" &&
        says '1 requests, 0 of them unanswered, 0 given up, 1 header fields too late; 0 lost, 0 damaged, 0 values cut'
}

# Three polls where two are held: the response of the one that was given up is no request, and takes no other's place.
late_response() {
    start_server && start_log -g request --max-requests 2 -x RxHeader || return
    for i in 7 8 9; do request "$i" 1 0x101 /poll; done >"$dir/fired"
    for i in 7 8 9; do response "$i" 1 200; done >>"$dir/fired"
    fire_file "$dir/fired" && end_log || return
    same - <(paragraphs <"$dir/out") <<END &&
7 1 RxProtocol HTTP/1.1
7 1 Incomplete response, response-headers may be missing

8 1 RxProtocol HTTP/1.1
$(response_lines 8 1 200)

9 1 RxProtocol HTTP/1.1
$(response_lines 9 1 200)

END
        says '3 requests, 1 of them unanswered, 1 given up, 1 incomplete, 1 answered after they were given up; 0 lost, 0 damaged, 0 values cut'
}

# A count counts requests, and --follow ends with it.
counts_requests() {
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && start_log -F '%{connection-id}x %s' -k 3 --follow --record "$dir/recording" || return
    for i in 1 2 3 4 5; do request "$i" 1 0x101 /; response "$i" 1 200; done >"$dir/fired"
    cat "$dir/fired" >&"$script" && reap "$log" 60 && status_is 0 && nothing_left || return
    same <(printf '%s 200\n' 1 2 3) "$dir/out" && replays "$dir/out"
}

# T1: under load the first one was half of a request, as not all probes were attached when it came.
first_is_whole() {
    start_server || return
    for _ in 1 2; do
        spawn bash -c 'while curl --silent --max-time 10 --output /dev/null "http://127.0.0.1:$0/[1-20]"; do read -r -t 0.02; done' "$port" <&"$idle"
    done
    for _ in $(seq "${FIRST_ROUNDS:-3}"); do
        timeout $((60 * ${SLOW:-1})) "$H2OLOG" -p "$server" ${TRANSPORT:+"--transport=$TRANSPORT"} -k 1 -F '%r %s' >"$dir/out" 2>"$dir/err" || { show "$dir/err"; return 1; }
        [[ $(<"$dir/out") =~ ^GET\ /[0-9]+\ HTTP/1\.1\ 200$ ]] || { show "$dir/out"; return 1; }
    done
}

# The server ends while a request has no answer.
server_ends() {
    start_server && start_log -g request && { request 1 1 0x101 /; response 1 1 200; request 2 1 0x101 /; echo exit; } >"$dir/fired" || return
    cat "$dir/fired" >&"$script" && reap "$log" 60 && status_is 0 || return
    same <(exchange 1 1 1.1 / 200; request_lines 2 1 1.1 /; echo) "$dir/out"
}

# A program that somebody has changed, without the probes that tell of ends.
a_changed_program() {
    start_server && "$H2OLOG" http -p "$server" --emit-script=wire >"$dir/program.bt" && start_log --script "$dir/program.bt" -g request -i 'Tx*' || return
    { request 1 1 0x101 /; response 1 1 200; } >"$dir/fired"
    fire_file "$dir/fired" && end_log && same <(response_lines 1 1 200; echo) "$dir/out"
}

# Only what an access log needs is in the program.
needs() { # PROBES OPTION...
    start_server && "$H2OLOG" "${@:2}" -p "$server" --emit-script=wire 2>/dev/null | grep -o '^usdt:.*' | sed 's/.*h2o:/h2o:/' | paste -sd' ' >"$dir/probes"
    same <(echo "$1") "$dir/probes"
}

regular_expressions() {
    trace_requests -I 'RxHeader:^:path /[ab]$' -I 'id [25]' -i TxStatus -X '404|^x-id 2.2' || return
    same - <(sort "$dir/out") <<'END' && replays "$dir/out" && replays <(echo '5 0 TxHeader   x-id 5.0') -I 'x-id 5'
1 1 RxHeader   :path /a
1 1 TxStatus   200
1 3 RxHeader   :path /b
2 1 TxHeader   x-id 2.1
2 1 TxStatus   500
2 2 TxStatus   200
4 1 TxStatus   201
5 0 TxHeader   x-id 5.0
5 0 TxStatus   503
END
}

# Nothing is held back for ever, nor lost at the end.
buffered() {
    start_server && start_log --buffered -w "$dir/log" && tell 'repeat 3000 0 fire h2o:receive_request 1 i 0x101' && server_is_done || return
    wait_for 5 has_line '1 2999 RxProtocol HTTP/1.1' "$dir/log" && tell 'fire h2o:send_response 1 1 200' && server_is_done && end_log || return
    seq 0 2999 | sed 's/.*/1 & RxProtocol HTTP\/1.1/' >"$dir/expected" && echo '1 1 TxStatus   200' >>"$dir/expected"
    same "$dir/expected" "$dir/log"
}

# On a terminal of 30 columns.
on_a_terminal() { # SED-SCRIPT OPTION...
    local data
    data=$(cd "$(dirname "$0")" && pwd)/data
    cat >"$dir/run" <<END
stty cols 30; exec env TERM=xterm NO_COLOR= "$H2OLOG" --quiet --replay "$data/h2o-2026.rec" http -f line ${*:2}
END
    script -qec "bash $dir/run" /dev/null </dev/null | tr -d '\r' >"$dir/out"
    sed -E "$1" "$data/h2o-2026.http" >"$dir/expected" && same "$dir/expected" "$dir/out"
}

# As a shell would read them.
queries_of_the_man_page() {
    local count=0 line
    while read -r line; do
        eval "set -- $line"
        "$H2OLOG" "$@" --emit-script=wire >/dev/null 2>"$dir/err" || grep -q ' is known from the structures of a server that runs' "$dir/err" || { explain "$line" && show "$dir/err"; return 1; }
        count=$((count + 1))
    done < <(sed -n "s/\\\\e/\\\\/g; s/^-q '/&/p" "$top_srcdir/doc/h2olog.1.in")
    [[ $count == 11 ]] || { explain "$count queries"; return 1; }
}

refuses() { # MESSAGE OPTION...
    status=0
    "$H2OLOG" "${@:2}" >"$dir/out" 2>"$dir/err" || status=$?
    [[ $status == 2 && ! -s $dir/out ]] && same <(printf 'h2olog: %s\n' "$1") "$dir/err"
}

live_case "whole requests" whole_requests
live_case "requests as objects" objects
live_case "a query" queries
live_case "an access log" access_log
live_case "--pending: requests that wait" pending
live_case "requests that are given up" gives_up
live_case "a late header field is no request" does_not_split
live_case "a late response of a request that was given up" late_response
live_case "a number of requests" counts_requests
live_case "the first request under load" first_is_whole
live_case "the server ends before a response" server_ends
live_case "requests of a changed program" a_changed_program
live_case "an access log attaches what it needs" needs 'h2o:receive_request h2o:send_response h2o:h1_close h2o:h3s_destroy' -F '%H %s'
live_case "lines attach everything" needs \
    'h2o:receive_request h2o:receive_request_header h2o:send_response h2o:send_response_header h2o:h1_close h2o:h3s_destroy' -g request
live_case "regular expressions" regular_expressions
live_case "buffered output" buffered
test_case "a program alone cannot group" refuses '--query: a program by itself cannot do that; --emit-script=wire prints what h2olog runs for it' \
    --emit-script -q 'status == 200'
test_case "requests are HTTP's" refuses '--group, --query, --log-format, stat, top and hist show HTTP requests; leave out quic, all and -t' quic -g request
test_case "a query with an error" refuses $'--query: expected a number; texts are compared with eq, ne, ~ and !~\n    status > and x\n             ^' -q 'status > and x'
test_case "a regular expression with an error" refuses $'--exclude-regex: not a regular expression: quantifier does not follow a repeatable item\n    *\n    ^' -X '*'
test_case "two ways to buffer" refuses 'both --line-buffered and --buffered; choose one' --buffered --line-buffered
test_case "the queries of the man page" queries_of_the_man_page
test_case "no such colours" refuses '--color: unknown word "often"; expected always|never|auto' --color=often
test_case "plain lines on a wide terminal" on_a_terminal '' --wide --color=never
test_case "lines are cut on a terminal" on_a_terminal 's/^(.{29})..+$/\1…/' --color=never

done_testing

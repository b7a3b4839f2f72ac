#!/bin/bash
# HTTP lines and QUIC events of a real h2o: run by `H2O=/path/to/h2o make check-h2o`.
# H2O_CLIENT is h2o's client, for HTTP/3; without it the one beside H2O is taken.
# shellcheck disable=SC1003,SC2015,SC2317 # a backslash before a quote; A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

H2O=${H2O:-}
H2O_CLIENT=${H2O_CLIENT:-$(dirname "${H2O:-.}")/h2o-httpclient}
readonly H2O H2O_CLIENT

readonly SPECIAL=$'a"b\\c\td\xc3\xa9\xe2\x82\xac'           # a"b\c, a tab, and two characters of UTF-8
readonly SPECIAL_PRINTED=$'a"b\\\\c\\x09d\xc3\xa9\xe2\x82\xac' # only the backslash and the tab are escaped

# ----------------------------------------------------------------------------------------------------------- the server

# Two ports that are free for TCP, the second one for UDP too.
free_ports() {
    perl -MIO::Socket::INET -e '
        sub bound { IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $_[1], Proto => $_[0]) }
        for (1 .. 100) {
            my ($http, $tls) = (bound("tcp", 0), bound("tcp", 0));
            my $quic = bound("udp", $tls->sockport) or next;
            print $http->sockport, " ", $tls->sockport, "\n";
            exit 0;
        }
        exit 1'
}

make_certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/key.pem" -out "$dir/cert.pem" -days 2 \
        -subj /CN=localhost >"$dir/openssl" 2>&1 && return
    explain "openssl makes no certificate:" && show "$dir/openssl"
    return 1
}

write_configuration() {
    cat >"$dir/h2o.conf" <<END
num-threads: 1
num-name-resolution-threads: 1
listen:
  host: 127.0.0.1
  port: $port
listen: &tls
  host: 127.0.0.1
  port: $tls_port
  ssl:
    certificate-file: $dir/cert.pem
    key-file: $dir/key.pem
    ocsp-update-interval: 0
listen:
  <<: *tls
  type: quic
hosts:
  default:
    paths:
      /status:
        status: ON
      /:
        file.dir: $dir/files
access-log: /dev/null
END
}

# Its pid is $server, its ports are $port (HTTP) and $tls_port (HTTPS and QUIC).
start_h2o() {
    mkdir "$dir/files" && echo hello >"$dir/files/hello.txt" && chmod 755 "$dir" "$dir/files" || return
    make_certificate && read -r port tls_port < <(free_ports) && write_configuration || return
    spawn "$H2O" -c "$dir/h2o.conf" >"$dir/server.out" 2>&1
    server=$spawned
    wait_for 10 h2o_is_ready_or_gone
    h2o_is_ready && return
    explain "h2o does not start:" && show "$dir/server.out"
    return 1
}

h2o_is_ready() {
    grep -q 'is ready to serve requests' "$dir/server.out"
}

h2o_is_ready_or_gone() {
    h2o_is_ready || is_gone "$server"
}

# ---------------------------------------------------------------------------------------------------------- the clients

readonly HEADERS=(-H "x-long: $(text 3000)" -H "x-special: $SPECIAL")

# The response's headers are left in $dir/response.
curl_get() { # URL [OPTION]...
    curl --silent --max-time 5 --insecure --user-agent test --dump-header "$dir/response" --output "$dir/body" \
        "${HEADERS[@]}" "${@:2}" "$1" && [[ $(<"$dir/body") == hello ]] && return
    explain "curl does not get $1"
    return 1
}

http3_get() { # URL [OPTION]...
    timeout 10 "$H2O_CLIENT" -k -3 100 -H "x-long:$(text 3000)" -H "x-special:$SPECIAL" "${@:2}" "$1" \
        >"$dir/body" 2>"$dir/response" && [[ $(<"$dir/body") == hello ]] && return
    explain "the client does not get $1:" && show "$dir/response"
    return 1
}

# Sends a request over HTTP/2 without TLS, with fields NAME=VALUE in which %XX is a byte, and prints the type of the
# frame that answers it: 1 is HEADERS, 3 RST_STREAM, 7 GOAWAY.
http2_send() { # FIELD...
    perl -MIO::Socket::INET -e '
        sub integer { # HPACK, 7 bits of prefix
            my ($value, $out) = (shift, "");
            return chr $value if $value < 127;
            for ($value -= 127; $value > 127; $value >>= 7) { $out .= chr($value & 127 | 128) }
            chr(127) . $out . chr $value;
        }
        sub field { my ($name, $value) = @_; "\0" . integer(length $name) . $name . integer(length $value) . $value }
        sub frame { substr(pack("N", length $_[3]), 1) . pack("CCN", @_[0 .. 2]) . $_[3] }
        sub receive {
            my ($socket, $len, $in) = (@_, "");
            while (length $in < $len) { sysread($socket, $in, $len - length $in, length $in) or die "no answer\n" }
            $in;
        }
        my ($port, @fields) = @ARGV;
        my $block = field(":method", "GET") . field(":scheme", "http") . field(":path", "/hello.txt")
            . field(":authority", "127.0.0.1:$port");
        for (@fields) {
            my ($name, $value) = split /=/, $_, 2;
            s/%(..)/chr hex $1/ge for $name, $value;
            $block .= field($name, $value);
        }
        alarm 5;
        my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die "cannot connect\n";
        syswrite $socket, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(4, 0, 0, "") . frame(1, 5, 1, $block);
        for (;;) {
            my ($high, $low, $type, $flags, $stream) = unpack "CnCCN", receive($socket, 9);
            receive($socket, $high << 16 | $low);
            next unless $stream == 1 or $type == 7;
            print "$type\n";
            exit;
        }' "$port" "$@"
}

# ---------------------------------------------------------------------------------------------------------- expectation

# The connection's id is h2o's choice: C stands for it.
expect_head() { # REQ VERSION SCHEME PORT
    expect "C $1 RxProtocol HTTP/$2" "C $1 RxHeader   :authority 127.0.0.1:$4" "C $1 RxHeader   :method GET" \
        "C $1 RxHeader   :path /hello.txt" "C $1 RxHeader   :scheme $3"
}

expect_curl() {
    expect "C 1 RxHeader   user-agent test" "C 1 RxHeader   accept */*"
}

expect_own() { # REQ
    expect "C $1 RxHeader   x-long $(text 3000)" "C $1 RxHeader   x-special $SPECIAL_PRINTED"
}

# What the client got: content-length first, then the others in their order, but for those that are not the request's.
expect_answer() { # REQ
    expect "C $1 TxStatus   200" "C $1 TxHeader   content-length 6"
    tr -d '\r' <"$dir/response" | REQ=$1 perl -ne '
        @lines = () if m{^HTTP/}; # what came before was 101
        my ($name, $value) = /^([^:\s]+): (.*)$/ or next;
        push @lines, "C $ENV{REQ} TxHeader   \L$name\E $value\n"
            unless $name =~ /^(content-length|server|connection)$/i;
        END { print @lines }' >>"$dir/expected"
    grep -q 'TxHeader   content-type text/plain' "$dir/expected" && grep -q 'TxHeader   date ' "$dir/expected" && return
    explain "the client shows no usable response:" && show "$dir/response"
    return 1
}

# Ends h2olog when the last expected line has come, and compares; all lines are of one connection.
h2o_prints_expected() {
    wait_for 5 has_last_line || explain "the last line did not come"
    stop_log && replace_connection && has_printed_expected && nothing_left
}

has_last_line() {
    [[ $(wc -l <"$dir/out") -ge $(wc -l <"$dir/expected") ]]
}

replace_connection() {
    local conn rest
    read -r conn rest <"$dir/out"
    [[ $conn =~ ^[0-9]+$ ]] && sed -i "s/^$conn /C /" "$dir/out" && return
    explain "no connection id, but: $conn $rest"
    return 1
}

# ----------------------------------------------------------------------------------------------------------- HTTP lines

http1() {
    start_h2o && start_log && curl_get "http://127.0.0.1:$port/hello.txt" --http1.1 || return
    expect_head 1 1.1 http "$port"
    expect_curl && expect_own 1 && expect_answer 1 && h2o_prints_expected
}

http1_tls() {
    start_h2o && start_log && curl_get "https://127.0.0.1:$tls_port/hello.txt" --http1.1 || return
    expect_head 1 1.1 https "$tls_port"
    expect_curl && expect_own 1 && expect_answer 1 && h2o_prints_expected
}

http2() {
    start_h2o && start_log && curl_get "https://127.0.0.1:$tls_port/hello.txt" --http2 || return
    expect_head 1 2.0 https "$tls_port"
    expect_curl && expect_own 1 && expect_answer 1 && h2o_prints_expected
}

http2_clear() {
    start_h2o && start_log && curl_get "http://127.0.0.1:$port/hello.txt" --http2-prior-knowledge || return
    expect_head 1 2.0 http "$port"
    expect_curl && expect_own 1 && expect_answer 1 && h2o_prints_expected
}

# The request is one of HTTP/1.1; its answer has the id of the HTTP/2 connection that it became.
http2_upgraded() {
    start_h2o && start_log && curl_get "http://127.0.0.1:$port/hello.txt" --http2 || return
    expect_head 1 1.1 http "$port"
    expect_curl
    expect "C 1 RxHeader   connection Upgrade, HTTP2-Settings" "C 1 RxHeader   http2-settings AAMAAABkAAQCAAAAAAIAAAAA"
    expect_own 1 && expect_answer 1 && wait_for 5 has_last_line
    sed -i '/^[0-9]* 1 Tx/s/^[0-9]*/C/' "$dir/out"
    h2o_prints_expected
}

http3() {
    [[ -x $H2O_CLIENT ]] || { skip "there is no $H2O_CLIENT (H2O_CLIENT names h2o-httpclient)"; return; }
    start_h2o && start_log && http3_get "https://127.0.0.1:$tls_port/hello.txt" || return
    expect_head 0 3.0 https "$tls_port"
    expect_own 0 && expect_answer 0 && h2o_prints_expected
}

# Bytes that HTTP does not allow in a header, but that reach the probe first. What h2o answers is not of interest.
hostile_bytes() {
    start_h2o && start_log && http2_send 'x-lf=1%0a7 7 TxStatus   200' 'x-esc=%1b[31m%07' 'x-nul=a%00b%00' \
        'x-utf8=%c2%85%e2%80%ae%ff%c3%a9' 'x%1b%0a-name=%0d%5c' >"$dir/answer" || return
    expect_head 1 2.0 http "$port"
    expect 'C 1 RxHeader   x-lf 1\x0a7 7 TxStatus   200' 'C 1 RxHeader   x-esc \x1b[31m\x07' \
        'C 1 RxHeader   x-nul a\[3 bytes cut]' 'C 1 RxHeader   x-utf8 \xc2\x85\xe2\x80\xae\xff'$'\xc3\xa9' \
        'C 1 RxHeader   x\x1b\x0a-name \x0d\\'
    wait_for 5 grep -aq '^[0-9]* 1 TxStatus   ' "$dir/out" && stop_log && replace_connection || return
    sed -i '/^C 1 Tx/d' "$dir/out"
    has_printed_expected && nothing_left
}

hostile_bytes_http3() {
    [[ -x $H2O_CLIENT ]] || { skip "there is no $H2O_CLIENT (H2O_CLIENT names h2o-httpclient)"; return; }
    start_h2o && start_log || return
    timeout 10 "$H2O_CLIENT" -k -3 100 -H $'x-evil:1\n7 7 TxStatus   200\e[31m' \
        "https://127.0.0.1:$tls_port/hello.txt" >"$dir/body" 2>"$dir/response"
    expect_head 0 3.0 https "$tls_port"
    expect 'C 0 RxHeader   x-evil 1\x0a7 7 TxStatus   200\x1b[31m'
    wait_for 5 grep -aq '^[0-9]* 0 TxStatus   ' "$dir/out" && stop_log && replace_connection || return
    sed -i '/^C 0 Tx/d' "$dir/out"
    has_printed_expected && nothing_left
}

keep_alive() {
    start_h2o && start_log || return
    curl --silent --max-time 5 --http1.1 --user-agent test --output "$dir/1" "http://127.0.0.1:$port/hello.txt" \
        --output "$dir/2" "http://127.0.0.1:$port/none" || return
    wait_for 5 grep -aq '^[0-9]* 2 TxHeader   content-type' "$dir/out" && stop_log && replace_connection || return
    expect_head 1 1.1 http "$port" && expect_curl && expect "C 1 TxStatus   200"
    expect_head 2 1.1 http "$port" && expect "C 2 RxHeader   user-agent test" "C 2 RxHeader   accept */*" \
        "C 2 TxStatus   404"
    sed -i '/^C 2 Rx/s/hello.txt/none/' "$dir/expected"
    sed -i '/^C [12] TxHeader/d' "$dir/out"
    has_printed_expected && nothing_left
}

# ---------------------------------------------------------------------------------------------------------- QUIC events

# Without the events that this h2o has not, or with other arguments than today's.
fitting_blocks() {
    local list
    list=$("$H2OLOG" --list quic -f json -p "$server") || return
    LIST=$list perl -MJSON::PP -00 -ne '
        BEGIN { for (split /\n/, $ENV{LIST}) { my $e = decode_json($_); $fields{$e->{event}} = {map { ($_->{name}, 1) } @{$e->{fields}}} if $e->{is_there} } }
        my ($event) = /^usdt::quicly:(\w+)/ or next;
        print unless !$fields{$event} || grep { $_ ne "type" && !$fields{$event}{$_} } /\\"(\w+)\\":/g;' "$(dirname "$0")/second-reading.bt"
}

start_second_reading() {
    fitting_blocks >"$dir/second.bt" && grep -q '^usdt::quicly:accept' "$dir/second.bt" || { explain "no block of second-reading.bt fits"; return 1; }
    BPFTRACE_PERF_RB_PAGES=1024 spawn bpftrace -q -p "$server" "$dir/second.bt" >"$dir/second" 2>"$dir/second.err"
    second=$spawned
}

# Fetches until both have seen a connection as a whole; that connection's number is $warm.
warm_up() {
    local warmed
    for _ in $(seq 20); do
        http3_get "https://127.0.0.1:$tls_port/hello.txt" || return
        sleep 0.3 # a heartbeat, and bpftrace's flush
        warmed=$(grep -ah '"type": "accept"' "$dir/second" | sed -n 's/.*"master_conn_id": \([0-9]*\).*/\1/p' | tail -n 1)
        warm=$(sed -n 's/.*"type": "accept", "master_conn_id": \([0-9]*\).*/\1/p' "$dir/out" | tail -n 1)
        [[ $warm && $warm == "$warmed" ]] && return
    done
    explain "no accept event" && show "$dir/second.err"
    return 1
}

# The lines of connections after the warm-up's, of the events that the second reading knows.
later_lines() { # FILE
    local known
    known=$(sed -n 's/^usdt::quicly:/ /p' "$dir/second.bt" | tr -d '\n')
    KNOWN=$known WARM=$warm perl -ne '
        print if /"type": "(\w+)", "master_conn_id": (\d+)/ and $2 > $ENV{WARM} and " $ENV{KNOWN} " =~ / $1 /;' "$1" | sort
}

http3_load() { # OPTION...
    timeout 10 "$H2O_CLIENT" -k -3 100 "$@" "https://127.0.0.1:$tls_port/hello.txt" >"$dir/body" 2>"$dir/response"
}

# Where h2o tells no time h2olog shows the kernel's; and reset tokens are not shown without -a.
as_shown() {
    sed -E 's/"at": [0-9]+, "type": "(stream_on_open|crypto_handshake|crypto_update_secret)"/"at": N, "type": "\1"/
        s/, "stateless_reset_token": "[0-9a-f]*"//' | sort
}

has_same_count() {
    [[ $(later_lines "$dir/out" | wc -l) == $(later_lines "$dir/second" | wc -l) ]]
}

# The client's going ends with the last event of a connection, `free`.
second_reading() {
    [[ -x $H2O_CLIENT ]] || { skip "there is no $H2O_CLIENT (H2O_CLIENT names h2o-httpclient)"; return; }
    start_h2o && start_log quic && start_second_reading && warm_up || return
    http3_load -t 5 && http3_load -t 6 -C 3 && http3_load -m POST -b 100000 -c 5000
    sleep 1.5
    wait_for 10 has_same_count
    end_log || return
    later_lines "$dir/out" | as_shown >"$dir/got"
    later_lines "$dir/second" | as_shown >"$dir/expected"
    explain "$(wc -l <"$dir/expected") events of $(sed 's/.*"type": "\([a-z_]*\)".*/\1/' "$dir/expected" | sort -u | wc -l) kinds"
    [[ $(wc -l <"$dir/expected") -gt 100 ]] && diff "$dir/expected" "$dir/got" >"$dir/diff" && return
    show "$dir/diff"
    return 1
}

# -------------------------------------------------------------------------------------------------------------- numbers

server_status() { # FILE
    curl --silent --max-time 5 --http1.1 --output "$dir/$1" "http://127.0.0.1:$port/status/json" && [[ -s $dir/$1 ]]
}

has_blocks() { # COUNT
    [[ $(wc -l <"$dir/out") -ge $1 ]]
}

# What stat says that the server has counted is what the server itself says. Its own page is one connection more.
counts_as_the_server() {
    start_h2o && start_log stat -f json --interval 300ms && wait_for 10 has_blocks 2 && server_status before || return
    for _ in 1 2 3; do
        curl_get "https://127.0.0.1:$tls_port/hello.txt" --http1.1 && curl_get "https://127.0.0.1:$tls_port/hello.txt" --http2 && curl_get "http://127.0.0.1:$port/hello.txt" --http1.1 || return
        [[ ! -x $H2O_CLIENT ]] || http3_get "https://127.0.0.1:$tls_port/hello.txt" || return
    done
    sleep 1 && server_status after && wait_for 5 has_blocks $(($(wc -l <"$dir/out") + 3)) && end_log || return
    tail -n 1 "$dir/out" >"$dir/last" && perl -MJSON::PP -e '
        sub slurp { open my $in, "<", "$ARGV[0]/$_[0]" or die; local $/; decode_json(<$in>) }
        my ($before, $after, $total) = (slurp("before"), slurp("after"), decode_json(<STDIN>)->{total});
        my %names = ("tls_handshakes_full", "ssl.handshake.full", "tls_handshakes_resumed", "ssl.handshake.resume", "tls_handshakes_failed", "ssl.errors", "quic_packets_received", "quic.packet-received",
            "quic_packets_sent", "quic.num-packets.sent", "quic_packets_lost", "quic.num-packets.lost", "connections_opened", "num-sessions");
        for (sort keys %names) {
            my $name = $names{$_};
            next unless defined $after->{$name};
            my $expected = $after->{$name} - $before->{$name} + ($name eq "num-sessions");
            print "# $_: $total->{$_}, the server says $expected\n" and $bad = 1 if $total->{$_} != $expected;
            $compared++;
        }
        exit 1 if $bad or $compared < 3 or $total->{requests} < 9' "$dir" <"$dir/last"
}

# -------------------------------------------------------------------------------------------------------------- the end

# Does a request and ends PROCESS by SIGNAL.
ends() { # log|server SIGNAL SECONDS
    start_h2o && start_log && curl_get "http://127.0.0.1:$port/hello.txt" --http1.1 || return
    expect_head 1 1.1 http "$port"
    expect_curl && expect_own 1 && expect_answer 1 && wait_for 5 has_last_line
    kill -"$2" "${!1}" && reap "$log" 10 || return
    [[ $1$2 == logKILL ]] || status_is 0 || return
    replace_connection && has_printed_expected && nothing_left "$3"
}

# The process that keeps the keys for h2o, forked from it, is not taken for a server.
finds_h2o() {
    start_h2o && start_log_as "$H2OLOG" && [[ $(children_of "$server") ]] &&
        grep -Eq "^h2olog: tracing pid $server\b" "$dir/err" &&
        curl_get "https://127.0.0.1:$tls_port/hello.txt" --http1.1 || { show "$dir/err"; return 1; }
    expect_head 1 1.1 https "$tls_port"
    expect_curl && expect_own 1 && expect_answer 1 && h2o_prints_expected
}

run_alone "$@"

# ------------------------------------------------------------------------------------------------------------ the cases

if [[ ! -x $H2O ]]; then
    result "not ok" "H2O names an h2o: H2O='$H2O'"
    done_testing
fi

live_case "HTTP/1.1" http1
live_case "HTTP/1.1 over TLS" http1_tls
live_case "HTTP/2" http2
live_case "HTTP/2 without TLS" http2_clear
live_case "HTTP/2 by upgrade" http2_upgraded
live_case "HTTP/3" http3
live_case "two requests on one connection" keep_alive
live_case "over HTTP/2, line feed, ESC and NUL do not leave their line" hostile_bytes
live_case "over HTTP/3, line feed and ESC do not leave their line" hostile_bytes_http3
live_case "QUIC events are those of a second reading" second_reading
live_case "the server's own counters are what it says itself" counts_as_the_server
live_case "SIGINT ends h2olog" ends log INT 2
live_case "SIGTERM ends h2olog" ends log TERM 2
live_case "SIGKILL leaves no bpftrace behind" ends log KILL 15
live_case "SIGTERM to h2o ends h2olog" ends server TERM 2
live_case "SIGKILL to h2o ends h2olog" ends server KILL 2
live_case "without -p the only h2o is found" alone finds_h2o

done_testing

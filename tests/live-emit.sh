#!/bin/bash
# The programs of --emit-script: what one prints by itself is what h2olog prints; bpftrace accepts them without a word; and a wire
# program that somebody has changed runs under h2olog.
# shellcheck disable=SC2015,SC2317 # A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

emit() { # OPTION...
    "$H2OLOG" "$@" --emit-script >"$dir/program.bt" 2>"$dir/emit.err" || { explain "no program:" && show "$dir/emit.err"; return 1; }
}

# ------------------------------------------------------------------------------------------------- what it prints by itself

# All lines but those of fields that are over a limit which the program names: texts of 64 bytes, which hold no NUL, and what is
# escaped.
within_limits() {
    grep -vE '\\|fill\(|edge\(|"[^"]{63}|pattern\(([0-9]{3,}|6[5-9]|[7-9][0-9])\)' |
        grep -vE '^fire [^ ]*(header|sni) .*pattern'
}

# What the program says that it does otherwise: no "seq", blanks between bytes, another clock.
without_differences() { # FILE
    perl -pe 's/"seq": \d+, //; s/"nsecs": \d+/NSECS/; s/"at": (\d+)/abs($1 \/ 1000 - time) < 1000 ? "NOW" : $&/e;
        s/([="])((?:[0-9a-f]{2} )+[0-9a-f]{2})(?=["\s])/$a = $1 . $2; $a =~ tr{ }{}d; $a/ge' "$1" | sort
}

prints_the_same() {
    local lines
    printed >"$dir/standalone.lines"
    lines=$(wc -l <"$dir/out")
    [[ $lines -ge $1 ]] || { explain "$lines lines, not $1"; return 1; }
    without_differences "$dir/out" >"$dir/expected"
    without_differences "$dir/standalone.lines" >"$dir/normal"
    same "$dir/expected" "$dir/normal"
}

has_standalone() { # COUNT
    [[ $(printed | wc -l) -ge $1 ]]
}

# The same events to both.
equals() { # ERA OPTION...
    local era=$1 options secrets count
    shift
    start_server_as "$(server_of "$era")" && options_for_all "$era" || return
    emit "${options[@]}" "$@" -p "$server" && start_program && start_log "${options[@]}" "$@" || return
    expectation "$era" mode=fire | within_limits >"$dir/fired"
    count=$(grep -c "^fire " "$dir/fired")
    fire_file "$dir/fired" && wait_for 10 has_standalone "$count"
    end_log && prints_the_same "$count"
}

# Real requests, as the documentation says it: sudo bpftrace -p PID file.bt
prints_requests() {
    start_server && emit -p "$server" && start_program && start_log || return
    get /one && get /two -H 'x-test: abc' && server_is_done && wait_for 5 has_standalone 22
    end_log && prints_the_same 22
}

holds_back() { # FORMAT EXPECTED...
    start_server && emit -p "$server" --redact 'cook*,x-?' -f "$1" && start_program || return
    tell 'fire h2o:receive_request_header 1 2 "Cookie" len "secret" len' 'fire h2o:receive_request_header 1 2 "x-y" len "" len' \
        'fire h2o:receive_request_header 1 2 "x-yz" len "shown" len'
    server_is_done && wait_for 5 has_standalone 3
    same <(printf '%s\n' "${@:2}") <(printed | sed 's/"at": [0-9]*/"at": NOW/')
}

# V5: no line with an etag was JSON.
is_json_whatever() {
    start_server && emit -p "$server" all -t 'send_response_header,transport_close_receive' && start_program || return
    tell 'fire h2o:send_response_header 1 2 "etag" len "\"a\"" len' 'fire h2o:send_response_header 1 2 "b\\" len "a\tb" len' \
        'fire h2o:send_response_header 1 2 "x" len "caf\xc3\xa9" len' 'fire h2o:send_response_header 1 2 "y" len "a\x00b" len' \
        'fire h2o:send_response_header 1 2 "z" len "" len' 'fire h2o:send_response_header 1 2 "plain" len "text /?=~" len' \
        'fire h2o:send_response_header 1 2 edge("page") len edge("end") len' \
        'fire quicly:transport_close_receive conn(1,0,0) 5 2 3 "\"no\""' 'fire quicly:transport_close_receive conn(1,0,0) 5 2 3 "yes"'
    server_is_done && wait_for 5 has_standalone 9
    printed | perl -MJSON::PP -ne '$a = decode_json($_); $v = $a->{type} =~ /header/ ? "value" : "reason_phrase";
        print join("|", map { $_ // "-" } @$a{"name", "name_hex", $v, "${v}_hex"}), "\n"' >"$dir/values"
    same <(printf '%s\n' 'etag|-|-|22 61 22' '-|62 5c|-|61 09 62' 'x|-|-|63 61 66 c3 a9' 'y|-|-|61 00 62' 'z|-||-' 'plain|-|text /?=~|-' \
        '-|70 61 67 65|-|65 6e 64' \
        '-|-|-|-' '-|-|yes|-') "$dir/values"
}

holds_back_odd_names() {
    start_server && emit -p "$server" --redact cookie && start_program || return
    tell 'fire h2o:receive_request_header 1 2 "cookie " len "secret" len' 'fire h2o:receive_request_header 1 2 "\tcookie" len "secret" len' \
        'fire h2o:receive_request_header 1 2 "cookie\x7f" len "secret" len' 'fire h2o:receive_request_header 1 2 "cookies" len "shown" len'
    server_is_done && wait_for 5 has_standalone 4
    printed >"$dir/out"
    [[ $(grep -ac ' \\\[6 bytes redacted]$' "$dir/out") == 3 ]] && ! grep -aq secret "$dir/out" && grep -q '1 2 RxHeader   cookies shown' "$dir/out" ||
        { show "$dir/out"; return 1; }
}

# In pieces, as a program by itself has bpftrace's own small buffer.
holds_back_any_byte() {
    start_server && emit -p "$server" --redact cookie && start_program || return
    any_byte_in_names fire >"$dir/fired"
    fire_in_portions "$dir/fired" 64 program_is_done || return
    printed >"$dir/out"
    has_values_of_names "$dir/out"
}

count_blocks() {
    grep -acE '^[0-9]{2}:[0-9]{2}:[0-9]{2}$' "$dir/standalone"
}

has_blocks() { # COUNT
    [[ $(count_blocks) -ge $1 ]]
}

# The last whole block.
last_block() {
    tac "$dir/standalone" | awk '/^[0-9][0-9]:[0-9][0-9]:/ { if (seen++) exit; next } seen { print }' | grep -aE '^@[a-z0-9_]+(\[[^]]*\])?: [0-9]+$|^\[.*\) +[1-9]' | sed 's/|.*//' | tr -s ' ' | sed 's/ $//' | sort
}

# The numbers of all requests are the same as h2olog's.
counts() { # OPTION...
    SERVER=$SERVERS-whole
    start_server && emit "$@" --interval 200ms -p "$server" && start_program && dispose_requests && program_is_done && wait_for 10 has_blocks $(($(count_blocks) + 3)) || return
    same <(printf '%s\n' "${expected[@]}" | sort) <(last_block)
}

counts_all() {
    local expected=('@requests: 56' '@of_protocol[1]: 19' '@of_protocol[2]: 19' '@of_protocol[3]: 18' '@of_class[0]: 1' '@of_class[2]: 48' '@of_class[4]: 7' '@bytes: 5500' '@request_bytes: 392' '[64K, 128K) 55' '[1M, 2M) 55')
    counts stat
}

counts_by_key() {
    local expected=('@requests[/9, 404]: 2' '@requests[/8, 404]: 2' '@requests[/7, 404]: 2' '@errors_4xx[/9, 404]: 2' '@errors_4xx[/8, 404]: 2' '@errors_4xx[/7, 404]: 2' '@bytes[/9, 404]: 200' '@bytes[/8, 404]: 200' '@bytes[/7, 404]: 200')
    counts top path,status -q "status == 404 and path ~ '^/[789]'" --lines 3 && has_lines 'the program decides status == 404'
}

# One text alone is a key of its own kind to bpftrace.
counts_by_text() {
    local expected=('@requests[/8]: 9' '@requests[/9]: 10' '@errors_4xx[/8]: 2' '@errors_4xx[/9]: 2' '@bytes[/8]: 900' '@bytes[/9]: 1000')
    counts top path --lines 2 -q "path eq '/8' or path eq '/9'"
}

counts_a_histogram() {
    local expected=('[64, 128) 55')
    counts hist bytes
}

# ------------------------------------------------------------------------------------------------ what bpftrace says to it

# Its own words of this machine are not about the program.
accepts() { # OPTION...
    start_server_as "$(server_of "$1")" && emit -p "$server" "${@:2}" || return
    dry_run -p "$server" "$dir/program.bt" >/dev/null 2>"$dir/said" || { explain refused && show "$dir/said"; return 1; }
    ! grep -aE '(WARNING|ERROR|program\.bt)' "$dir/said" | grep -avE 'RLIMIT_MEMLOCK|available_filter_functions' || { show "$dir/said"; return 1; }
}

# Without root and without a process.
needs_no_process() {
    chmod 755 "$dir" && cp "$(server_of 2020)" "$dir/server-2020" && chmod 755 "$dir/server-2020" || return
    setpriv --reuid=65534 --regid=65534 --clear-groups "$H2OLOG" all -a --emit-script >"$dir/program.bt" || return
    setpriv --reuid=65534 --regid=65534 --clear-groups "$H2OLOG" all -e "$dir/server-2020" --emit-script >"$dir/2020.bt" || return
    grep -q '^usdt::quicly:packet_sent$' "$dir/program.bt" && ! grep -q packet_commit "$dir/program.bt" &&
        grep -q '^usdt::quicly:packet_commit$' "$dir/2020.bt" && ! grep -q packet_sent "$dir/2020.bt" &&
        start_server && accepts_file "$dir/program.bt" && start_server_2020 && accepts_file "$dir/2020.bt"
}

start_server_2020() {
    spawn "$(server_of 2020)" --no-http --lifetime 60 --script - <"$dir/script" >"$dir/server-2020.out" 2>&1
    server=$spawned
}

accepts_file() { # PROGRAM
    dry_run -p "$server" "$1" >/dev/null 2>"$dir/said" || { explain refused && show "$dir/said"; return 1; }
}

says_where_it_comes_from() {
    start_server && emit -p "$server" quic -t accept --names || return
    has_lines "for process $server \\(" ' --lifetime ' '     h2olog -p '"$server"' quic -t accept --names --emit-script$' \
        'sudo bpftrace -q --no-warnings -p PID FILE' '^// accept: A connection was accepted' '^usdt::quicly:accept$' '// 0 retry, 1 resumption$'
}

has_lines() { # PATTERN...
    local pattern
    for pattern; do
        grep -qE -- "$pattern" "$dir/program.bt" || { explain "no line like $pattern"; show "$dir/program.bt"; return 1; }
    done
}

# ------------------------------------------------------------------------------------------------- change it, and run it again

# A program for three events, of which a person changes something by sed; h2olog runs it.
start_changed() { # SED-SCRIPT [OPTION]...
    start_server && "$H2OLOG" http -t receive_request,receive_request_header,send_response -p "$server" --emit-script=wire ${transport:+"--transport=$transport"} \
        >"$dir/wire.bt" && sed -e "$1" "$dir/wire.bt" >"$dir/changed.bt" || return
    ! cmp -s "$dir/wire.bt" "$dir/changed.bt" || [[ -z $1 ]] || { explain "nothing was changed"; return 1; }
    start_log --script "$dir/changed.bt" --force "${@:2}"
}

fire_three() {
    tell 'fire h2o:receive_request 1 1 0x101' 'fire h2o:receive_request_header 1 1 "x" len pattern(300) len' \
        'fire h2o:send_response 1 1 200' 'fire h2o:receive_request 2 1 0x200' 'fire h2o:send_response 2 1 503'
    server_is_done
}

tells() { # NOTE...
    printf 'h2olog: %s\n' "$@" >"$dir/expected-notes"
    grep -E '^h2olog: (the program says|record [0-9])' "$dir/err" >"$dir/notes"
    same "$dir/expected-notes" "$dir/notes"
}

# A predicate, and a printf and a probe of the person's own.
runs_changed() {
    start_changed 's|^usdt::h2o:send_response$|& /(int32)arg2 >= 500/|
        /^usdt::h2o:receive_request$/,/^}/ s|^}|    printf("protocol %x\\n", arg2); }|
        $ a usdt::h2o:h1_close { printf("closed\\x1b %d\\n", arg0); }' && fire_three && tell 'fire h2o:h1_close 7' || return
    expect '1 1 RxProtocol HTTP/1.1' "1 1 RxHeader   x $(perl -e 'print map { chr($_ % 255 + 1) } 0 .. 299' | escaped_bytes)" \
        '2 1 RxProtocol HTTP/2.0' '2 1 TxStatus   503'
    prints_expected_of_changed && tells 'the program says: protocol 101' 'the program says: protocol 200' \
        'the program says: closed\x1b 7'
}

prints_expected_of_changed() {
    server_is_done && end_log && same "$dir/expected" "$dir/out"
}

# What does not decode is named; the rest goes on.
names_faults() {
    local transport=stream # frames of maps have no place to change alike
    start_changed 's/NONCE_OF_THE_RUN 2 %lx/NONCE_OF_THE_RUN 2 status=%lx/; s/NONCE_OF_THE_RUN 0 /NONCE_OF_THE_RUN 7 /' -f json && fire_three ||
        return
    end_log && has_count 1 && ! has_count 2 && tells \
        'record 1 (of no event) does not decode; expected behind the nonce: an event from 0 to 2, or h, m, s or x' \
        'record 3 (send_response) does not decode; expected behind the nonce: 2 NSECS TID conn_id req_id status' \
        'record 4 (of no event) does not decode; expected behind the nonce: an event from 0 to 2, or h, m, s or x' \
        'record 5 (send_response) does not decode; expected behind the nonce: 2 NSECS TID conn_id req_id status' &&
        grep -q '^h2olog: 1 events; 0 lost, 4 damaged' "$dir/err"
}

selects() { # EXPECTED OPTION...
    start_changed '' "${@:2}" && fire_three && end_log && same <(printf '%s\n' "$1") <(sed 's/"at": [0-9]*/"at": NOW/' "$dir/out")
}

refuses() { # SED-SCRIPT MESSAGE [OPTION]...
    start_server && "$H2OLOG" http --redact cookie -p "$server" --emit-script=wire --transport=stream >"$dir/wire.bt" &&
        sed -e "$1" "$dir/wire.bt" >"$dir/changed.bt" || return
    status=0
    timeout $((20 * SLOW)) "$H2OLOG" -p "$server" --script "$dir/changed.bt" --force "${@:3}" >"$dir/out" 2>"$dir/err" || status=$?
    [[ $status -ge 1 && $status -le 3 ]] && grep -qF -- "$2" "$dir/err" && nothing_left || { explain "status $status" && show "$dir/err"; return 1; }
}

keeps_redacting() {
    start_server && "$H2OLOG" --redact cookie -p "$server" --emit-script=wire >"$dir/changed.bt" &&
        start_log --script "$dir/changed.bt" --force || return
    expect '1 2 RxHeader   cookie \[6 bytes redacted]'
    tell 'fire h2o:receive_request_header 1 2 "cookie" len "secret" len'
    prints_expected
}

# Root runs nothing that somebody else could have written.
distrusts() {
    start_server && "$H2OLOG" -p "$server" --emit-script=wire >"$dir/changed.bt" && chmod 666 "$dir/changed.bt" || return
    status=0
    "$H2OLOG" -p "$server" --script "$dir/changed.bt" >"$dir/out" 2>"$dir/err" || status=$?
    status_is 2 && grep -Eq "^h2olog: --script: others than root can change $dir.*--force$" "$dir/err"
}

test_case "a program for no process and for a file" needs_no_process
live_case "a program says what it is for" says_where_it_comes_from
live_case "bpftrace accepts every event of 2022 as lines" accepts 2022 all -a -f line
live_case "bpftrace accepts redaction" accepts 2026 http --redact-default
live_case "requests to the server" prints_requests
live_case "JSON with names and -E, 2026" equals 2026 -E --names
live_case "lines with names and -E, 2020" equals 2020 -f line -E --names
live_case "v5: JSON parses, whatever a value holds" is_json_whatever
live_case "lines hold back headers" holds_back line '1 2 RxHeader   Cookie \[6 bytes redacted]' '1 2 RxHeader   x-y \[0 bytes redacted]' \
    '1 2 RxHeader   x-yz shown'
live_case "JSON holds back headers" holds_back json \
    '{"at": NOW, "type": "receive_request_header", "conn_id": 1, "req_id": 2, "name": "Cookie", "value": null, "value_redacted": 1, "value_len": 6}' \
    '{"at": NOW, "type": "receive_request_header", "conn_id": 1, "req_id": 2, "name": "x-y", "value": null, "value_redacted": 1, "value_len": 0}' \
    '{"at": NOW, "type": "receive_request_header", "conn_id": 1, "req_id": 2, "name": "x-yz", "value": "shown"}'

live_case "numbers of all requests, by a program itself" counts_all
live_case "numbers by keys, by a program itself" counts_by_key
live_case "numbers by a text, by a program itself" counts_by_text
live_case "a histogram, by a program itself" counts_a_histogram
live_case "a changed program runs, and what it adds is told" runs_changed
live_case "records that no longer decode are named" names_faults
live_case "-t chooses of a program" selects '1 1 TxStatus   200
2 1 TxStatus   503' -t send_response
live_case "a program's format" selects '{"at": NOW, "type": "send_response", "conn_id": 1, "req_id": 1, "status": 200}
{"at": NOW, "type": "send_response", "conn_id": 2, "req_id": 1, "status": 503}' -t send_response -f json
live_case "names with blanks and control bytes are held back" holds_back_odd_names
live_case "names with any byte are held back, or shown" holds_back_any_byte
live_case "a program keeps redacting" keeps_redacting
live_case "a program for other records" refuses 's/ conn_id,req_id,status$/ conn_id,status/' \
    'changed.bt:15:1: the program was made for "event 2 h2o:send_response conn_id,status", but here it is "event 2 h2o:send_response conn_id,req_id,status"'
live_case "a program without its last event" refuses '/^.*event 3/d' 'the program was made for "nothing", but here it is "event 3'
live_case "a program with other patterns" refuses 's/^\(.*\)redact cookie/\1redact *o*o*/' '"*o*o*"'
live_case "a program of another version" refuses 's/h2olog-program 3/h2olog-program 4/' 'changed.bt:7:1: a program of version 4'
live_case "a program that others can change" distrusts
live_case "a program without a nonce" refuses 's/NONCE_OF_THE_RUN/x/g' 'changed.bt:1:1: this is no program that prints for h2olog'
live_case "a program that bpftrace does not understand" refuses '$ a usdt::h2o:h1_close { nonsense }' 'nonsense'
live_case "an event that the program does not print" refuses '' 'pto: the program prints nothing like that' -t pto

done_testing

#!/bin/bash
# Recordings: what came out live comes out again, byte for byte; and what becomes of damaged ones.
# shellcheck disable=SC2015,SC2317 # A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
use_single_sites

# Events of three threads: long texts, bytes, NULs, every kind of number.
fire_all_sorts() { # COUNT
    tell "repeat $1 5000 fire h2o:receive_request 1 i 0x101" \
        thread "repeat $(($1 / 10)) 1000 fire h2o:receive_request_header 1 i \"x-long\" len pattern(3000) len" end \
        thread "repeat $1 5000 fire quicly:packet_sent conn(9,0,0) i i 1200 3 0" end \
        thread "repeat $(($1 / 10)) 1000 fire quicly:new_path conn(9,0,0) i 3 \"127.0.0.1:1\"" end join
    server_is_done
}

# Leaves $dir/recording and what came out live in $dir/out.
make_recording() { # OPTION...
    start_server && start_log "$@" --record "$dir/recording" && fire_all_sorts 2000 && end_log
}

replay() { # OPTION...
    status=0
    "$H2OLOG" --replay "$dir/recording" "$@" >"$dir/replayed" 2>"$dir/replayed.err" || status=$?
}

is_identical() { # COUNT OPTION...
    local count=$1
    shift
    make_recording "$@" && [[ $(wc -l <"$dir/out") == "$count" ]] || { explain "$(wc -l <"$dir/out") lines"; return 1; }
    replay && status_is 0 && same "$dir/out" "$dir/replayed" || { show "$dir/replayed.err"; return 1; }
    same <(tail -n 1 "$dir/err") "$dir/replayed.err" && [[ $(stat -c %a "$dir/recording") == 600 ]]
}

# Without root, from a copy that anybody can read.
needs_no_root() {
    make_recording quic -t new_path && chmod 644 "$dir/recording" && chmod 755 "$dir" || return
    setpriv --reuid=65534 --regid=65534 --clear-groups "$H2OLOG" --replay "$dir/recording" >"$dir/replayed" 2>"$dir/replayed.err" &&
        same "$dir/out" "$dir/replayed" && [[ -s $dir/replayed ]]
}

filters() {
    make_recording all || return
    replay -t new_path && status_is 0 && same <(grep -F '"type": "new_path"' "$dir/out") "$dir/replayed" || return
    replay quic && status_is 0 && same <(grep -F '"master_conn_id"' "$dir/out") "$dir/replayed" || return
    replay http -f line && [[ $(grep -c ' RxProtocol HTTP/1.1$' "$dir/replayed") == 2000 && $(wc -l <"$dir/replayed") == 2200 ]] || return
    replay -t nosuch && status_is 3 && grep -q '^h2olog: nosuch: nothing like that was recorded$' "$dir/replayed.err"
}

# A round begins when the one before is shown, and so stands behind it in the recording whatever the CPUs' buffers do.
record_rounds() {
    start_server && start_log -f json --transport=stream --record "$dir/recording" || return
    for round in 1 2 3 4; do
        fire_all_sorts 1000 && wait_for 10 has_count $((1100 * round)) || return
    done
    end_log
}

# Every whole record before the break comes out, and nothing else.
breaks_off() {
    local size at lines
    record_rounds || return
    size=$(stat -c %s "$dir/recording")
    cp "$dir/recording" "$dir/whole"
    for at in $((size / 3)) $((size / 2)) $((size - 100)) $((size - 1)); do
        head -c "$at" "$dir/whole" >"$dir/recording"
        replay && status_is 1 && grep -q "^h2olog: $dir/recording breaks off" "$dir/replayed.err" || { show "$dir/replayed.err"; return 1; }
        lines=$((at < size - 100 ? 1100 : 3300)) # of whole rounds; of the last one records of some CPUs are there and of others not
        head -n "$lines" "$dir/out" | cmp -s - <(head -n "$lines" "$dir/replayed") ||
            { explain "cut at $at of $size: the first $lines lines differ"; return 1; }
        # A text whose end is missing is shown as far as it goes, and each thread and CPU may have one.
        (($(comm -13 <(sort "$dir/out") <(sort "$dir/replayed") | wc -l) <= 4)) || { explain "cut at $at of $size: there are other lines"; return 1; }
    done
    for at in 0 5 18 100 5000; do
        head -c "$at" "$dir/whole" >"$dir/recording"
        replay && status_is 2 && [[ ! -s $dir/replayed ]] && grep -q "^h2olog: $dir/recording:[0-9]*:[0-9]*: " "$dir/replayed.err" ||
            { explain "cut at $at" && show "$dir/replayed.err"; return 1; }
    done
}

is_no_recording() { # TEXT MESSAGE
    printf '%b' "$1" >"$dir/recording"
    replay && status_is 2 && [[ ! -s $dir/replayed ]] && grep -q "$2" "$dir/replayed.err" || { show "$dir/replayed.err"; return 1; }
}

# Its own line would say something else when the recording is read.
cannot_keep() { # OPTION VALUE
    start_server || return
    status=0
    "$H2OLOG" -p "$server" --record "$dir/recording" "$@" >"$dir/out" 2>"$dir/err" || status=$?
    status_is 2 && grep -q "^h2olog: --record: a recording cannot keep what $1 has here" "$dir/err" || { show "$dir/err"; return 1; }
}

# The last byte of a text stands apart in a recording.
holds_nothing_redacted() {
    start_server && start_log --redact-default --record "$dir/recording" || return
    tell 'fire h2o:receive_request_header 1 2 "cookie" len "very-secret" len' 'fire h2o:receive_request_header 1 2 "x" len "shown" len'
    server_is_done && end_log && replay && same "$dir/out" "$dir/replayed" || return
    grep -q 'cookie \\\[11 bytes redacted]$' "$dir/replayed" && grep -aq show "$dir/recording" && ! grep -aq very-secre "$dir/recording"
}

# Headers as h2o's probes tell of them, of requests that are answered: long ones, odd ones, and such that str() cannot carry.
fire_headers() {
    local name
    tell 'fire h2o:receive_request 1 1 0x200'
    for name in cookie COOKIE 'cookie ' 'coo\nkie' 'cookie\x00' cookies authorization; do
        tell "fire h2o:receive_request_header 1 1 \"$name\" len \"a-secret\" len"
    done
    tell 'fire h2o:receive_request_header 1 1 "cookie" len pattern(9000) len' 'fire h2o:receive_request_header 1 1 "cookie" len "a\x00secret" len' \
        'fire h2o:receive_request_header 1 1 "x-long" len pattern(9000) len' 'fire h2o:receive_request_header 1 1 unmapped 6 "a-secret" len' \
        'fire h2o:receive_request_header 1 1 "user-agent" len "shown" len' \
        'fire h2o:send_response 1 1 200' 'fire h2o:send_response_header 1 1 "set-cookie" len "a-secret" len' \
        'fire h2o:send_response_header 1 1 "server" len "\xff" len' \
        'fire h2o:receive_request 1 3 0x200' 'fire h2o:receive_request_header 1 3 "user-agent" len "x" len' 'fire h2o:send_response 1 3 404'
    server_is_done
}

# Without what the clock says.
timeless() { # FILE
    sed -E 's/"at": [0-9]+/"at": NOW/; s/"ttfb_ms": [0-9.]+/"ttfb_ms": SOME/' "$1"
}

# R10: a run that redacts, and the replay, redacting, of a recording of the same traffic that was not redacted.
redacts_as_live() { # OPTION...
    start_server && start_log --record "$dir/recording" && fire_headers && end_log && grep -aq a-secre "$dir/recording" || return
    start_log --redact-default --redact 'cook*s' "$@" && fire_headers && end_log || return
    replay --redact-default --redact 'cook*s' "$@" && status_is 0 && same <(timeless "$dir/out") <(timeless "$dir/replayed") || return
    [[ -s $dir/out ]] && ! grep -aq a-secret "$dir/replayed" && same <(tail -n 1 "$dir/err") "$dir/replayed.err"
}

# Found in review: write(2) to a FIFO whose reader had stalled held everything up, signals too.
stalled_reader() {
    mkfifo "$dir/fifo" && exec {reader}<>"$dir/fifo" || return
    spawn bash -c 'head -c 300000 "$0" >/dev/null; exec sleep 300' "$dir/fifo"
    start_server && start_log --record "$dir/fifo" || return
    tell "repeat 20000 0 fire h2o:receive_request 1 i 0x101"
    reap "$log" 20 && status_is 1 && grep -qx 'h2olog: cannot write .*: its reader takes nothing any more; the recording breaks off there' "$dir/err" && nothing_left
}

full_disk() {
    start_server || return
    status=0
    timeout $((20 * SLOW)) "$H2OLOG" -p "$server" --record /dev/full >"$dir/out" 2>"$dir/err" || status=$?
    status_is 1 && grep -q '^h2olog: cannot write /dev/full: No space left on device; the recording breaks off there$' "$dir/err"
}

records_loss() {
    start_server && start_log -f json --record "$dir/recording" || return
    freeze_tracer && tell "repeat 400000 0 fire h2o:receive_request 1 i 0x101" "print fired" || return
    wait_for 60 has_line fired "$dir/server.out" && kill -CONT "$tracer" && wait_for 20 grep -q h2olog-event-lost "$dir/out" && end_log && replay && status_is 0 && same "$dir/out" "$dir/replayed"
}

# Traffic of a real h2o (June 2026): HTTP/1.1, HTTP/2 over TLS and HTTP/3; the expected lines were read against what the clients did.
replays_real_h2o() { # FILE OPTION...
    local data expected=$1
    data=$(cd "$(dirname "$0")" && pwd)/data
    shift
    "$H2OLOG" --quiet --replay "$data/h2o-2026.rec" "$@" >"$dir/out" 2>"$dir/err" && same "$data/$expected" "$dir/out"
}

# T4: lines had no time. What stands behind it is as without. T21: a command alone chooses lines, or JSON.
has_times() {
    local recording=$top_srcdir/tests/data/h2o-2026.rec options
    TZ=UTC0 replays_real_h2o h2o-2026.http http -f line || return
    TZ=UTC0 "$H2OLOG" --quiet http -f line -T iso --replay "$recording" >"$dir/iso" && sed 's/^[^ ]* //' "$dir/iso" >"$dir/bare" && same "$dir/out" "$dir/bare" || return
    ! grep -Evq '^2026-11-23T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\+00:00 [0-9]' "$dir/iso" || { explain "no time" && show "$dir/iso"; return 1; }
    TZ=UTC0 "$H2OLOG" --quiet http -T iso --replay "$recording" >"$dir/out" && same "$dir/iso" "$dir/out" || return
    for options in 'http -f json' quic; do
        status=0
        "$H2OLOG" --quiet $options -T iso --replay "$recording" >"$dir/out" 2>"$dir/err" || status=$?
        status_is 2 && [[ ! -s $dir/out ]] && grep -q '^h2olog: --time is for lines;' "$dir/err" || return
    done
}

# As with <(zcat FILE). A FIFO may be there before its writer.
replays_what_is_open() {
    local data=$top_srcdir/tests/data
    local recording=$data/h2o-2026.rec
    replays_real_h2o h2o-2026.http http -f line && mkfifo "$dir/fifo" || return
    "$H2OLOG" --quiet http -f line --replay <(cat "$recording") >"$dir/out" && same "$data/h2o-2026.http" "$dir/out" || return
    cat "$recording" | "$H2OLOG" --quiet http -f line --replay /dev/stdin -w /dev/stdout >"$dir/out" && same "$data/h2o-2026.http" "$dir/out" || return
    "$H2OLOG" --quiet http -f line --replay /dev/stdin <"$recording" >"$dir/out" && same "$data/h2o-2026.http" "$dir/out" || return
    spawn "$H2OLOG" --quiet http -f line --replay "$dir/fifo" >"$dir/out" && cat "$recording" >"$dir/fifo" || return
    reap "$spawned" 10 && status_is 0 && same "$data/h2o-2026.http" "$dir/out"
}

live_case "JSON with -E comes out again" is_identical 4400 all -E
live_case "lines come out again" is_identical 2200 http
live_case "lines with a time come out again" is_identical 2200 http --time iso
live_case "QUIC events as lines, with names" is_identical 2200 quic -f line --names
live_case "another catalogue is in the recording" is_identical 2200 --probes "$top_srcdir/probes" --force
live_case "a loss comes out again" records_loss
live_case "a replay needs no root" needs_no_root
live_case "a replay shows what is asked for" filters
live_case "a recording that breaks off" breaks_off
live_case "a regular expression with control characters is not recorded" cannot_keep --include-regex $'a\x1b'
live_case "what was redacted is not in the recording" holds_nothing_redacted
live_case "--redact of a recording: lines" redacts_as_live
live_case "--redact of a recording: JSON with names" redacts_as_live -f json --names
live_case "--redact of a recording: requests" redacts_as_live -g request -f json
live_case "--redact of a recording: an access log" redacts_as_live -F '%r %{cookie}i %{set-cookie}o %{user-agent}i'
live_case "--redact of a recording: a query" redacts_as_live -q 'req.user-agent and not (req.cookie ~ secret)'
live_case "--redact of a recording: a regular expression" redacts_as_live -I '^(?!cookie$).*redacted|secret'
live_case "a recording whose reader stalls ends the run" stalled_reader
live_case "a recording on a full disk ends the run" full_disk
test_case "HTTP lines of a real h2o" replays_real_h2o h2o-2026.http http -f line
test_case "QUIC events of a real h2o" replays_real_h2o h2o-2026.quic \
    -t accept,h3s_accept,h3s_destroy,conn_stats,new_path,crypto_handshake,transport_close_receive
test_case "times before the lines of a real h2o" has_times
test_case "a recording from a pipe, a FIFO, or a file that is open" replays_what_is_open
test_case "a file that is no recording" is_no_recording 'hello\n' '1:1: this is no recording'
test_case "an empty file" is_no_recording '' '1:1: this is no recording'
test_case "a recording of another version" is_no_recording 'h2olog-recording 6\nbegin\n' '1:18: a recording of version 6; this h2olog reads versions 1 to 5'
test_case "a recording with an odd line" is_no_recording 'h2olog-recording 1\nhost x\nsize 3\n' '3:1: not a line of a recording'
test_case "a recording that drives the terminal" is_no_recording 'h2olog-recording 1\nhost \x1b[2J\n' \
    '2:1: not a line of a recording; expected UTF-8 without control characters'
test_case "a recording without a catalogue" is_no_recording 'h2olog-recording 1\nmode http\nbegin\n' 'the header breaks off'

done_testing

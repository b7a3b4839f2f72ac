#!/bin/bash
# keylog: secrets of TLS in the form of an NSS key log.
# shellcheck disable=SC2015,SC2317 # A && B || C; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
use_single_sites

random_of() { # DIGIT
    printf "%064d" 0 | tr 0 "$1"
}

client_random() { # TLS DIGIT
    echo "fire picotls:client_random $1 \"$(random_of "$2")\""
}

secret() { # TLS LABEL SECRET
    echo "fire picotls:new_secret $1 \"$2\" \"$3\""
}

start_keylog() { # OPTION...
    start_server && start_log keylog -w "$dir/keys" "$@"
}

fire_lines() {
    "$@" >"$dir/fired" && fire_file "$dir/fired"
}

two_sessions() {
    client_random 1 a
    client_random 2 b
    secret 2 SERVER_HANDSHAKE_TRAFFIC_SECRET 00ff
    secret 1 SERVER_HANDSHAKE_TRAFFIC_SECRET 11ee
    secret 1 CLIENT_TRAFFIC_SECRET_0 2222
    echo 'fire picotls:free 1'
    secret 1 SERVER_TRAFFIC_SECRET_0 dead # of nobody
    client_random 1 c                     # the pointer is used again
    echo 'fire picotls:new 1 0'           # which a client's session tells behind it
    secret 1 CLIENT_EARLY_TRAFFIC_SECRET 3333
    client_random 1 d
    secret 1 EXPORTER_SECRET 4444
    secret 2 SERVER_TRAFFIC_SECRET_0 5555
}

expect_two_sessions() {
    printf '%s\n' "SERVER_HANDSHAKE_TRAFFIC_SECRET $(random_of b) 00ff" "SERVER_HANDSHAKE_TRAFFIC_SECRET $(random_of a) 11ee" "CLIENT_TRAFFIC_SECRET_0 $(random_of a) 2222" "CLIENT_EARLY_TRAFFIC_SECRET $(random_of c) 3333" \
        "EXPORTER_SECRET $(random_of d) 4444" "SERVER_TRAFFIC_SECRET_0 $(random_of b) 5555" >"$dir/expected"
}

joins_sessions() {
    start_keylog && fire_lines two_sessions && end_log && expect_two_sessions && same "$dir/expected" "$dir/keys" || return
    [[ $(stat -c %a "$dir/keys") == 600 ]] && grep -q 'TLS key material: whoever has it can read the connections' "$dir/err" && grep -q '^h2olog: 6 keys of 4 sessions, 1 of sessions that began before; 0 lost' "$dir/err" || { show "$dir/err"; return 1; }
    [[ ! -s $dir/out ]]
}

# Nothing that is no key gets into the file.
odd_events() {
    client_random 1 a
    secret 1 'A B' 00
    secret 1 $'label\\n' 00
    secret 1 LABEL 0g
    secret 1 LABEL 000
    secret 1 LABEL ''
    echo "fire picotls:client_random 2 \"$(random_of g)\""
    secret 2 LABEL 00
    echo 'fire picotls:client_random 3 "abcd"'
    secret 3 LABEL 00
    secret 1 LABEL 77
}

leaves_out_what_is_odd() {
    start_keylog && fire_lines odd_events && end_log && same <(echo "LABEL $(random_of a) 77") "$dir/keys"
}

# A recording has keys only if it was made to have them.
of_a_recording() {
    start_server && start_log all -a -t picotls:client_random,picotls:new_secret,picotls:free --record "$dir/recording" && fire_lines two_sessions && end_log || return
    "$H2OLOG" --quiet --replay "$dir/recording" keylog -w "$dir/keys" && expect_two_sessions && same "$dir/expected" "$dir/keys" || return
    start_other "$SERVER" && server=$other && start_log all --record "$dir/without" && end_log && "$H2OLOG" --replay "$dir/without" keylog -w "$dir/none" >/dev/null 2>"$dir/said"
    [[ ! -s $dir/none ]] || { show "$dir/none"; return 1; }
}

refused() {
    start_server && is_refused 2 'keylog writes keys into a file of their own; say which with -w FILE' keylog && is_refused 2 'both keylog and --record' keylog -w "$dir/keys" --record "$dir/recording" &&
        is_refused 2 'a key log has a form of its own' keylog -w "$dir/keys" -f json && is_refused 2 'keylog has events of its own; leave out -t' keylog -w "$dir/keys" -t accept && is_refused 2 '--write is for tracing and --replay' keylog -w "$dir/keys" --emit-script || return
    [[ ! -e $dir/keys && ! -e $dir/recording ]] || return
    echo before >"$dir/keys" && chmod 644 "$dir/keys" && is_refused 1 'others than its owner may read or write it' keylog -w "$dir/keys" && same <(echo before) "$dir/keys"
}

live_case "keys of sessions, whose pointers are used again" joins_sessions
live_case "what is no key" leaves_out_what_is_odd
live_case "keys of a recording" of_a_recording
live_case "keys that would go elsewhere" refused

done_testing

#!/usr/bin/env bash
# The probe catalogue against the facts about h2o's probes: what the sources of three eras declare (probe-eras.tsv) and what the
# notes of four real builds say (usdt-YEAR.txt). FACTS is the directory of these files; without it the test is skipped.
# shellcheck disable=SC2016 # programs of awk
set -u
export LC_ALL=C

top_srcdir=${top_srcdir:-$(dirname "$0")/..}
FACTS=${FACTS:-$top_srcdir/../shared/facts}
AWK=${AWK:-awk}

if [ ! -r "$FACTS/probe-eras.tsv" ]; then
    echo "1..1"
    echo "ok 1 # SKIP no facts about h2o's probes in $FACTS"
    exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/h2olog-test.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT

# ------------------------------------------------------------------------------------------------------------- The builds
# An h2o is a file of lines "PROVIDER PROBE SIZE:NAME ...", a word for each argument; the name may be missing.

declared() { # ERA
    "$AWK" -F '\t' -v era="$1" '
        function size(type) {
            if (type ~ /\*/ || type ~ /^(uint64_t|int64_t|size_t|ssize_t)$/) return 8
            if (type ~ /^(uint32_t|int32_t|unsigned|int|pid_t)$/) return 4
            if (type ~ /^u?int16_t$/) return 2
            if (type ~ /^u?int8_t$/) return 1
            return "unknown-type"
        }
        $1 != era { next }
        { key = $2 " " $3 }
        !(key in words) { order[++count] = key }
        { words[key] = words[key] " " size($5) ":" $6 }
        END { for (i = 1; i <= count; i++) print order[i] words[order[i]] }
    ' "$FACTS/probe-eras.tsv"
}

# One line a site in the notes. Where sites differ in the size of an argument, it has none, so that no condition holds for it.
noted() { # YEAR
    "$AWK" -F '\t' '
        /^#/ { next }
        { key = $1 " " $2; n = split($7, args, " ") }
        n != $3 { print "! " key ": " n " arguments in the notes, expected " $3 }
        !(key in nargs) {
            order[++count] = key
            nargs[key] = n
            for (i = 1; i <= n; i++) sizes[key, i] = abs_size(args[i])
            next
        }
        { for (i = 1; i <= n; i++) if (sizes[key, i] != abs_size(args[i])) sizes[key, i] = "" }
        function abs_size(arg) { sub(/@.*/, "", arg); sub(/^-/, "", arg); return arg }
        END {
            for (i = 1; i <= count; i++) {
                line = order[i]
                for (j = 1; j <= nargs[order[i]]; j++) line = line " " sizes[order[i], j] ":"
                print line
            }
        }
    ' "$FACTS/usdt-$1.txt"
}

# Changes that none of the builds shows: probes as they were for some time in between.
between() { # MONTH
    case $1 in
    2020-06) # is_late_ack has come; ack_send has not. There are six arguments, as in 2026.
        echo "quicly packet_acked 8: 8: 8: 4:"
        echo "quicly new_connection_id_receive 8: 8: 8: 8: 8: 8:"
        echo "quicly ack_frequency_receive 8: 8: 8: 8: 8: 1:"
        echo "quicly crypto_decrypt 8: 8: 8: 8: 8:"
        echo "quicly send 8: 8: 4: 8:"
        echo "h2o h3_packet_forward 8: 8: 8: 8:"
        ;;
    2020-11) # the state "accepting" has come; packet_sent has not
        echo "quicly send 8: 8: 4: 8:"
        echo "quicly packet_commit 8: 8: 8: 8: 4:"
        echo "quicly datagram_send 8: 8: 8: 8:"
        echo "h2o h3s_accept 8: 8: 8:"
        ;;
    2030-01) # changes to come: the arguments of what is not known are not guessed
        echo "quicly packet_lost 8: 8: 8: 1: 8:"
        echo "quicly reset_stream_send 8: 8: 8: 4: 8:"
        echo "quicly stream_on_receive 8: 8: 8: 8: 8: 8:"
        echo "quicly stream_send 8: 8: 8: 8: 8: 8: 4: 4: 8:"
        ;;
    esac
}

# ----------------------------------------------------------------------------------------------------------- The selection

# For each probe of the h2o in FILE the fields of the first entry of the catalogue that fits, as lines
# "PROVIDER:PROBE ARGUMENT NAME TYPE TABLE WHEN" (TABLE: of names, or "-"; WHEN: "always" or "sometimes"), and complaints, as lines
# "! ...".
selection() { # FILE
    "$AWK" '
        { sub(/#.*/, "") }
        FILENAME ~ /\.probes$/ && $1 == "provider" { provider = $2 }
        FILENAME ~ /\.probes$/ && $1 == "probe" { read_probe() }
        FILENAME ~ /\.probes$/ && $1 == "arg" { read_arg() }
        FILENAME ~ /\.probes$/ { next }
        NF > 0 { read_build() }
        END { for (b = 1; b <= builds; b++) describe(build[b]) }

        function read_probe(i) {
            entry++
            key_of[entry] = provider " " $2
            for (i = 3; i <= NF; i++) conditions[entry] = conditions[entry] " " $i
        }
        function read_arg(i, row, table, when) {
            table = "-"; when = "always"
            names[entry, $2] = 1
            for (i = 5; i <= NF; i++) {
                if ($i ~ /^len=/) names[entry, substr($i, 5)] = 1
                if ($i ~ /^names=/) table = substr($i, 7)
                if ($i ~ /^(optional|app-data|secret)$/) when = "sometimes"
            }
            rows[entry]++
            row_arg[entry, rows[entry]] = $2
            row_text[entry, rows[entry]] = $2 " " $3 " " $4 " " table " " when
        }
        function read_build(i, key, word) {
            key = $1 " " $2
            build[++builds] = key
            nargs[key] = NF - 2
            for (i = 3; i <= NF; i++) {
                split($i, word, ":")
                size[key, i - 3] = word[1]
                arg_name[key, i - 3] = word[2] != "" ? " (" word[2] ")" : ""
            }
        }

        function holds(condition, key, provider, part, other) {
            split(condition, part, /[=:\/]/)
            other = provider " " part[2]
            if (part[1] == "args") return nargs[key] == part[2]
            if (part[1] == "size") return size[key, part[2]] != "" && size[key, part[2]] == part[3]
            if (part[1] == "with") return (other in nargs) && (part[3] == "" || nargs[other] == part[3])
            if (part[1] == "without") return !(other in nargs) || (part[3] != "" && nargs[other] != part[3])
            print "! " key ": unknown condition " condition
            return 0
        }
        function fits(e, key, words, n, i) {
            if (key_of[e] != key) return 0
            n = split(conditions[e], words, " ")
            for (i = 1; i <= n; i++) if (!holds(words[i], key, substr(key, 1, index(key, " ") - 1))) return 0
            return 1
        }
        function describe(key, e, first, count, i, name) {
            name = key
            sub(/ /, ":", name)
            for (e = 1; e <= entry; e++) {
                if (fits(e, key)) {
                    count++
                    if (!first) first = e
                }
            }
            if (count != 1) print "! " name ": " count + 0 " entries fit its " nargs[key] " arguments, expected one"
            if (!first) return
            for (i = 0; i < nargs[key]; i++)
                if (!((first, i) in names)) print "! " name ": argument " i arg_name[key, i] " is not in the catalogue"
            for (i = 1; i <= rows[first]; i++) {
                if (row_arg[first, i] >= nargs[key]) print "! " name ": there is no argument " row_arg[first, i]
                print name " " row_text[first, i]
            }
        }
    ' "$top_srcdir"/probes/*.probes "$1"
}

# --------------------------------------------------------------------------------------------------------------------- TAP

count=0
failures=0

result() { # DESCRIPTION FILE; the lines of FILE say what is wrong
    count=$((count + 1))
    if [ -s "$2" ]; then
        failures=$((failures + 1))
        echo "not ok $count - $1"
        sed 's/^/# /' "$2"
    else
        echo "ok $count - $1"
    fi
}

# Compares lines "PROBE ARGUMENT NAME TYPE [TABLE]" on stdin with the selection; "-" for all but the probe: no entry fits.
check_fields() { # BUILD DESCRIPTION
    while read -r probe arg name type table; do
        case $arg in
        -) ! grep -q "^$probe " "$work/$1.selection" || echo "$probe: an entry fits, expected none" ;;
        *)
            grep -Eq "^$probe $arg $name $type ${table:-[^ ]+} " "$work/$1.selection" ||
                echo "$probe: argument $arg is not shown as $name $type $table, but as:" \
                    "$(grep "^$probe $arg " "$work/$1.selection" | cut -d ' ' -f 3-)"
            ;;
        esac
    done > "$work/wrong"
    result "$2" "$work/wrong"
}

# ------------------------------------------------------------------------------------------------------------------- Tests

for era in $("$AWK" -F '\t' 'NR > 1 && !seen[$1]++ { print $1 }' "$FACTS/probe-eras.tsv"); do
    declared "$era" > "$work/$era.build"
    selection "$work/$era.build" > "$work/$era.selection"
    grep '^!' "$work/$era.selection" > "$work/wrong"
    [ -s "$work/$era.build" ] || echo "no probes" > "$work/wrong"
    result "h2o of $era: the catalogue has each of the $(wc -l < "$work/$era.build") declared probes and all their arguments" "$work/wrong"
done

for year in 2020 2022 2024 2026; do
    noted $year > "$work/$year.build"
    selection "$work/$year.build" > "$work/$year.selection"
    grep -h '^!' "$work/$year.build" "$work/$year.selection" > "$work/wrong"
    [ -s "$work/$year.build" ] || echo "no probes" > "$work/wrong"
    result "build of $year: exactly one entry fits each of its $(wc -l < "$work/$year.build") probes" "$work/wrong"
done

for month in 2020-06 2020-11 2030-01; do
    between $month > "$work/$month.build"
    selection "$work/$month.build" > "$work/$month.selection"
done

# The same name with another meaning: what must be shown for which build.
check_fields 2020 "2020: probes that changed later have their first meaning" << 'END'
quicly:crypto_handshake 1 ret i32
quicly:crypto_update_secret 1 is_enc i32
quicly:crypto_update_secret 4 secret hexstr
quicly:crypto_send_key_update 1 phase u64
quicly:crypto_send_key_update 2 secret hexstr
quicly:crypto_send_key_update_confirmed 1 next_pn u64
quicly:crypto_receive_key_update 1 phase u64
quicly:crypto_receive_key_update_prepare 1 phase u64
quicly:packet_acked 3 newly_acked i32
quicly:packet_lost 2 packet_num u64
quicly:receive 4 num_bytes u64
quicly:stream_send 4 len u64
quicly:stream_send 5 is_fin i32
quicly:stream_receive 4 len u64
quicly:send 2 state i32 connection_state_2020
quicly:transport_close_send 2 error_code u16
quicly:application_close_receive 2 error_code u16
h2o:h1_accept 2 conn u64
h2o:h3_accept 2 master_conn_id u32
h2o:h3_close 0 conn_id u64
END

for year in 2022 2024; do
    check_fields $year "$year: the probes that changed before and after" << 'END'
quicly:crypto_handshake 1 at ms
quicly:crypto_handshake 2 ret i32
quicly:crypto_update_secret 2 is_enc i32
quicly:crypto_update_secret 5 secret hexstr
quicly:crypto_send_key_update 2 phase u64
quicly:crypto_send_key_update_confirmed 2 next_pn u64
quicly:crypto_receive_key_update 2 phase u64
quicly:crypto_receive_key_update_prepare 3 secret hexstr
quicly:packet_acked 3 is_late_ack i32
quicly:packet_lost 3 packet_type u8
quicly:receive 4 num_bytes u64
quicly:stream_send 4 len u64
quicly:stream_send 5 is_fin i32
quicly:stream_receive 4 len u64
quicly:stream_on_receive 3 buf_off u64
quicly:stream_on_receive 4 src bytes
quicly:stream_on_receive 5 apply_len u64
quicly:ack_frequency_receive 5 ignore_order i32
quicly:ack_frequency_receive 6 ignore_ce i32
quicly:reset_stream_send 3 error_code u16
quicly:reset_stream_receive 3 error_code u16
quicly:stop_sending_send 3 error_code u16
quicly:stop_sending_receive 3 error_code u16
quicly:stream_on_destroy 3 err i32
quicly:stream_on_send_stop 3 err i32
quicly:stream_on_receive_reset 3 err i32
quicly:send 2 state i32 connection_state
h2o:h1_accept 3 conn_uuid cstr
h2o:h3s_destroy 0 conn_id u64
END
done

check_fields 2026 "2026: the probes that changed before have their last meaning" << 'END'
quicly:crypto_handshake 2 ret i64
quicly:crypto_update_secret 5 secret hexstr
quicly:crypto_send_key_update 2 phase u64
quicly:crypto_send_key_update_confirmed 2 next_pn u64
quicly:crypto_receive_key_update 2 phase u64
quicly:crypto_receive_key_update_prepare 2 phase u64
quicly:packet_acked 3 is_late_ack i32
quicly:packet_lost 3 packet_type u8
quicly:receive 5 receive_delay i64
quicly:stream_send 4 data bytes
quicly:stream_send 5 len u64
quicly:stream_send 6 is_fin i32
quicly:stream_send 7 wrote_all i32
quicly:stream_receive 4 data bytes
quicly:stream_receive 5 len u64
quicly:stream_receive 6 is_fin i32
quicly:stream_on_receive 3 buf_off u64
quicly:stream_on_receive 4 apply_off u64
quicly:stream_on_receive 5 apply_len u64
quicly:ack_frequency_receive 5 reordering_threshold u64
quicly:reset_stream_send 3 error_code u64
quicly:reset_stream_receive 3 error_code u64
quicly:stop_sending_send 3 error_code u64
quicly:stop_sending_receive 3 error_code u64
quicly:stream_on_destroy 3 err i64
quicly:stream_on_send_stop 3 err i64
quicly:stream_on_receive_reset 3 err i64
quicly:send 2 state i32 connection_state
quicly:transport_close_receive 2 error_code u64
h2o:h1_accept 3 conn_uuid cstr
h2o:h3s_accept 2 master_conn_id u32
h2o:h3s_destroy 11 response_header_text_bytes u64
END

check_fields 2020-06 "June 2020: probes in the middle of their changes" << 'END'
quicly:packet_acked 3 is_late_ack i32
quicly:ack_frequency_receive 5 ignore_order u8
quicly:crypto_decrypt 1 at ms
quicly:crypto_decrypt 2 packet_num u64
quicly:send 2 state i32 connection_state_2020
h2o:h3_packet_forward 3 num_bytes u64
END

check_fields 2020-11 "November 2020: probes in the middle of their changes" << 'END'
quicly:send 2 state i32 connection_state
quicly:packet_commit 4 ack_only i32
h2o:h3s_accept 2 master_conn_id u32
END

check_fields 2030-01 "what is not known is not guessed" << 'END'
quicly:packet_lost -
quicly:reset_stream_send -
quicly:stream_on_receive -
quicly:stream_send -
END

# The keys of the first h2olog's event types, in order; what is shown only sometimes may stand between them.
while read -r type keys; do
    found=$("$AWK" -v probe="quicly:$type" '
        $1 == probe && $6 == "always" && $3 != "master_conn_id" && $3 != "at" { printf "%s%s", separator, $3; separator = " " }
    ' "$work/2020.selection")
    grep -q "^quicly:$type 0 master_conn_id u32" "$work/2020.selection" || echo "$type: no master_conn_id"
    [ "$found" = "$keys" ] || echo "$type: \"$found\", expected \"$keys\""
done > "$work/wrong" << 'END'
accept dcid
receive dcid
version_switch new_version
idle_timeout
stateless_reset_receive
packet_prepare first_octet dcid
packet_commit packet_num packet_len ack_only
packet_acked packet_num newly_acked
packet_lost packet_num
quictrace_recv packet_num
quictrace_lost packet_num
cc_ack_received largest_acked bytes_acked cwnd inflight
cc_congestion max_lost_pn inflight cwnd
new_token_send token_preview len token_generation
new_token_acked token_generation
new_token_receive token_preview len
streams_blocked_send limit is_unidirectional
streams_blocked_receive limit is_unidirectional
data_blocked_receive off
stream_data_blocked_receive stream_id limit
quictrace_sent packet_num packet_len packet_type
quictrace_recv_ack_delay ack_delay
END
result "2020: the 22 event types of the first h2olog have its keys" "$work/wrong"

echo "1..$count"
[ "$failures" = 0 ]

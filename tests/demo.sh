#!/usr/bin/env bash
# make demo: the test server under a few requests a second, traced live until Ctrl-C.
set -u

work=$(mktemp -d)
server_pid=
load_pid=

finish() {
    [ -n "$load_pid" ] && kill "$load_pid" 2> /dev/null
    [ -n "$server_pid" ] && kill "$server_pid" 2> /dev/null
    rm -rf "$work"
}
trap finish EXIT

# Bounded, should this script be killed: ten minutes of requests.
load() {
    local port=$1 i
    for ((i = 0; i < 1200; i++)); do
        curl -s -m 2 -o "$work/answer" -H "x-request-number: $i" "http://127.0.0.1:$port/page/$i" || return
        curl -s -m 2 -o "$work/answer" "http://127.0.0.1:$port/missing/$i" || return
        sleep 0.5
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

"$SERVER" --lifetime 660 > "$work/ready" &
server_pid=$!
for ((i = 0; i < 100; i++)); do
    [ -s "$work/ready" ] && break
    sleep 0.05
done
port=$(sed -n 's/^listening on 127\.0\.0\.1:\([0-9]*\) .*/\1/p' "$work/ready")
if [ -z "$port" ]; then
    echo "demo: the test server did not start" >&2
    exit 1
fi
echo "demo: a server with h2o's probes answers on http://127.0.0.1:$port/ ; Ctrl-C ends the demo" >&2
load "$port" &
load_pid=$!
trap : INT # h2olog gets it too, and ends
as_root "$H2OLOG" -p "$server_pid"

#!/bin/bash
# Servers of every kind: how they are linked, who they run as, and what of them can be seen.
# shellcheck disable=SC2015,SC2016,SC2317 # A && B || C; what inner shells expand; functions that test_case calls

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# One event comes through; its name is read from the server's file, whose page nobody has touched yet.
traces_server() {
    start_log -t receive_request_header || return
    tell 'fire h2o:receive_request_header 1 1 ":path" len "/" len' 'fire h2o:receive_request_header 1 2 "last" len "" len'
    expect "1 1 RxHeader   :path /" "1 2 RxHeader   last "
    wait_for 20 has_line "1 2 RxHeader   last " "$dir/out" && stop_log && has_printed_expected && nothing_left
}

linked() { # PROGRAM
    [[ -x $1 ]] || { explain "there is no $1"; return 1; }
    start_server_as "$1" && traces_server
}

deleted_binary() {
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && rm "$dir/server" && traces_server
}

# As an upgrade does it: another file takes the name.
replaced_binary() {
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && cp /bin/true "$dir/new" || return
    mv "$dir/new" "$dir/server" && traces_server
}

nobodys() {
    cp "$SERVER" "$dir/server" && chmod 755 "$dir" "$dir/server" || return
    start_server_as setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/server" && traces_server
}

# The server's file is in a file system that only the server sees.
own_mounts() {
    unshare --mount true 2>"$dir/unshare" || { skip "unshare: $(<"$dir/unshare")"; return; }
    mkdir "$dir/inside" && cp "$SERVER" "$dir/original" || return
    start_server_as unshare --mount --propagation private bash -c '
        cd "$1" && mount -t tmpfs none inside && cp original inside/server && shift && exec "$PWD/inside/server" "$@"
    ' bash "$dir" && [[ ! -e $dir/inside/server ]] && traces_server
}

# It has pid 1 in there, and here another.
container() {
    unshare --mount --pid --fork true 2>"$dir/unshare" || { skip "unshare: $(<"$dir/unshare")"; return; }
    mkdir "$dir/inside" && cp "$SERVER" "$dir/original" || return
    start_server_as unshare --mount --pid --fork --mount-proc --kill-child --propagation private bash -c '
        cd "$1" && mount -t tmpfs none inside && cp original inside/server && shift && exec "$PWD/inside/server" "$@"
    ' bash "$dir" && grep -q ' pid 1$' "$dir/server.out" || return
    server=$(children_of "$server") && traces_server
}

# T10: seen from outside it has other pids than for itself.
container_upgraded() {
    unshare --mount --pid --fork true 2>"$dir/unshare" || { skip "unshare: $(<"$dir/unshare")"; return; }
    cp "$SERVER" "$dir/server" || return
    start_server_as unshare --mount --pid --fork --mount-proc --kill-child --propagation private "$dir/server" && rm "$dir/server" &&
        grep -q ' pid 1$' "$dir/server.out" || return
    server=$(children_of "$server") && traces_server
}

# T10: h2olog is in the container, too. bpftrace compared the host's pid, and nothing was shown; -E showed the host's tid.
upgraded_inside() {
    cp "$SERVER" "$dir/server" && start_server_as "$dir/server" && rm "$dir/server" && shows_own_numbers
}

shows_own_numbers() { # OPTION...
    local record='"pid": \([0-9]*\), "tid": \([0-9]*\),' pid tid
    start_log -t receive_request_header -E -f json "$@" || return
    tell "fire h2o:receive_request_header 1 1 \"$(text 300)\" len \"/\" len" 'fire h2o:receive_request_header 1 2 "last" len "a\x00b" len'
    wait_for 20 has_count 2 && stop_log || { show "$dir/err"; return 1; }
    read -r pid tid < <(sed -n "s/.*\"$(text 300)\", \"value\": \"\/\".*$record.*/\1 \2/p" "$dir/out")
    [[ $pid == "$server" && -n $tid && -d /proc/$server/task/$tid && $(grep -c "\"pid\": $pid, \"tid\": $tid," "$dir/out") == 2 ]] && nothing_left && return
    explain "the server is $server, its threads are $(ls "/proc/$server/task" | paste -sd' ')" && show "$dir/out"
    return 1
}

numbers_inside() {
    start_server && shows_own_numbers && shows_own_numbers --transport=stream
}

chrooted() {
    mkdir "$dir/root" && cp "$SERVERS-static" "$dir/root/server" || return
    start_server_as chroot "$dir/root" /server && traces_server
}

# A file of 32 bits is refused with a sentence, before anything is attached.
of_32_bits() {
    perl -e '
        my ($note) = pack("V3", 8, 40, 3) . "stapsdt\0" . pack("V3", 0, 0, 0) . "h2o\0receive_request\0\0" . "\0" x 7;
        my $names = "\0.note.stapsdt\0.shstrtab\0";
        my $sections = 52 + length($note) + length($names);
        $sections += -$sections % 4;
        my $header = "\x7fELF\1\1\1" . "\0" x 9 . pack("v2V5v6", 2, 3, 1, 0, 0, $sections, 0, 52, 32, 0, 40, 3, 2);
        my $body = $header . $note . $names;
        $body .= "\0" x ($sections - length $body);
        print $body, pack("V10", (0) x 10), pack("V10", 1, 7, 0, 0, 52, length $note, 0, 0, 4, 0),
            pack("V10", 15, 3, 0, 0, 52 + length $note, length $names, 0, 0, 1, 0);' >"$dir/server"
    status=0
    "$H2OLOG" -e "$dir/server" --list >"$dir/out" 2>"$dir/err" || status=$?
    status_is 3 && grep -q 'a 32-bit program cannot be traced; run a 64-bit build of the server' "$dir/err"
}

run_alone "$@"

live_case "a static server, not position-independent" linked "$SERVERS-static"
live_case "a server with its probes in a library" linked "$SERVERS-shared"
live_case "a server that runs as nobody" nobodys
live_case "a server whose file was deleted" deleted_binary
live_case "a server whose file was replaced" replaced_binary
live_case "a server in a file system of its own" own_mounts
live_case "a server with pids and file systems of its own" container
live_case "the same, with a file that was deleted" container_upgraded
live_case "in a pid namespace: a server whose file was deleted" alone upgraded_inside
live_case "in a pid namespace: -E has the pid and tid of there" alone numbers_inside
live_case "a server in a chroot" chrooted
test_case "a server of 32 bits" of_32_bits

done_testing

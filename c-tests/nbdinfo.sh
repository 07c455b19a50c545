#!/usr/bin/env bash
# Debian's own nbdinfo and nbdcopy, unmodified, say and do the same with this
# library as with the one they were built for.
#
# Environment: LIB and EMBEDDED_SERVER as for run.sh.

set -uo pipefail

lib=${LIB:?directory of libnbd.so.0}
embedded=${EMBEDDED_SERVER:?the scripted server}
# What is in LD_LIBRARY_PATH would hide the installed library.
unset LD_LIBRARY_PATH

dir=$(mktemp -d)
servers=()
failed=0

trap 'stop_servers; rm -rf "$dir"' EXIT

stop_servers() {
    local server
    for server in "${servers[@]}"; do
        kill "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    done
    servers=()
    rm -f "$socket"
}

result() { # STATUS NAME
    if [ "$1" -eq 0 ]; then
        echo "ok nbdinfo.$2"
    else
        echo "not ok nbdinfo.$2"
        failed=1
    fi
}

socket=$dir/sock
uri="nbd+unix:///?socket=$socket"

# Looking at the kernel's table does not use up a connection.
listening() {
    grep -q " 00010000 .* $socket\$" /proc/net/unix
}

# Runs a server, and waits until it listens on the socket.
serve() { # COMMAND...
    "$@" > "$dir/server" 2>&1 &
    servers+=($!)
    until listening; do
        kill -0 "$!" 2>/dev/null || { cat "$dir/server"; return 1; }
        sleep 0.01
    done
}

# Both libraries must print the same and end with the same status.
same() { # ARGUMENTS-OF-NBDINFO...
    local theirs=0 ours=0
    timeout 60 nbdinfo "$@" > "$dir/theirs" 2> "$dir/theirs.err" || theirs=$?
    LD_LIBRARY_PATH=$lib timeout 60 nbdinfo "$@" > "$dir/ours" 2> "$dir/ours.err" || ours=$?
    # From 124 on it is not nbdinfo that has ended by itself.
    if [ "$theirs" -ge 124 ] || [ "$theirs" -ne "$ours" ] || ! cmp -s "$dir/theirs" "$dir/ours"; then
        echo "# nbdinfo $*: status $theirs and $ours"
        diff -u "$dir/theirs" "$dir/ours" | sed 's/^/#   /'
        sed 's/^/#   theirs: /' "$dir/theirs.err"
        sed 's/^/#   ours: /' "$dir/ours.err"
        return 1
    fi
}

# Everything that nbdinfo can tell about one export...
everything() { # URI
    local bad=0
    same "$1" || bad=1
    same --json "$1" || bad=1
    same --list "$1" || bad=1
    same --list --json "$1" || bad=1
    answers "$1" || bad=1
    return $bad
}

# ...and what it answers when asked for one thing.
answers() { # URI
    local bad=0 what
    same --size "$1" || bad=1
    same --size --json "$1" || bad=1
    for what in "" =base:allocation =qemu:dirty-bitmap:changes =qemu:allocation-depth \
        =x-a:stripes =no:such-context; do
        same "--map$what" "$1" || bad=1
        same "--map$what" --json "$1" || bad=1
        same "--map$what" --totals "$1" || bad=1
    done
    for what in cache connect df fast-zero flush fua multi-conn read structured-reply trim write \
        zero; do
        same --can "$what" "$1" || bad=1
        same --cannot "$what" "$1" || bad=1
    done
    for what in read-only rotational tls; do
        same --is "$what" "$1" || bad=1
        same --isnt "$what" "$1" || bad=1
    done
    return $bad
}

# The libraries really are two.
different() {
    [ "$(nbdinfo --version)" != "$(LD_LIBRARY_PATH=$lib nbdinfo --version)" ]
}
different
result $? two_libraries

check() { # NAME EXPORT SERVER...
    local name=$1 uri="nbd+unix:///$2?socket=$socket"
    shift 2
    # Failing alike would prove little.
    serve "$@" && nbdinfo --size "$uri" > "$dir/log" && everything "$uri"
    result $? "$name"
    stop_servers
}

# ---- Images ----

truncate -s 8M "$dir/raw"
printf 'some data' | dd of="$dir/raw" bs=1 seek=1M conv=notrunc status=none
printf 'more data' | dd of="$dir/raw" bs=1 seek=5M conv=notrunc status=none
qemu-img create -q -f qcow2 "$dir/base.qcow2" 1G
qemu-io -c 'write -P 1 0 64k' -c 'write -P 2 512M 1M' "$dir/base.qcow2" > "$dir/log"
qemu-img create -q -f qcow2 -b "$dir/base.qcow2" -F qcow2 "$dir/qcow2"
qemu-img bitmap --add "$dir/qcow2" changes
qemu-io -c 'write -P 3 1M 64k' -c 'write -z 512M 512k' "$dir/qcow2" > "$dir/log"

# ---- nbdinfo ----

check nbdkit_memory '' nbdkit -f -U "$socket" memory 1M
check nbdkit_read_only '' nbdkit -f -r -U "$socket" file "$dir/raw"
check nbdkit_sparse '' nbdkit -f -U "$socket" file "$dir/raw"
check nbdkit_newstyle '' nbdkit -f --mask-handshake=0 -U "$socket" file "$dir/raw"
check nbdkit_oldstyle '' nbdkit -f -o -U "$socket" file "$dir/raw"
# Descriptions name the meta contexts.  The older library does not ask for them
# without structured replies; this one lets the server decide, as all later
# versions do.
serve nbdkit -f --no-sr -U "$socket" file "$dir/raw" && answers "$uri"
result $? nbdkit_without_structured_replies
stop_servers

# shellcheck disable=SC2016 # It is nbdkit's shell that expands these.
check nbdkit_exports two nbdkit -f -U "$socket" eval get_size='echo 1M' \
    pread='dd if=/dev/zero bs=$3 count=1' open='echo "$3"' block_size='echo 512 4K 1M' \
    list_exports='echo INTERLEAVED; echo one; echo The first; echo two; echo "A \"second\""' \
    export_description='echo "It is $2"' can_extents='exit 0' is_rotational='exit 0' \
    extents='echo 0 64K; echo 64K 64K hole; echo 128K 64K zero; echo 192K 832K hole,zero'
check qemu_raw '' qemu-nbd -t -e 8 -k "$socket" -f raw "$dir/raw"
check qemu_qcow2 disk qemu-nbd -t -e 8 -k "$socket" -f qcow2 -x disk -D 'A fine disk' -B changes \
    -A "$dir/qcow2"
check qemu_read_only disk qemu-nbd -t -r -e 8 -k "$socket" -f qcow2 -x disk -B changes "$dir/qcow2"

serve qemu-nbd -t -r -e 8 -k "$socket" -f qcow2 -x disk "$dir/qcow2" && everything "$uri"
result $? qemu_unknown_export
stop_servers

cat > "$dir/conf" <<EOF
[generic]
    unixsock = $socket
    allowlist = true
[one]
    exportname = $dir/raw
    readonly = true
[two]
    exportname = $dir/raw
    trim = true
    flush = true
    fua = true
EOF
# It serves more than one client only as a daemon.
reference_server() {
    nbd-server -C "$dir/conf" -p "$dir/pid" > "$dir/server" 2>&1 || return 1
    until listening && [ -s "$dir/pid" ]; do
        sleep 0.01
    done
    servers+=("$(cat "$dir/pid")")
    everything "nbd+unix:///two?socket=$socket" && everything "nbd+unix:///one?socket=$socket"
}
reference_server
result $? reference_server
stop_servers


check embedded two "$embedded" --unix "$socket" --size 8M --pattern --export one=First \
    --export two=Second --block-size 512,4096,1M --context base:allocation \
    --context 'x-a:stripes=64K:1,64K:0,8M:5'
check embedded_structured one "$embedded" --unix "$socket" --size 8M --export one=First \
    --replies structured
check embedded_simple '' "$embedded" --unix "$socket" --size 8M --replies simple
check embedded_oldstyle '' "$embedded" --unix "$socket" --size 8M --handshake oldstyle
check embedded_forbidden_list '' "$embedded" --unix "$socket" --refuse LIST=POLICY
check embedded_large '' "$embedded" --unix "$socket" --size 100G --export ''

# With a command in place of a URI, and over TCP.
subprocess() {
    local bad=0
    same --size -- [ nbdkit -s --exit-with-parent memory 1M ] || bad=1
    same --map -- [ qemu-nbd -r -f qcow2 "$dir/qcow2" ] || bad=1
    same --json -- [ qemu-nbd -r -f qcow2 "$dir/qcow2" ] || bad=1
    return $bad
}
subprocess
result $? subprocess

tcp() {
    local port
    port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
    nbdkit -f -i 127.0.0.1 -p "$port" memory 1M &
    servers+=($!)
    until grep -q " 0100007F:$(printf %04X "$port") .* 0A " /proc/net/tcp; do
        kill -0 "$!" 2>/dev/null || return 1
        sleep 0.01
    done
    everything "nbd://127.0.0.1:$port" && everything "nbd://localhost:$port/"
}
tcp
result $? tcp
stop_servers

# ---- nbdcopy ----

# What is allocated and what is zero, wherever in the file it may be.
holes() { # IMAGE FORMAT
    qemu-img map --output=json -f "$2" "$1" | python3 -c '
import itertools, json, sys
kind = lambda extent: (extent["data"], extent["zero"])
for (data, zero), extents in itertools.groupby(json.load(sys.stdin), kind):
    print(sum(extent["length"] for extent in extents), data, zero)'
}

# Copies with both libraries, and compares image and holes.
copies_alike() { # FORMAT NBDCOPY-ARGUMENTS...
    local format=$1 library name
    shift
    for library in theirs ours; do
        name=$dir/copy.$library
        rm -f "$name"
        case $format in
            raw) truncate -s 1G "$name" ;;
            *) qemu-img create -q -f "$format" "$name" 1G ;;
        esac
        if [ $library = ours ]; then
            export LD_LIBRARY_PATH=$lib
        fi
        if [ "$format" = raw ]; then
            timeout 300 nbdcopy --destination-is-zero "$@" "$name"
        else
            timeout 300 nbdcopy --destination-is-zero "$@" -- \
                [ qemu-nbd -f "$format" --discard=unmap "$name" ]
        fi || { unset LD_LIBRARY_PATH; echo "# nbdcopy failed with $library"; return 1; }
        unset LD_LIBRARY_PATH
        qemu-img compare -q -f "$format" -F qcow2 "$name" "$dir/qcow2" ||
            { echo "# the copy with $library differs from the image"; return 1; }
        holes "$name" "$format" > "$dir/holes.$library"
    done
    diff -u "$dir/holes.theirs" "$dir/holes.ours" | sed 's/^/#   /'
}

copy() { # NAME SERVER...
    local name=$1 format
    shift
    for format in raw qcow2; do
        serve "$@" && copies_alike "$format" "$uri"
        result $? "$name.$format"
        stop_servers
    done
}

copy copy_from_qemu qemu-nbd -t -r -e 8 -k "$socket" -f qcow2 "$dir/qcow2"
qemu-img convert -f qcow2 -O raw "$dir/qcow2" "$dir/flat"
copy copy_from_nbdkit nbdkit -f -r -U "$socket" file "$dir/flat"

exit $failed

#!/bin/sh
# Debian's nbdfuse counts its commands after it has submitted them, and stops with
# an assertion when one call of nbd_poll has ended two.  Whether it comes to that
# is a matter of luck, so it has to write and read a file in many short rounds.
#
# Environment: LIB as for run.sh.

set -eu

case=nbdfuse.survives_twenty_rounds
rounds=20

[ -z "${LIB:-}" ] || export LD_LIBRARY_PATH="$LIB${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
dir=$(mktemp -d)
trap 'fusermount3 -uz "$dir/disk" 2> /dev/null || :; rm -rf "$dir"' EXIT
cd "$dir"

fail() {
    echo "# round $round: $*"
    sed 's/^/#   /' messages
    echo "not ok $case"
    exit 1
}

wait_until() { # COMMAND...
    tries=500
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "it takes too long until: $*"
        sleep 0.02
    done
}

head -c 10485760 /dev/urandom > data
: > disk
round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    rm -f pid
    nbdfuse --pidfile pid disk --command nbdkit -s --exit-with-parent memory 10M \
        > messages 2>&1 &
    fuse=$!
    wait_until test -s pid
    # Blocks that fit into nothing make for many commands at once.
    dd if=data of=disk bs=65519 conv=nocreat,notrunc status=none 2>> messages ||
        fail "writing failed"
    cmp data disk >> messages 2>&1 || fail "reading failed"
    # A file that has just been closed may still be busy.
    wait_until fusermount3 -u disk 2>> messages
    wait "$fuse" || fail "exit status $?"
done
echo "ok $case"

#!/bin/sh
# fio, as Debian built it for the C library, writes through its nbd engine with
# 64 requests in flight, reads everything back and verifies it.
#
# Environment: LIB as for run.sh.

set -eu

name=fio.writes_and_verifies

dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT

fail() {
    echo "# $*"
    sed 's/^/#   /' "$dir"/messages 2> /dev/null || :
    echo "not ok $name"
    exit 1
}

if [ -n "${LIB:-}" ]; then
    LD_LIBRARY_PATH=$(cd "$LIB" && pwd)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export LD_LIBRARY_PATH
    # Otherwise this would be a test of the wrong library.
    ldd "$(command -v fio)" > "$dir/messages" 2>&1 || fail 'no fio'
    grep -q "libnbd.so.0 => ${LD_LIBRARY_PATH%%:*}/" "$dir/messages" ||
        fail 'fio does not use the library under test'
fi

run_fio() { # ARGUMENTS
    timeout 300 fio --name=job --ioengine=nbd --uri="nbd+unix:///a%20disk?socket=$dir/sock" \
        --iodepth=64 --verify=crc32c --verify_state_save=0 --verify_fatal=1 --randrepeat=0 --output-format=terse \
        --output="$dir/result" "$@" > "$dir/messages" 2>&1 || fail "fio $*"
    # Field 5 of the terse format is the error of the job.
    [ "$(cut -d ';' -f 5 "$dir/result")" = 0 ] || fail "fio $* reports an error"
}

# A server that takes its time, with a thread for each request, and logs when a
# request begins and when it ends.
nbdkit -f -t 64 -U "$dir/sock" --filter=log --filter=delay memory 16M \
    "logfile=$dir/log" rdelay=2ms wdelay=2ms > "$dir/nbdkit" 2>&1 &
server=$!
while ! [ -S "$dir/sock" ]; do
    kill -0 "$server" || fail 'no nbdkit'
    sleep 0.05
done

run_fio --rw=randwrite --bs=4k --size=16M
run_fio --rw=randread --bs=4k --size=16M
run_fio --rw=randrw --bsrange=512-128k --bs_unaligned=0 --size=16M --number_ios=2000

# The end of a request is logged with dots before its name.
most=$(awk '/ (Read|Write) id=/ { if (++n > most) most = n }
            /\.\.\.(Read|Write) id=/ { n-- }
            END { print most + 0 }' "$dir/log")
[ "$most" -eq 64 ] || fail "at most $most requests were in flight"
echo "ok $name"

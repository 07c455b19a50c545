#!/usr/bin/env bash
# Compiles the quickstart and the examples, runs them with real servers, and
# compares what they print.  Run `make all server` first.
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

sources=$PWD
server=${EMBEDDED_SERVER:?set by make check}
pkg_config_path=${LIBNBD_BUILD:?set by make check}
unset LD_LIBRARY_PATH
read -ra cc <<< "${CC:-cc}"
read -ra cargo_flags <<< "${CARGO_FLAGS:-}"
cargo_target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")
directory=$(mktemp -d)
# One of the servers is stopped, and has to continue in order to end.
trap '{ kill $(jobs -p); kill -CONT $(jobs -p); } 2> /dev/null; rm -rf "$directory"' EXIT
suite=examples
log=$directory/output
. scripts/tally.sh

# ------------------------------------------------------------------- Quickstart

quickstart() {
    make --no-print-directory quickstart > "$directory/quickstart"
    local status=$?
    cat "$directory/quickstart"
    return $status
}

says() { # TEXT
    cat "$directory/quickstart"
    grep -qFe "$1" "$directory/quickstart"
}

check 'quickstart' quickstart
check 'it runs on this library' says 'library: libnbd 1.24.'
check 'it prints the size of the disk' says 'size: 67108864 bytes'
check 'it prints the first sector' says '000001f0  00 00 00 00 00 00 01 f0 '

# ------------------------------------------- Programs, servers and what is printed

# Everything below happens in this directory, so that names of sockets are short
# and always the same.  The programs are c/NAME and rust/NAME.
cd "$directory" || exit 1
cp -R "$sources/examples" c
mkdir rust
mapfile -t c < <(basename --suffix .c c/*.c)
mapfile -t rust < <(basename --suffix .rs c/*.rs)

# The command in the comment at the top, as a reader copies it.
compile() { # NAME
    local command
    command=$(sed -n 's/^ \*   cc //p' "c/$1.c")
    [ -n "$command" ] || return
    # It contains another command, which prints the flags for the libraries.  (Not for
    # all of this script: cargo would compile the library again, because the variable
    # also decides where OpenSSL is.)
    (cd c && export PKG_CONFIG_PATH=$pkg_config_path && eval "${cc[*]} -std=gnu11 -Wall -Wextra -Werror $command")
}

build_in_rust() {
    (cd "$sources" && "${CARGO:-cargo}" build "${cargo_flags[@]}" \
        --target-dir "$cargo_target" --package libnbd --examples) &&
        for name in "${rust[@]}"; do
            ln -s "$cargo_target/debug/examples/$name" rust || return
        done
}

# Starts a server that creates NAME.ready when it listens on NAME.sock.
serve() { # NAME COMMAND...
    local name=$1
    shift
    "$@" &
    until [ -s "$name.ready" ]; do
        kill -0 $! || return
        sleep 0.05
    done
}

embedded() { # NAME OPTION...
    local name=$1
    shift
    serve "$name" "$server" --unix "$name.sock" --ready-file "$name.ready" "$@"
}

nbdkit_at() { # NAME ARGUMENT...
    local name=$1
    shift
    serve "$name" nbdkit --foreground --unix "$name.sock" --pidfile "$name.ready" "$@"
}

at() { # NAME [EXPORT]
    echo "nbd+unix:///${2:-}?socket=$1.sock"
}

# Runs a program and compares all that it prints, and its exit status.
used=()
prints() { # TEXT [FILTER...] PROGRAM ARGUMENT...
    local text=$1 word
    shift
    for word; do
        [[ $word != c/* && $word != rust/* ]] || used+=("$word")
    done
    diff <(echo "$text") <("$@" 2>&1; echo "status $?")
}

# Filters, for what differs from run to run: the order in which several disks are
# finished, the steps of a progress bar, messages of other programs and libraries.
sorted() { # PROGRAM ARGUMENT...
    "$@" 2>&1 | sort
}

at_last() { # PROGRAM ARGUMENT...
    "$@" 2>&1 | tr '\r' '\n' | tail -n 1
}

without() { # PATTERN PROGRAM ARGUMENT...
    local pattern=$1
    shift
    "$@" 2>&1 | sed "/$pattern/d"
}

for name in "${c[@]}"; do
    check "$name compiles" compile "$name"
done
check 'the programs in Rust compile' build_in_rust

# ------------------------------------------------------------------------ Asking

embedded exports --size 64K --export 'one=the first' --export $'two\e=' --read-only
for it in c rust; do
    check "$it/list-exports" prints "\
one: 65536 bytes, the first
two\\x1b: 65536 bytes
status 0" "$it/list-exports" "$(at exports)"
done

embedded old --handshake oldstyle
check 'c/list-exports, no negotiation' prints "\
the server is too old to list its exports
status 1" c/list-exports "$(at old)"
check 'rust/list-exports, no negotiation' prints "\
Error: \"the server is too old to list its exports\"
status 1" rust/list-exports "$(at old)"

embedded sizes --size 1M --replies structured --block-size 512,4096,1M
for it in c rust; do
    check "$it/server-flags" prints "\
size: 1048576 bytes
protocol: newstyle-fixed
allocation: yes
encrypted: no
structured replies: yes
extended headers: no
read-only: no
rotational: no
several connections: yes
flush: yes
FUA: yes
trim: yes
zero: yes
fast zero: yes
cache: yes
unfragmented reads: yes
minimum block size: 512
preferred block size: 4096
maximum block size: 1048576
status 0" "$it/server-flags" "$(at sizes)"
    check "$it/server-flags, no such export" prints 'status 1' \
        without . "$it/server-flags" "$(at exports three)"
done

# ----------------------------------------------------------------------- Copying

# An odd size, so that the last read is a short one.
head -c 10000001 /dev/urandom > disk
embedded disk --file disk --read-only
embedded empty --size 0
full='##################################################'
for it in c rust; do
    check "$it/copy-progress" prints "\
[$full] 100%
status 0" at_last "$it/copy-progress" "$(at disk)" "$it.copy"
    check 'the copy is the same' cmp disk "$it.copy"
    check "$it/copy-progress, an empty disk" prints "\
[$full] 100%
status 0" at_last "$it/copy-progress" "$(at empty)" "$it.empty"
    check 'an empty copy' test -f "$it.empty" -a ! -s "$it.empty"
done

check 'c/async-copy' prints 'status 0' c/async-copy disk.sock async
check 'the copy is the same' cmp disk async
check 'c/async-copy, an empty disk' prints 'status 0' c/async-copy empty.sock async
check 'an empty copy' test -f async -a ! -s async
check 'c/first-sector, an empty disk' prints "\
size: 0 bytes
first sector:
status 0" without '^library' c/first-sector empty.sock

check 'rust/tokio_read' prints "\
10000001 bytes
status 0" rust/tokio_read "$(at disk)"
check 'rust/tokio_read, an empty disk' prints "\
0 bytes
status 0" rust/tokio_read "$(at empty)"

check 'c/parallel-copy' prints "\
copied 10000001 bytes over 4 connections
status 0" c/parallel-copy "$(at disk)" parallel
check 'the copy is the same' cmp disk parallel
nbdkit_at single --filter=multi-conn file disk multi-conn-mode=disable
check 'c/parallel-copy, one connection' prints "\
copied 10000001 bytes over 1 connection
status 0" c/parallel-copy "$(at single)" single
check 'the copy is the same' cmp disk single

# A server that never replies to reads.
printf 'handshake\nread-request\nwait-eof\n' > mute.script
embedded mute --size 1M --script mute.script
interrupted() { # FILE
    c/cancel mute.sock "$1" &
    local pid=$!
    # The file is there once the first read is about to be sent.
    until [ -e "$1" ]; do
        kill -0 "$pid" || return
        sleep 0.05
    done
    sleep 0.2
    kill -INT "$pid"
    wait "$pid"
}

check 'c/cancel, nobody presses Ctrl-C' prints 'status 0' c/cancel disk.sock uncancelled
check 'the copy is the same' cmp disk uncancelled
check 'c/cancel, Ctrl-C' prints "\
cancelled after 0 of 1048576 bytes
status 1" interrupted cancelled
check 'there is no half copy' test ! -e cancelled

{ head -c 1M /dev/zero; head -c 1M /dev/zero | tr '\0' x; head -c 2M /dev/zero; } > quarter
embedded quarter --file quarter --read-only
check 'c/batches' prints "\
read 1024 blocks, 256 of them not zero
status 0" c/batches "$(at quarter)"

# ---------------------------------------------------------------- A late server

later() { # COMMAND...
    { sleep 0.5; exec "$server" --unix late.sock --size 1M; } > /dev/null 2>&1 &
    local pid=$! status
    "$@"
    status=$?
    kill "$pid"
    return $status
}

check 'c/wait-for-server' prints "\
1048576 bytes
status 0" later c/wait-for-server "$(at late)" 30
check 'c/wait-for-server, none comes' prints 'status 1' without . c/wait-for-server "$(at none)" 1

# ------------------------------------------------------------------ Time limits

# The first reply comes too late, and a server that says nothing is left alone.
printf '%s\n' handshake 'read-request READ' 'sleep 500' 'simple @1 0 fill:1*512' \
    'read-request READ' 'simple @2 0 fill:1*512' wait-eof > slow.script
embedded slow --replies simple --script slow.script
echo 'wait-eof' > dumb.script
embedded dumb --script dumb.script

check 'c/time-limits, a slow server' prints "\
attempt 1: nbd_pread: waited 400 ms for the reply to a read command (NBDX_TIMEOUT_CALL): \
Connection timed out
read 512 bytes
status 0" c/time-limits "$(at slow)" 400
check 'c/time-limits, a server that says nothing' prints "\
connect: nbd_connect_uri: connecting took longer than 200 ms; it was waiting for the server's greeting (NBDX_TIMEOUT_CONNECT): \
Connection timed out
status 1" c/time-limits "$(at dumb)" 20

# -------------------------------------------------------------------- Main loops

{ head -c 300000 /dev/zero | tr '\0' x; head -c 100000 /dev/zero; } > letters
embedded letters --file letters --read-only
check 'c/epoll' prints "\
$(at empty): 0 bytes are not zero
$(at letters): 300000 bytes are not zero
status 0" sorted c/epoll "$(at letters)" "$(at empty)"
embedded failing --size 1M --fail read=EIO
check 'c/epoll, one of two fails' prints "\
$(at failing): Input/output error
$(at letters): 300000 bytes are not zero
status 1" sorted c/epoll "$(at failing)" "$(at letters)"

read -r checksum _ <<< "$(sha256sum disk)"
check 'c/glib' prints "\
$checksum
status 0" c/glib "$(at disk)"
read -r checksum _ <<< "$(sha256sum /dev/null)"
check 'c/glib, an empty disk' prints "\
$checksum
status 0" c/glib "$(at empty)"
check 'c/glib, a disk that fails' prints "\
Input/output error
status 1" c/glib "$(at failing)"

{ head -c 9000000 disk; echo; tail -c 1000000 disk; } > other
embedded other --file other --read-only
check 'c/libev, equal disks' prints "\
they are equal
status 0" c/libev "$(at disk)" "$(at disk)"
check 'c/libev, different disks' prints "\
their contents differ
status 0" c/libev "$(at disk)" "$(at other)"
check 'c/libev, different sizes' prints "\
their sizes differ
status 0" c/libev "$(at disk)" "$(at letters)"

# A server that accepts connections but does not greet.
embedded silent
kill -STOP $!
check 'c/connect-first' prints "\
$(at none): nbd_aio_connect_uri: cannot connect to none.sock: No such file or directory
$(at letters): connected, 400000 bytes
status 0" c/connect-first "$(at none)" "$(at silent)" "$(at letters)"
check 'c/connect-first, no server' prints "\
$(at none): nbd_aio_connect_uri: cannot connect to none.sock: No such file or directory
no server can be reached
status 1" c/connect-first "$(at none)"

# --------------------------------------------------------------------------- TLS

check 'certificates are made' "$sources/c-tests/support/pki.sh" "$PWD/pki"
nbdkit_at psk --tls=require --tls-psk=pki/keys.psk memory 1M
check 'c/tls-psk' prints "\
1048576 bytes, encrypted
status 0" c/tls-psk "$(at psk)" pki/keys.psk alice
check 'c/tls-psk, another key' prints 'status 1' \
    without . c/tls-psk "$(at psk)" pki/wrong.psk alice
check 'c/tls-psk, a server without TLS' prints 'status 1' \
    without . c/tls-psk "$(at letters)" pki/keys.psk alice

nbdkit_at x509 --tls=require --tls-certificates=pki/server --tls-verify-peer memory 1M
check 'c/tls-x509' prints "\
1048576 bytes, encrypted
status 0" c/tls-x509 "$(at x509)" pki/client localhost
check 'c/tls-x509, another host' prints 'status 1' \
    without . c/tls-x509 "$(at x509)" pki/client example.com
check 'c/tls-x509, a client without a certificate' prints 'status 1' \
    without . c/tls-x509 "$(at x509)" pki/anonymous localhost

in_a_bundle() { # KEY PASSWORD PROGRAM ARGUMENT...
    local key=$1 password=$2
    shift 2
    cat pki/client/client-cert.pem "$key" pki/good.pem | KEY_PASSWORD=$password "$@"
}

check 'c/tls-memory' prints "\
1048576 bytes, encrypted
status 0" in_a_bundle pki/client/client-key.pem '' c/tls-memory 'nbds+unix:///?socket=x509.sock'
check 'c/tls-memory, an encrypted key' prints "\
1048576 bytes, encrypted
status 0" in_a_bundle pki/locked/client-key.pem secret c/tls-memory 'nbds+unix:///?socket=x509.sock'

# ----------------------------------------------------------- Chunks and extents

{ head -c 65536 letters; head -c 131072 /dev/zero; head -c 65536 letters; } > sparse
embedded sparse --file sparse --replies structured --split-reads 64K --sparse-reads
check 'c/structured-reads' prints "\
         0      65536 data
     65536     131072 hole
    196608      65536 data
status 0" c/structured-reads "$(at sparse)"
embedded simple --file sparse --replies simple
check 'c/structured-reads, simple replies' prints "\
the server does not use structured replies
         0     262144 data
status 0" c/structured-reads "$(at simple)"

embedded map --size 128K --replies extended \
    --context base:allocation=64K:3,32K:0,32K:1 --context x:mine=32K:7,96K:8
check 'c/extents' prints "\
         0      32768 3 7
     32768      32768 3 8
     65536      32768 0 8
     98304      32768 1 8
status 0" c/extents "$(at map)" base:allocation x:mine
check 'c/extents, an unknown context' prints "\
x:yours: the server does not have this context
status 1" c/extents "$(at map)" base:allocation x:yours

# An image, a copy of it, a bitmap, and then changes.
an_image() {
    qemu-img create -f qcow2 image 8M &&
        qemu-io -f qcow2 -c 'write -P 1 0 4M' image &&
        qemu-img convert -f qcow2 -O raw image backup &&
        qemu-img bitmap --add image changes &&
        qemu-io -f qcow2 -c 'write -P 2 1M 64k' -c 'write -z 2M 128k' \
            -c 'write -P 3 6M 192k' image &&
        qemu-img convert -f qcow2 -O raw image expected &&
        ! cmp expected backup
}

check 'an image with a bitmap' an_image
serve image qemu-nbd --read-only --persistent --format=qcow2 --bitmap=changes \
    --socket="$PWD/image.sock" --pid-file=image.ready image
check 'c/extents, a dirty bitmap' prints "\
         0    1048576 0 0
   1048576      65536 0 1
   1114112     983040 0 0
   2097152     131072 3 1
   2228224    1966080 0 0
   4194304    2097152 3 0
   6291456     196608 0 1
   6488064    1900544 3 0
status 0" c/extents "$(at image)" base:allocation qemu:dirty-bitmap:changes
check 'c/incremental-backup' prints "\
of 8388608 bytes, 262144 were copied and 131072 zeroed
status 0" c/incremental-backup "$(at image)" changes backup
check 'the backup is up to date' cmp expected backup
check 'c/incremental-backup, no such bitmap' prints "\
the server does not have this bitmap
status 1" c/incremental-backup "$(at image)" other backup
check 'c/incremental-backup, the copy of another disk' prints "\
the file is not a copy of this disk: its size differs
status 1" c/incremental-backup "$(at image)" changes disk

# ------------------------------------------------------------------ Subprocesses

# Another process may have an image open only for reading as well.
check 'c/qcow2' prints "\
8388608 bytes, of which 4259840 are data
status 0" c/qcow2 image
check 'c/qcow2, not an image' prints 'status 1' without . c/qcow2 disk
check 'c/subprocess' prints "\
written and read
status 0" c/subprocess
check 'c/subprocess, no nbdkit' prints "\
nbd_connect_command: cannot run \"nbdkit\": No such file or directory
status 1" without '^libnbd: ' env PATH=/none c/subprocess

# -------------------------------------------------------------------- The kernel

# Most machines that run the tests do not have the driver.
if [ -e /sys/module/nbd ]; then
    in_the_kernel() {
        local device status
        device=$(c/kernel-nbd "$(at letters)") || return
        cmp <(head -c 399872 letters) <(head -c 399872 "$device")
        status=$?
        c/kernel-nbd --disconnect "${device#/dev/nbd}" && return $status
    }
    check 'c/kernel-nbd' prints 'status 0' in_the_kernel c/kernel-nbd
else
    check 'c/kernel-nbd, no driver' prints "\
this kernel has no nbd driver: try modprobe nbd
status 1" c/kernel-nbd "$(at letters)"
fi

# ---------------------------------------------------------------------- Together

each_is_run() {
    diff <(printf 'c/%s\n' "${c[@]}"; printf 'rust/%s\n' "${rust[@]}") \
        <(printf '%s\n' "${used[@]}" | LC_ALL=C sort -u)
}

each_is_in_the_guide() {
    local file
    for file in c/*.[cr]*; do
        grep -qF "\`$(basename "$file")\`" c/README.md || { echo "$file"; return 1; }
    done
}

check 'each example is run' each_is_run
check 'each example is in README.md' each_is_in_the_guide
total

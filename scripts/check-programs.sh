#!/usr/bin/env bash
# Runs programs that were built for the C library, unmodified, on the library in
# build/, and compares their output and their files with those of the same run on
# the C library.  The runs differ only in the search path of the loader.
#
# Prints a table of programs and scenarios, and "N passed, N failed" at the end.
# A result is `same`, or `explained` with the reason on the next line.

# Scenarios are written as one would type them; a separate shell expands their
# variables later.
# shellcheck disable=SC2016

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

ours=${LIBNBD_BUILD:?set by make check}
embedded=${EMBEDDED_SERVER:?set by make check}
programs=$PWD/c-tests/programs
multiarch=$(gcc -print-multiarch)
# Short, because the path of a Unix socket must be short.
directory=$(mktemp -d /tmp/nbd-programs-XXXXXX)
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM
suite=programs
log=$directory/log
. scripts/tally.sh
unset LD_LIBRARY_PATH

record() { # STATUS PROGRAM SCENARIO RESULT
    printf '%-12s %-44s %s\n' "$2" "$3" "$4"
    count "$1"
}

# ------------------------------------------------ building blocks of scenarios

# Starts a server on a Unix socket, and sets $uri to its URI.
serve() { # NBDKIT-ARGUMENT...
    serve_at socket -U socket "$@"
    export uri="nbd+unix:///?socket=$PWD/socket"
}

serve_at() { # NAME NBDKIT-ARGUMENT...
    local name=$1
    shift
    nbdkit --foreground --exit-with-parent --pidfile "$name.pid" "$@" &
    wait_for test -s "$name.pid"
}

# Starts a qemu-nbd that serves more than one client.
serve_qemu() { # QEMU-NBD-ARGUMENT...
    qemu-nbd --persistent --shared 8 --socket "$PWD/socket" --pid-file=socket.pid "$@" 2> qemu.log &
    qemu=$!
    trap 'kill "$qemu"; wait "$qemu"' EXIT
    wait_for test -s socket.pid
    export uri="nbd+unix:///?socket=$PWD/socket"
}

# Starts nbd-server, which serves more than one client only as a daemon.
serve_reference() { # LINE-OF-CONFIGURATION...
    printf '%s\n' '[generic]' "unixsock = $PWD/socket" 'allowlist = true' "$@" > conf
    nbd-server -C "$PWD/conf" -p "$PWD/socket.pid" > log 2>&1
    trap 'kill "$(cat socket.pid)"' EXIT
    wait_for test -s socket.pid -a -S socket
}

# Starts the scripted server of this project.
serve_embedded() { # OPTION...
    "$embedded" --unix "$PWD/socket" --ready-file ready --exit-with-parent "$@" > server.log 2>&1 &
    wait_for test -s ready
    export uri="nbd+unix:///?socket=$PWD/socket"
}

wait_for() { # COMMAND...
    local tries=0
    until "$@" > wait.log 2>&1; do
        if [ $((tries += 1)) -gt 400 ]; then
            echo "timed out waiting for: $*"
            cat wait.log
            exit 1
        fi
        sleep 0.05
    done
    rm wait.log
}

# Pieces of data between holes.
disk() { # FILE
    truncate -s 8M "$1"
    for place in 0 1 64 1000 1500; do
        dd if="$programs/client.py" of="$1" bs=4k seek=$place conv=notrunc status=none
    done
}

# A qcow2 image with a backing file and a bitmap.
image() { # FILE
    qemu-img create -q -f qcow2 base 1G
    qemu-io -c 'write -P 1 0 64k' -c 'write -P 2 512M 1M' base > log
    qemu-img create -q -f qcow2 -b base -F qcow2 "$1"
    qemu-img bitmap --add "$1" changes
    qemu-io -c 'write -P 3 1M 64k' -c 'write -z 512M 512k' "$1" > log
}

# Prints what is allocated and what is zero, wherever it is in the file.
holes() { # FILE FORMAT
    qemu-img map --output=json -f "$2" "$1" | python3 -c '
import itertools, json, sys
kind = lambda extent: (extent["data"], extent["zero"])
for (data, zero), extents in itertools.groupby(json.load(sys.stdin), kind):
    print(sum(extent["length"] for extent in extents), data, zero)'
}

# Prints what nbdinfo reports when it is asked for one property of an export...
answers() { # URI
    local context way what
    # If both runs failed alike, that would prove little.
    nbdinfo --size "$1" || exit
    ask "$1" --size --json
    for context in '' =base:allocation =qemu:dirty-bitmap:changes =qemu:allocation-depth \
        =x-a:stripes =no:such-context; do
        for way in '' --json --totals; do
            ask "$1" "--map$context" $way
        done
    done
    for what in cache connect df fast-zero flush fua multi-conn read structured-reply trim write zero; do
        ask "$1" --can $what
        ask "$1" --cannot $what
    done
    for what in read-only rotational tls; do
        ask "$1" --is $what
        ask "$1" --isnt $what
    done
}

# ...and everything else that it can report.
everything() { # URI
    answers "$1"
    ask "$1"
    ask "$1" --json
    ask "$1" --list
    ask "$1" --list --json
}

# The wording of messages does not matter here.
ask() { # URI NBDINFO-ARGUMENT...
    local uri=$1
    shift
    nbdinfo "$@" "$uri" 2> log
    echo "$*: $?"
}

# Creates a certificate authority that client and server trust, and shared keys.
make_keys() {
    mkdir "$directory/pki" && cd "$directory/pki" || return
    printf 'cn = authority\nca\ncert_signing_key\n' > authority.template
    printf 'cn = localhost\ndns_name = localhost\ntls_www_server\nsigning_key\n' > server.template
    printf 'cn = client\ntls_www_client\nsigning_key\n' > client.template
    local name
    for name in authority server client; do
        certtool --generate-privkey --key-type=ecdsa --outfile=$name-key.pem || return
    done
    certtool --generate-self-signed --load-privkey=authority-key.pem --template=authority.template \
        --outfile=ca-cert.pem || return
    for name in server client; do
        certtool --generate-certificate --load-ca-certificate=ca-cert.pem \
            --load-ca-privkey=authority-key.pem --load-privkey=$name-key.pem \
            --template=$name.template --outfile=$name-cert.pem || return
    done
    psktool --username=alice --pskfile=keys.psk
}

# Some servers report how each client leaves, which depends on who is faster, so
# scenarios redirect their messages to a file.

# A port that is free now and most likely still is a second later.
port=$(/usr/bin/python3 -c "import socket; s = socket.socket(); s.bind(('', 0)); print(s.getsockname()[1])")
pki=$directory/pki
tls="tls-certificates=$pki"
if ! (make_keys) > "$log" 2>&1; then
    cat "$log"
    exit 1
fi
export -f serve serve_at serve_qemu serve_reference serve_embedded wait_for disk image holes answers \
    everything ask
export embedded programs port pki tls

# ------------------------------------------------------- running and comparing

# The directory has the same name in both runs, because the output contains it.
run() { # NAME LIBRARY-PATH SCRIPT
    local work=$directory/run
    mkdir "$work"
    (
        cd "$work" || exit
        [ -z "$2" ] || export LD_LIBRARY_PATH=$2
        # Other installations of Python lack the module.
        PATH=/usr/bin:$PATH
        exec timeout --kill-after=5 60 bash -uc "$3"
    ) > "$directory/$1" 2>&1 < /dev/null
    echo "exit status $?" >> "$directory/$1"
    mv "$work" "$directory/$1.files"
}

same() { # SED-SCRIPT
    diff <(sed -e "$1" "$directory/theirs") <(sed -e "$1" "$directory/ours")
}

# The scenario must succeed on the C library; one that expects a failure checks for
# it itself.
scenario() { # PROGRAM NAME SCRIPT [SED-SCRIPT REASON]
    local difference result=same status=0
    rm -rf "$directory"/{theirs,ours}{,.files}
    run theirs '' "$3"
    run ours "$ours" "$3"
    if [ "$(tail -n 1 "$directory/theirs")" != 'exit status 0' ]; then
        result='does not work on the C library'
        difference=$(cat "$directory/theirs")
        status=1
    elif difference=$(same '') && [ $# -eq 3 ]; then
        :
    elif [ $# -eq 5 ] && [ -z "$difference" ]; then
        result='same, but a difference is explained'
        status=1
    elif [ $# -eq 5 ] && difference=$(same "$4"); then
        result=explained
    else
        result=different
        status=1
    fi
    record $status "$1" "$2" "$result"
    if [ $status -ne 0 ]; then
        echo "$difference"
    elif [ $# -eq 5 ]; then
        echo "             $5"
    fi
}

# Checks that the second run uses our library.
uses_ours() { # PROGRAM FILE
    local found
    found=$(LD_LIBRARY_PATH=$ours ldd "$2" | sed -n 's/^.*libnbd\.so\.0 => \(.*\) (.*/\1/p')
    if [ "$found" = "$ours/libnbd.so.0" ]; then
        record 0 "$1" 'finds this library' yes
    else
        record 1 "$1" 'finds this library' "no, but '$found'"
    fi
}

words='s/^\([a-z]*: \(nbd_[a-z_]*: \)\?\).*$/\1MESSAGE/'
reason_contexts='since 1.16 the library always asks for meta contexts, and nbdkit lists them'
reason_words='the message is worded differently; function and exit status are the same'

printf '%-12s %-44s %s\n' PROGRAM SCENARIO RESULT

# ---------------------------------------------------------------------- nbdinfo

uses_ours nbdinfo /usr/bin/nbdinfo
scenario nbdinfo 'version' 'nbdinfo --version' \
    's/^libnbd .*/libnbd/' 'it also prints the version of the library on which it runs'
scenario nbdinfo 'size' 'serve memory 64M; nbdinfo --size "$uri"'
scenario nbdinfo 'size, server as a command' 'nbdinfo --size -- [ nbdkit memory 64M ]'
scenario nbdinfo 'everything' 'disk d; serve file d; nbdinfo "$uri"'
scenario nbdinfo 'everything, JSON' 'disk d; serve file d; nbdinfo --json "$uri"'
scenario nbdinfo 'everything, oldstyle' 'serve --oldstyle memory 1M; nbdinfo "$uri"'
scenario nbdinfo 'everything, without structured replies' 'serve --no-sr memory 1M; nbdinfo "$uri"' \
    '/contexts:/d; /base:allocation/d' \
    "$reason_contexts"
scenario nbdinfo 'everything, named export and description' \
    'serve eval get_size="echo 1M" export_description="echo described" \
        pread="exit 1"; nbdinfo --no-content "nbd+unix:///name?socket=$PWD/socket"'
scenario nbdinfo 'everything, block sizes' \
    'serve --filter=blocksize-policy memory 1M blocksize-minimum=512 blocksize-preferred=4k \
        blocksize-maximum=64k; nbdinfo "$uri"'
scenario nbdinfo 'everything, qemu-nbd' \
    'qemu-img create -q -f qcow2 q 1M
     nbdinfo --list -- [ qemu-nbd --read-only -f qcow2 -x name -D described -A q ]'
scenario nbdinfo 'list' 'mkdir f; disk f/a; truncate -s 1M f/b; serve file dir=f; nbdinfo --list "$uri"'
scenario nbdinfo 'list, JSON' \
    'mkdir f; disk f/a; truncate -s 1M f/b; serve file dir=f; nbdinfo --list --json "$uri"'
scenario nbdinfo 'map' 'disk d; serve file d; nbdinfo --map "$uri"'
scenario nbdinfo 'map, totals' 'disk d; serve file d; nbdinfo --map --totals "$uri"'
scenario nbdinfo 'map, JSON' 'disk d; serve file d; nbdinfo --map --json "$uri"'
scenario nbdinfo 'map of allocation depth' \
    'qemu-img create -q -f qcow2 q 1M; qemu-io -c "write 64k 64k" q > log
     nbdinfo --map=qemu:allocation-depth -- [ qemu-nbd --read-only -f qcow2 -A q ]'
scenario nbdinfo 'can and is' \
    'serve memory 1M
     for what in cache connect df fast-zero flush fua multi-conn read structured-reply trim write zero; do
         nbdinfo --can $what "$uri"; echo "$what: $?"
     done
     for what in read-only rotational tls; do nbdinfo --is $what "$uri"; echo "$what: $?"; done'
scenario nbdinfo 'can and is, read-only' \
    'serve --readonly memory 1M
     for what in cache fast-zero flush fua multi-conn trim write zero; do
         nbdinfo --can $what "$uri"; echo "$what: $?"
     done
     for what in read-only rotational; do nbdinfo --is $what "$uri"; echo "$what: $?"; done'
scenario nbdinfo 'TCP' 'serve_at tcp -p "$port" memory 1M; nbdinfo "nbd://localhost:$port/name"'
scenario nbdinfo 'TLS, certificates' 'serve_at tcp -p "$port" --tls=require --tls-certificates="$pki" \
        --tls-verify-peer memory 1M 2> log; nbdinfo "nbds://localhost:$port/?$tls"'
scenario nbdinfo 'TLS, shared key' 'serve --tls=require --tls-psk="$pki/keys.psk" memory 1M 2> log
     nbdinfo "nbds+unix://alice@/?socket=$PWD/socket&tls-psk-file=$pki/keys.psk"'
scenario nbdinfo 'TLS, unknown name' 'serve --tls=require --tls-psk="$pki/keys.psk" memory 1M 2> log
     nbdinfo "nbds+unix://mallory@/?socket=$PWD/socket&tls-psk-file=$pki/keys.psk"; echo "$?"' \
    "$words" "$reason_words"
scenario nbdinfo 'TLS, the server has none' \
    'serve memory 1M; nbdinfo "nbds+unix://alice@/?socket=$PWD/socket&tls-psk-file=$pki/keys.psk" 2> log
     echo "$?"; grep ^nbdinfo log' "$words" "$reason_words"
scenario nbdinfo 'nobody listens' 'nbdinfo "nbd+unix:///?socket=$PWD/none"; echo "$?"' \
    "$words" "$reason_words"
scenario nbdinfo 'no such export' \
    'mkdir f; disk f/a; serve file dir=f; nbdinfo "nbd+unix:///b?socket=$PWD/socket" 2> log
     echo "$?"; grep ^nbdinfo log' \
    "$words" "$reason_words"
scenario nbdinfo 'not a URI' 'nbdinfo "nbd+unknown://host"; echo "$?"' "$words" "$reason_words"
scenario nbdinfo 'the server command does not exist' 'nbdinfo -- [ no-such-server ]; echo "$?"' \
    "1s/.*no-such-server.*/no-such-server/; $words" "$reason_words"

# Everything at once, with servers that differ in their features.
scenario nbdinfo 'all questions, memory' 'serve memory 1M 2> nbdkit.log; everything "$uri"'
scenario nbdinfo 'all questions, read-only file' 'disk d; serve --readonly file d 2> nbdkit.log; everything "$uri"'
scenario nbdinfo 'all questions, file' 'disk d; serve file d 2> nbdkit.log; everything "$uri"'
scenario nbdinfo 'all questions, newstyle' 'disk d; serve --mask-handshake=0 file d 2> nbdkit.log; everything "$uri"'
scenario nbdinfo 'all questions, oldstyle' 'disk d; serve --oldstyle file d 2> nbdkit.log; everything "$uri"'
scenario nbdinfo 'all questions, without structured replies' \
    'disk d; serve --no-sr file d 2> nbdkit.log; answers "$uri"'
scenario nbdinfo 'all questions, TCP' \
    'serve_at tcp -i 127.0.0.1 -p "$port" memory 1M 2> nbdkit.log; everything "nbd://127.0.0.1:$port"'
scenario nbdinfo 'all questions, described exports and extents' \
    "serve eval get_size='echo 1M' pread='dd if=/dev/zero bs=\$3 count=1' open='echo \"\$3\"' \\
        block_size='echo 512 4K 1M' export_description='echo \"It is \$2\"' \\
        list_exports='echo INTERLEAVED; echo one; echo The first; echo two; echo A \\\"second\\\"' \\
        can_extents='exit 0' is_rotational='exit 0' \\
        extents='echo 0 64K; echo 64K 64K hole; echo 128K 64K zero; echo 192K 832K hole,zero' 2> nbdkit.log"'
    everything "nbd+unix:///two?socket=$PWD/socket"'
scenario nbdinfo 'all questions, qemu-nbd, raw' 'disk d; serve_qemu -f raw d; everything "$uri"'
scenario nbdinfo 'all questions, qemu-nbd, qcow2' \
    'image q; serve_qemu -f qcow2 -x disk -D "A fine disk" -B changes -A q
     everything "nbd+unix:///disk?socket=$PWD/socket"'
scenario nbdinfo 'all questions, qemu-nbd, read-only' \
    'image q; serve_qemu --read-only -f qcow2 -x disk -B changes q
     everything "nbd+unix:///disk?socket=$PWD/socket"'
scenario nbdinfo 'no such export, qemu-nbd' \
    'image q; serve_qemu --read-only -f qcow2 -x disk q; ask "$uri"; ask "$uri" --size; ask "$uri" --list'
scenario nbdinfo 'all questions, nbd-server' \
    'disk d; serve_reference "[one]" "exportname = $PWD/d" "readonly = true" \
        "[two]" "exportname = $PWD/d" "trim = true" "flush = true" "fua = true"
     everything "nbd+unix:///two?socket=$PWD/socket"; everything "nbd+unix:///one?socket=$PWD/socket"'
scenario nbdinfo 'all questions, extended headers' \
    'serve_embedded --size 8M --pattern --export one=First --export two=Second \
        --block-size 512,4096,1M --context base:allocation --context "x-a:stripes=64K:1,64K:0,8M:5"
     everything "nbd+unix:///two?socket=$PWD/socket"'
scenario nbdinfo 'all questions, at most structured replies' \
    'serve_embedded --size 8M --export one=First --replies structured
     everything "nbd+unix:///one?socket=$PWD/socket"'
scenario nbdinfo 'all questions, simple replies' 'serve_embedded --replies simple; everything "$uri"'
scenario nbdinfo 'all questions, oldstyle, scripted server' \
    'serve_embedded --handshake oldstyle; everything "$uri"'
scenario nbdinfo 'all questions, the list is refused' \
    'serve_embedded --refuse LIST=POLICY; everything "$uri"'
scenario nbdinfo 'all questions, more than 4 GiB' 'serve_embedded --size 100G --export ""; everything "$uri"'
scenario nbdinfo 'map and JSON, server as a command' \
    'image q; nbdinfo --map -- [ qemu-nbd --read-only -f qcow2 q ]
     nbdinfo --json -- [ qemu-nbd --read-only -f qcow2 q ] | grep -v "\"uri\""'

# ---------------------------------------------------------------------- nbdcopy

uses_ours nbdcopy /usr/bin/nbdcopy
scenario nbdcopy 'file to server and back' \
    'disk d; serve memory 8M; nbdcopy d "$uri"; nbdcopy "$uri" e; cmp d e'
scenario nbdcopy 'command to command' \
    'disk d; truncate -s 8M e; nbdcopy -- [ nbdkit file d ] [ nbdkit file e ]; cmp d e; md5sum e'
scenario nbdcopy 'command to null' 'nbdcopy -- [ nbdkit pattern 512M ] null:'
scenario nbdcopy 'qemu-nbd to qemu-nbd, another format' \
    'disk d; qemu-img create -q -f qcow2 q 8M
     nbdcopy -- [ qemu-nbd --read-only -f raw d ] [ qemu-nbd -f qcow2 q ]
     qemu-img compare -f raw -F qcow2 d q; qemu-img map --output=json -f qcow2 q | sed "s/, .offset.: [0-9]*//"'
scenario nbdcopy 'from standard input' 'serve memory 8M; nbdcopy - "$uri" < "$programs/client.ml"
     nbdcopy "$uri" - | cmp -n $(stat -c %s "$programs/client.ml") - "$programs/client.ml"'
scenario nbdcopy 'to standard output' 'nbdcopy -- [ nbdkit pattern 10M ] - | md5sum'
scenario nbdcopy 'four connections and threads' \
    'disk d; serve memory 8M; nbdcopy -C 4 -T 4 -R 32 d "$uri"; nbdcopy -C 4 -T 4 "$uri" e; cmp d e'
scenario nbdcopy 'synchronous' 'disk d; serve memory 8M; nbdcopy --synchronous --flush d "$uri"
     nbdcopy --synchronous "$uri" e; cmp d e'
scenario nbdcopy 'holes remain holes' \
    'disk d; truncate -s 8M e; serve file d; serve_at two -U two file e
     nbdcopy "$uri" "nbd+unix:///?socket=$PWD/two"; cmp d e; nbdinfo --map "nbd+unix:///?socket=$PWD/two"'
declare -A source=(
    [qemu-nbd]='serve_qemu --read-only -f qcow2 q'
    [nbdkit]='qemu-img convert -f qcow2 -O raw q flat; serve --readonly file flat'
)
declare -A destination=(
    [raw]='truncate -s 1G copy; nbdcopy --destination-is-zero "$uri" copy'
    [qcow2]='qemu-img create -q -f qcow2 copy 1G
        nbdcopy --destination-is-zero "$uri" -- [ qemu-nbd -f qcow2 --discard=unmap copy ]'
)
for server in qemu-nbd nbdkit; do
    for format in raw qcow2; do
        scenario nbdcopy "an image of 1 GiB, from $server, as $format" \
            "image q; ${source[$server]}; ${destination[$format]}
             qemu-img compare -f $format -F qcow2 copy q; holes copy $format"
    done
done
scenario nbdcopy 'everything allocated' \
    'disk d; truncate -s 8M e; serve file e
     nbdcopy --allocated --request-size=65536 --no-extents d "$uri"; cmp d e; nbdinfo --map "$uri"'
scenario nbdcopy 'TLS, four connections' \
    'disk d; serve_at tcp -p "$port" --tls=require --tls-certificates="$pki" memory 8M 2> log
     nbdcopy -C 4 d "nbds://localhost:$port/?$tls"; nbdcopy -C 4 "nbds://localhost:$port/?$tls" e; cmp d e'
scenario nbdcopy 'progress' 'disk d; serve memory 8M; nbdcopy --progress=1 d "$uri" | tail -n 1'
scenario nbdcopy 'the server fails' \
    'disk d; serve --filter=error memory 8M error-pwrite=ENOSPC error-pwrite-rate=100% 2> log
     nbdcopy d "$uri" 2> messages; echo "$?"; sed "s/offset [0-9]*/offset N/; q" messages'
scenario nbdcopy 'the destination is too small' \
    'truncate -s 8M d; serve memory 4M; nbdcopy d "$uri"; echo "$?"'

# ---------------------------------------------------------------------- nbddump

uses_ours nbddump /usr/bin/nbddump
scenario nbddump 'a server' 'disk d; serve file d; nbddump "$uri"'
scenario nbddump 'a command' 'nbddump -- [ nbdkit data "\"hello, \" 0x7f 0*65536 (1 2 3)*10 @1000000 255" ]'

# ---------------------------------------------------------------------- nbdfuse

uses_ours nbdfuse /usr/bin/nbdfuse
mounted='mounted() { mkdir m; nbdfuse --pidfile p "$@" & fuse=$!; wait_for test -s p; trap unmount EXIT; }
unmount() { fusermount3 -u m; wait $fuse; }'
scenario nbdfuse 'read and write' "$mounted"'
    disk d; serve memory 8M; mounted m/disk "$uri"; stat -c "%s %a" m/disk
    cp d m/disk; cmp d m/disk; nbdcopy "$uri" e; cmp d e'
scenario nbdfuse 'read-only, server as a command' "$mounted"'
    mounted --readonly m [ nbdkit pattern 1M ]; ls m; md5sum m/nbd; echo x > m/nbd; echo "$?"'
scenario nbdfuse 'a Unix socket, four connections' "$mounted"'
    disk d; serve file d; mounted -C 4 m/disk --unix "$PWD/socket"; cmp d m/disk && md5sum m/disk'
scenario nbdfuse 'trim and zero' "$mounted"'
    disk d; serve file d; mounted m/disk "$uri"
    fallocate --punch-hole --offset 0 --length 8k m/disk; fallocate --zero-range --offset 4M --length 64k m/disk
    sync m/disk; md5sum m/disk; nbdinfo --map "$uri"'

# --------------------------------------------------- nbdsh and the Python module

uses_ours python3 "$(/usr/bin/python3 -c 'import libnbdmod; print(libnbdmod.__file__)')"
scenario nbdsh 'commands' \
    'serve memory 1M; nbdsh -u "$uri" -c "print(h.get_size())" -c "h.pwrite(b\"x\" * 512, 512)" \
        -c "print(h.pread(1024, 0))"'
scenario nbdsh 'script' 'serve memory 1M; nbdsh -u "$uri" -c - << END
for name in sorted(dir(h)):
    if name.startswith(("can_", "is_")) and name != "can_meta_context":
        print(name, getattr(h, name)())
END'
scenario nbdsh 'base:allocation' 'disk d; serve file d; nbdsh --base-allocation -u "$uri" -c "
def show(context, offset, entries, error):
    print(context, offset, entries)
h.block_status(h.get_size(), 0, show)"'
scenario nbdsh 'version' 'nbdsh -c "print(h.get_version())"' \
    's/^1\.[0-9]*\.[0-9]*$/VERSION/' 'the version of the library'
scenario nbdsh 'TLS' 'serve_at tcp -p "$port" --tls=require --tls-certificates="$pki" memory 1M 2> log
    nbdsh -c "h.set_tls(nbd.TLS_REQUIRE)" -c "h.set_tls_certificates(\"$pki\")" \
        -c "h.connect_tcp(\"localhost\", \"$port\")" -c "print(h.get_tls_negotiated(), h.pread(3, 0))"'
scenario nbdsh 'an error' 'nbdsh -c "h.connect_unix(\"none\")"; echo "$?"' "$words" "$reason_words"
scenario python3 'client.py' 'serve memory 1M; python3 "$programs/client.py" "$uri"'
scenario python3 'client.py, server without structured replies' \
    'serve --no-sr memory 1M; python3 "$programs/client.py" "$uri"' \
    '/^opt_list_meta_context\|^base:allocation/d' "$reason_contexts"

# ------------------------------------------------------------------------ OCaml

ocaml=$directory/client
if (cp "$programs/client.ml" "$ocaml.ml" && cd "$directory" &&
    ocamlopt -I +nbd unix.cmxa mlnbd.cmxa client.ml -o client) > "$log" 2>&1; then
    record 0 OCaml 'client.ml compiles' yes
else
    record 1 OCaml 'client.ml compiles' no
    cat "$log"
fi
uses_ours OCaml "$ocaml"
scenario OCaml 'client.ml' "serve memory 1M; $ocaml"' "$uri"'
scenario OCaml 'client.ml, qemu-nbd' \
    'truncate -s 1M d; qemu-nbd -f raw -k "$PWD/q" --pid-file=q.pid d & wait_for test -s q.pid
     '"$ocaml"' "nbd+unix:///?socket=$PWD/q"'

# -------------------------------------------------------------------------- fio

uses_ours fio "$(command -v fio)"
fio='fio --name=job --ioengine=nbd --uri="$uri" --size=16M --group_reporting \
    --output-format=json --output=report'
# Times differ, but the amounts of data must not.
counts='python3 -c "
import json
job = json.load(open(\"report\"))[\"jobs\"][0]
print(job[\"error\"], *(job[way][\"io_bytes\"] for way in (\"read\", \"write\", \"trim\")))"'
scenario fio 'write and verify' "serve memory 16M; $fio"' \
    --rw=write --bs=64k --iodepth=16 --verify=crc32c --verify_fatal=1; echo "$?"; '"$counts"
scenario fio 'random write and verify, small blocks' "serve memory 16M; $fio"' \
    --rw=randwrite --bs=4k --iodepth=64 --verify=sha256 --verify_fatal=1; echo "$?"; '"$counts"
scenario fio 'read and write at random' "serve memory 16M; $fio"' \
    --rw=randrw --bs=4k --iodepth=32 --randseed=1 --fsync=100; echo "$?"; '"$counts"
scenario fio 'write, read and verify, blocks of any size' "serve memory 16M; $fio"' \
    --rw=randrw --bsrange=512-128k --bs_unaligned=0 --iodepth=64 --number_ios=2000 --randseed=1 \
    --verify=crc32c --verify_fatal=1; echo "$?"; '"$counts"
# On the C library the variable has no effect.
scenario fio 'write and verify in batches' "serve memory 16M; export LIBNBDX_BATCH=1; $fio"' \
    --rw=randwrite --bs=4k --iodepth=64 --verify=sha256 --verify_fatal=1; echo "$?"; '"$counts"
# The server delays each request in a thread of its own, and logs when it begins
# and, with dots before its name, when it ends.
scenario fio 'as many in flight as asked for' \
    "serve --threads 64 --filter=log --filter=delay memory 16M logfile=log delay-read=2ms \
        delay-write=2ms; $fio"' --rw=randwrite --bs=4k --iodepth=64 --verify=crc32c --verify_fatal=1
    echo "$?"; '"$counts"'
    awk "/ (Read|Write) id=/ { if (++n > most) most = n } /\.\.\.(Read|Write) id=/ { n-- }
        END { print most + 0 }" log'
scenario fio 'trim' "serve memory 16M; $fio --rw=trim --bs=64k; echo \"\$?\"; $counts"
scenario fio 'verification fails on a faulty disk' \
    "serve null 16M; $fio"' \
    --rw=write --bs=64k --iodepth=16 --verify=crc32c --verify_fatal=1 2> log; echo "$?"; '"$counts"
scenario fio 'errors of the server' \
    "serve --filter=error memory 16M error=EIO error-pread-rate=100% 2> log; $fio"' \
    --rw=read --bs=64k --iodepth=16 2> log; echo "$?"; '"$counts"

# ------------------------------------------------------- the nbd plugin of nbdkit

plugin=/usr/lib/$multiarch/nbdkit/plugins/nbdkit-nbd-plugin.so
uses_ours nbdkit "$plugin"
chained='disk d; serve_at file -U file file d; '
scenario nbdkit 'nbdinfo through it' "$chained"'serve nbd socket="$PWD/file"; nbdinfo "$uri"; nbdinfo --map "$uri"'
scenario nbdkit 'nbdcopy through it' "$chained"'serve nbd uri="nbd+unix:///?socket=$PWD/file" shared=true
    nbdcopy "$uri" e; cmp d e; nbdcopy "$programs/client.py" "$uri"; cmp -n 1000 "$programs/client.py" d'
scenario nbdkit 'a command behind it' \
    'serve nbd command=nbdkit arg=pattern arg=1M; nbdcopy "$uri" - | md5sum'
scenario nbdkit 'three in a row, read only' "$chained"'
    serve_at one -U one nbd socket="$PWD/file"; serve --readonly nbd socket="$PWD/one"; nbdinfo --json "$uri"'
scenario nbdkit 'TLS behind it, certificates' 'serve_at tcp -p "$port" --tls=require --tls-certificates="$pki" \
        --tls-verify-peer memory 8M 2> log
    disk d; serve nbd hostname=localhost port="$port" tls=require tls-certificates="$pki"
    nbdinfo "$uri"; nbdcopy d "$uri"; nbdcopy "$uri" e; cmp d e'
scenario nbdkit 'TLS behind it and before it, shared key' \
    'serve_at file -U file --tls=require --tls-psk="$pki/keys.psk" pattern 1M 2> log
    serve --tls=require --tls-psk="$pki/keys.psk" nbd socket="$PWD/file" tls=require 2> log2 \
        tls-psk="$pki/keys.psk" tls-username=alice
    nbdinfo "nbds+unix://alice@/?socket=$PWD/socket&tls-psk-file=$pki/keys.psk"'
scenario nbdkit 'exports of the server behind it' \
    'mkdir f; disk f/a; truncate -s 1M f/b; serve_at file -U file file dir=f
     serve nbd socket="$PWD/file" dynamic-export=true; nbdinfo --list "$uri"'

# ------------------------------------------------------------------------- poke

libpoke=/usr/lib/$multiarch/libpoke.so.0
uses_ours poke "$libpoke"
scenario poke 'dump and change a disk' 'disk d; serve file d
    poke --quiet --color=no -c ".nbd $uri" -c "dump :from 0#B :size 64#B" -c "byte @ 3#B = 0x41" \
        -c "dump :from 0#B :size 64#B" -c ".info ios" -c .quit; md5sum d'

total

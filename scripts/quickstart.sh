#!/usr/bin/env bash
# Serves a RAM disk and reads it with a C program that it compiles.
# `make quickstart` runs this script after building the library and the server.

set -euo pipefail
cd "$(dirname "$0")/.."

server=${EMBEDDED_SERVER:?set by make quickstart}
export PKG_CONFIG_PATH=${LIBNBD_BUILD:?set by make quickstart}
# The loader must not find another copy of the library.
unset LD_LIBRARY_PATH

directory=$(mktemp -d "${TMPDIR:-/tmp}/nbd-quickstart-XXXXXX")
server_pid=
finish() {
    if [ -n "$server_pid" ]; then
        kill "$server_pid" 2> /dev/null || true
        wait "$server_pid" 2> /dev/null || true
    fi
    rm -rf "$directory"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# Prints a command as one would type it, then runs it.
show() {
    printf '\n$ %s\n' "$1"
    shift
    "$@"
}

show "embedded-server --unix disk.sock --size 64M --pattern &" true
"$server" --unix "$directory/disk.sock" --size 64M --pattern \
    --ready-file "$directory/ready" --exit-with-parent &
server_pid=$!
until [ -e "$directory/ready" ]; do
    kill -0 "$server_pid" 2> /dev/null || { echo 'the server did not start' >&2; exit 1; }
    sleep 0.05
done

read -ra compiler <<< "${CC:-cc}"
flags=()
# As a shell reads them: pkg-config escapes the spaces of directories.
eval "flags=($(pkg-config --cflags --libs libnbd))"
show "cc examples/first-sector.c \$(pkg-config --cflags --libs libnbd) -o first-sector" \
    "${compiler[@]}" examples/first-sector.c "${flags[@]}" -o "$directory/first-sector"
show "./first-sector disk.sock" "$directory/first-sector" "$directory/disk.sock"
printf '\nA C program has just read an NBD disk through %s.\n' "$LIBNBD_BUILD/libnbd.so.0"

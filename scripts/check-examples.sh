#!/usr/bin/env bash
# Runs the quickstart and the example programs and checks their output.  Run
# `make all server` first.
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

server=${EMBEDDED_SERVER:?set by make check}
export PKG_CONFIG_PATH=${LIBNBD_BUILD:?set by make check}
unset LD_LIBRARY_PATH
read -ra cc <<< "${CC:-cc}"
read -ra flags <<< "${CARGO_FLAGS:-}"
directory=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null; rm -rf "$directory"' EXIT
suite=examples
log=$directory/output
. scripts/tally.sh

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

compile() { # EXAMPLE
    local flags
    read -ra flags <<< "$(pkg-config --cflags --libs libnbdx)"
    "${cc[@]}" -std=gnu11 -Wall -Wextra -Werror "examples/$1.c" "${flags[@]}" -o "$directory/$1"
}

serve() { # NAME OPTION...
    local name=$1
    shift
    "$server" --unix "$directory/$name.sock" --ready-file "$directory/$name.ready" "$@" &
    local pid=$!
    until [ -e "$directory/$name.ready" ]; do
        kill -0 "$pid" || return
        sleep 0.05
    done
}

check 'quickstart' quickstart
check 'it runs on this library' says 'library: libnbd 1.24.'
check 'it prints the size of the disk' says 'size: 67108864 bytes'
check 'it prints the first sector' says '000001f0  00 00 00 00 00 00 01 f0 '

# An odd size, so that the last read is a short one.
head -c 10000001 /dev/urandom > "$directory/disk"
serve disk --file "$directory/disk" --read-only
check 'async-copy compiles' compile async-copy
check 'async-copy copies' "$directory/async-copy" "$directory/disk.sock" "$directory/copy"
check 'the copy is the same' cmp "$directory/disk" "$directory/copy"

reads_on_tokio() { # SOCKET SIZE
    local printed
    printed=$("${CARGO:-cargo}" run --quiet "${flags[@]}" --example tokio_read "nbd+unix:///?socket=$1")
    echo "$printed"
    [ "$printed" = "$2 bytes" ]
}

serve empty --size 0
check 'tokio_read reads' reads_on_tokio "$directory/disk.sock" 10000001
check 'tokio_read on an empty disk' reads_on_tokio "$directory/empty.sock" 0
check 'first-sector compiles' compile first-sector
check 'first-sector on an empty disk' "$directory/first-sector" "$directory/empty.sock"
check 'async-copy on an empty disk' "$directory/async-copy" "$directory/empty.sock" "$directory/none"
check 'an empty copy' test -f "$directory/none" -a ! -s "$directory/none"

# nbdkit asks for a certificate of the client.
pki=$directory/pki
bundle() { # KEY
    cat "$pki/client/client-cert.pem" "$1" "$pki/good.pem" > "$directory/bundle"
}

over_tls() { # PASSWORD
    local printed
    # shellcheck disable=SC2016  # nbdkit sets $uri.
    printed=$(KEY_PASSWORD=$1 nbdkit -U - --tls=require "--tls-certificates=$pki/server" \
        --tls-verify-peer memory 1M --run "'$directory/tls-memory' \"\$uri\" < '$directory/bundle'")
    echo "$printed"
    [ "$printed" = '1048576 bytes, encrypted' ]
}

check 'certificates are made' c-tests/support/pki.sh "$pki"
check 'tls-memory compiles' compile tls-memory
bundle "$pki/client/client-key.pem"
check 'tls-memory connects' over_tls ''
bundle "$pki/locked/client-key.pem"
check 'tls-memory with an encrypted key' over_tls secret

total

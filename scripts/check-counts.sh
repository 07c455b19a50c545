#!/usr/bin/env bash
# Counts the system calls and instructions of the main kinds of work, and compares
# them with limits.  No clock is involved, and the server acts only when told to
# (bench/lockstep.h), so the counts stay the same on a busy machine.  The limits
# leave room for other compilers, C libraries and kernels.
#
# Prints a line for each count and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

ours=${LIBNBD_BUILD:?set by make check}
read -ra cc <<< "${CC:-cc}"
unset LD_LIBRARY_PATH
# Short, because the path of a Unix socket must be short.
directory=$(mktemp -d /tmp/nbd-counts-XXXXXX)
socket=$directory/socket
trap 'kill $(jobs -p) 2> /dev/null; rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM
suite=counts
log=$directory/output
. scripts/tally.sh

compile() { # PROGRAM SOURCE...
    local program=$directory/$1
    shift
    (cd bench && "${cc[@]}" -std=gnu11 -O2 -Wall -Wextra -Werror -I../include "$@" \
        "-L$ours" -lnbd -o "$program")
}

serve() {
    LD_LIBRARY_PATH=$ours "$directory/counts" serve "$socket" &
    until [ -S "$socket" ]; do
        kill -0 $! || return
        sleep 0.05
    done
}

# Creating a handle looks for variables, which takes longer if there are many.
run() { # COMMAND...
    env -i "PATH=$PATH" "LD_LIBRARY_PATH=$library" timeout 60 "$@" \
        > "$directory/log" 2>&1 && return
    cat "$directory/log" >&2
    echo "failed: $*" >&2
    return 1
}

# Excludes the system calls of the server where it shares the process.
system_calls() { # PROGRAM ARGUMENT...
    run strace -c -U calls,name -e trace='!preadv2,pwritev2' -o "$directory/calls" "$@" &&
        awk '$2 == "total" { print $1 }' "$directory/calls"
}

# With --toggle-collect, counts only the library and what it calls.
instructions() { # [--toggle-collect=FUNCTION] PROGRAM ARGUMENT...
    run valgrind --tool=callgrind "--callgrind-out-file=$directory/profile" "$@" &&
        sed -n 's/^.* Collected : \([0-9]*\)$/\1/p' "$directory/log"
}

library_instructions() { # PROGRAM ARGUMENT...
    instructions '--toggle-collect=nbd_*' "$@"
}

# Two runs differ only in how often they repeat the work, so that everything else
# cancels out.
each() { # COUNTER LESS MORE OPERATIONS ARGUMENT...
    local counter=$1 less=$2 more=$3 operations=$4 with without
    shift 4
    without=$("$counter" "$directory/counts" "$@" "$less") &&
        with=$("$counter" "$directory/counts" "$@" "$more") &&
        awk "BEGIN { print ($with - $without) / $operations }"
}

per_cent() { # COUNT OF-COUNT
    [ -n "$1" ] && [ -n "$2" ] && awk "BEGIN { print 100 * $1 / $2 }"
}

at_most() { # NAME LIMIT COUNT
    check "$1: $3, at most $2" no_more "$3" "$2"
}

# The count is empty if counting failed.
no_more() { # COUNT LIMIT
    [ -n "$1" ] && awk "BEGIN { exit !($1 <= $2) }"
}

in_rounds() { # NAME SYSTEM-CALLS INSTRUCTIONS [batched] read|write DEPTH BLOCK
    local name=$1 calls=$2 limit=$3 operations
    shift 3
    operations=$((10 * ${*: -2:1}))
    at_most "$name, system calls" "$calls" "$(each system_calls 0 10 "$operations" "$@")"
    at_most "$name, instructions" "$limit" "$(each library_instructions 0 10 "$operations" "$@")"
}

with_server() { # NAME SYSTEM-CALLS INSTRUCTIONS connect|syncread
    at_most "$1, system calls" "$2" "$(each system_calls 0 100 100 "$4" "$socket")"
    at_most "$1, instructions" "$3" "$(each library_instructions 0 100 100 "$4" "$socket")"
}

check 'counts.c compiles' compile counts counts.c lockstep.c workload.c
check 'create-close.c compiles' compile create-close create-close.c
check 'the server starts' serve
library=$ours

in_rounds '4 KiB reads, 64 in flight' 1.3 2960 read 64 4096
in_rounds '4 KiB writes, 64 in flight' 1.1 2260 write 64 4096
in_rounds '256 KiB reads, 16 in flight' 5.5 4750 read 16 262144
in_rounds '256 KiB writes, 16 in flight' 5.5 4130 write 16 262144
in_rounds '4 KiB reads in batches, 64 in flight' 0.2 2290 batched read 64 4096
in_rounds '4 KiB writes in batches, 64 in flight' 0.2 1720 batched write 64 4096
# The cost of a command does not depend on how many others are in flight.
few=$(each library_instructions 0 10 100 read 10 4096)
many=$(each library_instructions 0 1 10000 read 10000 4096)
at_most 'a read with 10,000 in flight, instructions, per cent of one with 10' 150 \
    "$(per_cent "$many" "$few")"

with_server 'synchronous 4 KiB reads' 3 3080 syncread
with_server 'connect and shut down' 18 33000 connect
at_most 'create and close, system calls' 0 "$(each system_calls 0 100 100 create)"
at_most 'create and close, instructions' 3600 "$(each library_instructions 0 100 100 create)"

# The cost of loading this library and its dependencies depends on the system, and
# most of it is OpenSSL; the C library has more to load.
here=$(instructions "$directory/create-close")
library=
there=$(instructions "$directory/create-close")
at_most 'a program that creates and closes a handle, per cent of the C library' 60 \
    "$(per_cent "$here" "$there")"

total

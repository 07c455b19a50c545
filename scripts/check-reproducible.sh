#!/usr/bin/env bash
# Checks what the binaries contain besides code: no names of directories, and no
# debug data where programs would inherit it.  With --build, builds a second time
# in another directory, for another home, and compares the results; this takes as
# long as the first build.
#
# Prints a line for each check and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

ours=${LIBNBD_BUILD:?set by make check}
shared=$ours/libnbd.so.0.0.0
archive=$ours/libnbd.a
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
suite=binaries
log=$directory/output
. scripts/tally.sh

# Reports where it was found.
lacks() { # FILE TEXT
    ! grep --text --only-matching --fixed-strings "$2" "$1" | sort | uniq -c | grep .
}

has_no_debug_data() { # FILE
    ! readelf --wide --sections "$1" | grep -F .debug_
}

stripped_size() { # FILE
    strip -o "$directory/stripped" "$1" && stat --format=%s "$directory/stripped"
}

at_most() { # LIMIT COMMAND...
    local limit=$1 value
    shift
    value=$("$@") && echo "$value, at most $limit" && [ "$value" -le "$limit" ]
}

notes() { # FILE WORD
    readelf --notes "$1" | grep -w "$2"
}

# Another place, another home, another directory of cargo with the same crates.
build_elsewhere() {
    local tree=$directory/another/place cargo_home=${CARGO_HOME:-$HOME/.cargo}
    mkdir -p "$tree" "$directory/home" "$directory/crates" &&
        ln -s "$cargo_home"/registry "$directory/crates" &&
        git ls-files -z | xargs -0 cp --parents --target-directory="$tree" &&
        env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CARGO_TARGET_DIR -u LIBNBD_BUILD \
            "RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}" \
            "CARGO_HOME=$directory/crates" "HOME=$directory/home" \
            make --no-print-directory -C "$tree" build/libnbd.so.0.0.0 build/libnbd.a build/man build/html
}

same() { # FILE
    cmp "$ours/$1" "$directory/another/place/build/$1"
}

same_directories() { # DIRECTORY...
    local name
    for name in "$@"; do
        diff -r "$ours/$name" "$directory/another/place/build/$name" || return
    done
}

for file in "$shared" "$archive"; do
    name=$(basename "$file")
    for place in "$PWD" "$HOME/" "${CARGO_HOME:-$HOME/.cargo}" "$(rustc --print sysroot)" /home/; do
        check "$name does not contain $place" lacks "$file" "$place"
    done
done
check 'libnbd.a has no debug data' has_no_debug_data "$archive"
if [ "$(uname -m)" = x86_64 ]; then
    check 'libnbd.so.0 is small' at_most 950000 stripped_size "$shared"
    check 'libnbd.so.0 can have a shadow stack' notes "$shared" SHSTK
fi

if [ "${1:-}" = --build ]; then
    check 'a second build, elsewhere' build_elsewhere
    check 'the same libnbd.so.0' same libnbd.so.0.0.0
    check 'the same libnbd.a' same libnbd.a
    check 'the same manual' same_directories man html
fi

total

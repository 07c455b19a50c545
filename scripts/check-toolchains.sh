#!/usr/bin/env bash
# Builds with other compilers and linkers than the usual ones, in a directory whose
# name has spaces, and without what a build needs.  Run `make all server` first.
# With --long, also builds everything in such a directory, and runs the Rust tests
# with the oldest supported Rust.
#
#   check-toolchains.sh [--long]
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

long=${1:-}
directory=$(mktemp -d)
trap 'rm -rf "$directory" build/toolchains' EXIT
trap 'exit 1' HUP INT TERM
suite=toolchains
log=$directory/output
. scripts/tally.sh

# The surrounding run of make must not influence what is built.
unset MAKEFLAGS MFLAGS MAKELEVEL CC CFLAGS LDFLAGS LD_LIBRARY_PATH EMBEDDED_SERVER LIBNBD_BUILD
target_directory=$(realpath "${CARGO_TARGET_DIR:-target}")
archive=${CARGO_TARGET_DIR:-target}/release/libnbd.a
cargo=${CARGO:-cargo}
run_make() {
    make --no-print-directory "$@"
}

# ------------------------------------------------------- compilers and linkers

has_the_abi() {
    scripts/check-abi.py --library "$build/libnbd.so.0.0.0" --archive "$build/libnbd.a" \
        --header include/libnbd{,x}.h --api tests/data/{api,libnbdx}.json
}

# A program, with the shared library and with the static one, by the same tools.
works() { # COMPILER [OPTION]...
    local linked
    "$@" c-tests/consumers/program.c -Iinclude "-L$build" -lnbd "-Wl,-rpath,$PWD/$build" \
        -o "$directory/shared" || return
    "$@" c-tests/consumers/program.c -Iinclude "$build/libnbd.a" -lssl -lcrypto -lpthread -lm -ldl \
        -o "$directory/static" || return
    for linked in shared static; do
        "$directory/$linked" nbdkit -s --exit-with-parent memory 1M || return
    done
    readelf --dynamic "$directory/shared" | grep -q 'NEEDED.*libnbd\.so\.0' &&
        ! readelf --dynamic "$directory/static" | grep -q 'NEEDED.*libnbd\.so\.0'
}

linked_with() { # NAME COMPILER CFLAGS LDFLAGS
    local compiler options
    build=build/toolchains/$1
    read -ra compiler <<< "$2"
    read -ra options <<< "$3 $4"
    # Cargo would compile everything again, because it is told of the C compiler, too.
    check "$1: library" run_make "$build/libnbd.so" "$build/libnbd.a" "BUILD=$build" \
        "--assume-old=$archive" "CC=$2" "CFLAGS=$3" "LDFLAGS=$4"
    check "$1: ABI" has_the_abi
    check "$1: programs" works "${compiler[@]}" "${options[@]}"
}

is_linker() { # LINKER COMPILER OPTION
    "$2" "$3" -Wl,--version | grep -i "${1#ld.}"
}

# As if another linker were installed under the name of the usual one.
linked_by_default_with() { # LINKER COMPILER
    mkdir "$directory/$1"
    ln -s "$(command -v "$1")" "$directory/$1/ld"
    check "$1 is the default" is_linker "$1" "$2" "-B$directory/$1"
    linked_with "$1" "$2 -B$directory/$1" '' ''
}

linked_with clang clang '' ''
linked_by_default_with ld.lld clang
linked_by_default_with mold gcc
linked_with LTO gcc '-O2 -flto=auto' '-O2 -flto=auto'
linked_with dpkg-buildflags gcc \
    "$(DEB_BUILD_MAINT_OPTIONS='hardening=+all optimize=+lto' dpkg-buildflags --get CFLAGS)" \
    "$(DEB_BUILD_MAINT_OPTIONS='hardening=+all optimize=+lto' dpkg-buildflags --get LDFLAGS)"

# -------------------------------------------------------------------- spaces

# Both pkg-config and the shell need to be told that a space does not end a word.
finds_the_header() { # DIRECTORY-OF-PC-FILE
    local flags
    eval "flags=($(PKG_CONFIG_PATH=$1 pkg-config --cflags --libs libnbd))"
    printf '%s\n' "${flags[@]}"
    cc c-tests/consumers/program.c "${flags[@]}" -o "$directory/spaced"
}

spaced="$directory/with two spaces"
check 'installed below a name with spaces' run_make install "PREFIX=$spaced/usr"
check 'the shared library can be executed' test -x "$spaced/usr/lib/libnbd.so.0.0.0"
check 'pkg-config finds it' finds_the_header "$spaced/usr/lib/pkgconfig"
check 'staged below a name with spaces' run_make install "DESTDIR=$spaced/stage" PREFIX=/usr
check 'uninstalled' run_make uninstall "PREFIX=$spaced/usr"
check 'nothing is left' test -z "$(find "$spaced/usr" -name '*nbd*')"

# ------------------------------------------------------------- what is missing

# One line, on standard error, with what to install.
says() { # PATTERN COMMAND...
    local pattern=$1
    shift
    ! "$@" > "$directory/stdout" 2> "$directory/stderr" || return
    cat "$directory/stderr"
    [ "$(grep -vc '^make' "$directory/stderr")" -eq 1 ] && grep -q "$pattern" "$directory/stderr"
}

says_remedy() { # PATTERN COMMAND...
    local pattern=$1
    shift
    ! "$@" > "$directory/remedy" 2>&1 || return
    grep "$pattern" "$directory/remedy"
}

check 'without cargo' says 'Debian: cargo' run_make server CARGO=no-cargo
check 'without a compiler' says 'Debian: gcc' run_make server CC=no-cc
check 'without the headers of OpenSSL' says 'Debian: libssl-dev' \
    env PKG_CONFIG_LIBDIR=/nowhere PKG_CONFIG_PATH= make --no-print-directory server
check 'without pkg-config' says 'Debian: pkg-config' env PKG_CONFIG=no-pkg-config make --no-print-directory server
# Not even the administrator can create a directory in there.
check 'where nobody may write' says_remedy 'run it with sudo' run_make install DESTDIR=/proc/self

# ------------------------------------------------------------------- old Rust

oldest=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
old_rust() {
    rustup run "$oldest" true 2> /dev/null || rustup toolchain install --profile minimal "$oldest"
}

# With directories of its own: another compiler would replace what is in ours.
check "Rust $oldest" old_rust
check "compiles with Rust $oldest" rustup run "$oldest" cargo check --locked --workspace --all-targets \
    --target-dir "$target_directory/oldest"

# ----------------------------------------------------------------------- long

quickstart_in() { # DIRECTORY
    rm -rf "$1" && mkdir -p "$1" &&
        git ls-files -z | tar --create --null --files-from=- | tar --extract --directory "$1" &&
        make --no-print-directory --directory "$1" quickstart "PREFIX=$1/installed here" &&
        make --no-print-directory --directory "$1" header install "PREFIX=$1/installed here"
}

if [ "$long" = --long ]; then
    check "the Rust tests with Rust $oldest" rustup run "$oldest" "$cargo" test --locked --workspace \
        --no-fail-fast --target-dir "$target_directory/oldest"
    check 'built in a directory with spaces' quickstart_in "$spaced/lib nbd"
fi

total

#!/usr/bin/env bash
# Compiles the library for every platform in the table of README.md.  With --long,
# also runs tests on those platforms that this machine can emulate.
#
#   check-targets.sh [--long] [TARGET]...
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

long=
if [ "${1:-}" = --long ]; then
    long=yes
    shift
fi
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
suite=targets
log=$directory/output
. scripts/tally.sh

# The surrounding run of make must not influence what is built.
unset MAKEFLAGS MFLAGS MAKELEVEL CARGO_FLAGS CC EMBEDDED_SERVER LIBNBD_BUILD
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}
cargo=${CARGO:-cargo}

# ------------------------------------------------------------------ the table

emulated='some tests, emulated'
untested='compiles, untested'
table() {
    cat << END
x86_64-unknown-linux-gnu all tests
x86_64-unknown-linux-musl unit tests, statically linked
i686-unknown-linux-gnu $emulated
s390x-unknown-linux-gnu $emulated
aarch64-unknown-linux-gnu compiles
aarch64-unknown-linux-musl compiles
armv7-unknown-linux-gnueabihf compiles
riscv64gc-unknown-linux-gnu compiles
powerpc64le-unknown-linux-gnu compiles
powerpc-unknown-linux-gnu compiles
x86_64-unknown-freebsd $untested
x86_64-apple-darwin $untested
aarch64-apple-darwin $untested
END
}

table_is_right() {
    # shellcheck disable=SC2016
    diff <(table) <(sed -n 's/^| [^|]* | `\([^`]*-[^`]*-[^`]*\)` | \([^|]*\) |$/\1 \2/p' README.md)
}

# ------------------------------------------------------------------ compiling

if [ $# -gt 0 ]; then
    targets=("$@")
else
    mapfile -t targets < <(table | cut -d ' ' -f 1 | grep -vFx "$(rustc -vV | sed -n 's/^host: //p')")
fi

standard_libraries() {
    local installed
    installed=$(rustc --print sysroot)/lib/rustlib
    for target in "${targets[@]}"; do
        [ -d "$installed/$target" ] || missing+=("$target")
    done
    [ ${#missing[@]} -eq 0 ] || rustup target add "${missing[@]}"
}

# The linter type-checks everything and links nothing, so it needs no libraries of
# the target.  Of OpenSSL it needs the version and the options, which the headers of
# this machine say; clang reads them whatever the target.
compiles() { # TARGET
    local name=${1//-/_} multiarch
    multiarch=$(cc -print-multiarch)
    env "CC_$name=clang" "CFLAGS_$name=-I/usr/include/$multiarch" OPENSSL_NO_PKG_CONFIG=1 \
        OPENSSL_INCLUDE_DIR=/usr/include "OPENSSL_LIB_DIR=/usr/lib/$multiarch" \
        "$cargo" clippy --locked --target "$1" --workspace --lib --bins -- -D warnings
}

[ $# -gt 0 ] || check 'the table in README.md' table_is_right
missing=()
check 'standard libraries' standard_libraries
for target in "${targets[@]}"; do
    check "compiles for $target" compiles "$target"
done

# ------------------------------------------------------------------ emulation

# Libraries and headers of another Debian architecture.  They are only unpacked.  The
# C library to link with is that of the cross compiler, so OpenSSL has a directory
# of its own.
sysroot() {
    local release
    release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    [ -e "$root/openssl" ] && return
    rm -rf "$root"
    mkdir -p "$(dirname "$root")"
    mmdebstrap --quiet --variant=extract "--architectures=$architecture" \
        --include=libc6-dev,libgcc-s1,libssl-dev,zlib1g "$release" "$root.new" \
        "deb http://deb.debian.org/debian $release main" &&
        mkdir "$root.new/openssl" &&
        ln -s "../usr/lib/$multiarch"/lib{ssl,crypto}.so "$root.new/openssl" &&
        mv "$root.new" "$root"
}

# Sets what cargo and make need to build for a target and to run the result.
for_target() { # COMMAND...
    local name=${target//-/_} libraries=$root/usr/lib/$multiarch
    local flags="-Clink-arg=-Wl,-rpath-link,$libraries:$root/lib/$multiarch"
    env "CC_$name=$gnu-gcc" "CFLAGS_$name=-I$root/usr/include/$multiarch -I$root/usr/include" \
        OPENSSL_NO_PKG_CONFIG=1 "OPENSSL_INCLUDE_DIR=$root/usr/include" "OPENSSL_LIB_DIR=$root/openssl" \
        "CARGO_TARGET_${name^^}_LINKER=$gnu-gcc" "CARGO_TARGET_${name^^}_RUNNER=$emulator -L $root" \
        "CARGO_TARGET_${name^^}_RUSTFLAGS=$flags" "$@"
}

# What depends on the order and the size of numbers.  (The long series of the
# conversations would take an hour.)
modules=(protocol:: sys:: statistics:: uri:: memory:: ffi:: transmission::commands
    transmission::table transmission::coverage transport::tls::priority)

unit_tests() {
    for_target "$cargo" test --locked --target "$target" --package libnbd --lib -- "${modules[@]}"
}

# Not optimised, because that is what takes long.
library() {
    for_target env CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        make --no-print-directory all "CARGO_FLAGS=--locked --target $target" "BUILD=$build" \
        "LDFLAGS=-L$root/openssl -Wl,-rpath-link,$root/usr/lib/$multiarch:$root/lib/$multiarch"
}

has_the_abi() {
    scripts/check-abi.py --library "$build/libnbd.so.0.0.0" --archive "$build/libnbd.a" \
        --header include/libnbd{,x}.h --api tests/data/{api,libnbdx}.json
}

programs=(errors data chunks block_status uri settings lifecycle)

# The servers are those of this machine.
c_tests() {
    local only=() program
    for program in "${programs[@]}"; do
        only+=(--only "$program")
    done
    CC="$gnu-gcc -Wl,-rpath-link,$root/usr/lib/$multiarch:$root/lib/$multiarch" \
        EMULATOR="$emulator -L $root" INCLUDE=$PWD/include LIB=$PWD/$build \
        EMBEDDED_SERVER=$PWD/$CARGO_TARGET_DIR/release/embedded-server \
        c-tests/run.sh "${only[@]}"
}

# A run of many tests: the totals of its log are added to ours.
tests() { # NAME COMMAND...
    check "$@"
    grep -E '^(test result: |[0-9]+ passed, |not ok )' "$log"
}

emulate() { # TARGET GNU-NAME ARCHITECTURE MULTIARCH-NAME EMULATOR
    target=$1 gnu=$2 architecture=$3 multiarch=$4 emulator=$5
    root=$PWD/build/sysroot/$architecture
    build=build/targets/$target
    check "$target: libraries of Debian" sysroot
    tests "$target: unit tests" unit_tests
    check "$target: library" library
    check "$target: ABI" has_the_abi
    tests "$target: C tests" c_tests
}

# ----------------------------------------------------------------------- musl

# There is no OpenSSL for musl in Debian, so cargo builds it, in a copy of the
# sources because this changes Cargo.lock.
static_tests() {
    local copy=build/targets/musl
    mkdir -p "$copy" &&
        git ls-files -z | tar --create --null --files-from=- | tar --extract --directory "$copy" &&
        (
            target_directory=$(realpath "$CARGO_TARGET_DIR")
            cd "$copy" &&
                CC_x86_64_unknown_linux_musl=musl-gcc CARGO_TARGET_DIR=$target_directory \
                    "$cargo" test --target x86_64-unknown-linux-musl --package libnbd --lib \
                    --features openssl-sys/vendored -- "${modules[@]}" transport:: client::
        )
}

if [ -n "$long" ]; then
    check 'scripted server' "$cargo" build --locked --release --package embedded-server
    emulate s390x-unknown-linux-gnu s390x-linux-gnu s390x s390x-linux-gnu qemu-s390x
    emulate i686-unknown-linux-gnu i686-linux-gnu i386 i386-linux-gnu qemu-i386
    tests 'x86_64-unknown-linux-musl: unit tests, statically linked' static_tests
fi

total

#!/usr/bin/env bash
# Checks the crate as Rust programs get it: its public API is the stored one, it
# can be published, and a program that depends on what is published compiles only
# what it needs, and works.  Run `make server` first.
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

server=${EMBEDDED_SERVER:?set by make check}
cargo=${CARGO:-cargo}
read -ra flags <<< "${CARGO_FLAGS:-}"
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
directory=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null; rm -rf "$directory"' EXIT
suite=crate
log=$directory/output
. scripts/tally.sh

documentation() {
    rm -rf "$target/doc/libnbd"
    RUSTDOCFLAGS='-D warnings' "$cargo" doc "${flags[@]}" --no-deps --package libnbd
}

compare_api() { # OPTION...
    scripts/public-api.py "$target/doc/libnbd" "$@"
}

notices_a_lost_function() {
    { cat tests/data/public-api.txt; echo 'struct Handle: pub fn lost(&self)'; } > "$directory/api"
    ! compare_api --list "$directory/api" &&
        ! compare_api --list "$directory/api" --update &&
        grep -q lost "$directory/api"
}

a_new_version_may_lose_it() {
    sed -i '1s/.*/0.0.1/' "$directory/api"
    compare_api --list "$directory/api" --update &&
        diff "$directory/api" tests/data/public-api.txt
}

notices_a_new_function() {
    sed '/pub fn pread(/d' tests/data/public-api.txt > "$directory/api"
    ! compare_api --list "$directory/api" &&
        compare_api --list "$directory/api" --update &&
        diff "$directory/api" tests/data/public-api.txt
}

# What it builds is below, so it is not built here.  It has no address on the web
# that the manifest could name, and its tests need the workspace.
publish() {
    local status
    "$cargo" publish "${flags[@]}" --dry-run --no-verify --allow-dirty --package libnbd \
        2> "$directory/published"
    status=$?
    cat "$directory/published"
    [ $status -eq 0 ] && ! grep '^warning' "$directory/published" |
        grep -v -e 'no documentation, homepage or repository$' -e 'ignoring test' -e 'dry run$'
}

unpack() {
    local version
    version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
    rm -f "$target/package/libnbd-$version.crate"
    "$cargo" package "${flags[@]}" --no-verify --allow-dirty --package libnbd &&
        tar -xzf "$target/package/libnbd-$version.crate" -C "$directory" &&
        mv "$directory/libnbd-$version" "$directory/libnbd"
}

# A program outside the workspace, with the same versions of other crates.
program=$directory/program
mkdir -p "$program/src"
cp Cargo.lock "$program"
cat > "$program/Cargo.toml" << 'END'
[package]
name = "program"
edition = "2024"

[features]
capi = ["libnbd/capi"]

[dependencies]
libnbd = { path = "../libnbd" }
END
cat > "$program/src/main.rs" << 'END'
fn main() -> Result<(), libnbd::Error> {
    let handle = libnbd::Handle::new();
    handle.connect_unix(std::env::args_os().nth(1).unwrap_or_default())?;
    let mut sector = [0; 512];
    handle.pread(&mut sector, 512, 0)?;
    println!("{:?}", &sector[504..]);
    handle.shutdown(0)
}
END

depend() { # COMMAND OPTION...
    (cd "$program" && CARGO_TARGET_DIR=$target/dependant "$cargo" "$@")
}

is_small() {
    depend tree --edges normal,build --prefix none > "$directory/tree"
    local status=$?
    cat "$directory/tree"
    [ $status -eq 0 ] && grep -q '^openssl-sys ' "$directory/tree" &&
        ! grep -E '^(cbindgen|serde|toml|tokio|mio|embedded-server)' "$directory/tree"
}

serve() {
    "$server" --unix "$directory/sock" --ready-file "$directory/ready" --size 64K --pattern &
    local pid=$!
    until [ -e "$directory/ready" ]; do
        kill -0 "$pid" || return
        sleep 0.05
    done
}

reads() {
    local printed
    printed=$("$target/dependant/debug/program" "$directory/sock")
    echo "$printed"
    [ "$printed" = '[0, 0, 0, 0, 0, 0, 3, 248]' ]
}

# They would take the place of those of the C library.
has_no_c_functions() {
    nm "$target/dependant/debug/program" > "$directory/symbols" &&
        grep -q ' main$' "$directory/symbols" &&
        ! grep ' nbdx\{0,1\}_' "$directory/symbols"
}

check 'documentation without warnings' documentation
check 'the public API is the stored one' compare_api
check 'a lost function is noticed' notices_a_lost_function
check 'a new version may lose it' a_new_version_may_lose_it
check 'a new function is noticed' notices_a_new_function
check 'can be published' publish
check 'is unpacked' unpack
check 'a program depends on few crates' is_small
check 'it compiles' depend build
serve
check 'it reads a disk' reads
check 'it has no C functions' has_no_c_functions
check 'the C interface compiles on request' depend check --features capi

total

#!/usr/bin/env bash
# Prints flags for rustc, as the variable CARGO_ENCODED_RUSTFLAGS holds them: those
# of RUSTFLAGS, and others that replace the names of directories in the binaries.
# So two builds of the same sources are equal, wherever they are made.
#
# (Cargo ignores the flags of its configuration files if that variable is set.)

set -euo pipefail
cd "$(dirname "$0")/.."

rustc=${RUSTC:-rustc}
read -ra flags <<< "${RUSTFLAGS:-}"

rename() { # DIRECTORY NAME
    flags+=("--remap-path-prefix=$1=$2")
}

# The last match counts.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
# Rustc names files as cargo does, but the directory as the system does.
rename "$(realpath -m "$cargo_home/registry")" cargo/registry
rename "$cargo_home" cargo
# The sources of the standard library, if they are installed; otherwise rustc calls
# them this.
commit=$("$rustc" --version --verbose | sed -n 's/^commit-hash: //p')
rename "$("$rustc" --print sysroot)/lib/rustlib/src/rust" "/rustc/$commit"
rename "$(pwd -P)" .

(IFS=$'\037' && printf '%s' "${flags[*]}")

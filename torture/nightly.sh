# Sets $cargo and $nightly for the harnesses that need a nightly compiler, and
# installs what is missing.
# shellcheck shell=bash disable=SC2034

cargo=${CARGO:-cargo}
nightly=${NIGHTLY:-nightly}

if ! command -v rustup > /dev/null; then
    echo 'rustup is missing: install it from https://rustup.rs' >&2
    return 1
fi
if ! "$cargo" "+$nightly" miri --version > /dev/null 2>&1 ||
    [ ! -e "$(rustc "+$nightly" --print sysroot)/lib/rustlib/src/rust/library" ]; then
    rustup toolchain install "$nightly" --profile minimal --component miri,rust-src || return
fi
"$cargo" fuzz --version > /dev/null 2>&1 || "$cargo" install --locked cargo-fuzz || return

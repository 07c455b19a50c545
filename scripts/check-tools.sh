#!/usr/bin/env bash
# Says in one line what is missing for a build.  The Makefile calls this script.
#
#   check-tools.sh [--cross]

set -euo pipefail

cross=${1:-}
read -ra cargo <<< "${CARGO:-cargo}"
read -ra cc <<< "${CC:-cc}"

missing() { # WHAT REMEDY
    echo "$1 is missing: $2" >&2
    exit 1
}

command -v "${cargo[0]}" > /dev/null ||
    missing "${cargo[0]}" 'install Rust 1.85 or later (Debian: cargo, or https://rustup.rs)'
command -v "${cc[0]}" > /dev/null ||
    missing "${cc[0]}" 'install a C compiler (Debian: gcc, libc6-dev)'

# Where OpenSSL is may also be said with variables, which the crate openssl-sys reads.
for variable in $(compgen -e); do
    case $variable in
        *OPENSSL_DIR | *OPENSSL_LIB_DIR | *OPENSSL_NO_PKG_CONFIG) exit 0 ;;
    esac
done
# A compiler for another processor has another pkg-config, or none.
[ "$cross" != --cross ] || exit 0
command -v "${PKG_CONFIG:-pkg-config}" > /dev/null ||
    missing "${PKG_CONFIG:-pkg-config}" 'install pkg-config (Debian: pkg-config)'
"${PKG_CONFIG:-pkg-config}" --exists 'openssl >= 3' ||
    missing 'OpenSSL 3' 'install its headers (Debian: libssl-dev; others: openssl-devel)'

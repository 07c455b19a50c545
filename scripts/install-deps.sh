#!/usr/bin/env bash
# Installs the Debian packages that are missing for building and testing.  Without
# permission to do so, it prints the command and fails.
#
#   install-deps.sh [--build-only]

set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
    # The C side of the build.
    gcc libc6-dev binutils make pkg-config libssl-dev
)
if [ "${1:-}" != --build-only ]; then
    packages+=(
        # Compilers, interpreters and checkers for the tests.
        g++ python3 shellcheck
        # Libraries with a main loop, for the examples.
        libglib2.0-dev libev-dev
        # Build systems of programs that use the library.
        autoconf cmake meson ninja-build
        # Servers.
        nbdkit nbd-server qemu-utils
        # SSH to this machine, and what it runs at the other end.
        openssh-client openssh-server netcat-openbsd
        # Certificates and keys for TLS.
        gnutls-bin
        # The C library: the reference for behaviour and speed.
        libnbd0 libnbd-dev libnbd-bin
        # Programs that were built for it, and their dependencies.
        python3-libnbd libnbd-ocaml-dev ocaml-nox fuse3 poke
        # Comparison of the ABI with that of the C library.
        abigail-tools
        # Debian packages, and a system to install them in.
        debhelper dpkg-dev mmdebstrap lintian rpm
        # Other compilers and linkers, other processors.
        clang lld mold musl-tools perl qemu-user gcc-i686-linux-gnu libc6-dev-i386-cross
        gcc-s390x-linux-gnu libc6-dev-s390x-cross
        # Observation and load.
        valgrind libc6-dbg strace fio
        # Names of services, manual pages, processes.
        netbase man-db mandoc groff-base procps
    )
fi

if ! command -v cargo > /dev/null; then
    echo 'cargo is missing: install Rust (1.85 or later) from https://rustup.rs' >&2
    exit 1
fi
if ! command -v dpkg-query > /dev/null; then
    echo 'this is not Debian or a derivative: install the equivalents of' >&2
    echo "    ${packages[*]}" >&2
    exit 1
fi

installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${packages[@]}" 2> /dev/null |
    sed -n 's/ installed$//p') || true
missing=()
for package in "${packages[@]}"; do
    grep -qx "$package" <<< "$installed" || missing+=("$package")
done

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
if [ ${#missing[@]} -gt 0 ]; then
    install=(apt-get install --yes --no-install-recommends "${missing[@]}")
    if ! "${as_root[@]}" true 2> /dev/null; then
        echo 'some packages are missing; install them with' >&2
        echo "    sudo ${install[*]}" >&2
        exit 1
    fi
    "${as_root[@]}" apt-get update --quiet
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" < /dev/null
fi

# Container images often configure dpkg to leave out manual pages, but the tests
# need one of them.
page=usr/share/man/man3/libnbd.3.gz
oracle=build/oracle
if [[ " ${packages[*]} " = *' libnbd-dev '* && ! -e /$page && ! -e $oracle/$page ]]; then
    download=$(mktemp -d)
    trap 'rm -rf "$download"' EXIT
    chmod 755 "$download"
    "${as_root[@]}" apt-get update --quiet
    (cd "$download" && apt-get download --quiet libnbd-dev)
    mkdir -p "$oracle"
    dpkg-deb --extract "$download"/libnbd-dev_*.deb "$oracle"
    test -e "$oracle/$page"
fi

#!/usr/bin/env bash
# Builds RPM packages from the source archive without network access, and installs
# them in a temporary system.
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

directory=$(mktemp -d)
root=$directory/root
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM
suite=rpm
log=$directory/output
. scripts/tally.sh

# The surrounding run of make must not influence what is packed and built.  Not
# optimised, because that is what takes long.
unset MAKEFLAGS MFLAGS MAKELEVEL LD_LIBRARY_PATH CARGO_TARGET_DIR CARGO_FLAGS LIBNBD_BUILD CC
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16

# -------------------------------------------------------------------- building

replaced=1.24.4-1.fc43
version=$(dpkg-parsechangelog --show-field Version)

archive() {
    scripts/make-dist.sh "$directory/libnbd-$version.tar.gz"
}

# Debian has no database in which rpmbuild could look for compilers.
build() {
    local namespace=(--net)
    [ "$(id -u)" -eq 0 ] || namespace+=(--map-root-user)
    CARGO_HOME=$directory/cargo unshare "${namespace[@]}" rpmbuild -bb --nodeps \
        --define "_topdir $directory/build" --define "_sourcedir $directory" \
        --define "_rpmdir $directory/rpms" --define "replaces $replaced" rpm/libnbd.spec
}

built() { # PACKAGE
    echo "$directory/rpms/$architecture/$1-$version-1$(rpm --eval '%{?dist}').$architecture.rpm"
}

# What build machines look at.
spec_is_valid() {
    rpmspec --parse rpm/libnbd.spec | grep -A 99 '^%changelog' | grep -F -e "- $version-1"
}

lists() { # PACKAGE QUESTION EXPECTED...
    diff <(printf '%s\n' "${@:3}" | sort) <(rpm -qp "$2" "$(built "$1")" |
        grep -v -e '^/usr/share/' -e '^rpmlib(' -e '^/usr/lib/\.build-id' | sort)
}

has() { # PACKAGE QUESTION LINE
    rpm -qp "$2" "$(built "$1")" | tee "$directory/lines" | grep -xF "$3"
}

has_every_version() {
    local node
    while read -r node; do
        has libnbd --provides "libnbd.so.0($node)(64bit)" || return
    done < <(sed -n 's/^\(LIBNBDX\{0,1\}_[0-9.]*\) {$/\1/p' libnbd.syms)
}

architecture=$(rpm --eval '%{_build_cpu}')
isa=$(rpm --eval '%{?_isa}')
library=$(rpm --eval '%{_libdir}')
check 'the spec is valid' spec_is_valid
check 'source archive' archive
check 'packages build from it' build
check 'files of libnbd' lists libnbd --list "$library"/libnbd.so.0{,.0.0}
check 'files of libnbd-devel' lists libnbd-devel --list /usr/include/libnbd{,x}.h \
    "$library"/{libnbd.so,pkgconfig/libnbd{,x}.pc}
check 'files of libnbd-static' lists libnbd-static --list "$library/libnbd.a"
check 'symbol versions in Provides' has_every_version
check 'it provides what it replaces' has libnbd --provides "libnbd$isa = $replaced"
check 'so do the development files' has libnbd-devel --provides "libnbd-devel$isa = $replaced"
check 'development files for pkg-config' has libnbd-devel --provides "pkgconfig(libnbd) = ${version%+*}"
check 'they ask for the library' has libnbd-devel --requires "libnbd$isa = $version-1"

# ------------------------------------------------------------------ installing

packages() {
    built libnbd
    built libnbd-devel
    built libnbd-static
}

# Of the rest of the system the packages need only libc, OpenSSL and their kin.
needs_only_the_system() {
    mapfile -t files < <(packages)
    mkdir -p "$root"
    rpm --root "$root" --install --test "${files[@]}" 2>&1 | tee "$directory/needed"
    grep -q 'is needed by' "$directory/needed" &&
        ! grep 'is needed by' "$directory/needed" | grep -v -e '^\s*lib\(c\|crypto\|ssl\|gcc_s\|m\)\.so\.' \
            -e '^\s*ld-linux' -e '^\s*rtld(GNU_HASH)' -e '^\s*/usr/bin/pkg-config' -e '^\s*pkgconfig(openssl)'
}

# That rest comes from this system, which does not have it as RPM packages.
install() {
    rpm --root "$root" --install --nodeps "${files[@]}" &&
        rpm --root "$root" --verify libnbd libnbd-devel libnbd-static --nodeps
}

program() { # CC-OPTION...
    local flags printed
    read -ra flags <<< "$(PKG_CONFIG_LIBDIR=$root$library/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root \
        PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config --cflags --libs libnbd)"
    gcc c-tests/consumers/program.c "${flags[@]}" -o "$directory/program" || return
    printed=$(LD_LIBRARY_PATH=$root$library "$directory/program" nbdkit -s --exit-with-parent memory 1M)
    echo "$printed"
    [ "$printed" = "${version%+*}, Rust implementation ${version##*rs}: 1048576 bytes" ]
}

nothing_left() {
    rpm --root "$root" --erase --nodeps libnbd libnbd-devel libnbd-static || return
    find "$root" -name '*nbd*' | tee "$directory/left"
    [ ! -s "$directory/left" ]
}

files=()
check 'dependencies' needs_only_the_system
check 'packages install' install
check 'a program is compiled and runs' program
check 'nothing is left when they are removed' nothing_left

total

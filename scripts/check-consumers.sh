#!/usr/bin/env bash
# Configures, builds and runs the projects in c-tests/consumers against a
# staged installation, with the shared library and statically.  Run `make` first.
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
suite=consumers
log=$root/output
. scripts/tally.sh

stage=$root/stage
library=$stage/opt/nbd/lib
install() {
    MAKEFLAGS='' make --no-print-directory install "DESTDIR=$stage" PREFIX=/opt/nbd LIBDIR=/opt/nbd/lib
}
check 'staged' install

# The stage comes first, and its paths are relative to it.
export PKG_CONFIG_PATH=$library/pkgconfig
export PKG_CONFIG_SYSROOT_DIR=$stage
# Variables that make passed to this script must not reach the projects.
unset MAKEFLAGS MFLAGS CFLAGS CXXFLAGS LDFLAGS CPPFLAGS LD_LIBRARY_PATH

# One function for each project, called with LINK (shared or static) in a copy of
# the project.  It leaves ./program there.
plain() {
    if [ "$1" = static ]; then
        make program PKG_CONFIG='pkg-config --static' LDFLAGS=-static
    else
        make program
    fi
}

cxx() {
    plain "$1"
}

autoconf() {
    # --force, because the m4 macros come from the system.
    autoreconf --force --install || return
    if [ "$1" = static ]; then
        ./configure PKG_CONFIG='pkg-config --static' LDFLAGS=-static && make program
    else
        ./configure && make program
    fi
}

cmake_project() {
    local static=OFF
    [ "$1" = shared ] || static=ON
    cmake -S . -B build -G 'Unix Makefiles' "-DSTATIC=$static" &&
        cmake --build build &&
        cp build/program program
}

meson_project() {
    local options=()
    [ "$1" = shared ] || options=(-Dprefer_static=true -Dc_link_args=-static)
    meson setup "${options[@]}" build . &&
        meson compile -C build &&
        cp build/program program
}

# In its own process, because it changes the directory.
build() ( # FUNCTION PROJECT LINK
    copy=$root/$3
    mkdir -p "$copy"
    cp -r c-tests/consumers/program.c "c-tests/consumers/$2" "$copy" &&
        cd "$copy/$2" && "$1" "$3"
)

# Debian's library does not mention an implementation in Rust, so this check
# notices if a program runs on the system's library.
runs() { # PROGRAM [LIBRARY-DIRECTORY]
    local printed expected
    expected="$(pkg-config --modversion libnbd), Rust implementation $(crate_version): 1048576 bytes"
    printed=$(LD_LIBRARY_PATH=${2:-} timeout 60 "$1" nbdkit -s --exit-with-parent memory 1M)
    echo "expected: $expected"
    echo "printed:  $printed"
    [ "$printed" = "$expected" ]
}

crate_version() {
    sed -n '/^\[workspace\.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml
}

needs_libnbd() { # PROGRAM
    readelf --dynamic "$1" | grep 'NEEDED.*\[libnbd\.so\.0\]'
}

is_static() { # PROGRAM
    readelf --dynamic "$1" | grep 'There is no dynamic section'
}

for project in plain autoconf cmake meson cxx; do
    function=$project
    case $project in cmake | meson) function=${project}_project ;; esac

    check "$project, shared: builds" build "$function" "$project" shared
    program=$root/shared/$project/program
    check "$project, shared: needs libnbd.so.0" needs_libnbd "$program"
    check "$project, shared: runs on this library" runs "$program" "$library"

    check "$project, static: builds" build "$function" "$project" static
    program=$root/static/$project/program
    check "$project, static: needs no library" is_static "$program"
    check "$project, static: runs on this library" runs "$program"
done

total

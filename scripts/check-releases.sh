#!/usr/bin/env bash
# Builds the Debian packages in temporary systems of several releases, without
# network access, and installs them there, underneath the programs of the release.
# Also builds them for another processor.  Takes a quarter of an hour.
#
#   check-releases.sh [RELEASE]...     by default bookworm, trixie and sid
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

releases=("$@")
[ $# -gt 0 ] || releases=(bookworm trixie sid)
cross_release=trixie

directory=$(mktemp -d)
chmod 755 "$directory"
root=$directory/root
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM
suite=releases
log=$directory/output
. scripts/tally.sh
. scripts/system.sh

# The surrounding run of make must not influence what is packed.
unset MAKEFLAGS MFLAGS MAKELEVEL LD_LIBRARY_PATH

source=$(dpkg-parsechangelog --show-field Version)
api=${source%+*}
archive=libnbd-$source.tar.gz
msrv=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)

# -------------------------------------------------------------------- building

# Where this machine's toolchain is if the release has only an older one.
borrowed=/opt/rust

has_new_rust() {
    local rust
    rust=$(inside apt-cache madison rustc | cut -d '|' -f 2 | tr -d ' ' | head -n 1)
    dpkg --compare-versions "${rust:-0}" ge "$msrv"
}

# What debian/control asks for.
build_dependencies() {
    mkdir -p "$root/build/control/debian" &&
        cp debian/control debian/changelog "$root/build/control/debian" || return
    if ! has_new_rust; then
        mkdir -p "$root$borrowed"
        sed -i '/^ \(cargo\|rustc\) /d' "$root/build/control/debian/control"
    fi
    # build-dep looks for debian/control below the directory.
    inside apt-get build-dep --yes --no-install-recommends /build/control &&
        cp "$directory/$archive" scripts/make-deb.sh "$root/build"
}

# In a network namespace of its own, whose only interface is down.  What is mounted is
# so in a namespace that ends with the command, so that it is not removed together
# with the system; the toolchain finds its libraries with the help of /proc.  Not
# optimised, because that is what takes long.
build() { # OUTPUT [SYSTEM]
    local path=/usr/bin:/bin:/usr/sbin:/sbin mount="mount --bind /proc '$root/proc'"
    if [ -d "$root$borrowed" ]; then
        mount+=" && mount --bind '$(rustc --print sysroot)' '$root$borrowed'"
        path=$borrowed/bin:$path
    fi
    unshare --net --mount sh -c "$mount"' && exec chroot "$@"' sh "$root" \
        env -i "PATH=$path" HOME=/root LC_ALL=C.UTF-8 CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        /build/make-deb.sh "/build/$archive" "$@"
}

built() { # DIRECTORY PACKAGE ARCHITECTURE
    set -- "$root/$1/$2"_*_"$3.deb"
    echo "$1"
}

above() { # VERSION VERSION
    echo "$1, $2"
    dpkg --compare-versions "$1" gt "$2"
}

# ------------------------------------------------------------- another processor

foreign_packages() {
    inside dpkg --add-architecture arm64 && inside apt-get update --quiet &&
        apt_install crossbuild-essential-arm64 pkgconf:arm64 libssl-dev:arm64 \
            libstd-rust-dev:arm64 qemu-user
}

# Packages of both processors are installed at the same time, and programs of the
# other one are emulated.
foreign_program() {
    cp c-tests/consumers/program.c "$root/build" || return
    inside sh -c 'aarch64-linux-gnu-gcc /build/program.c -o /foreign -lnbd' &&
        prints "$api, Rust implementation ${source##*rs}: 1048576 bytes" \
            qemu-aarch64 /foreign nbdkit -s --exit-with-parent memory 1M
}

has_the_abi() { # DEB DEB
    local package
    rm -rf "$directory/abi"
    for package in "$@"; do
        dpkg-deb --extract "$package" "$directory/abi" || return
    done
    scripts/check-abi.py --library "$directory"/abi/usr/lib/*/libnbd.so.0.0.0 \
        --archive "$directory"/abi/usr/lib/*/libnbd.a \
        --header include/libnbd{,x}.h --api tests/data/{api,libnbdx}.json
}

cross() {
    local debs
    check "$1: a compiler for arm64" foreign_packages
    check "$1: packages for arm64" build /cross aarch64-linux-gnu
    debs=("$(built cross libnbd0 arm64)" "$(built cross libnbd-dev arm64)")
    check "$1: ABI on arm64" has_the_abi "${debs[@]}"
    check "$1: libnbd0 for arm64 provides the C library's" provides "${debs[0]}" \
        "libnbd0 (= $theirs)"
    check "$1: both processors together" inside sh -c 'dpkg --install /cross/libnbd0_*.deb /cross/libnbd-dev_*.deb'
    check "$1: everything still fits" consistent
    check "$1: a program for arm64 runs" foreign_program
}

# --------------------------------------------------------------------- releases

release() { # RELEASE
    local theirs debs version
    rm -rf "$root"
    check "$1: a system without us" bootstrap "$1"
    theirs=$(theirs)
    check "$1: what the build needs" build_dependencies
    check "$1: packages build" build /ours
    debs=("$(built ours libnbd0 "$architecture")" "$(built ours libnbd-dev "$architecture")")
    version=$(dpkg-deb --field "${debs[0]}" Version)
    check "$1: version above the C library's" above "$version" "$theirs"
    check "$1: and above that of earlier releases" above "$version" "$earlier"
    earlier=$version
    check "$1: libnbd0 provides the C library's" provides "${debs[0]}" "libnbd0 (= $theirs)"
    check "$1: libnbd-dev as well" provides "${debs[1]}" "libnbd-dev (= $theirs)"
    check "$1: the library runs on an old libc" runs_on_old_glibc "${debs[0]}"
    check "$1: lintian finds no errors" without_lintian_errors "${debs[@]}"

    check "$1: the C library and its programs" install_dependants
    check "$1: which is Debian's" installed "$theirs" libnbd0 libnbd-dev
    check "$1: upgraded to ours" inside sh -c 'dpkg --install /ours/libnbd0_*.deb /ours/libnbd-dev_*.deb'
    check "$1: which is ours" installed "$version" libnbd0 libnbd-dev
    check "$1: everything fits" consistent
    check "$1: client in OCaml" ocaml_client
    programs_work "$1" "$api"
    [ "$1" != "$cross_release" ] || cross "$1"
}

archive() {
    scripts/make-dist.sh "$directory/$archive"
}

architecture=$(dpkg --print-architecture)
earlier=0
check 'source archive' archive
for release in "${releases[@]}"; do
    release "$release"
done

total

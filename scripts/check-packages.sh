#!/usr/bin/env bash
# Creates the source archive, builds the Debian packages from it without network
# access, and installs them in a temporary system, underneath Debian's programs.
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

directory=$(mktemp -d)
chmod 755 "$directory"
root=$directory/root
debs=$directory/debs
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM
suite=packages
log=$directory/output
. scripts/tally.sh
. scripts/system.sh

# The surrounding run of make must not influence what is packed and built.
unset MAKEFLAGS MFLAGS MAKELEVEL LD_LIBRARY_PATH

# ---------------------------------------------------------------- the archive

make_dist() {
    make --no-print-directory dist > "$directory/dist" && archive=$(tail -n 1 "$directory/dist") &&
        [ -s "$archive" ]
}

same_again() {
    scripts/make-dist.sh "$directory/again/$(basename "$archive")" &&
        cmp "$archive" "$directory/again/$(basename "$archive")"
}

has_all_sources() {
    diff <(git ls-files | sort) <(tar --list --file "$archive" | grep -v '/$' | cut -d / -f 2- |
        grep -v -e '^vendor/' -e '^\.cargo/config\.toml$' | sort)
}

archive=
check 'make dist' make_dist
check 'the same sources give the same archive' same_again
check 'it has every file' has_all_sources

# --------------------------------------------------------------- the packages

# Runs a command in its own network namespace, whose only interface is down, and
# without crates that an earlier build downloaded.
without_network() { # COMMAND...
    local namespace=(--net)
    [ "$(id -u)" -eq 0 ] || namespace+=(--map-root-user)
    CARGO_HOME=$directory/cargo unshare "${namespace[@]}" "$@"
}

no_network() {
    without_network sh -c '! grep -v -e "|" -e "^ *lo:" /proc/net/dev'
}

built() { # PACKAGE
    echo "$debs/$1_${version}_$architecture.deb"
}

has_files() { # PACKAGE PATH...
    local package=$1
    shift
    diff <(printf '%s\n' "$@" | sort) \
        <(dpkg-deb --contents "$(built "$package")" | grep -v '^d' | sed 's|^.* \./|/|; s| -> .*||' |
            grep -v '^/usr/share/' | sort)
}

installed_here() {
    dpkg --status libnbd0 | sed -n 's/^Version: //p'
}

higher_than_debians() {
    local theirs
    theirs=$(installed_here)
    echo "ours: $version, Debian: $theirs"
    dpkg --compare-versions "$version" gt "$theirs"
}

has_the_manual() {
    diff <(cd "${LIBNBD_BUILD:?set by make check}" && find man -type f -printf '%f\n' | sort) \
        <(dpkg-deb --contents "$(built libnbd-dev)" |
            sed -n 's|^[^d].* \./usr/share/man/man3/\(.*\)\.gz$|\1|p' | sort) &&
        diff <(cd "$LIBNBD_BUILD/html" && printf '%s\n' * | sort) \
            <(dpkg-deb --contents "$(built libnbd-dev)" |
                sed -n 's|^[^d].* \./usr/share/doc/libnbd-dev/html/\(.*\)$|\1|p' | sort)
}

# A package that is built against ours depends on the same release as one that is
# built against Debian's, so it can be installed with either.
symbols_agree() {
    local theirs different
    theirs=$(dpkg-query --control-path libnbd0 symbols)
    [ -s "$theirs" ] && dpkg-deb --control "$(built libnbd0)" "$directory/control" || return
    different=$(grep '^ nbd_' "$theirs" | grep -vxFf "$directory/control/symbols")
    echo "$different"
    [ -z "$different" ]
}

# A package that uses the additions depends on this version.
additions_ask_for_ours() {
    local additions
    additions=$(grep '^ nbdx_' "$directory/control/symbols")
    echo "$additions"
    [ -n "$additions" ] && ! grep -v "@LIBNBDX_1\.0 ${source//./\\.}~\$" <<< "$additions"
}

architecture=$(dpkg --print-architecture)
library=/usr/lib/$(gcc -print-multiarch)
source=$(dpkg-parsechangelog --show-field Version)
version=$(debian/for-release version)
api=${source%+*}
check 'version of the sources' test "libnbd-$source.tar.gz" = "$(basename "$archive")"
check 'version above that of Debian' higher_than_debians
check 'the build has no network' no_network
check 'packages build from the archive' without_network scripts/make-deb.sh "$archive" "$debs"
check 'files of libnbd0' has_files libnbd0 "$library"/libnbd.so.0{,.0.0}
check 'files of libnbd-dev' has_files libnbd-dev /usr/include/libnbd{,x}.h \
    "$library"/{libnbd.a,libnbd.so,pkgconfig/libnbd{,x}.pc}
check 'manual in libnbd-dev' has_the_manual
check 'symbols have the same versions as in Debian' symbols_agree
check 'additions depend on this version' additions_ask_for_ours

# A package whose program uses a function depends on the version that has it.
depends_on() { # FUNCTION DEPENDENCY
    local work=$directory/program
    rm -rf "$work"
    mkdir -p "$work/debian" && dpkg-deb --raw-extract "$(built libnbd0)" "$work/libnbd0" || return
    printf 'Source: program\n\nPackage: program\nArchitecture: any\n' > "$work/debian/control"
    printf 'int %s (void);\nint\nmain (void)\n{\n  return %s ();\n}\n' "$1" "$1" > "$work/program.c"
    (
        cd "$work" &&
            gcc program.c libnbd0/usr/lib/*/libnbd.so.0 -o program &&
            dpkg-shlibdeps -O -Slibnbd0 program | tee depends
    ) || return
    [[ ", $(sed 's/^shlibs:Depends=//' "$work/depends")," = *", $2,"* ]]
}

check 'ours provide what they replace' provides "$(built libnbd0)" "libnbd0 (= $(installed_here))"
check 'so do the development files' provides "$(built libnbd-dev)" "libnbd-dev (= $(installed_here))"
check 'the library runs on an old libc' runs_on_old_glibc "$(built libnbd0)"
check 'a program depends on what it uses' depends_on nbd_create 'libnbd0 (>= 1.0.0)'
check 'also if it is an addition' depends_on nbdx_cancel "libnbd0 (>= $source~)"
check 'lintian finds no errors' without_lintian_errors "$(built libnbd0)" "$(built libnbd-dev)"

# -------------------------------------------------------- the temporary system

release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
prepare() {
    local package
    bootstrap "$release" && ocaml_client || return
    for package in libnbd0 libnbd-dev; do
        cp "$(built $package)" "$root/debs/$package.deb" || return
    done
}

# A program is compiled out here with what is in there, and runs in there.
compiled() { # PKG-CONFIG-OPTION CC-OPTION...
    local flags expected
    read -ra flags <<< "$(PKG_CONFIG_LIBDIR=$root$library/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root \
        PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 \
        pkg-config "$1" --cflags --libs libnbd)"
    gcc c-tests/consumers/program.c "${@:2}" "${flags[@]}" -o "$root/program" &&
        expected="$api, Rust implementation ${source##*rs}: 1048576 bytes" &&
        prints "$expected" /program nbdkit -s --exit-with-parent memory 1M
}

check 'a system without us' prepare
theirs=$(theirs)
check 'ours install' apt_install /debs/libnbd0.deb /debs/libnbd-dev.deb
check "Debian's programs install on top" install_dependants
check 'beside ours' installed "$version" libnbd0 libnbd-dev
check 'everything fits' consistent
programs_work 'on ours' "$api"
check 'a program is compiled and runs' compiled --libs
check 'a static one as well' compiled --static -static

check "back to Debian's" apt_install --allow-downgrades "libnbd0=$theirs" "libnbd-dev=$theirs"
check "which are Debian's" installed "$theirs" libnbd0 libnbd-dev
programs_work "on Debian's" "${theirs%-*}"

check 'upgraded to ours with dpkg' inside sh -c 'dpkg --install /debs/*.deb'
check 'which are ours' installed "$version" libnbd0 libnbd-dev
check 'everything fits after the upgrade' consistent
programs_work 'upgraded' "$api"

total

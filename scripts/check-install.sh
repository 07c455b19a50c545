#!/usr/bin/env bash
# Installs into temporary directories and builds programs against the result, as
# a packager and a user would.  Run `make` first.
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

read -ra cc <<< "${CC:-cc}"
read -ra cxx <<< "${CXX:-c++}"
: "${LIBNBD_BUILD:?set by make check}"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
suite=install
log=$root/output
. scripts/tally.sh

# The program prints the version of the library on which it really runs.
cat > "$root/version.c" << 'END'
#include <stdio.h>
#ifdef EXTENSION
#include <libnbdx.h>
#else
#include <libnbd.h>
#endif
int
main (void)
{
  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL)
    return 1;
#ifdef LIBNBDX_HAVE_NBDX_SET_ADDRESS_FAMILY
  if (nbdx_set_address_family (nbd, AF_INET) == -1)
    return 1;
#endif
  puts (nbd_get_version (nbd));
  nbd_close (nbd);
  return 0;
}
END

files() { # DIRECTORY
    (cd "$1" && find . ! -type d -printf '%P %l\n' | sed 's/ $//' | sort)
}

has_files() { # DIRECTORY LIBDIR INCLUDEDIR MANDIR
    diff <(files "$1") <(sort << END
$2/libnbd.a
$2/libnbd.so libnbd.so.0
$2/libnbd.so.0 libnbd.so.0.0.0
$2/libnbd.so.0.0.0
$2/pkgconfig/libnbd.pc
$2/pkgconfig/libnbdx.pc
$3/libnbd.h
$3/libnbdx.h
$4/man3/libnbd.3
$4/man3/libnbd-rust.3
$4/man3/libnbd-security.3
$4/man3/libnbdx.3
$(sed -n "s|^ *\(nbdx\{0,1\}_.*\);|$4/man3/\1.3|p" libnbd.syms)
END
    )
}

is_empty() { # DIRECTORY
    [ -z "$(files "$1")" ]
}

make_target() { # TARGET VARIABLE...
    MAKEFLAGS='' make --no-print-directory "$@"
}

# pkg-config searches each staged tree as if it were the whole system.
staged_pkg_config() {
    PKG_CONFIG_LIBDIR=$stage$libdir/pkgconfig PKG_CONFIG_PATH='' \
        PKG_CONFIG_SYSROOT_DIR=$stage pkg-config "$@"
}

prints_version() { # PROGRAM [LIBRARY-DIRECTORY]
    local expected printed
    expected=$(staged_pkg_config --modversion libnbd)
    printed=$(LD_LIBRARY_PATH=${2:-} "$1")
    echo "expected $expected, printed $printed"
    [ -n "$expected" ] && [ "$printed" = "$expected" ]
}

needs_libnbd() { # PROGRAM
    readelf -d "$1" | grep -q 'NEEDED.*libnbd\.so\.0'
}

does_not_need_libnbd() { # PROGRAM
    ! needs_libnbd "$1"
}

with_flags_of() { # NAME PKG-CONFIG-OPTION COMMAND...
    local flags name=$1 option=$2
    shift 2
    read -ra flags <<< "$(staged_pkg_config ${option:+"$option"} --cflags --libs "$name")"
    "$@" "${flags[@]}"
}

with_flags() { # PKG-CONFIG-OPTION COMMAND...
    with_flags_of libnbd "$@"
}

extended() { # PKG-CONFIG-OPTION COMMAND...
    with_flags_of libnbdx "$@" -DEXTENSION
}

stage=$root/stage
libdir=/opt/nbd/lib
check 'staged' make_target install "DESTDIR=$stage" PREFIX=/opt/nbd
check 'exactly the expected files' has_files "$stage" opt/nbd/lib opt/nbd/include opt/nbd/share/man

check 'C program' with_flags '' "${cc[@]}" "$root/version.c" -o "$root/shared"
check 'C program runs' prints_version "$root/shared" "$stage$libdir"
check 'C program uses the shared library' needs_libnbd "$root/shared"
check 'C++ program' with_flags '' "${cxx[@]}" -x c++ "$root/version.c" -x none -o "$root/cxx"
check 'C++ program runs' prints_version "$root/cxx" "$stage$libdir"

check 'C program with additions' extended '' "${cc[@]}" "$root/version.c" -o "$root/extended"
check 'it runs' prints_version "$root/extended" "$stage$libdir"
check 'static program with additions' \
    extended --static "${cc[@]}" -static "$root/version.c" -o "$root/extended"
check 'it runs without the shared library' prints_version "$root/extended"
check 'version of the additions' test "$(staged_pkg_config --modversion libnbdx)" = 1.0

check 'static program' with_flags --static "${cc[@]}" -static "$root/version.c" -o "$root/static"
check 'static program runs' prints_version "$root/static"
check 'static library in a dynamic program' \
    with_flags --static "${cc[@]}" "$root/version.c" -Wl,-Bstatic "-L$stage$libdir" -lnbd \
    -Wl,-Bdynamic -Wl,--as-needed -o "$root/mixed"
check 'this program runs' prints_version "$root/mixed"
check 'this program does not need libnbd.so' does_not_need_libnbd "$root/mixed"

# One program then contains two copies of Rust's standard library.
echo '#[unsafe(no_mangle)] pub extern "C" fn other() { println!("other"); }' > "$root/other.rs"
check 'another static Rust library' \
    rustc --edition 2024 --crate-type staticlib -o "$root/libother.a" "$root/other.rs"
check 'linked together with libnbd.a' "${cc[@]}" "$root/version.c" "-I$stage/opt/nbd/include" \
    -Wl,-u,other "$root/libother.a" "$stage$libdir/libnbd.a" -lssl -lcrypto -lpthread -lm -ldl -o "$root/both"
check 'the program with both runs' prints_version "$root/both"

check 'manual for browsers' make_target install-html "DESTDIR=$stage" PREFIX=/opt/nbd
check 'its files' diff -r "$LIBNBD_BUILD/html" "$stage/opt/nbd/share/doc/libnbd/html"

check 'uninstalled' make_target uninstall "DESTDIR=$stage" PREFIX=/opt/nbd
check 'no file is left' is_empty "$stage"

stage=$root/separate
libdir=/a
directories=("DESTDIR=$stage" PREFIX=/p LIBDIR=/a INCLUDEDIR=/b MANDIR=/c)
check 'staged in other directories' make_target install "${directories[@]}"
check 'the files are there' has_files "$stage" a b c
check 'pkg-config finds them' with_flags '' "${cc[@]}" "$root/version.c" -o "$root/shared"
check 'and the program runs' prints_version "$root/shared" "$stage$libdir"
check 'uninstalled from there' make_target uninstall "${directories[@]}"
check 'no file is left there' is_empty "$stage"

multiarch=$("${cc[@]}" -print-multiarch)
if [ -n "$multiarch" ]; then
    mkdir -p "$root/prefix/lib/$multiarch"
    check 'installed in the multiarch directory' make_target install "PREFIX=$root/prefix"
    check 'the files are in it' has_files "$root/prefix" "lib/$multiarch" include share/man
    check 'uninstalled from the multiarch directory' make_target uninstall "PREFIX=$root/prefix"
    check 'no file is left in it' is_empty "$root/prefix"
fi

# Fedora's is a directory, Arch's a link.
if "${cc[@]}" -dM -E -x c /dev/null | grep -q __LP64__; then
    mkdir -p "$root/fedora/lib64" "$root/arch/lib"
    ln -s lib "$root/arch/lib64"
    check 'installed in lib64' make_target install "PREFIX=$root/fedora"
    check 'the files are in lib64' has_files "$root/fedora" lib64 include share/man
    check 'uninstalled from lib64' make_target uninstall "PREFIX=$root/fedora"
    check 'no file is left in lib64' is_empty "$root/fedora"
    check 'installed where lib64 is a link' make_target install "PREFIX=$root/arch"
    # shellcheck disable=SC2016  # pkg-config expands it.
    check 'the directory is lib' grep -x 'libdir=${prefix}/lib' "$root/arch/lib/pkgconfig/libnbd.pc"
fi

total

#!/usr/bin/env bash
# Builds the Debian packages from a source archive created by `make dist`.
#
#   make-deb.sh ARCHIVE.tar.gz DIRECTORY [SYSTEM]
#
# The system is the GNU name of another one for which they are built, such as
# aarch64-linux-gnu.
#
# Leaves the packages in the directory and removes those of an earlier run.

set -euo pipefail

archive=$(realpath "${1:?source archive}")
directory=${2:?directory for the packages}
system=${3:-}
name=$(basename "$archive" .tar.gz)

rm -rf "$directory"
mkdir -p "$directory"
tar --extract --file "$archive" --directory "$directory"
cd "$directory/$name"

# The build must not depend on the calling make or on its target directory.
# --no-check-builddeps, because the Rust toolchain need not come from a package.
unset MAKEFLAGS MFLAGS MAKELEVEL CARGO_TARGET_DIR CARGO_FLAGS LIBNBD_BUILD CC
dpkg-buildpackage --build=binary --no-sign --no-check-builddeps ${system:+"--host-type=$system"}
cd ..
rm -r "$name"

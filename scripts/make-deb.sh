#!/usr/bin/env bash
# Builds the Debian packages from a source archive of `make dist`.
#
#   make-deb.sh ARCHIVE.tar.gz DIRECTORY
#
# The packages are left in the directory, without those of an earlier run.

set -euo pipefail

archive=$(realpath "${1:?source archive}")
directory=${2:?directory for the packages}
name=$(basename "$archive" .tar.gz)

rm -rf "$directory"
mkdir -p "$directory"
tar --extract --file "$archive" --directory "$directory"
cd "$directory/$name"

# The build shall not depend on the make that called this, nor on its target
# directory.  -d: the Rust toolchain need not come from a package.
unset MAKEFLAGS MFLAGS MAKELEVEL CARGO_TARGET_DIR CARGO_FLAGS LIBNBD_BUILD
dpkg-buildpackage --build=binary --no-sign --no-check-builddeps
cd ..
rm -r "$name"

#!/usr/bin/env bash
# Packs the sources from the work tree together with the required crates, so that
# they can be built without network access.  The same sources give the same archive.
#
#   make-dist.sh ARCHIVE.tar.gz
#
# Everything in the archive is below a directory with the name of the archive.

set -euo pipefail
cd "$(dirname "$0")/.."

archive=$(realpath -m "${1:?archive to write}")
name=$(basename "$archive" .tar.gz)
read -ra flags <<< "${CARGO_FLAGS:-}"
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
tree=$directory/$name

mkdir -p "$tree/.cargo"
git ls-files -z | tar --create --null --files-from=- | tar --extract --directory "$tree"
"${CARGO:-cargo}" vendor --quiet "${flags[@]}" --versioned-dirs "$tree/vendor"
cat > "$tree/.cargo/config.toml" << 'CONFIG'
# The crates are in this archive.
[source.crates-io]
replace-with = "vendor"

[source.vendor]
directory = "vendor"

[net]
offline = true
CONFIG

mkdir -p "$(dirname "$archive")"
date=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
tar --create --directory "$directory" --sort=name "--mtime=@$date" --format=gnu \
    --owner=0 --group=0 --numeric-owner --mode=u+rw,go=rX "$name" |
    gzip -9 --no-name > "$archive.new"
mv "$archive.new" "$archive"

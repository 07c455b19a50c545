#!/usr/bin/env bash
# Adds to fuzz/corpus/ what fuzzing has found in build/fuzz/, as far as it reaches
# code that neither the corpus nor the recorded sessions reach.
#
#   corpus.sh [TARGET]...
#
# The inputs of `pem` stay where they are, because they come from keys.

set -euo pipefail
cd "$(dirname "$0")/.."

limit=$((2 << 20))
. torture/nightly.sh
programs=fuzz/target/$("$cargo" "+$nightly" --version --verbose | sed -n 's/^host: //p')/release
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(cd fuzz/fuzz_targets && printf '%s\n' *.rs | sed 's/\.rs$//' | grep -vx pem)
merged=$(mktemp -d)
trap 'rm -rf "$merged"' EXIT

for target in "${targets[@]}"; do
    known=() new=$merged/$target
    for directory in "fuzz/corpus/$target" "build/fuzz/seeds/$target"; do
        [ ! -d "$directory" ] || known+=("$directory")
    done
    mkdir -p "$new" "$new.known" "fuzz/corpus/$target"
    # Names are hashes of what is in the files, so the second merge keeps those of the first.
    "$programs/$target" -merge=1 -max_len=4096 "$new.known" "${known[@]}" 2> /dev/null
    cp "$new.known"/* "$new"/
    "$programs/$target" -merge=1 -max_len=4096 "$new" "build/fuzz/$target" 2> /dev/null
    for file in "$new"/*; do
        [ -e "$new.known/${file##*/}" ] || cp "$file" "fuzz/corpus/$target/"
    done
    echo "$target: $(find "fuzz/corpus/$target" -type f | wc -l) files"
done
size=$(find fuzz/corpus -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }')
echo "$size bytes, of at most $limit"
[ "$size" -le "$limit" ]

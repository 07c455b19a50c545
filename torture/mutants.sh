#!/usr/bin/env bash
# Changes the library in one place at a time, and lists the changes that the unit
# tests do not notice.
#
#   mutants.sh [--shard N/M] [MODULE]...
#
# MODULE is protocol, negotiation, transmission, uri or memory; without one, all of
# them.  Each is first tested with its own tests, which take seconds, and what these
# miss with all unit tests.  --shard takes one of M equal parts.  The work is done in
# a copy of the last commit, in build/mutants/tree, one mutant at a time.  Prints a line for each module:
# what was caught, and what was not.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

cargo=${CARGO:-cargo}
shard=()
if [ "${1:-}" = --shard ]; then
    shard=(--shard "${2:?part of the mutants, such as 0/8}")
    shift 2
fi
modules=("$@")
[ $# -gt 0 ] || modules=(protocol uri memory negotiation transmission)
"$cargo" mutants --version > /dev/null 2>&1 || "$cargo" install --locked cargo-mutants || exit 1

work=$PWD/build/mutants
tree=$work/tree
mkdir -p "$work"
rm -rf "$tree"
git worktree prune
git worktree add --quiet --force --detach "$tree" HEAD || exit 1
trap 'git worktree remove --force "$tree"' EXIT

# Many small builds, none of which is debugged.
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=1 CARGO_TARGET_DIR=$work/target
export RUSTFLAGS=${RUSTFLAGS:--Clink-arg=-fuse-ld=mold}

mutate() { # MODULE OPTION... -- ARGUMENT-OF-CARGO-TEST...
    local module=$1
    shift
    (cd "$tree" && "$cargo" mutants --in-place --baseline skip --timeout 60 --no-shuffle --caught \
        --package libnbd --cargo-arg=--lib --file "src/$module/**" --file "src/$module.rs" \
        --output "$work/$module" "$@") >> "$work/$module.log" 2>&1
}

lines() { # FILE...
    cat "$@" 2> /dev/null | sort -u | wc -l
}

failed=0
for module in "${modules[@]}"; do
    rm -rf "${work:?}/$module" "$work/$module.log"
    mutate "$module" "${shard[@]}" -- -- "$module"
    result=$work/$module/mutants.out
    cp -r "$result" "$work/$module/first"
    if [ -s "$result/missed.txt" ]; then
        mutate "$module" "${shard[@]}" --iterate
    fi
    missed=$(lines "$result/missed.txt")
    caught=$(($(lines "$work/$module/first/"{caught,timeout,missed}.txt) - missed))
    echo "torture: mutants of $module: $caught caught, $missed missed"
    cat "$result/missed.txt"
    # At least 95 of 100 must be caught.
    [ $((caught + missed)) -gt 0 ] && [ $((missed * 19)) -le "$caught" ] || failed=1
done
exit "$failed"

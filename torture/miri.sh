#!/usr/bin/env bash
# Runs the unit tests of the engine, of memory and of callbacks under Miri, which
# finds undefined behaviour in unsafe code.
#
#   miri.sh short|long
#
# Prints "test result: ..." as cargo does.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

form=${1:?short or long}
. torture/nightly.sh || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Tests that cut streams do so at fewer places; those that spoil them at random,
# run other programs or make system calls are not for Miri.
filters=(memory:: callback:: callbacks::tests buffers::tests transmission::tests::ending::a_)
[ "$form" = short ] || filters+=(protocol:: transmission::tests negotiation::tests)
skips=(ends_the_program hostile bulk whatever_ spoiled random)
MIRIFLAGS='-Zmiri-strict-provenance -Zmiri-symbolic-alignment-check' \
    "$cargo" "+$nightly" miri test --quiet --package libnbd --lib -- \
    "${skips[@]/#/--skip=}" "${filters[@]}" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
tests=$(sed -n 's/^test result: .* \([0-9]*\) passed.*/\1/p' "$log")
echo "torture: Miri: ${tests:-0} tests, $([ "$status" -eq 0 ] && echo 0 || echo 1) findings"
[ "$status" -eq 0 ] && [ "${tests:-0}" -gt 0 ]

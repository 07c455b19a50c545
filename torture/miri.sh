#!/usr/bin/env bash
# Runs the unit tests of the engine, of memory and of callbacks under Miri, which
# finds undefined behaviour in unsafe code.
#
#   miri.sh short|long
#
# The tests that only cut and spoil streams again and again belong to the long
# form.  Prints "test result: ..." as cargo does.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

form=${1:?short or long}
. torture/nightly.sh || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# The tests may not make system calls.  Miri has its own target directory.
filters=(memory:: callback:: callbacks::tests buffers::tests flow:: protocol:: transmission:: negotiation::)
skips=(a_command_that_keeps_a_lent_buffer_ends_the_program a_lent_closure_that_stays_ends_the_program)
if [ "$form" = short ]; then
    filters=(memory:: callback:: callbacks::tests buffers::tests transmission::tests::sending
        transmission::tests::ending)
fi
MIRIFLAGS='-Zmiri-strict-provenance -Zmiri-symbolic-alignment-check' \
    "$cargo" "+$nightly" miri test --quiet --package libnbd --lib -- \
    "${skips[@]/#/--skip=}" "${filters[@]}" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
tests=$(sed -n 's/^test result: .* \([0-9]*\) passed.*/\1/p' "$log")
echo "torture: Miri: ${tests:-0} tests, $([ "$status" -eq 0 ] && echo 0 || echo 1) findings"
[ "$status" -eq 0 ] && [ "${tests:-0}" -gt 0 ]

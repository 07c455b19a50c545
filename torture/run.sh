#!/usr/bin/env bash
# Runs the long forms of all harnesses, and prints the table of their figures.
#
#   run.sh
#
# FUZZ_SECONDS says how long each fuzz target runs (600), CANCEL_ROUNDS how often
# each call is cancelled (3000), and TORTURE=short runs the short forms instead.
# `make torture` sets the rest of the environment.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

read -ra flags <<< "${CARGO_FLAGS:-}"
cargo=${CARGO:-cargo}
logs=$PWD/build/torture
rm -rf "$logs"
mkdir -p "$logs"
failures=()

harness() { # NAME COMMAND...
    local name=$1 start=$SECONDS status
    shift
    printf '\n==> %s\n' "$name"
    "$@" < /dev/null 2>&1 | tee "$logs/$name"
    status=${PIPESTATUS[0]}
    [ "$status" -eq 0 ] || failures+=("$name")
    sed -n 's/^torture: //p' "$logs/$name" |
        sed "s|\$| ($(((SECONDS - start) / 60)) min for the harness)|" >> "$logs/table"
}

# Cancelling at every microsecond, some times over.
cancel() {
    local rounds=${CANCEL_ROUNDS:-3000} passed failed
    CANCEL_ROUNDS=$rounds TIMEOUT=9000 c-tests/run.sh --only x_cancel --only tls_cancel |
        tee "$logs/cancel.output"
    local status=${PIPESTATUS[0]}
    read -r passed _ failed _ < <(tail -n 1 "$logs/cancel.output")
    echo "torture: cancel: $passed tests with $rounds rounds each, $failed findings"
    return "$status"
}

export TORTURE=${TORTURE:-long}
harness every-byte "$cargo" test "${flags[@]}" --profile torture --package torture -- --nocapture
harness unit-tests "$cargo" test "${flags[@]}" --profile torture --package libnbd --lib
harness fuzz torture/fuzz.sh "${FUZZ_SECONDS:-600}"
harness miri torture/miri.sh "$TORTURE"
harness address-sanitizer torture/sanitizers.sh address
harness thread-sanitizer torture/sanitizers.sh thread threads aio cancel ends neighbour
harness thread-sanitizer-callers env -u TORTURE "LIB=$PWD/target/sanitizer-thread/lib" \
    "CC=${CC:-cc} -fsanitize=thread" TSAN_OPTIONS=exitcode=99:halt_on_error=1 torture/c.sh callers
harness callers torture/c.sh callers
harness cancel cancel
harness faults torture/c.sh faults
harness load torture/c.sh load

printf '\n==> Figures\n'
cat "$logs/table"
for failure in "${failures[@]}"; do
    echo "failed: $failure, see $logs/$failure"
done
[ ${#failures[@]} -eq 0 ]

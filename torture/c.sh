#!/bin/sh
# Compiles the harnesses in C and runs them: faults from below, and load.
#
#   c.sh PROGRAM [CASE]...
#
# PROGRAM is faults or load.  TORTURE=long runs the long forms.  The environment
# is that of c-tests/run.sh: INCLUDE, LIB, CC, EMBEDDED_SERVER.
#
# Prints a line for each case and "N passed, N failed" at the end.

set -u

here=$(cd "$(dirname "$0")" && pwd)
tests=$here/../c-tests
program=${1:?which program}
shift

TMPDIR=$(mktemp -d /tmp/nbd-torture-XXXXXX) || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' HUP INT TERM
export LD_LIBRARY_PATH="${LIB:?}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

case $program in
    faults) more="$here/calls.c $tests/support/tls.c" ;;
    *) more= ;;
esac
# shellcheck disable=SC2086
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -pthread "-I${INCLUDE:?}" \
    "$here/$program".c $more "$tests/test.c" \
    -o "$TMPDIR/$program" "-L$LIB" -lnbd || exit 1
"$TMPDIR/$program" "$@" > "$TMPDIR/output" 2>&1
status=$?
cat "$TMPDIR/output"
passed=$(grep -c '^ok ' "$TMPDIR/output")
failed=$(grep -c '^not ok ' "$TMPDIR/output")
echo "$passed passed, $failed failed"
[ "$status" -eq 0 ] && [ "$passed" -gt 0 ]

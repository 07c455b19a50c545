#!/bin/sh
# Compiles the harnesses in C and runs them: callers, faults from below, and load.
#
#   c.sh PROGRAM [CASE]...
#
# PROGRAM is callers, faults or load.  TORTURE=long runs the long forms.  The
# environment is that of c-tests/run.sh: INCLUDE, LIB, CC, EMBEDDED_SERVER.
#
# Prints a line for each case and "N passed, N failed" at the end.

set -u

here=$(cd "$(dirname "$0")" && pwd)
tests=$here/../c-tests
data=$here/../tests/data
program=${1:?which program}
shift

TMPDIR=$(mktemp -d /tmp/nbd-torture-XXXXXX) || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' HUP INT TERM
export LD_LIBRARY_PATH="${LIB:?}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

compile() { # PROGRAM SOURCE-OR-FLAG...
    output=$TMPDIR/$1
    shift
    ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -pthread "-I${INCLUDE:?}" \
        "$@" -o "$output"
}

# Harness $1, of this source and these.
compile_harness() {
    name=$1
    shift
    compile "$name" "$here/$name.c" "$@" "$tests/test.c" "-L$LIB" -lnbd
}

case $program in
    callers)
        python3 "$tests/state_table/table.py" "$data/api.json" "$data/libnbdx.json" \
            > "$TMPDIR/table.h" &&
            compile reload "$here/reload.c" -ldl &&
            compile_harness callers "$tests/support/tls.c" "-I$tests" "-I$TMPDIR"
        ;;
    faults) compile_harness faults "$here/calls.c" "$tests/support/tls.c" ;;
    load) compile_harness load "$tests/support/tls.c" ;;
    *) false ;;
esac || exit 1
"$TMPDIR/$program" "$@" > "$TMPDIR/output" 2>&1
status=$?
cat "$TMPDIR/output"
passed=$(grep -c '^ok ' "$TMPDIR/output")
failed=$(grep -c '^not ok ' "$TMPDIR/output")
echo "$passed passed, $failed failed"
[ "$status" -eq 0 ] && [ "$passed" -gt 0 ]

#!/bin/sh
# The program in the SYNOPSIS of the libnbd(3) manual page compiles as it stands
# and runs.  It is a fragment with a closing brace too many, so it gets the
# frame of a program around it, and an opening brace.  The server it asks for
# does not exist: it says so and exits with a failure.
#
# Environment: CC, INCLUDE and LIB as for run.sh.

set -eu

case=synopsis.compiles_and_runs

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "# $*"
    sed 's/^/#   /' "$dir"/*.c "$dir"/messages 2>/dev/null || :
    echo "not ok $case"
    exit 1
}

page=$(man -w 3 libnbd) || fail "no manual page libnbd(3); it is in Debian's libnbd-dev"
case $page in
    *.gz) gzip -dc "$page" ;;
    *) cat "$page" ;;
esac |
    sed -n '/^\.SH "\{0,1\}SYNOPSIS/,/^\.Ve/p' |
    sed -e '/^\./d' -e 's/^\\&//' -e 's/\\-/-/g' -e 's/\\e/\\/g' > "$dir/synopsis"
grep -q nbd_connect_tcp "$dir/synopsis" || fail "no program in $page"

# Declarations up to the first statement, and the rest.
{
    echo '#include <stdio.h>'
    echo '#include <stdlib.h>'
    sed '/^ *if /,$d' "$dir/synopsis"
    echo 'int main (void) { {'
    sed -n '/^ *if /,$p' "$dir/synopsis"
    echo '}'
} > "$dir/synopsis.c"

# shellcheck disable=SC2086
${CC:-cc} ${INCLUDE:+-I"$INCLUDE"} "$dir/synopsis.c" -o "$dir/synopsis" \
    ${LIB:+-L"$LIB"} -lnbd > "$dir/messages" 2>&1 || fail "it does not compile"

status=0
timeout 120 "$dir/synopsis" > "$dir/messages" 2>&1 || status=$?
[ $status -eq 1 ] || fail "exit status $status"
if [ -s "$dir/messages" ]; then
    grep -q '^nbd_connect_tcp: .' "$dir/messages" || fail "unexpected message"
fi
echo "ok $case"

#!/bin/sh
# Compiles and runs state_table/walk.c with a table made from the description of
# the API, so that a new function is in it from the first day.
#
# Environment: CC, INCLUDE, LIB and EMBEDDED_SERVER as for run.sh.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 "$here/state_table/table.py" "$here/../tests/data/api.json" \
    "$here/../tests/data/libnbdx.json" > "$dir/table.h"
# shellcheck disable=SC2086
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror \
    ${INCLUDE:+-I"$INCLUDE"} -I"$here" -I"$dir" \
    "$here/state_table/walk.c" "$here/test.c" -o "$dir/state_table" \
    ${LIB:+-L"$LIB"} -lnbd
"$dir/state_table"

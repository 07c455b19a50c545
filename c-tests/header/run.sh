#!/usr/bin/env bash
# Compiles the public header as every language it promises to be.
#
# Environment:
#   INCLUDE, LIB   directories of the header and of the library
#   CC, CXX        compilers (cc, c++)
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")" || exit 1

read -ra cc <<< "${CC:-cc}"
read -ra cxx <<< "${CXX:-c++}"
include=${INCLUDE:?directory of libnbd.h}
library=${LIB:?directory of libnbd.so}
warnings=(-Wall -Wextra -Wpedantic -Werror)
# What a program writes to switch the nonnull attributes off.
no_nonnull='-DLIBNBD_ATTRIBUTE_NONNULL(...)='

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
passed=0
failed=0

record() { # STATUS NAME
    if [ "$1" -eq 0 ]; then
        echo "ok header: $2"
        passed=$((passed + 1))
    else
        echo "not ok header: $2"
        cat "$directory/output"
        failed=$((failed + 1))
    fi
}

expect() { # NAME COMMAND...
    local name=$1
    shift
    "$@" > "$directory/output" 2>&1
    record $? "$name"
}

# Succeeds if the command fails with the diagnostic.
expect_diagnostic() { # NAME DIAGNOSTIC COMMAND...
    local name=$1 diagnostic=$2
    shift 2
    ! "$@" > "$directory/output" 2>&1 && grep -q -e "$diagnostic" "$directory/output"
    record $? "$name"
}

# Runs the program and looks at the version it prints: another library must not
# have been found.
right_version() { # PROGRAM
    local version
    version=$(LD_LIBRARY_PATH=$library "$1") && [[ $version = 1.24.* ]]
}

everything=$directory/everything.c
python3 everything.py ../../tests/data/api.json > "$everything" || exit 1

for standard in c99 c11 c2x gnu11 c++17 gnu++17; do
    case $standard in
        *++*) compiler=("${cxx[@]}" -x c++) ;;
        *) compiler=("${cc[@]}" -Wstrict-prototypes) ;;
    esac
    # -isystem would silence the warnings.
    compiler+=("-std=$standard" "-I$include")
    case $standard in
        gnu*) compiler+=(-Wall -Wextra -Werror) ;;
        *) compiler+=("${warnings[@]}") ;;
    esac
    expect "alone as $standard" "${compiler[@]}" -fsyntax-only alone.c
    expect "alone as $standard, nonnull off" \
        "${compiler[@]}" "$no_nonnull" -fsyntax-only alone.c
    program=$directory/everything-$standard
    expect "everything as $standard" \
        "${compiler[@]}" "$everything" -x none "-L$library" -lnbd -o "$program"
    expect "everything as $standard runs" right_version "$program"
done

misuse=("${cc[@]}" -std=c99 "${warnings[@]}" -O2 -c -o "$directory/misuse.o" "-I$include" misuse.c)
expect 'correct use' "${misuse[@]}" -DCORRECT
expect_diagnostic 'NULL where there must be a handle' '-Werror=nonnull' "${misuse[@]}" -DNULL_HANDLE
expect 'NULL passes with nonnull off' "${misuse[@]}" -DNULL_HANDLE "$no_nonnull"
expect_diagnostic 'a handle given to free' '-Werror=mismatched-dealloc' "${misuse[@]}" -DWRONG_FREE

echo "$passed passed, $failed failed"
[ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]

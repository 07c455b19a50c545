#!/usr/bin/env bash
# Compiles the public headers as every language it promises to be.
#
# Environment:
#   INCLUDE, LIB   directories of the header and of the library
#   CC, CXX        compilers (cc, c++)
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

read -ra cc <<< "${CC:-cc}"
read -ra cxx <<< "${CXX:-c++}"
include=${INCLUDE:?directory of libnbd.h and libnbdx.h}
library=${LIB:?directory of libnbd.so}
warnings=(-Wall -Wextra -Wpedantic -Werror)
# What a program writes to switch the nonnull attributes off.
no_nonnull='-DLIBNBD_ATTRIBUTE_NONNULL(...)='

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
suite=header
log=$directory/output
. scripts/tally.sh
cd c-tests/header || exit 1

# Succeeds if the command fails with the diagnostic.
diagnoses() { # DIAGNOSTIC COMMAND...
    local diagnostic=$1
    shift
    ! "$@" > "$directory/diagnostics" 2>&1 || return
    cat "$directory/diagnostics"
    grep -q -e "$diagnostic" "$directory/diagnostics"
}

# Runs the program and looks at the version it prints: another library must not
# have been found.
right_version() { # PROGRAM
    local version
    version=$(LD_LIBRARY_PATH=$library "$1") && [[ $version = 1.24.* ]]
}

everything=$directory/everything.c
python3 everything.py ../../tests/data/{api,libnbdx}.json > "$everything" || exit 1

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
    check "alone as $standard" "${compiler[@]}" -fsyntax-only alone.c
    check "alone as $standard, nonnull off" \
        "${compiler[@]}" "$no_nonnull" -fsyntax-only alone.c
    check "with additions as $standard" \
        "${compiler[@]}" -fsyntax-only -DEXTENSION alone.c
    program=$directory/everything-$standard
    check "everything as $standard" \
        "${compiler[@]}" "$everything" -x none "-L$library" -lnbd -o "$program"
    check "everything as $standard runs" right_version "$program"
done

misuse=("${cc[@]}" -std=c99 "${warnings[@]}" -O2 -c -o "$directory/misuse.o" "-I$include" misuse.c)
check 'correct use' "${misuse[@]}" -DCORRECT
check 'NULL where there must be a handle' diagnoses '-Werror=nonnull' "${misuse[@]}" -DNULL_HANDLE
check 'NULL passes with nonnull off' "${misuse[@]}" -DNULL_HANDLE "$no_nonnull"
check 'a handle given to free' diagnoses '-Werror=mismatched-dealloc' "${misuse[@]}" -DWRONG_FREE

total

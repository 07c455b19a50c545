#!/usr/bin/env bash
# Compares the built library and its header with those of the installed C
# library, an older release: everything that a program compiled with the C
# library relies on must be the same here.  Run `make` first.
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

read -ra cc <<< "${CC:-cc}"
ours=${LIBNBD_BUILD:?set by make check}/libnbd.so.0.0.0
our_include=$PWD/include
theirs=/usr/lib/$("${cc[@]}" -print-multiarch)/libnbd.so.0
their_include=/usr/include
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
suite="ABI of the C library"
log=$directory/output
. scripts/tally.sh

# Additions are allowed here: scripts/check-abi.py checks them.
same_abi() { # OLD NEW
    abidiff --no-default-suppression --no-added-syms "$1" "$2"
}

# Succeeds if the comparison fails and its report contains the text.
notices() { # TEXT OLD NEW
    ! same_abi "$2" "$3" > "$directory/report" || return
    cat "$directory/report"
    grep -qFe "$1" "$directory/report"
}

# Neither library contains debugging information in terms of C, and without it
# abidiff sees names and versions but no types.  So it compares libraries with a
# pointer to each function, of exactly the type in the header, which exposes all
# types involved.  Our header matches our library because it is generated from
# the functions.
functions=$directory/functions
nm --dynamic --defined-only --format=posix "$theirs" |
    sed -n 's/^\(nbd_[a-z0-9_]*\)@.*/\1/p' > "$functions"
{
    echo '#include <libnbd.h>'
    while read -r name; do
        echo "#ifdef LIBNBD_HAVE_${name^^}"
        echo "__typeof__ (${name}) *type_of_$name = $name;"
        echo '#endif'
    done < "$functions"
} > "$directory/types.c"

types() { # NAME INCLUDE LIBRARY
    "${cc[@]}" -std=gnu11 -g -O0 -Wall -Wextra -Werror -fPIC -shared -I"$2" \
        "$directory/types.c" -o "$directory/$1.so" -Wl,-z,defs "$3"
}

# Makes a header with a change, to show that the comparison would notice it.
changed_header() { # NAME SCRIPT
    mkdir -p "$directory/$1"
    sed -z "$2" include/libnbd.h > "$directory/$1/libnbd.h"
    ! cmp -s include/libnbd.h "$directory/$1/libnbd.h" && types "$1" "$directory/$1" "$ours"
}

values() { # NAME INCLUDE
    "${cc[@]}" -std=gnu11 -Wall -Wextra -Werror -I"$2" -DMACROS="\"$directory/macros\"" \
        c-tests/abi/values.c -o "$directory/values-$1" &&
        "$directory/values-$1" > "$directory/$1.values"
}

macros() { # INCLUDE
    echo '#include <libnbd.h>' | "${cc[@]}" -E -dM -I"$1" - |
        sed -n 's/^#define \(_*\(LIB\)\?NBD_[A-Za-z0-9_]*\((.*)\)\?\) .*/\1/p' | sort
}

# Prints lines of the form "NAME: OLD -> NEW".
changed_values() {
    join -t = -j 1 -o 1.1,1.2,2.2 \
        <(sort -t = -k 1,1 "$directory/theirs.values") <(sort -t = -k 1,1 "$directory/ours.values") |
        sed -n '/^.* = \(.*\)= \1$/! s/^\(.*\) = \(.*\)= \(.*\)$/\1: \2 -> \3/p'
}

same_layouts() {
    diff <(grep -v ' = ' "$directory/theirs.values") <(grep -v ' = ' "$directory/ours.values")
}

only_explained_changes() {
    diff <(grep -v '^#' c-tests/abi/changed.txt | grep . | sort) <(changed_values | sort)
}

macros_remain() {
    local missing
    missing=$(comm -23 <(macros "$their_include") <(macros "$our_include"))
    echo "$missing"
    [ -z "$missing" ]
}

is_another_library() {
    ! cmp "$theirs" "$ours" && grep -cx 'nbd_[a-z]*' "$functions" &&
        ! grep -x nbd_get_version_extra "$functions"
}

check 'the C library is installed' is_another_library
check 'no symbol is missing or has another version' same_abi "$theirs" "$ours"
check 'a missing symbol would be noticed' notices nbd_get_version_extra "$ours" "$theirs"

check 'types of the C library' types theirs "$their_include" "$theirs"
check 'types of this library' types ours "$our_include" "$ours"
check 'no type has changed' same_abi "$directory/theirs.so" "$directory/ours.so"

check 'header with a narrower parameter' changed_header parameter \
    's/\(nbd_trim([^)]*\)uint64_t count/\1uint32_t count/'
check 'the change is noticed' notices "'function type int (nbd_handle*, typedef uint64_t," \
    "$directory/ours.so" "$directory/parameter.so"
check 'header with another result' changed_header result 's/int64_t nbd_get_size(/int nbd_get_size(/'
check 'the change is noticed' notices type_of_nbd_get_size "$directory/ours.so" "$directory/result.so"
check 'header with a larger structure' changed_header structure \
    's/\n} nbd_completion_callback;/\n  int more;&/'
check 'the change is noticed' notices 'type size changed from 192 to 256' \
    "$directory/ours.so" "$directory/structure.so"

macros "$their_include" | grep -v '(' | grep -vx LIBNBD_H |
    sed 's/.*/SHOW (&);/' > "$directory/macros"
check 'no macro is missing' macros_remain
check 'values of the C library' values theirs "$their_include"
check 'values of this library' values ours "$our_include"
check 'layouts are the same' same_layouts
check 'values are the same except for the explained ones' only_explained_changes

total

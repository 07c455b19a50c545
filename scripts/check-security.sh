#!/usr/bin/env bash
# Checks that every test that libnbd-security(3) names exists, and that the page
# names tests for each promise and each past issue.
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

page=man/libnbd-security.md
log=$(mktemp)
trap 'rm -f "$log"' EXIT
suite=security
. scripts/tally.sh
tick='`'

# The items of a section, each in one line.
items() { # SECTION
    sed -n "/^# $1\$/,/^# /p" "$page" | awk '
        /^- / { if (item) print item; item = $0; next }
        /^  / { item = item $0; next }
        { if (item) print item; item = "" }
        END { if (item) print item }'
}

tests() {
    grep -oE "${tick}[a-z_0-9]+(\.|::)[a-z_0-9:]+$tick" "$page" | tr -d "$tick" | sort -u
}

case_exists() { # PROGRAM.CASE
    local file
    for file in {c-tests,torture}/"${1%%.*}".c; do
        [ -e "$file" ] && grep -q "^CASE (${1#*.})\$" "$file" && return
    done
    return 1
}

function_exists() { # FILE::FUNCTION
    find src -name "${1%%::*}.rs" -exec grep -q "fn ${1##*::}()" {} \; -print | grep -q .
}

tests_exist() {
    local name count=0 missing=0
    for name in $(tests); do
        count=$((count + 1))
        case $name in
            *::*) function_exists "$name" ;;
            *) case_exists "$name" ;;
        esac || { echo "there is no $name"; missing=$((missing + 1)); }
    done
    # Cases of which all count.
    for name in $(grep -oE "all cases of ${tick}[a-z_]+" "$page" | sed "s/.*$tick//") state_table; do
        count=$((count + 1))
        compgen -G "c-tests/$name.*" > /dev/null || [ -e "torture/$name.c" ] ||
            { echo "there is no program $name"; missing=$((missing + 1)); }
    done
    echo "$count names, $missing missing"
    [ $count -gt 50 ] && [ $missing -eq 0 ]
}

all_have_tests() { # SECTION MINIMUM
    local without
    without=$(items "$1" | grep -v 'Tests: ')
    echo "without tests: $without"
    [ -z "$without" ] && [ "$(items "$1" | wc -l)" -ge "$2" ]
}

check 'the named tests exist' tests_exist
check 'each promise has tests' all_have_tests 'WHAT IS PROMISED' 18
check 'each past issue has tests' all_have_tests 'PAST ISSUES OF NBD CLIENTS' 12

total

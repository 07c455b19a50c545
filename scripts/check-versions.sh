#!/usr/bin/env bash
# Checks that every file that names the version or its date names the same.
#
#   check-versions.sh           what must be true on every day
#   check-versions.sh --final   for a release: dated, and committed
#
# Prints a line for each check and "N passed, N failed".

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

suite=versions
log=$(mktemp)
trap 'rm -f "$log"' EXIT
. scripts/tally.sh

in_manifest() { # NAME
    sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" Cargo.toml | head -n 1
}
in_makefile() { # NAME
    sed -n "s/^$1 := //p" Makefile
}

crate=$(in_manifest version)
date=$(in_manifest release-date)
interface=$(in_makefile VERSION)
extension=$(in_makefile EXTENSION_VERSION)
version=$interface+rs$crate

same() { # WANTED FOUND
    echo "expected: $1"
    echo "found:    $2"
    [ -n "$1" ] && [ "$1" = "$2" ]
}

newest_heading=$(sed -n 's/^## //p' CHANGELOG.md | head -n 1)

well_formed() {
    [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+\+rs[0-9]+\.[0-9]+\.[0-9]+$ ]] && date --date "$date"
}

check 'versions of three numbers, and a date' well_formed
check 'CHANGELOG.md' same "$version" "${newest_heading%%,*}"
check 'debian/changelog' same "$version" "$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)"
check 'rpm/libnbd.spec: interface' same "$interface" \
    "$(sed -n 's/^%global interface *//p' rpm/libnbd.spec)"
check 'rpm/libnbd.spec: crate' same "$crate" "$(sed -n 's/^%global crate *//p' rpm/libnbd.spec)"
check 'rpm/libnbd.spec: changelog' same "$version" \
    "$(sed -n '/^%changelog/,$s/^\*.* - \(.*\)-[0-9]*$/\1/p' rpm/libnbd.spec | head -n 1)"
check 'Cargo.lock' same "$crate" \
    "$(sed -n '/^name = "libnbd"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock)"
check 'fuzz/Cargo.lock' same "$crate" \
    "$(sed -n '/^name = "libnbd"$/{n;s/^version = "\(.*\)"$/\1/p}' fuzz/Cargo.lock)"
check 'libnbd.syms: newest node of the interface' same "LIBNBD_${interface%.*}" \
    "$(sed -n 's/^\(LIBNBD_[0-9.]*\) {.*/\1/p' libnbd.syms | sort --version-sort | tail -n 1)"
check 'libnbd.syms: newest node of the additions' same "LIBNBDX_$extension" \
    "$(sed -n 's/^\(LIBNBDX_[0-9.]*\) {.*/\1/p' libnbd.syms | sort --version-sort | tail -n 1)"
check 'debian/libnbd0.symbols has the nodes of libnbd.syms' same \
    "$(sed -n 's/^\(LIBNBDX*_[0-9.]*\) {.*/\1/p' libnbd.syms | sort)" \
    "$(sed -n 's/^ (symver)\([^ ]*\) .*/\1/p' debian/libnbd0.symbols | sort)"

if [ "${1:-}" = --final ]; then
    check 'CHANGELOG.md has the date of the manual' same "$version, $date" "$newest_heading"
    check 'debian/changelog has it' same "$date" \
        "$(date --utc --date "$(sed -n 's/^ -- .*>  //p' debian/changelog | head -n 1)" +%F)"
    check 'rpm/libnbd.spec has it' same "$date" \
        "$(date --utc --date "$(sed -n 's/^\* \(... ... .. ....\) .*/\1/p' rpm/libnbd.spec | head -n 1)" +%F)"
    check 'everything is committed' git diff --quiet HEAD
fi

total

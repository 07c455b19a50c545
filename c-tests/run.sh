#!/bin/sh
# Compiles every C test against a library and runs it.
#
#   run.sh [--valgrind] [--only NAME]...
#
# NAME is a program (data) or one of its cases (data.name).  Environment:
#   INCLUDE, LIB     directories of the header and of the library; without
#                    them the compiler and the loader look where they usually do
#   CC, CXX          compilers of C (cc) and C++ (c++)
#   BUILD            where the test programs go (a temporary directory)
#   EMBEDDED_SERVER  the scripted server of this project
#   TIMEOUT          seconds for each program (900)
#   EMULATOR         what runs the tests, if they are for another processor
#
# Prints a line for each case and "N passed, N failed" at the end; succeeds
# only if some case ran and none failed.

set -u

here=$(cd "$(dirname "$0")" && pwd)
valgrind=
only=
while [ $# -gt 0 ]; do
    case $1 in
        --valgrind) valgrind=yes ;;
        --only) only="$only ${2:?--only needs a name}"; shift ;;
        *) echo "usage: $0 [--valgrind] [--only NAME]..." >&2; exit 2 ;;
    esac
    shift
done

# The tests make their private directories in here.  Short, because the path
# of a Unix socket must be.
TMPDIR=$(mktemp -d /tmp/nbd-c-tests-XXXXXX) || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' HUP INT TERM

CC=${CC:-cc}
CXX=${CXX:-c++}
build=${BUILD:-$TMPDIR/build}
mkdir -p "$build" || exit 1
common="-D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -pthread"
link="-lnbd"
if [ -n "${INCLUDE:-}" ]; then
    common="$common -I$INCLUDE"
fi
flags="-std=gnu11 $common"
if [ -n "${LIB:-}" ]; then
    link="-L$LIB $link"
    LD_LIBRARY_PATH=$LIB${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export LD_LIBRARY_PATH
fi

run() {
    if [ -n "$valgrind" ]; then
        set -- valgrind -q --leak-check=full --trace-children=no \
            --errors-for-leak-kinds=definite,indirect --show-leak-kinds=definite,indirect \
            --fair-sched=yes --error-exitcode=99 "$@"
    fi
    # shellcheck disable=SC2086
    timeout "${TIMEOUT:-900}" ${EMULATOR:-} "$@"
}

# The server's side of TLS, for servers that have none.
compile_relay() {
    TLS_RELAY=$build/tls-relay
    export TLS_RELAY
    # shellcheck disable=SC2086
    [ -e "$TLS_RELAY" ] || $CC $flags "$here/support/tls-relay.c" -o "$TLS_RELAY" -lssl -lcrypto
}

# Program $1.  One must not be linked with the library, for it loads it.
compile() {
    # shellcheck disable=SC2086
    case $1 in
        dlopen) $CC $flags "$here/$1.c" -o "$build/$1" -ldl ;;
        ends) $CXX -std=gnu++17 $common "$here/$1.cc" -o "$build/$1" $link ;;
        tls_*) compile_relay && $CC $flags "$here/$1.c" "$here/test.c" "$here/support/tls.c" \
            -o "$build/$1" $link -lcrypto ;;
        *) $CC $flags "$here/$1.c" "$here/test.c" -o "$build/$1" $link ;;
    esac
}

# The cases of program $1 that --only asks for; "all" when it names the
# program or when there is no --only.
selected() {
    [ -n "$only" ] || { echo all; return; }
    for name in $only; do
        case $name in
            "$1") echo all; return ;;
        esac
    done
    for name in $only; do
        case $name in
            "$1".*) echo "${name#"$1".}" ;;
        esac
    done
}

results=$TMPDIR/results
: > "$results"
for source in "$here"/*.c "$here"/*.cc "$here"/*.sh; do
    name=$(basename "$source")
    name=${name%.*}
    case $name in test|run) continue ;; esac
    # Scripts run compilers and other programs; valgrind is for the tests in C.
    case $valgrind$source in yes*.sh) continue ;; esac
    cases=$(selected "$name")
    [ -n "$cases" ] || continue
    [ "$cases" != all ] || cases=
    echo "# $name"
    case $source in
        *.sh)
            CC=$CC timeout 900 "$source" ;;
        *)
            # shellcheck disable=SC2086
            compile "$name" && run "$build/$name" $cases ;;
    esac > "$TMPDIR/output" 2>&1
    status=$?
    cat "$TMPDIR/output"
    # A program that fails without saying which case did has crashed.
    if [ $status -ne 0 ] && ! grep -q '^not ok ' "$TMPDIR/output"; then
        echo "not ok $name (exit status $status)" | tee -a "$TMPDIR/output"
    fi
    cat "$TMPDIR/output" >> "$results"
done

passed=$(grep -c '^ok ' "$results")
failed=$(grep -c '^not ok ' "$results")
echo "$passed passed, $failed failed"
[ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]

#!/usr/bin/env bash
# Runs every test.  `make check` calls this script.
#
# What can fail early comes first, step by step.  The rest runs in two lanes next to
# each other, because most steps keep one processor busy: in one lane what
# compiles, in the other what runs programs.  Each step runs to its end, even if an
# earlier one failed, and then prints its output and how long it took.  The last
# line is the sum of all.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

export LIBNBD_BUILD=${LIBNBD_BUILD:?set by make check}
export EMBEDDED_SERVER=${EMBEDDED_SERVER:?set by make check}
export INCLUDE=$PWD/include LIB=$LIBNBD_BUILD
# Debian's manual pages, if install-deps.sh had to download them.
export MANPATH=$PWD/build/oracle/usr/share/man:${MANPATH:-}
read -ra flags <<< "${CARGO_FLAGS:-}"
cargo=${CARGO:-cargo}

logs=build/check
rm -rf "$logs"
mkdir -p "$logs"
results=$logs/results
: > "$results"

# Prints "PASSED FAILED" as reported by the test runners that wrote the log.
inner_counts() { # LOG
    awk '
        /^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 }
        /^test result: / {
            for (i = 2; i <= NF; i++) {
                if ($i == "passed;") passed += $(i - 1)
                if ($i == "failed;") failed += $(i - 1)
            }
        }
        END { print passed + 0, failed + 0 }' "$1"
}

# A step that does not count tests is one test.
step() { # MINUTES TITLE COMMAND...
    local minutes=$1 title=$2 log status passed failed start=$SECONDS
    shift 2
    log=$logs/${title//[^A-Za-z0-9]/-}.log
    timeout --kill-after=10 "${minutes}m" "$@" < /dev/null > "$log" 2>&1 &
    running=$!
    # If the checks are interrupted, so is the step.
    trap 'kill "$running"; exit 1' INT TERM
    wait "$running"
    status=$?
    read -r passed failed <<< "$(inner_counts "$log")"
    if [ "$status" -eq 0 ] && [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ]; then
        passed=1
    elif [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        echo "exit status $status" >> "$log"
        failed=1
    fi
    printf '%d\t%d\t%s\n' "$passed" "$failed" "$title: $failed failed, see $log" >> "$results"
    {
        flock 9
        printf '\n==> %s (%d s)\n' "$title" $((SECONDS - start))
        cat "$log"
    } 9> "$logs/lock"
}

early() {
    step 15 'Packages' scripts/install-deps.sh
    step 2 'Format' "$cargo" fmt --all --check
    step 2 'Format of fuzz targets' "$cargo" fmt --manifest-path fuzz/Cargo.toml --check
    step 10 'Lint' "$cargo" clippy "${flags[@]}" --workspace --all-targets -- -D warnings
    step 1 'Versions' scripts/check-versions.sh
    step 2 'Scripts' shellcheck scripts/*.sh c-tests/*.sh c-tests/header/*.sh c-tests/support/*.sh torture/*.sh \
        debian/for-release .ci/run
    step 10 'Lint without the C interface' "$cargo" clippy "${flags[@]}" --package libnbd --lib -- -D warnings
    step 10 'Build' make --no-print-directory all server
}

compiling() {
    step 25 'Rust tests' "$cargo" test "${flags[@]}" --workspace --no-fail-fast
    step 5 'Headers regenerated' make --no-print-directory header HEADERS="$logs/include"
    step 1 'Headers up to date' diff -ru include "$logs/include"
    step 20 'Crate' scripts/check-crate.sh
    step 15 'Examples' scripts/check-examples.sh
    step 20 'Debian packages' scripts/check-packages.sh
    step 10 'RPM packages' scripts/check-rpm.sh
    step 20 'Platforms' scripts/check-targets.sh
    step 25 'Toolchains' scripts/check-toolchains.sh
    step 20 'Fuzzing' torture/fuzz.sh 10
    step 20 'Miri' torture/miri.sh short
    step 20 'AddressSanitizer' torture/sanitizers.sh address data chunks block_status hostile handshake opt_list
}

running_programs() {
    step 5 'Headers in C and C++' c-tests/header/run.sh
    step 1 'ABI' scripts/check-abi.py --library "$LIB/libnbd.so.0.0.0" --archive "$LIB/libnbd.a" \
        --header include/libnbd{,x}.h --api tests/data/{api,libnbdx}.json
    step 1 'Binaries' scripts/check-reproducible.sh
    step 5 'ABI checker' scripts/test-check-abi.py
    step 5 'ABI of the C library' scripts/check-abidiff.sh
    step 25 'C tests' c-tests/run.sh
    step 40 'C tests under valgrind' c-tests/run.sh --valgrind
    step 5 'Callers' torture/c.sh callers
    step 10 'Faults' torture/c.sh faults
    step 5 'Load' torture/c.sh load
    step 5 'Manual' scripts/check-man.sh
    step 1 'Security' scripts/check-security.sh
    step 10 'Install' scripts/check-install.sh
    step 10 'Consumers' scripts/check-consumers.sh
    step 15 'Programs' scripts/check-programs.sh
    step 5 'Counts' scripts/check-counts.sh
    step 5 'Benchmark' bench/test.py
}

early
compiling &
lanes=($!)
running_programs &
lanes+=($!)
trap 'kill "${lanes[@]}" 2> /dev/null; exit 1' INT TERM
for lane in "${lanes[@]}"; do
    wait "$lane" || printf '0\t1\tsome steps have not been run\n' >> "$results"
done

printf '\n==> Summary (%d s)\n' "$SECONDS"
awk -F '\t' '
    $2 > 0 { print $3 }
    { passed += $1; failed += $2 }
    END {
        print passed + 0 " passed, " failed + 0 " failed"
        exit !(passed > 0 && failed == 0)
    }' "$results"

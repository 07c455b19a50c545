#!/usr/bin/env bash
# Runs the fuzz targets, two at a time, for so many seconds each.
#
#   fuzz.sh SECONDS [TARGET]...
#
# They start from fuzz/corpus/, from the recorded sessions and from new keys.  New inputs are
# kept in build/fuzz/TARGET, and those that fail in build/fuzz/findings.  Prints a
# line for each target and "N passed, N failed".

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

seconds=${1:?how many seconds}
shift
. torture/nightly.sh || exit 1
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(cd fuzz/fuzz_targets && printf '%s\n' *.rs | sed 's/\.rs$//')

work=$PWD/build/fuzz
seeds=$work/seeds

# Keys and certificates, which do not belong in a repository.
pem_seeds() {
    mkdir -p "$seeds/pem"
    (
        cd "$seeds/pem" &&
            openssl ecparam -name prime256v1 -genkey -noout -out key &&
            openssl req -new -x509 -key key -subj /CN=x -out certificate &&
            openssl pkcs8 -topk8 -in key -passout pass:x -out encrypted &&
            openssl ec -in key -aes128 -passout pass:x -out old &&
            cat certificate key > both
    ) 2> /dev/null
}

rm -rf "$seeds"
mkdir -p "$work/findings" "$work/logs"
"$cargo" run --quiet --package torture --bin seeds -- "$seeds" || exit 1
pem_seeds || exit 1
# `make` names another directory in the environment.
"$cargo" "+$nightly" fuzz build --fuzz-dir fuzz --target-dir fuzz/target || exit 1
programs=fuzz/target/$("$cargo" "+$nightly" --version --verbose | sed -n 's/^host: //p')/release

fuzz() { # TARGET
    local target=$1 directory corpus=()
    for directory in "$work/$1" "fuzz/corpus/$1" "$seeds/$1"; do
        [ "$directory" != "$work/$1" ] || mkdir -p "$directory"
        [ ! -d "$directory" ] || corpus+=("$directory")
    done
    "$programs/$target" "-max_total_time=$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=1024 \
        -print_final_stats=1 "-artifact_prefix=$work/findings/$target-" "${corpus[@]}" \
        > "$work/logs/$target" 2>&1
}

passed=0
failed=0
report() { # TARGET STATUS
    local inputs
    inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/logs/$1")
    if [ "$2" -eq 0 ]; then
        echo "torture: fuzz $1: ${inputs:-0} inputs, 0 findings"
        passed=$((passed + 1))
    else
        tail -n 40 "$work/logs/$1"
        echo "torture: fuzz $1: ${inputs:-0} inputs, 1 finding"
        failed=$((failed + 1))
    fi
}

for ((at = 0; at < ${#targets[@]}; at += 2)); do
    pair=("${targets[@]:at:2}")
    pids=()
    for target in "${pair[@]}"; do
        fuzz "$target" &
        pids+=($!)
    done
    for nth in "${!pair[@]}"; do
        wait "${pids[nth]}"
        report "${pair[nth]}" $?
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# Runs the C tests on a library with a sanitizer: AddressSanitizer, with
# LeakSanitizer, or ThreadSanitizer.
#
#   sanitizers.sh address|thread [NAME]...
#
# NAME is a program or a case, as for c-tests/run.sh.  With overflow checks and
# debug assertions, which a release does not have.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

sanitizer=${1:?address or thread}
shift
. torture/nightly.sh || exit 1
read -ra cc <<< "${CC:-cc}"
server=${EMBEDDED_SERVER:?the scripted server}
target=$("$cargo" "+$nightly" --version --verbose | sed -n 's/^host: //p')
directory=$PWD/target/sanitizer-$sanitizer
library=$directory/lib
mkdir -p "$library"

# Rust's own library is built as well for ThreadSanitizer, which must see all
# synchronisation.
build_std=()
[ "$sanitizer" != thread ] || build_std=(-Zbuild-std)
RUSTFLAGS="-Zsanitizer=$sanitizer" "$cargo" "+$nightly" rustc --quiet --profile torture \
    "${build_std[@]}" --target "$target" --target-dir "$directory" --package libnbd --lib \
    --crate-type staticlib || exit 1

# The runtime comes from the C compiler, whose programs load the library.
"${cc[@]}" "-fsanitize=$sanitizer" -shared -o "$library/libnbd.so.0" -Wl,-soname,libnbd.so.0 \
    -Wl,--version-script=libnbd.syms -Wl,--whole-archive \
    "$directory/$target/torture/libnbd.a" -Wl,--no-whole-archive \
    -lssl -lcrypto -lpthread -lm -ldl || exit 1
ln -sf libnbd.so.0 "$library/libnbd.so"

only=()
for name in "$@"; do
    only+=(--only "$name")
done
log=$(mktemp)
trap 'rm -f "$log"' EXIT
ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99:detect_stack_use_after_return=1 \
    LSAN_OPTIONS=suppressions=$PWD/torture/leaks.supp:print_suppressions=0 \
    TSAN_OPTIONS=exitcode=99:halt_on_error=1 \
    INCLUDE=include LIB=$library EMBEDDED_SERVER=$server CC="${cc[*]} -fsanitize=$sanitizer" \
    CXX="${CXX:-c++} -fsanitize=$sanitizer" c-tests/run.sh "${only[@]}" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
read -r passed _ failed _ < <(tail -n 1 "$log")
echo "torture: ${sanitizer^}Sanitizer: ${passed:-0} tests, ${failed:-1} findings"
exit "$status"

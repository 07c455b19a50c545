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
    "${build_std[@]}" --target "$target" --target-dir "$directory" --package libnbd --features capi --lib \
    --crate-type staticlib || exit 1

# The runtime comes from the C compiler, whose programs load the library.
adapter=()
if [ "$sanitizer" = thread ]; then
    adapter=("$library/tsan.o")
    "${cc[@]}" -O1 -Wall -Wextra -Werror -fPIC -fno-builtin -c torture/tsan.c -o "${adapter[0]}" ||
        exit 1
fi
"${cc[@]}" "-fsanitize=$sanitizer" -shared -o "$library/libnbd.so.0" -Wl,-soname,libnbd.so.0 \
    -Wl,-z,nodelete -Wl,--version-script=libnbd.syms -Wl,--whole-archive \
    "$directory/$target/torture/liblibnbd.a" -Wl,--no-whole-archive \
    "${adapter[@]}" -lssl -lcrypto -lpthread -lm -ldl || exit 1
ln -sf libnbd.so.0 "$library/libnbd.so"

# Without names, all programs, with two exceptions.  In a child of a process with
# several threads the sanitizers' own locks may be locked for ever.  Their memory is
# too large for the cases that search all of it for keys.
names=("$@")
if [ $# -eq 0 ]; then
    for source in c-tests/*.c c-tests/*.cc; do
        name=$(basename "${source%.*}")
        case $name in
            test | children | tls_fork) ;;
            tls_memory | tls_psk)
                mapfile -t -O ${#names[@]} names < <(
                    sed -n "s/^CASE (\(.*\))\$/$name.\1/p" "$source" | grep -v 'not_stay_in_memory'
                )
                ;;
            *) names+=("$name") ;;
        esac
    done
fi
only=()
for name in "${names[@]}"; do
    only+=(--only "$name")
done
log=$(mktemp)
programs=$(mktemp -d)
trap 'rm -rf "$log" "$programs"' EXIT
# The server's side of TLS is not what is tested; it leaks when it ends.
"${cc[@]}" -std=gnu11 -D_GNU_SOURCE -O1 -pthread c-tests/support/tls-relay.c \
    -o "$programs/tls-relay" -lssl -lcrypto || exit 1

ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99:detect_stack_use_after_return=1 \
    TSAN_OPTIONS=exitcode=99:halt_on_error=1 \
    BUILD=$programs INCLUDE=include LIB=$library EMBEDDED_SERVER=$server CC="${cc[*]} -fsanitize=$sanitizer" \
    CXX="${CXX:-c++} -fsanitize=$sanitizer" c-tests/run.sh "${only[@]}" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
read -r passed _ failed _ < <(tail -n 1 "$log")
echo "torture: ${sanitizer^}Sanitizer: ${passed:-0} tests, ${failed:-1} findings"
exit "$status"

#!/usr/bin/env bash
# Checks the manual pages: there is one for each function, formatters report no
# warnings, references and names exist, and the programs in them work; and the
# same manual in HTML.  Run `make all server` first.
#
# Prints a line for each case and "N passed, N failed" at the end.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

server=${EMBEDDED_SERVER:?set by make check}
export PKG_CONFIG_PATH=${LIBNBD_BUILD:?set by make check}
unset LD_LIBRARY_PATH
pages=$LIBNBD_BUILD/man
html=$LIBNBD_BUILD/html
read -ra cc <<< "${CC:-cc}"
directory=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null; rm -rf "$directory"' EXIT
suite=manual
log=$directory/output
. scripts/tally.sh

# Succeeds if the command succeeds and prints nothing.
silent() { # COMMAND...
    local status output
    output=$("$@" 2>&1)
    status=$?
    [ -z "$output" ] || echo "$output"
    [ $status -eq 0 ] && [ -z "$output" ]
}

each_function_has_a_page() {
    diff <(sed -n 's/^ *\(nbdx\{0,1\}_.*\);$/\1.3/p' libnbd.syms | sort) \
        <(cd "$pages" && printf '%s\n' nbd{,x}_*.3 | sort)
}

lint() {
    mandoc -T lint -W warning "$pages"/*.3
}

# The date of the release, and never that of the build.
headings_have_the_date() {
    local date
    date=$(sed -n 's/^release-date = "\(20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]\)"$/\1/p' Cargo.toml)
    echo "$date"
    [ -n "$date" ] && ! grep -L "^\.TH [^ ]* 3 \"$date\" " "$pages"/*.3 | grep . &&
        ! grep -L "<footer>.*, $date\." "$html"/*.html | grep .
}

the_same_pages_in_html() {
    diff <(cd "$pages" && printf '%s\n' *.3) <(cd "$html" && printf '%s\n' *.3.html | sed 's/\.html$//')
}

groff_warnings() {
    local page
    for page in "$pages"/*.3; do
        groff -man -Tutf8 -ww -z "$page" || return
    done
}

# The lines that whatis(1) and apropos(1) find.
name_lines() {
    local page
    for page in "$pages"/*.3; do
        lexgrog "$page" | grep -q ": \"$(basename "$page" .3) - [a-z].*[^.]\"\$" || echo "$page"
    done
}

# A reference is a name in bold with a section.
references() {
    sed -n -e 's/\\fB\([^\\]*\)\\fR(3)/\n=\1\n/g' -e 's/^\.BR \(.*\) (3).*/\n=\1/' -e p "$pages"/*.3 |
        sed -n 's/^=//p' | grep nbd | sort -u
}

references_exist() {
    local page count=0
    for page in $(references); do
        count=$((count + 1))
        [ -e "$pages/$page.3" ] || { echo "there is no $page.3"; return 1; }
    done
    echo "$count references"
    [ $count -gt 100 ]
}

# Each name in the pages is in a header, or is the beginning of such a name.
names_exist() {
    local unknown
    unknown=$(sed 's/\\f[BIR]//g' "$pages"/*.3 |
        grep -owE '(nbdx?|LIBNBDX?|NBDX|NBD_NULL)_[A-Za-z0-9_]*' | sort -u |
        while read -r name; do
            grep -qwE "${name%_}(_[A-Za-z0-9_]+)?" include/libnbd{,x}.h libnbd.syms || echo "$name"
        done)
    echo "unknown names: $unknown"
    [ -z "$unknown" ]
}

# Prints the program as a reader would copy it.
shown_program() { # NAME
    groff -man -Tascii -P-bcou "$pages/$1.3" |
        sed -n -e '1,/^EXAMPLES$/d' -e '/^[A-Z]/q' -e 's/^ \{9\}//' -e p
}

compile() { # NAME
    local flags
    shown_program "$1" > "$directory/$1.c"
    read -ra flags <<< "$(pkg-config --cflags --libs libnbdx)"
    "${cc[@]}" -std=gnu11 -Wall -Wextra -Werror "$directory/$1.c" "${flags[@]}" -o "$directory/$1"
}

the_rust_example_is_shown() {
    diff <(shown_program libnbd-rust) <(cat examples/tokio_read.rs; echo)
}

serve() { # NAME OPTION...
    local name=$1
    shift
    "$server" --unix "$directory/$name.sock" --ready-file "$directory/$name.ready" "$@" &
    local pid=$!
    until [ -e "$directory/$name.ready" ]; do
        kill -0 "$pid" || return
        sleep 0.05
    done
}

prints() { # TEXT NAME ARGUMENT...
    local text=$1 name=$2
    shift 2
    diff <(echo "$text") <(timeout 60 "$directory/$name" "$@" 2>&1; echo "status $?")
}

# LD_LIBRARY_PATH takes precedence over the run path of the built library.
on_the_c_library() { # COMMAND...
    LD_LIBRARY_PATH=/usr/lib/$("${cc[@]}" -print-multiarch) "$@"
}

check 'each function has a page' each_function_has_a_page
check 'mandoc has no warnings' silent lint
check 'headings have the date of the release' headings_have_the_date
check 'groff has no warnings' silent groff_warnings
check 'whatis and apropos find each page' silent name_lines
check 'references exist' references_exist
check 'names are in the header' names_exist
check 'each page is there in HTML' the_same_pages_in_html
check 'HTML is correct and its links lead somewhere' "${PYTHON:-python3}" scripts/check-html.py "$html"

for program in man/examples/*.c; do
    check "$(basename "$program" .c) compiles" compile "$(basename "$program" .c)"
done

check 'libnbd-rust shows its example' the_rust_example_is_shown

{ head -c 300000 /dev/zero | tr '\0' x; head -c 100000 /dev/zero; } > "$directory/disk"
serve disk --file "$directory/disk"
serve exports --size 64K --export first=one --export second=two
serve map --size 128K --context base:allocation=64K:3,64K:0

check 'nbd_pread runs' prints "\
400000 bytes: 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78
status 0" nbd_pread "$directory/disk.sock"
check 'nbd_aio_pread runs' prints "\
300000 bytes are not zero
status 0" nbd_aio_pread "$directory/disk.sock"
check 'nbd_aio_connect_uri runs' prints "\
400000 bytes
status 0" nbd_aio_connect_uri "nbd+unix:///?socket=$directory/disk.sock"
check 'nbd_aio_get_fd runs' prints "\
the first byte is 120
status 0" nbd_aio_get_fd "$directory/disk.sock"
check 'nbd_opt_list runs' prints "\
first: 65536 bytes
second: 65536 bytes
status 0" nbd_opt_list "$directory/exports.sock"
check 'nbd_block_status_64 runs' prints "\
         0      65536 hole, zero
     65536      65536 data
status 0" nbd_block_status_64 "$directory/map.sock"
check 'nbd_set_debug_callback runs' prints "\
status 0" nbd_set_debug_callback "$directory/disk.sock" "$directory/log"
check 'and writes the messages' grep '^nbd_connect_unix: leave: ret=0' "$directory/log"
check 'libnbdx runs' prints "\
400000 bytes
status 0" libnbdx "nbd+unix:///?socket=$directory/disk.sock"
check 'on the C library as well' on_the_c_library prints "\
any address, 400000 bytes
status 0" libnbdx "nbd+unix:///?socket=$directory/disk.sock"

total

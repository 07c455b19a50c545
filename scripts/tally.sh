# shellcheck shell=bash
# For scripts that run a list of checks, each of which is a command that must
# succeed.  They set `suite`, which every line begins with, and `log`, a file for
# the output of a check, and then source this file.

: "${suite:?}" "${log:?}"
passed=0
failed=0

check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" > "$log" 2>&1 < /dev/null; then
        echo "ok $suite: $name"
        count 0
    else
        echo "not ok $suite: $name"
        tail -n 60 "$log"
        count 1
    fi
}

# Counts one result.  Scripts that print results in their own way call only this.
count() { # STATUS
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

# Prints the totals and sets the exit status: call this last.
total() {
    echo "$passed passed, $failed failed"
    [ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]
}

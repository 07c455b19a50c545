# shellcheck shell=bash
# For the scripts that run a list of checks: each is a command that succeeds.
# They set `suite`, which begins every line, and `log`, a file for the output of
# a check, and then source this.

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

# What `check` does after a check.  A script that prints results in another way
# calls it alone.
count() { # STATUS
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

# The last thing to do.
total() {
    echo "$passed passed, $failed failed"
    [ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]
}

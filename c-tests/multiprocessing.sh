#!/bin/sh
# Python's multiprocessing forks a program that has threads.  Its children use
# handles of their own, while the threads go on.
#
# Environment: LD_LIBRARY_PATH as set by run.sh.

set -eu

case=multiprocessing.children_of_a_program_with_threads

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

if nbdkit -U "$dir/socket" memory 1M --run "timeout 100 /usr/bin/python3 - '$dir/socket'" \
    > "$dir/messages" 2>&1 << 'END'
import multiprocessing
import sys
import threading

import nbd

CHILDREN = 100
socket = sys.argv[1]
stop = False


def use_own_handle():
    h = nbd.NBD()
    h.connect_unix(socket)
    h.pread(512, 0)
    h.shutdown()


def use_own_handles():
    while not stop:
        use_own_handle()


def create_handles():
    while not stop:
        nbd.NBD()


threads = [threading.Thread(target=function)
           for function in (use_own_handles, create_handles, create_handles)]
for thread in threads:
    thread.start()
context = multiprocessing.get_context('fork')
failed = []
for number in range(CHILDREN):
    child = context.Process(target=use_own_handle)
    child.start()
    child.join(10)
    if child.exitcode != 0:
        child.kill()
        failed.append((number, child.exitcode))
        if len(failed) == 3:
            break
stop = True
for thread in threads:
    thread.join()
if failed:
    sys.exit(f'children and how they ended (None: not at all): {failed}')
END
then
    echo "ok $case"
else
    sed 's/^/#   /' "$dir/messages"
    echo "not ok $case"
    exit 1
fi

"""A client in Python: blocking calls, callbacks, asynchronous calls, errors.

    client.py URI     a writable disk of at least 1 MiB
"""

import errno
import sys

import nbd

FLAGS = (
    "can_cache can_df can_fast_zero can_flush can_fua can_multi_conn can_trim can_zero"
    " is_read_only is_rotational"
).split()


def attempt(call, *arguments):
    """Prints the errno, for each library words its messages in its own way."""
    try:
        print(call.__name__, "returned", call(*arguments))
    except nbd.Error as error:
        print(call.__name__, "failed:", errno.errorcode.get(error.errnum, error.errnum))


def blocking(h):
    print(h.get_protocol(), h.get_size(), [h.get_block_size(n) for n in range(3)])
    print({name: getattr(h, name)() for name in FLAGS})
    h.pwrite(b"\xa5" * 4096, 8192)
    h.zero(1024, 9216, nbd.CMD_FLAG_FUA)
    h.flush()
    data = h.pread(4096, 8192)
    print(data.count(b"\xa5"), data.count(b"\0"))


def callbacks(h):
    chunks = []

    def chunk(data, offset, status, error):
        chunks.append((len(data), offset, status, error.value))

    h.pread_structured(65536, 0, chunk)
    # How a server cuts a read is its own affair.
    print(sum(length for length, *_ in chunks), {tuple(rest) for _, _, *rest in chunks})

    def extent(context, offset, entries, error):
        print(context, offset, entries, error.value)

    attempt(h.block_status, 1048576, 0, extent)


def asynchronous(h):
    finished = []
    buffers = [nbd.Buffer(4096) for _ in range(16)]

    def completion(number):
        def complete(error):
            finished.append((number, error.value))
            return 1

        return complete

    for number, buffer in enumerate(buffers):
        h.aio_pread(buffer, number * 4096, completion(number))
    while len(finished) < len(buffers):
        h.poll(-1)
    print(sorted(finished), h.aio_in_flight())
    print([buffer.to_bytearray().count(b"\xa5") for buffer in buffers])


def errors(h):
    attempt(h.pread, 512, h.get_size())
    attempt(h.pwrite, b"x", h.get_size())
    attempt(h.zero, 0, 0)
    attempt(h.connect_unix, "/nowhere")
    attempt(h.set_strict_mode, 1 << 30)
    attempt(h.can_meta_context, "base:allocation")
    attempt(h.get_nr_meta_contexts)
    attempt(nbd.NBD().pread, 512, 0)
    attempt(nbd.NBD().connect_unix, "/nowhere")
    attempt(nbd.NBD().connect_uri, "http://localhost/")


def negotiation(uri):
    h = nbd.NBD()
    h.set_opt_mode(True)
    h.connect_uri(uri)
    exports = []
    attempt(h.opt_list, lambda name, description: exports.append((name, description)))
    print(exports)
    attempt(h.opt_info)
    attempt(h.get_size)
    h.add_meta_context("base:allocation")
    attempt(h.opt_list_meta_context, print)
    h.opt_abort()
    print(h.aio_is_closed())


def main():
    h = nbd.NBD()
    h.set_handle_name("client")
    h.add_meta_context("base:allocation")
    h.connect_uri(sys.argv[1])
    print(h.get_handle_name(), h.get_uri() == sys.argv[1], h.connection_state().split(":")[0])
    blocking(h)
    callbacks(h)
    asynchronous(h)
    errors(h)
    h.shutdown()
    print(h.aio_is_closed(), h.aio_is_dead())
    negotiation(sys.argv[1])


main()

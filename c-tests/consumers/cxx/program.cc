// Asks a server for the size of its disk, as ../program.c does, and lets C++
// keep the handle and be called back.

#include <cstdint>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <libnbd.h>

namespace {

struct Close {
  void operator() (nbd_handle *nbd) const { nbd_close (nbd); }
};
using Handle = std::unique_ptr<nbd_handle, Close>;

std::int64_t
check (std::int64_t result)
{
  if (result == -1)
    throw std::runtime_error (nbd_get_error ());
  return result;
}

// Bytes that the chunks of one read bring.
std::uint64_t
received (nbd_handle *nbd, std::vector<char> &sector)
{
  std::uint64_t sum = 0;
  nbd_chunk_callback chunk {};

  chunk.user_data = &sum;
  chunk.callback = [] (void *data, const void *, std::size_t count,
                       std::uint64_t, unsigned, int *) {
    *static_cast<std::uint64_t *> (data) += count;
    return 0;
  };
  check (nbd_pread_structured (nbd, sector.data (), sector.size (), 0, chunk, 0));
  return sum;
}

}

int
main (int, char *argv[])
try {
  Handle nbd { nbd_create () };
  if (!nbd)
    throw std::runtime_error (nbd_get_error ());

  check (nbd_connect_command (nbd.get (), &argv[1]));
  std::vector<char> sector (512);
  if (received (nbd.get (), sector) != sector.size ())
    throw std::runtime_error ("the chunks are not the sector");

  std::cout << nbd_get_version (nbd.get ()) << ", "
            << nbd_get_version_extra (nbd.get ()) << ": "
            << check (nbd_get_size (nbd.get ())) << " bytes\n";
  check (nbd_shutdown (nbd.get (), 0));
}
catch (const std::exception &e) {
  std::cerr << argv[0] << ": " << e.what () << '\n';
  return 1;
}

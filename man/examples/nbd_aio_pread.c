/* Counts the bytes of a disk that are not zero, with up to 8 reads in
 * flight.  The argument is the Unix socket of an NBD server.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

#define READS 8
#define LENGTH 65536

struct slot {
  bool busy;
  size_t count;
  unsigned char data[LENGTH];
};

static struct slot slots[READS];
static uint64_t total;

static void
fail (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

/* Runs inside nbd_aio_pread or nbd_poll.  Returning 1 retires the
 * command.
 */
static int
completed (void *user_data, int *error)
{
  struct slot *slot = user_data;

  if (*error != 0)
    fail (strerror (*error));
  for (size_t i = 0; i < slot->count; i++)
    total += slot->data[i] != 0;
  slot->busy = false;
  return 1;
}

int
main (int argc, char *argv[])
{
  if (argc != 2)
    return EXIT_FAILURE;

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbd_connect_unix (nbd, argv[1]) == -1)
    fail (nbd_get_error ());
  int64_t r = nbd_get_size (nbd);
  if (r == -1)
    fail (nbd_get_error ());

  uint64_t size = (uint64_t) r, offset = 0;
  while (offset < size || nbd_aio_in_flight (nbd) > 0) {
    for (int i = 0; i < READS && offset < size; i++) {
      struct slot *slot = &slots[i];
      nbd_completion_callback callback = { .callback = completed,
                                           .user_data = slot };

      if (slot->busy)
        continue;
      slot->busy = true;
      slot->count = size - offset < LENGTH ? size - offset : LENGTH;
      if (nbd_aio_pread (nbd, slot->data, slot->count, offset, callback,
                         0) == -1)
        fail (nbd_get_error ());
      offset += slot->count;
    }
    if (nbd_aio_in_flight (nbd) > 0 && nbd_poll (nbd, -1) == -1)
      fail (nbd_get_error ());
  }

  printf ("%" PRIu64 " bytes are not zero\n", total);
  if (nbd_shutdown (nbd, 0) == -1)
    fail (nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

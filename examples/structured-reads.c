/* Reads a disk and prints in which pieces its data arrives.
 *
 *   structured-reads URI       such as nbd://example.com/disk
 *
 * A server can send a read as several chunks, in any order, and send holes without
 * their zeroes.  A program that knows where the holes are can, for example, leave
 * them out of a copy.
 *
 * Compile it with
 *   cc structured-reads.c $(pkg-config --cflags --libs libnbd) -o structured-reads
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnbd.h>

#define LENGTH (256 * 1024)

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

/* Runs for each chunk as it arrives, while other chunks may be on their way.
 * subbuf points into the buffer of the read, where the data is already; holes have
 * been filled with zeroes.  To fail the read, this would store an errno in *error
 * and return -1. */
static int
on_chunk (void *user_data, const void *subbuf, size_t count, uint64_t offset,
          unsigned int status, int *error)
{
  (void) user_data;
  (void) subbuf;
  (void) error;
  switch (status) {
  case LIBNBD_READ_DATA:
    printf ("%10" PRIu64 " %10zu data\n", offset, count);
    break;
  case LIBNBD_READ_HOLE:
    printf ("%10" PRIu64 " %10zu hole\n", offset, count);
    break;
  case LIBNBD_READ_ERROR:
    /* The read will fail, but the other chunks still arrive. */
    printf ("%10" PRIu64 " %10s error\n", offset, "");
    break;
  }
  return 0;
}

int
main (int argc, char *argv[])
{
  static char data[LENGTH];
  nbd_chunk_callback chunk = { .callback = on_chunk };

  if (argc != 2) {
    fprintf (stderr, "usage: %s URI\n", argv[0]);
    return EXIT_FAILURE;
  }

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbd_connect_uri (nbd, argv[1]) == -1)
    die (nbd_get_error ());
  /* Without structured replies, each read arrives as one piece of data. */
  if (nbd_get_structured_replies_negotiated (nbd) != 1)
    printf ("the server does not use structured replies\n");

  int64_t size = nbd_get_size (nbd);
  if (size == -1)
    die (nbd_get_error ());
  for (int64_t offset = 0; offset < size; offset += LENGTH) {
    size_t count = size - offset < LENGTH ? (size_t) (size - offset) : LENGTH;

    /* With LIBNBD_CMD_FLAG_DF, the server sends one chunk, or fails. */
    if (nbd_pread_structured (nbd, data, count, (uint64_t) offset, chunk, 0) == -1)
      die (nbd_get_error ());
  }

  if (nbd_shutdown (nbd, 0) == -1)
    die (nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

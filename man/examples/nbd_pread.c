/* Prints the size of a disk and its first 16 bytes.  The argument is
 * the Unix socket of an NBD server.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnbd.h>

static void
fail (void)
{
  fprintf (stderr, "%s\n", nbd_get_error ());
  exit (EXIT_FAILURE);
}

int
main (int argc, char *argv[])
{
  unsigned char bytes[16];

  if (argc != 2)
    return EXIT_FAILURE;

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbd_connect_unix (nbd, argv[1]) == -1)
    fail ();

  int64_t size = nbd_get_size (nbd);
  if (size == -1)
    fail ();
  printf ("%" PRIi64 " bytes:", size);

  if (nbd_pread (nbd, bytes, sizeof bytes, 0, 0) == -1)
    fail ();
  for (size_t i = 0; i < sizeof bytes; i++)
    printf (" %02x", bytes[i]);
  printf ("\n");

  if (nbd_shutdown (nbd, 0) == -1)
    fail ();
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

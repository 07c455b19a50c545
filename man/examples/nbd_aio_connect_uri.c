/* Connects without waiting, and prints the size of the disk.  The
 * argument is the URI of an NBD server.
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
  if (argc != 2)
    return EXIT_FAILURE;

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbd_aio_connect_uri (nbd, argv[1]) == -1)
    fail ();

  /* Connecting includes the handshake.  If nothing happens within a
   * second, nbd_poll returns 0, and the program could give up.
   */
  while (nbd_aio_is_connecting (nbd))
    if (nbd_poll (nbd, 1000) == -1)
      fail ();

  printf ("%" PRIi64 " bytes\n", nbd_get_size (nbd));

  if (nbd_shutdown (nbd, 0) == -1)
    fail ();
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

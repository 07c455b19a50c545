/* Waits until a server is up, and prints the size of its disk.
 *
 *   wait-for-server URI SECONDS
 *
 * There is no loop and no sleep: the library tries again while nobody listens, and
 * reports everything else at once.  If the host has several addresses, one that
 * does not respond delays the others only by a quarter of a second.
 *
 * Compile it with
 *   cc wait-for-server.c $(pkg-config --cflags --libs libnbdx) -o wait-for-server
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnbdx.h>

int
main (int argc, char *argv[])
{
  if (argc != 3) {
    fprintf (stderr, "usage: %s URI SECONDS\n", argv[0]);
    return EXIT_FAILURE;
  }

  struct nbd_handle *nbd = nbd_create ();
  int64_t size;

  if (nbd == NULL ||
      nbdx_set_connect_retry (nbd, INT64_C (1000) * atoi (argv[2])) == -1 ||
      nbdx_set_address_race (nbd, 250) == -1 ||
      nbd_connect_uri (nbd, argv[1]) == -1 ||
      (size = nbd_get_size (nbd)) == -1) {
    fprintf (stderr, "%s\n", nbd_get_error ());
    nbd_close (nbd);
    return EXIT_FAILURE;
  }
  printf ("%" PRId64 " bytes\n", size);
  nbd_shutdown (nbd, 0);
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

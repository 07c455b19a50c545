/* Prints the size of a disk.  The argument is the URI of an NBD server, which
 * is connected to by IPv4 if the library supports this setting.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <libnbdx.h>

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
  if (nbd == NULL)
    fail ();

  /* NULL if the library does not have it. */
  __typeof__ (nbdx_set_address_family) *set_address_family =
    dlsym (RTLD_DEFAULT, "nbdx_set_address_family");
  if (set_address_family == NULL)
    printf ("any address, ");
  else if (set_address_family (nbd, AF_INET) == -1)
    fail ();

  if (nbd_connect_uri (nbd, argv[1]) == -1)
    fail ();
  printf ("%" PRIi64 " bytes\n", nbd_get_size (nbd));

  nbd_shutdown (nbd, 0);
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

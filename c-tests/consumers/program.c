/* Asks a server for the size of its disk.
 *
 *   program SERVER ARGUMENT...    a server that talks over standard input
 *
 * The first words it prints say which library it really runs on.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnbd.h>

int
main (int argc, char *argv[])
{
  struct nbd_handle *nbd;
  int64_t size;

  if (argc < 2) {
    fprintf (stderr, "usage: %s SERVER ARGUMENT...\n", argv[0]);
    return EXIT_FAILURE;
  }

  nbd = nbd_create ();
  if (nbd == NULL
      || nbd_connect_command (nbd, &argv[1]) == -1
      || (size = nbd_get_size (nbd)) == -1
      || nbd_shutdown (nbd, 0) == -1) {
    fprintf (stderr, "%s: %s\n", argv[0], nbd_get_error ());
    return EXIT_FAILURE;
  }

  printf ("%s, %s: %" PRId64 " bytes\n",
          nbd_get_version (nbd), nbd_get_version_extra (nbd), size);
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

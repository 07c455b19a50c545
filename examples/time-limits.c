/* Reads the beginning of a disk, but does not wait forever for any of it.
 *
 *   time-limits URI MILLISECONDS
 *
 * There are three limits: on connecting, on each command, and on the time in
 * which the server owes an answer and sends nothing.  A command that has exceeded
 * its limit leaves the connection as it is, so the program can try again.
 *
 * Compile it with
 *   cc time-limits.c $(pkg-config --cflags --libs libnbdx) -o time-limits
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnbdx.h>

enum { ATTEMPTS = 3 };

static char buffer[512];

static void
die (const char *what)
{
  fprintf (stderr, "%s: %s\n", what, nbd_get_error ());
  exit (EXIT_FAILURE);
}

int
main (int argc, char *argv[])
{
  if (argc != 3) {
    fprintf (stderr, "usage: %s URI MILLISECONDS\n", argv[0]);
    return EXIT_FAILURE;
  }
  int64_t limit = atoll (argv[2]);

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL)
    die ("create");
  /* The name, the connection, TLS and the handshake, all in all. */
  if (nbdx_set_timeout (nbd, NBDX_TIMEOUT_CONNECT, 10 * limit) == -1 ||
      nbdx_set_timeout (nbd, NBDX_TIMEOUT_CALL, limit) == -1 ||
      /* Longer than that of a command, because it ends the connection. */
      nbdx_set_timeout (nbd, NBDX_TIMEOUT_SILENCE, 10 * limit) == -1)
    die ("set_timeout");

  if (nbd_connect_uri (nbd, argv[1]) == -1)
    die ("connect");
  for (int attempt = 1; nbd_pread (nbd, buffer, sizeof buffer, 0, 0) == -1; attempt++) {
    if (nbd_get_errno () != ETIMEDOUT || nbd_aio_is_dead (nbd) || attempt == ATTEMPTS)
      die ("read");
    /* The late reply will be dropped, and the buffer can be used again. */
    fprintf (stderr, "attempt %d: %s\n", attempt, nbd_get_error ());
  }
  printf ("read %zu bytes\n", sizeof buffer);

  if (nbd_shutdown (nbd, 0) == -1)
    die ("shutdown");
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

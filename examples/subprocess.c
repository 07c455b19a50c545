/* Runs a server as a subprocess, here one with a RAM disk, and writes and reads.
 *
 *   subprocess
 *
 * The server talks to this program over its standard input and output.  Nobody
 * else can connect to it, and it ends with the handle.  Servers that can do this:
 * nbdkit with -s, and nbd-server with port 0.
 *
 * Compile it with
 *   cc subprocess.c $(pkg-config --cflags --libs libnbd) -o subprocess
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

int
main (void)
{
  /* --exit-with-parent: even if this program crashes. */
  char *server[] = { "nbdkit", "-s", "--exit-with-parent", "memory", "1G", NULL };
  const char text[] = "written and read";
  char data[sizeof text];

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbd_connect_command (nbd, server) == -1)
    die (nbd_get_error ());

  uint64_t offset = (uint64_t) nbd_get_size (nbd) / 2;
  if (nbd_pwrite (nbd, text, sizeof text, offset, 0) == -1
      || nbd_pread (nbd, data, sizeof data, offset, 0) == -1)
    die (nbd_get_error ());
  printf ("%s\n", memcmp (data, text, sizeof data) == 0 ? data : "something else");

  if (nbd_shutdown (nbd, 0) == -1)
    die (nbd_get_error ());
  nbd_close (nbd);              /* also waits for the server to exit */
  return EXIT_SUCCESS;
}

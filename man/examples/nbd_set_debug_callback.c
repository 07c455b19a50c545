/* Connects to a server and writes the debug messages to a file.  The
 * arguments are the Unix socket of an NBD server and the file.
 */
#include <stdio.h>
#include <stdlib.h>

#include <libnbd.h>

static int
write_line (void *user_data, const char *context, const char *msg)
{
  fprintf (user_data, "%s: %s\n", context, msg);
  return 0;
}

/* Runs once, when there will be no more messages. */
static void
close_file (void *user_data)
{
  fclose (user_data);
}

int
main (int argc, char *argv[])
{
  if (argc != 3)
    return EXIT_FAILURE;
  FILE *file = fopen (argv[2], "w");
  if (file == NULL)
    return EXIT_FAILURE;

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL)
    return EXIT_FAILURE;
  nbd_debug_callback callback = { .callback = write_line,
                                  .user_data = file,
                                  .free = close_file };
  if (nbd_set_debug_callback (nbd, callback) == -1
      || nbd_set_debug (nbd, true) == -1
      || nbd_connect_unix (nbd, argv[1]) == -1)
    fprintf (stderr, "%s\n", nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

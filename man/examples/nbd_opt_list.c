/* Lists the exports of a server with their sizes, without using any of
 * them.  The argument is the Unix socket of an NBD server.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

#define MOST 100

static char *names[MOST];
static size_t count;

static void
fail (void)
{
  fprintf (stderr, "%s\n", nbd_get_error ());
  exit (EXIT_FAILURE);
}

/* The handle cannot be used in here, so this only collects names. */
static int
remember (void *user_data, const char *name, const char *description)
{
  (void) user_data;
  (void) description;
  if (count < MOST && (names[count] = strdup (name)) != NULL)
    count++;
  return 0;
}

int
main (int argc, char *argv[])
{
  if (argc != 2)
    return EXIT_FAILURE;

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbd_set_opt_mode (nbd, true) == -1
      || nbd_connect_unix (nbd, argv[1]) == -1)
    fail ();
  if (!nbd_aio_is_negotiating (nbd)) {
    fprintf (stderr, "the server does not list its exports\n");
    return EXIT_FAILURE;
  }

  nbd_list_callback callback = { .callback = remember };
  if (nbd_opt_list (nbd, callback) == -1)
    fail ();
  for (size_t i = 0; i < count; i++) {
    if (nbd_set_export_name (nbd, names[i]) == -1)
      fail ();
    if (nbd_opt_info (nbd) == -1)
      printf ("%s: %s\n", names[i], nbd_get_error ());
    else
      printf ("%s: %" PRIi64 " bytes\n", names[i], nbd_get_size (nbd));
    free (names[i]);
  }

  if (nbd_opt_abort (nbd) == -1)
    fail ();
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

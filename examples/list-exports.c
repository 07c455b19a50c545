/* Lists the exports of a server with their sizes and descriptions.
 *
 *   list-exports URI           such as nbd://example.com
 *
 * The handle is in option mode, in which a program can ask about any number of
 * exports without using one of them.
 *
 * Compile it with
 *   cc list-exports.c $(pkg-config --cflags --libs libnbd) -o list-exports
 */

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

struct list {
  char **names;
  size_t count;
  bool incomplete;              /* there was not enough memory */
};

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

/* The handle is locked while a callback runs, so this only collects names; the
 * strings are valid only until it returns. */
static int
remember (void *user_data, const char *name, const char *description)
{
  struct list *list = user_data;
  char **names = realloc (list->names, (list->count + 1) * sizeof *names);
  char *copy = strdup (name);

  (void) description;           /* nbd_opt_info gets it as well */
  if (names != NULL)
    list->names = names;
  if (names == NULL || copy == NULL) {
    free (copy);
    list->incomplete = true;
    return 0;
  }
  list->names[list->count++] = copy;
  return 0;
}

/* The server chooses names and descriptions: without this they could contain
 * anything, such as commands for the terminal. */
static void
print_text (const char *text)
{
  for (; *text != '\0'; text++)
    if (isprint ((unsigned char) *text))
      putchar (*text);
    else
      printf ("\\x%02x", (unsigned char) *text);
}

static void
print_export (struct nbd_handle *nbd, const char *name)
{
  print_text (name);
  if (nbd_set_export_name (nbd, name) == -1 || nbd_opt_info (nbd) == -1) {
    printf (": %s\n", nbd_get_error ());
    return;
  }
  printf (": %" PRIi64 " bytes", nbd_get_size (nbd));
  /* Most servers have no descriptions, which is an error here. */
  char *description = nbd_get_export_description (nbd);
  if (description != NULL && *description != '\0') {
    printf (", ");
    print_text (description);
  }
  free (description);
  printf ("\n");
}

int
main (int argc, char *argv[])
{
  if (argc != 2) {
    fprintf (stderr, "usage: %s URI\n", argv[0]);
    return EXIT_FAILURE;
  }

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbd_set_opt_mode (nbd, true) == -1
      || nbd_set_full_info (nbd, true) == -1
      || nbd_connect_uri (nbd, argv[1]) == -1)
    die (nbd_get_error ());
  /* Servers that do not negotiate have gone on to the data already. */
  if (!nbd_aio_is_negotiating (nbd))
    die ("the server is too old to list its exports");

  struct list list = { 0 };
  nbd_list_callback callback = { .callback = remember, .user_data = &list };
  if (nbd_opt_list (nbd, callback) == -1)
    die (nbd_get_error ());
  if (list.incomplete)
    die ("there is not enough memory");

  for (size_t i = 0; i < list.count; i++) {
    print_export (nbd, list.names[i]);
    free (list.names[i]);
  }
  free (list.names);

  if (nbd_opt_abort (nbd) == -1)
    die (nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

/* Prints which parts of a disk are allocated.  The argument is the
 * Unix socket of an NBD server.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

#define MOST (UINT64_C (1) << 30)

static void
fail (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

/* Prints the extents and stores the offset at which they end. */
static int
print (void *user_data, const char *metacontext, uint64_t offset,
       nbd_extent *entries, size_t nr_entries, int *error)
{
  uint64_t *end = user_data;

  (void) error;
  if (strcmp (metacontext, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0)
    return 0;
  for (size_t i = 0; i < nr_entries; i++) {
    printf ("%10" PRIu64 " %10" PRIu64 " %s%s\n",
            offset, entries[i].length,
            entries[i].flags & LIBNBD_STATE_HOLE ? "hole" : "data",
            entries[i].flags & LIBNBD_STATE_ZERO ? ", zero" : "");
    offset += entries[i].length;
  }
  *end = offset;
  return 0;
}

int
main (int argc, char *argv[])
{
  const char *context = LIBNBD_CONTEXT_BASE_ALLOCATION;

  if (argc != 2)
    return EXIT_FAILURE;

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbd_add_meta_context (nbd, context) == -1
      || nbd_connect_unix (nbd, argv[1]) == -1)
    fail (nbd_get_error ());
  if (nbd_can_meta_context (nbd, context) != 1)
    fail ("the server does not report what is allocated");
  int64_t size = nbd_get_size (nbd);
  if (size == -1)
    fail (nbd_get_error ());

  uint64_t offset = 0, end = 0;
  while (offset < (uint64_t) size) {
    uint64_t left = (uint64_t) size - offset;
    nbd_extent64_callback callback = { .callback = print,
                                       .user_data = &end };

    if (nbd_block_status_64 (nbd, left < MOST ? left : MOST, offset,
                             callback, 0) == -1)
      fail (nbd_get_error ());
    if (end <= offset)
      fail ("the reply describes nothing");
    /* It need not cover the whole range: continue where it ends. */
    offset = end;
  }

  if (nbd_shutdown (nbd, 0) == -1)
    fail (nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

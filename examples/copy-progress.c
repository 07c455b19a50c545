/* Copies a disk to a file and shows a progress bar.
 *
 *   copy-progress URI FILE     such as nbd://example.com/disk
 *
 * This is the simple way: one read after the other.  See async-copy.c and
 * parallel-copy.c for faster ones.
 *
 * Compile it with
 *   cc copy-progress.c $(pkg-config --cflags --libs libnbd) -o copy-progress
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

#define CHUNK (1024 * 1024)
#define BAR 50

static void
die (const char *why)
{
  fprintf (stderr, "\n%s\n", why);
  exit (EXIT_FAILURE);
}

static void
show_progress (uint64_t done, uint64_t size)
{
  /* An empty disk is complete.  In floating point, no product overflows. */
  double part = size > 0 ? (double) done / (double) size : 1;
  int filled = (int) (part * BAR);

  printf ("\r[");
  for (int i = 0; i < BAR; i++)
    putchar (i < filled ? '#' : '.');
  printf ("] %3d%%", (int) (part * 100));
  fflush (stdout);
}

int
main (int argc, char *argv[])
{
  static char data[CHUNK];

  if (argc != 3) {
    fprintf (stderr, "usage: %s URI FILE\n", argv[0]);
    return EXIT_FAILURE;
  }

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbd_connect_uri (nbd, argv[1]) == -1)
    die (nbd_get_error ());
  int64_t r = nbd_get_size (nbd);
  if (r == -1)
    die (nbd_get_error ());
  uint64_t size = (uint64_t) r;

  FILE *file = fopen (argv[2], "w");
  if (file == NULL)
    die (strerror (errno));

  show_progress (0, size);
  for (uint64_t offset = 0; offset < size; ) {
    size_t count = size - offset < CHUNK ? (size_t) (size - offset) : CHUNK;

    if (nbd_pread (nbd, data, count, offset, 0) == -1)
      die (nbd_get_error ());
    if (fwrite (data, 1, count, file) != count)
      die (strerror (errno));
    offset += count;
    show_progress (offset, size);
  }
  printf ("\n");

  /* What has been written may be in a buffer until now. */
  if (fclose (file) == EOF)
    die (strerror (errno));
  if (nbd_shutdown (nbd, 0) == -1)
    die (nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

/* Reads a disk in small blocks, in random order, and counts those that are not zero.
 *
 *   batches URI
 *
 * With requests as small as this, sending each of them by a system call of its own
 * would be most of the work.  After nbdx_set_batch, the functions that start a read
 * only queue it, and nbd_poll sends all that have been queued, and handles all
 * replies that have arrived.
 *
 * Compile it with
 *   cc batches.c $(pkg-config --cflags --libs libnbdx) -o batches
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbdx.h>

#define BLOCK 4096
#define IN_FLIGHT 64

static char buffers[IN_FLIGHT][BLOCK];
static char *idle[IN_FLIGHT];
static size_t n_idle;
static uint64_t n_not_zero;

static void
die (const char *what, const char *why)
{
  fprintf (stderr, "%s: %s\n", what, why);
  exit (EXIT_FAILURE);
}

/* Called by nbd_poll, many times in one call.  Returning 1 retires the command. */
static int
on_read (void *buffer, int *error)
{
  static const char zeroes[BLOCK];

  if (*error != 0)
    die ("read", strerror (*error));
  if (memcmp (buffer, zeroes, BLOCK) != 0)
    n_not_zero++;
  idle[n_idle++] = buffer;
  return 1;
}

/* Block numbers in random order. */
static uint64_t *
shuffled (uint64_t count)
{
  uint64_t *numbers = calloc (count + 1, sizeof *numbers);

  if (numbers == NULL)
    die ("calloc", "out of memory");
  for (uint64_t i = 0; i < count; i++) {
    uint64_t other = (uint64_t) random () % (i + 1);

    numbers[i] = numbers[other];
    numbers[other] = i;
  }
  return numbers;
}

int
main (int argc, char *argv[])
{
  if (argc != 2) {
    fprintf (stderr, "usage: %s URI\n", argv[0]);
    return EXIT_FAILURE;
  }

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbdx_set_batch (nbd, true) == -1 || nbd_connect_uri (nbd, argv[1]) == -1)
    die (argv[1], nbd_get_error ());
  int64_t size = nbd_get_size (nbd);
  if (size == -1)
    die (argv[1], nbd_get_error ());

  uint64_t count = (uint64_t) size / BLOCK, next = 0;
  uint64_t *numbers = shuffled (count);
  for (size_t i = 0; i < IN_FLIGHT; i++)
    idle[n_idle++] = buffers[i];

  while (next < count || nbd_aio_in_flight (nbd) > 0) {
    while (next < count && n_idle > 0) {
      char *buffer = idle[--n_idle];
      nbd_completion_callback completion = { .callback = on_read, .user_data = buffer };

      if (nbd_aio_pread (nbd, buffer, BLOCK, numbers[next++] * BLOCK, completion, 0) == -1)
        die ("start a read", nbd_get_error ());
    }
    if (nbd_poll (nbd, -1) == -1)
      die ("poll", nbd_get_error ());
  }
  printf ("read %" PRIu64 " blocks, %" PRIu64 " of them not zero\n", count, n_not_zero);

  if (nbd_shutdown (nbd, 0) == -1)
    die ("shutdown", nbd_get_error ());
  nbd_close (nbd);
  free (numbers);
  return EXIT_SUCCESS;
}

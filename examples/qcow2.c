/* Opens a qcow2 image and prints its size and how much of it is data.
 *
 *   qcow2 IMAGE
 *
 * qemu-nbd, which runs for this handle alone, understands the format.  It takes
 * the socket to listen on from this program (systemd socket activation), so it
 * needs no port or path, and there is no moment when one has to wait for it.
 *
 * Compile it with
 *   cc qcow2.c $(pkg-config --cflags --libs libnbd) -o qcow2
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnbd.h>

#define MOST (UINT64_C (1) << 30)

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

struct usage {
  uint64_t covered;             /* by the latest reply */
  uint64_t data;
};

static int
on_extents (void *user_data, const char *metacontext, uint64_t offset,
            nbd_extent *entries, size_t nr_entries, int *error)
{
  struct usage *usage = user_data;

  (void) metacontext;           /* there is only one */
  (void) offset;
  (void) error;
  usage->covered = 0;
  for (size_t i = 0; i < nr_entries; i++) {
    usage->covered += entries[i].length;
    if (!(entries[i].flags & LIBNBD_STATE_ZERO))
      usage->data += entries[i].length;
  }
  return 0;
}

int
main (int argc, char *argv[])
{
  if (argc != 2) {
    fprintf (stderr, "usage: %s IMAGE\n", argv[0]);
    return EXIT_FAILURE;
  }

  /* The format is given, because a server that guesses it can be deceived: a guest
   * could write the header of another format into a raw image.  "--" is for names
   * that begin with a hyphen. */
  char *server[] = { "qemu-nbd", "--read-only", "--format=qcow2", "--", argv[1], NULL };

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL
      || nbd_add_meta_context (nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == -1
      || nbd_connect_systemd_socket_activation (nbd, server) == -1)
    die (nbd_get_error ());
  int64_t size = nbd_get_size (nbd);
  if (size == -1)
    die (nbd_get_error ());

  struct usage usage = { 0 };
  nbd_extent64_callback callback = { .callback = on_extents, .user_data = &usage };
  for (uint64_t offset = 0, end = (uint64_t) size; offset < end; offset += usage.covered) {
    uint64_t count = end - offset < MOST ? end - offset : MOST;

    usage.covered = 0;
    if (nbd_block_status_64 (nbd, count, offset, callback, 0) == -1)
      die (nbd_get_error ());
    if (usage.covered == 0)
      die ("the server does not describe the disk");
  }
  printf ("%" PRIi64 " bytes, of which %" PRIu64 " are data\n", size, usage.data);

  if (nbd_shutdown (nbd, 0) == -1)
    die (nbd_get_error ());
  nbd_close (nbd);              /* also waits for the server to exit */
  return EXIT_SUCCESS;
}

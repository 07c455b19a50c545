/* Brings a backup up to date: copies only what has changed since it was made.
 *
 *   incremental-backup URI BITMAP FILE
 *
 * The file is a copy of the disk from the time when the dirty bitmap was created
 * or cleared.  To try it with QEMU:
 *   qemu-img bitmap --add disk.qcow2 changes     and make the first copy; later
 *   qemu-nbd --read-only --bitmap=changes --socket=/tmp/disk.sock disk.qcow2
 *   incremental-backup 'nbd+unix:///?socket=/tmp/disk.sock' changes FILE
 *   qemu-img bitmap --clear disk.qcow2 changes   before the disk is used again
 *
 * Compile it with
 *   cc incremental-backup.c $(pkg-config --cflags --libs libnbd) -o incremental-backup
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libnbd.h>

#define CHUNK (1024 * 1024)
#define MOST (UINT64_C (1) << 30)

static char bitmap[4200];       /* names of contexts have at most 4096 bytes */
static uint64_t copied, zeroed; /* in bytes */

/* What the two contexts say at one place. */
struct status {
  nbd_extent dirty, allocation;
};

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

/* Runs once for each context; the first extent is enough.  In a bitmap with many
 * small extents it would pay to keep them all: see extents.c. */
static int
on_extents (void *user_data, const char *metacontext, uint64_t offset,
            nbd_extent *entries, size_t nr_entries, int *error)
{
  struct status *status = user_data;

  (void) offset;
  (void) nr_entries;            /* at least one */
  (void) error;
  if (strcmp (metacontext, bitmap) == 0)
    status->dirty = entries[0];
  else
    status->allocation = entries[0];
  return 0;
}

static void
copy (struct nbd_handle *nbd, int fd, uint64_t offset, uint64_t length)
{
  static char data[CHUNK];

  for (uint64_t end = offset + length; offset < end; ) {
    size_t count = end - offset < CHUNK ? (size_t) (end - offset) : CHUNK;

    if (nbd_pread (nbd, data, count, offset, 0) == -1)
      die (nbd_get_error ());
    for (size_t done = 0; done < count; ) {
      ssize_t n = pwrite (fd, data + done, count - done, (off_t) (offset + done));
      if (n == -1 && errno != EINTR)
        die (strerror (errno));
      if (n > 0)
        done += (size_t) n;
    }
    offset += count;
  }
  copied += length;
}

/* What reads as zeroes need not be read: the file gets a hole. */
static void
zero (int fd, uint64_t offset, uint64_t length)
{
  if (fallocate (fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t) offset,
                 (off_t) length) == -1)
    die (strerror (errno));
  zeroed += length;
}

static void
update (struct nbd_handle *nbd, int fd, uint64_t size)
{
  for (uint64_t offset = 0; offset < size; ) {
    uint64_t count = size - offset < MOST ? size - offset : MOST;
    struct status status = { 0 };
    nbd_extent64_callback callback = { .callback = on_extents, .user_data = &status };

    if (nbd_block_status_64 (nbd, count, offset, callback, 0) == -1)
      die (nbd_get_error ());

    /* Nothing is known beyond the shorter of the two, except that what has not
     * changed is of no interest. */
    int dirty = status.dirty.flags & LIBNBD_STATE_DIRTY;
    if (status.dirty.length < count)
      count = status.dirty.length;
    if (dirty && status.allocation.length < count)
      count = status.allocation.length;
    if (count == 0)
      die ("the server does not describe the disk");

    if (dirty && status.allocation.flags & LIBNBD_STATE_ZERO)
      zero (fd, offset, count);
    else if (dirty)
      copy (nbd, fd, offset, count);
    offset += count;
  }
}

int
main (int argc, char *argv[])
{
  if (argc != 4) {
    fprintf (stderr, "usage: %s URI BITMAP FILE\n", argv[0]);
    return EXIT_FAILURE;
  }
  snprintf (bitmap, sizeof bitmap, "%s%s", LIBNBD_CONTEXT_QEMU_DIRTY_BITMAP, argv[2]);

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbd_add_meta_context (nbd, bitmap) == -1
      || nbd_add_meta_context (nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == -1
      || nbd_connect_uri (nbd, argv[1]) == -1)
    die (nbd_get_error ());
  if (nbd_can_meta_context (nbd, bitmap) != 1
      || nbd_can_meta_context (nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) != 1)
    die ("the server does not have this bitmap");
  int64_t size = nbd_get_size (nbd);
  if (size == -1)
    die (nbd_get_error ());

  struct stat file;
  int fd = open (argv[3], O_WRONLY | O_CLOEXEC);
  if (fd == -1 || fstat (fd, &file) == -1)
    die (strerror (errno));
  if (file.st_size != size)
    die ("the file is not a copy of this disk: its size differs");
  update (nbd, fd, (uint64_t) size);

  /* The bitmap may be cleared next, so the data must be safe. */
  if (fsync (fd) == -1 || close (fd) == -1)
    die (strerror (errno));
  printf ("of %" PRIi64 " bytes, %" PRIu64 " were copied and %" PRIu64 " zeroed\n",
          size, copied, zeroed);

  if (nbd_shutdown (nbd, 0) == -1)
    die (nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

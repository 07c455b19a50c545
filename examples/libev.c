/* Compares two disks, in the main loop of libev.
 *
 *   libev URI URI              such as nbd://one.example.com nbd://two.example.com
 *
 * Compile it with
 *   cc libev.c $(pkg-config --cflags --libs libnbd) -lev -o libev
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ev.h>
#include <libnbd.h>

#define CHUNK (256 * 1024)

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

/* ---------- A handle as a watcher, to copy into other programs. */

struct nbd_watcher {
  ev_io io;
  ev_prepare prepare;
  struct nbd_handle *nbd;
  void (*proceed) (struct ev_loop *); /* called after each event */
};

/* Before each round: what the handle waits for, which any call can change.  While
 * the handle is connecting, the library can replace the socket under the same
 * number, so then libev is told about the descriptor in each round. */
static void
on_prepare (struct ev_loop *loop, ev_prepare *prepare, int events)
{
  struct nbd_watcher *self = prepare->data;
  unsigned int direction = nbd_aio_get_direction (self->nbd);
  int wanted = (direction & LIBNBD_AIO_DIRECTION_READ ? EV_READ : 0)
    | (direction & LIBNBD_AIO_DIRECTION_WRITE ? EV_WRITE : 0);

  (void) events;
  if (wanted == (self->io.events & (EV_READ | EV_WRITE))
      && ev_is_active (&self->io) && !nbd_aio_is_connecting (self->nbd))
    return;
  ev_io_stop (loop, &self->io);
  if (wanted != 0) {
    ev_io_set (&self->io, nbd_aio_get_fd (self->nbd), wanted);
    ev_io_start (loop, &self->io);
  }
}

/* libev reports an error or a hangup as both readable and writable. */
static void
on_io (struct ev_loop *loop, ev_io *io, int events)
{
  struct nbd_watcher *self = io->data;
  unsigned int direction = nbd_aio_get_direction (self->nbd);
  int r = 0;

  if ((direction & LIBNBD_AIO_DIRECTION_READ) && (events & EV_READ))
    r = nbd_aio_notify_read (self->nbd);
  else if ((direction & LIBNBD_AIO_DIRECTION_WRITE) && (events & EV_WRITE))
    r = nbd_aio_notify_write (self->nbd);
  if (r == -1)
    die (nbd_get_error ());
  self->proceed (loop);
}

static void
nbd_watcher_start (struct ev_loop *loop, struct nbd_watcher *self, struct nbd_handle *nbd,
                   void (*proceed) (struct ev_loop *))
{
  self->nbd = nbd;
  self->proceed = proceed;
  ev_init (&self->io, on_io);
  self->io.data = self;
  ev_prepare_init (&self->prepare, on_prepare);
  self->prepare.data = self;
  ev_prepare_start (loop, &self->prepare);
}

static void
nbd_watcher_stop (struct ev_loop *loop, struct nbd_watcher *self)
{
  ev_io_stop (loop, &self->io);
  ev_prepare_stop (loop, &self->prepare);
}

/* ---------- The program. */

static struct disk {
  struct nbd_handle *nbd;
  struct nbd_watcher watcher;
  int64_t size;                 /* -1 while connecting */
  bool reading;
  char data[CHUNK];
} disks[2];

static uint64_t offset;
static size_t count;            /* of bytes being read from both disks */

static int
on_read (void *user_data, int *error)
{
  struct disk *disk = user_data;

  if (*error != 0)
    die (strerror (*error));
  disk->reading = false;
  return 1;
}

static void
start_reads (void)
{
  uint64_t left = (uint64_t) disks[0].size - offset;

  count = left < CHUNK ? (size_t) left : CHUNK;
  for (int i = 0; i < 2; i++) {
    nbd_completion_callback completion = { .callback = on_read, .user_data = &disks[i] };

    disks[i].reading = true;
    if (nbd_aio_pread (disks[i].nbd, disks[i].data, count, offset, completion, 0) == -1)
      die (nbd_get_error ());
  }
}

/* Compares the disks as far as both have arrived.  Returns NULL if they have to go
 * on, otherwise the result. */
static const char *
compare (void)
{
  for (int i = 0; i < 2; i++)
    if (disks[i].size == -1 && (disks[i].size = nbd_get_size (disks[i].nbd)) == -1)
      die (nbd_get_error ());
  if (disks[0].size != disks[1].size)
    return "their sizes differ";
  if (memcmp (disks[0].data, disks[1].data, count) != 0)
    return "their contents differ";
  offset += count;
  return offset == (uint64_t) disks[0].size ? "they are equal" : NULL;
}

static bool
busy (const struct disk *disk)
{
  return disk->reading || nbd_aio_is_connecting (disk->nbd);
}

static void
proceed (struct ev_loop *loop)
{
  /* A loop, because reads can complete before nbd_aio_pread returns: no event
   * follows then. */
  while (!busy (&disks[0]) && !busy (&disks[1])) {
    const char *result = compare ();

    if (result != NULL) {
      printf ("%s\n", result);
      ev_break (loop, EVBREAK_ALL);
      return;
    }
    start_reads ();
  }
}

int
main (int argc, char *argv[])
{
  struct ev_loop *loop = ev_default_loop (0);

  if (argc != 3) {
    fprintf (stderr, "usage: %s URI URI\n", argv[0]);
    return EXIT_FAILURE;
  }

  for (int i = 0; i < 2; i++) {
    disks[i].size = -1;
    disks[i].nbd = nbd_create ();
    if (disks[i].nbd == NULL || nbd_aio_connect_uri (disks[i].nbd, argv[i + 1]) == -1)
      die (nbd_get_error ());
    nbd_watcher_start (loop, &disks[i].watcher, disks[i].nbd, proceed);
  }
  ev_run (loop, 0);

  for (int i = 0; i < 2; i++) {
    nbd_watcher_stop (loop, &disks[i].watcher);
    nbd_close (disks[i].nbd);
  }
  return EXIT_SUCCESS;
}

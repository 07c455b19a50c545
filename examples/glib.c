/* Prints the SHA-256 checksum of a disk, in the main loop of GLib.
 *
 *   glib URI                   such as nbd://example.com/disk
 *
 * The handle is a GSource like any other, so the loop can serve a user interface,
 * D-Bus and timers at the same time.
 *
 * Compile it with
 *   cc glib.c $(pkg-config --cflags --libs libnbd glib-2.0) -o glib
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <glib-unix.h>
#include <libnbd.h>

#define CHUNK (256 * 1024)

/* ---------- A handle as a source of events, to copy into other programs. */

struct nbd_source {
  GSource source;               /* must be the first member */
  struct nbd_handle *nbd;
  gpointer tag;                 /* of the descriptor; NULL if there is none */
};

/* Before each round: what the handle waits for, which any call can change. */
static gboolean
nbd_source_prepare (GSource *source, gint *timeout)
{
  struct nbd_source *self = (struct nbd_source *) source;
  unsigned int direction = nbd_aio_get_direction (self->nbd);
  GIOCondition condition = 0;

  if (direction & LIBNBD_AIO_DIRECTION_READ)
    condition |= G_IO_IN;
  if (direction & LIBNBD_AIO_DIRECTION_WRITE)
    condition |= G_IO_OUT;

  if (condition == 0 && self->tag != NULL) {
    /* The connection has ended, and its descriptor can soon belong to others. */
    g_source_remove_unix_fd (source, self->tag);
    self->tag = NULL;
  } else if (condition != 0 && self->tag == NULL)
    self->tag = g_source_add_unix_fd (source, nbd_aio_get_fd (self->nbd), condition);
  else if (condition != 0)
    g_source_modify_unix_fd (source, self->tag, condition);
  *timeout = -1;
  return FALSE;
}

static gboolean
nbd_source_check (GSource *source)
{
  struct nbd_source *self = (struct nbd_source *) source;

  return self->tag != NULL && g_source_query_unix_fd (source, self->tag) != 0;
}

/* Lets the handle proceed, and then the program. */
static gboolean
nbd_source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  struct nbd_source *self = (struct nbd_source *) source;
  GIOCondition condition = g_source_query_unix_fd (source, self->tag);
  unsigned int direction = nbd_aio_get_direction (self->nbd);

  /* The library finds out by itself what an error or a hangup means.  The next
   * call of the program reports a failure. */
  if ((direction & LIBNBD_AIO_DIRECTION_READ) && (condition & ~G_IO_OUT))
    nbd_aio_notify_read (self->nbd);
  else if (direction & LIBNBD_AIO_DIRECTION_WRITE)
    nbd_aio_notify_write (self->nbd);
  return callback (user_data);
}

static GSourceFuncs nbd_source_functions = {
  .prepare = nbd_source_prepare,
  .check = nbd_source_check,
  .dispatch = nbd_source_dispatch,
};

/* The callback is called after each event, until it returns G_SOURCE_REMOVE. */
static void
nbd_source_attach (struct nbd_handle *nbd, GSourceFunc callback, gpointer user_data)
{
  GSource *source = g_source_new (&nbd_source_functions, sizeof (struct nbd_source));

  ((struct nbd_source *) source)->nbd = nbd;
  g_source_set_callback (source, callback, user_data, NULL);
  g_source_attach (source, NULL);
  g_source_unref (source);      /* the main loop keeps it */
}

/* ---------- The program. */

struct sum {
  struct nbd_handle *nbd;
  GMainLoop *loop;
  GChecksum *checksum;
  int64_t size;                 /* -1 while connecting */
  uint64_t offset;
  bool reading;
  char data[CHUNK];
};

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

static int
on_read (void *user_data, int *error)
{
  struct sum *sum = user_data;
  gsize count = MIN (CHUNK, (uint64_t) sum->size - sum->offset);

  if (*error != 0)
    die (g_strerror (*error));
  g_checksum_update (sum->checksum, (const guchar *) sum->data, (gssize) count);
  sum->offset += count;
  sum->reading = false;
  return 1;
}

static void
start_read (struct sum *sum)
{
  nbd_completion_callback completion = { .callback = on_read, .user_data = sum };
  gsize count = MIN (CHUNK, (uint64_t) sum->size - sum->offset);

  sum->reading = true;
  if (nbd_aio_pread (sum->nbd, sum->data, count, sum->offset, completion, 0) == -1)
    die (nbd_get_error ());
}

/* A checksum takes the data in order, so there is one read at a time.  See epoll.c
 * for many. */
static gboolean
on_event (gpointer user_data)
{
  struct sum *sum = user_data;

  if (nbd_aio_is_connecting (sum->nbd))
    return G_SOURCE_CONTINUE;
  if (sum->size == -1 && (sum->size = nbd_get_size (sum->nbd)) == -1)
    die (nbd_get_error ());

  /* A read can complete before nbd_aio_pread returns: no event follows then. */
  while (!sum->reading && sum->offset < (uint64_t) sum->size)
    start_read (sum);
  if (sum->reading)
    return G_SOURCE_CONTINUE;
  g_main_loop_quit (sum->loop);
  return G_SOURCE_REMOVE;
}

int
main (int argc, char *argv[])
{
  static struct sum sum = { .size = -1 };

  if (argc != 2) {
    fprintf (stderr, "usage: %s URI\n", argv[0]);
    return EXIT_FAILURE;
  }

  sum.nbd = nbd_create ();
  sum.loop = g_main_loop_new (NULL, FALSE);
  sum.checksum = g_checksum_new (G_CHECKSUM_SHA256);
  if (sum.nbd == NULL || nbd_aio_connect_uri (sum.nbd, argv[1]) == -1)
    die (nbd_get_error ());
  nbd_source_attach (sum.nbd, on_event, &sum);
  g_main_loop_run (sum.loop);
  printf ("%s\n", g_checksum_get_string (sum.checksum));

  nbd_shutdown (sum.nbd, 0);
  nbd_close (sum.nbd);
  g_checksum_free (sum.checksum);
  g_main_loop_unref (sum.loop);
  return EXIT_SUCCESS;
}

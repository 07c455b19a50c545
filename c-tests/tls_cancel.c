/* Cancelling a handle while it uses TLS. */
#include "support/tls.h"

#include <libnbdx.h>
#include <pthread.h>
#include <time.h>

static struct nbd_handle *victim;
static int64_t delay_in_us;

static void *
cancel_later (void *unused)
{
  struct timespec start, now;

  (void) unused;
  clock_gettime (CLOCK_MONOTONIC, &start);
  do
    clock_gettime (CLOCK_MONOTONIC, &now);
  while ((now.tv_sec - start.tv_sec) * 1000000 + (now.tv_nsec - start.tv_nsec) / 1000
         < delay_in_us);
  CHECK_EQ (nbdx_cancel (victim), 0);
  return NULL;
}

static pthread_t
cancel_soon (struct nbd_handle *h, int64_t us)
{
  pthread_t thread;

  victim = h;
  delay_in_us = us;
  CHECK_EQ (pthread_create (&thread, NULL, cancel_later, NULL), 0);
  return thread;
}

static unsigned
rounds (void)
{
  const char *wanted = getenv ("CANCEL_ROUNDS");

  /* The watchdog of the case is for the usual number: a second for each. */
  if (wanted)
    alarm ((unsigned) atoi (wanted));
  return wanted ? (unsigned) atoi (wanted) : under_valgrind () ? 5 : 200;
}

static char buffer[256 * 1024];

/* In each function, after every microsecond in turn. */
CASE (at_every_moment)
{
  static const char *const names[] = { "connect", "read", "write", "shutdown" };
  const char *path = nbdkit_x509 ("server");
  unsigned cancelled = 0;

  for (unsigned function = 0; function < 4; ++function)
    for (unsigned i = 0; i < rounds (); ++i) {
      struct nbd_handle *h = with_certificates ("client");
      /* A handshake takes some milliseconds. */
      unsigned us = function == 0 ? 25 * (i % 400) : i % 1000;
      pthread_t thread;
      int r = -1;

      situation ("%s, cancelled after %u us", names[function], us);
      if (function > 0)
        CHECK_EQ (nbd_connect_unix (h, path), 0);
      thread = cancel_soon (h, us);
      switch (function) {
      case 0: r = nbd_connect_unix (h, path); break;
      case 1: r = nbd_pread (h, buffer, sizeof buffer, 0, 0); break;
      case 2: r = nbd_pwrite (h, buffer, sizeof buffer, 0, 0); break;
      case 3: r = nbd_shutdown (h, 0); break;
      }
      if (r == -1) {
        if (nbd_get_errno () != ECANCELED)
          fail_at (__FILE__, __LINE__, "%s", nbd_get_error ());
        CHECK_EQ (nbd_aio_is_dead (h), 1);
        cancelled++;
      }
      CHECK_EQ (pthread_join (thread, NULL), 0);
      if (nbd_aio_is_ready (h))
        CHECK_ERR (nbd_flush (h, 0), ECANCELED);
      nbd_close (h);
    }
  CHECK (cancelled > 0);
}

/* The server says that it will use TLS, and then nothing. */
CASE (during_a_handshake_without_a_peer)
{
  struct nbd_handle *h = with_certificates ("client");
  const char *path = scripted ("send NBDMAGIC IHAVEOPT u16:3\nread 4\nread-option STARTTLS\n"
                               "option-reply ACK\nwait-eof\n", NULL);
  pthread_t thread = cancel_soon (h, 50000);

  CHECK_ERR (nbd_connect_unix (h, path), ECANCELED);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  CHECK_EQ (pthread_join (thread, NULL), 0);
  nbd_close (h);
}

/* The end of a TLS stream without an alert would be an error of TLS. */
CASE (while_nothing_happens)
{
  struct nbd_handle *h = with_certificates ("client");
  pthread_t thread;

  CHECK_EQ (nbd_connect_unix (h, nbdkit_x509 ("server")), 0);
  thread = cancel_soon (h, 50000);
  CHECK_ERR (nbd_poll (h, -1), ECANCELED);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  CHECK_EQ (pthread_join (thread, NULL), 0);
  nbd_close (h);
}

/* Connecting to servers that are not up yet. */

/* NULL is passed on purpose; the compiler shall not object. */
#define LIBNBD_ATTRIBUTE_NONNULL(...)
#include "support/clock.h"
#include "support/loops.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <libnbdx.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

/* Far more than any case waits. */
#define LONG INT64_C (60000)

/* ---- Replacements, which come before those of the C library ---- */

/* How often a name is still unknown, and how often it has been asked for. */
static int unknown, asked;
/* How often a socket has been connected. */
static int connects;

int
getaddrinfo (const char *host, const char *port, const struct addrinfo *hints,
             struct addrinfo **result)
{
  int (*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **);

  asked++;
  if (unknown > 0)
    return unknown-- % 2 ? EAI_NONAME : EAI_AGAIN;
  *(void **) &real = dlsym (RTLD_NEXT, "getaddrinfo");
  return real (host, port, hints, result);
}

int
connect (int fd, const struct sockaddr *address, socklen_t length)
{
  int (*real) (int, const struct sockaddr *, socklen_t);

  connects++;
  *(void **) &real = dlsym (RTLD_NEXT, "connect");
  return real (fd, address, length);
}

static struct nbd_handle *
retrying (int64_t milliseconds)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbdx_set_connect_retry (h, milliseconds), 0);
  return h;
}

/* ---- The setting ---- */

CASE (setting)
{
  static const int64_t values[] = { 1, 5000, INT64_MAX, 0, 7 };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbdx_get_connect_retry (h), 0);
  for (unsigned i = 0; i < sizeof values / sizeof values[0]; ++i) {
    CHECK_EQ (nbdx_set_connect_retry (h, values[i]), 0);
    CHECK_EQ (nbdx_get_connect_retry (h), values[i]);
  }
  CHECK_ERR (nbdx_set_connect_retry (h, -1), EINVAL);
  CHECK (strstr (nbd_get_error (), "-1") != NULL);
  CHECK_ERR (nbdx_set_connect_retry (h, INT64_MIN), EINVAL);
  CHECK_EQ (nbdx_get_connect_retry (h), 7);
  CHECK_ERR (nbdx_set_connect_retry (NULL, 1), EFAULT);
  CHECK_ERR (nbdx_get_connect_retry (NULL), EFAULT);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", NULL)), 0);
  CHECK_ERR (nbdx_set_connect_retry (h, 8), EINVAL);
  CHECK_EQ (nbdx_get_connect_retry (h), 7);
  nbd_close (h);
}

CASE (environment)
{
  static const char *const wrong[] = { "", "-1", "5s", " 5", "0x5", "99999999999999999999" };
  struct nbd_handle *h;

  CHECK_EQ (setenv ("LIBNBDX_CONNECT_RETRY", "1234", 1), 0);
  h = create ();
  /* It is read once. */
  CHECK_EQ (setenv ("LIBNBDX_CONNECT_RETRY", "99", 1), 0);
  CHECK_EQ (nbdx_get_connect_retry (h), 1234);
  CHECK_EQ (nbdx_set_connect_retry (h, 0), 0);
  CHECK_EQ (nbdx_get_connect_retry (h), 0);
  nbd_close (h);
  for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    situation ("\"%s\"", wrong[i]);
    CHECK_EQ (setenv ("LIBNBDX_CONNECT_RETRY", wrong[i], 1), 0);
    h = create ();
    CHECK_EQ (nbdx_get_connect_retry (h), 0);
    nbd_close (h);
  }
}

static void
debug_a_malformed_value (void)
{
  struct nbd_handle *h = nbd_create ();

  nbd_close (h);
}

/* The message goes to standard error, because nobody can have set a callback
 * yet. */
CASE (a_malformed_value_is_reported)
{
  const char *log = temp_path ("log");
  int saved = dup (2);

  CHECK_EQ (setenv ("LIBNBDX_CONNECT_RETRY", "5 s\x1b", 1), 0);
  CHECK_EQ (setenv ("LIBNBD_DEBUG", "1", 1), 0);
  CHECK (freopen (log, "w", stderr) != NULL);
  debug_a_malformed_value ();
  fflush (stderr);
  dup2 (saved, 2);
  close (saved);
  CHECK (strstr (contents (log), "LIBNBDX_CONNECT_RETRY is ignored: \"5 s\\x1b\"") != NULL);
}

/* ---- Servers that come up late ---- */

static void
serve_later (const char *arguments)
{
  const char *command = text ("sleep 0.3; exec '%s' --size 1M --exit-with-parent %s",
                              getenv ("EMBEDDED_SERVER"), arguments);

  start ((const char *const[]) { "sh", "-c", command, NULL });
}

/* The server has come up within this time. */
static void
check_time (int64_t begin)
{
  int64_t time = clock_ms () - begin;

  CHECK (time >= 290);
  CHECK (time < LONG / 2);
}

CASE (a_unix_socket_that_is_missing)
{
  struct nbd_handle *h = retrying (LONG);
  const char *path = temp_path ("socket");
  unsigned before;
  int64_t begin = clock_ms ();

  serve_later (text ("--unix '%s'", path));
  before = open_fds ();
  CHECK_EQ (nbd_connect_unix (h, path), 0);
  check_time (begin);
  CHECK_EQ (open_fds (), before + 1);
  check_works (h);
  nbd_close (h);
}

CASE (a_unix_socket_without_a_listener)
{
  struct nbd_handle *h = retrying (LONG);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  const char *path = temp_path ("socket");
  int stale = socket (AF_UNIX, SOCK_STREAM, 0);
  int64_t begin = clock_ms ();

  strcpy (address.sun_path, path);
  CHECK_EQ (bind (stale, (struct sockaddr *) &address, sizeof address), 0);
  close (stale);
  start ((const char *const[]) {
    "sh", "-c",
    text ("sleep 0.3; rm '%s'; exec '%s' --size 1M --unix '%s'", path,
          getenv ("EMBEDDED_SERVER"), path), NULL });
  CHECK_EQ (nbd_connect_unix (h, path), 0);
  check_time (begin);
  check_works (h);
  nbd_close (h);
}

CASE (tcp)
{
  struct nbd_handle *h = retrying (LONG);
  const char *port = free_port ();
  int64_t begin = clock_ms ();

  serve_later (text ("--tcp 127.0.0.1:%s", port));
  CHECK_EQ (nbd_connect_tcp (h, "127.0.0.1", port), 0);
  check_time (begin);
  CHECK (asked > 1);
  check_works (h);
  nbd_close (h);
}

CASE (uri)
{
  struct nbd_handle *h = retrying (LONG);
  const char *port = free_port ();
  int64_t begin = clock_ms ();

  serve_later (text ("--tcp 127.0.0.1:%s", port));
  CHECK_EQ (nbd_connect_uri (h, text ("nbd://127.0.0.1:%s/export", port)), 0);
  check_time (begin);
  check_works (h);
  check_uri (h, text ("nbd://127.0.0.1:%s/export", port));
  nbd_close (h);
}

CASE (a_name_that_is_not_known)
{
  const char *port = nbdkit_on_tcp ("127.0.0.1");

  for (unsigned asynchronous = 0; asynchronous < 2; ++asynchronous) {
    struct nbd_handle *h = retrying (LONG);

    unknown = 5;
    asked = 0;
    if (asynchronous) {
      CHECK_EQ (nbd_aio_connect_tcp (h, "127.0.0.1", port), 0);
      poll_while_connecting (h);
    }
    else
      CHECK_EQ (nbd_connect_tcp (h, "127.0.0.1", port), 0);
    CHECK_EQ (asked, 6);
    check_works (h);
    nbd_close (h);
  }
}

static int full_listener;

/* Makes room after a while, and then serves one client. */
static void *
make_room (void *fillings)
{
  int fd;

  usleep (300000);
  for (int i = 0; i < *(int *) fillings; ++i)
    close (accept (full_listener, NULL, NULL));
  fd = accept (full_listener, NULL, NULL);
  if (fork () == 0) {
    dup2 (fd, 0);
    execl (getenv ("EMBEDDED_SERVER"), "embedded-server", "--stdio", "--size", "1M", NULL);
    _exit (1);
  }
  close (fd);
  return NULL;
}

CASE (a_full_backlog)
{
  struct nbd_handle *h = retrying (LONG);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  const char *path = temp_path ("socket");
  int clients[16], nr = 0;
  pthread_t thread;
  int64_t begin = clock_ms ();

  strcpy (address.sun_path, path);
  full_listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK_EQ (bind (full_listener, (struct sockaddr *) &address, sizeof address), 0);
  CHECK_EQ (listen (full_listener, 1), 0);
  for (;; ++nr) {
    CHECK (nr < 16);
    clients[nr] = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connect (clients[nr], (struct sockaddr *) &address, sizeof address) == -1)
      break;
  }
  CHECK_EQ (errno, EAGAIN);
  close (clients[nr]);
  CHECK_EQ (pthread_create (&thread, NULL, make_room, &nr), 0);
  CHECK_EQ (nbd_connect_unix (h, path), 0);
  check_time (begin);
  check_works (h);
  nbd_close (h);
  CHECK_EQ (pthread_join (thread, NULL), 0);
  while (nr-- > 0)
    close (clients[nr]);
  close (full_listener);
}

CASE (unmodified_programs)
{
  const char *path = temp_path ("socket");

  serve_later (text ("--unix '%s'", path));
  run_command ("test \"$(LIBNBDX_CONNECT_RETRY=5000 nbdinfo --size 'nbd+unix://?socket=%s')\" = 1048576",
               path);
}

/* ---- When to give up ---- */

CASE (the_last_error)
{
  struct nbd_handle *h = retrying (200);
  unsigned before = open_fds ();
  int64_t begin = clock_ms ();

  CHECK_ERR (nbd_connect_unix (h, temp_path ("missing")), ENOENT);
  CHECK (clock_ms () - begin >= 200);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  CHECK_EQ (open_fds (), before);
  nbd_close (h);

  h = retrying (200);
  begin = clock_ms ();
  CHECK_ERR (nbd_connect_tcp (h, "127.0.0.1", free_port ()), ECONNREFUSED);
  CHECK (clock_ms () - begin >= 200);
  /* As without retrying, another try is possible, and has a time of its own. */
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_EQ (open_fds (), before);
  begin = clock_ms ();
  unknown = 1000;
  CHECK_ERR (nbd_connect_tcp (h, "the-host", "1"), 0);
  CHECK (strstr (nbd_get_error (), "the-host:1") != NULL);
  CHECK (clock_ms () - begin >= 200);
  unknown = 0;
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", NULL)), 0);
  check_works (h);
  nbd_close (h);
}

/* At 0, 10, 30, 70, 150, 310, 560, 810, 1060, 1310 and 1500 milliseconds, or
 * later. */
CASE (pauses)
{
  struct nbd_handle *h = retrying (1500);

  connects = 0;
  CHECK_ERR (nbd_connect_unix (h, temp_path ("missing")), ENOENT);
  CHECK (connects >= 3);
  CHECK (connects <= 11);
  nbd_close (h);
  h = retrying (0);
  connects = 0;
  CHECK_ERR (nbd_connect_unix (h, temp_path ("missing")), ENOENT);
  CHECK_EQ (connects, 1);
  nbd_close (h);
}

CASE (other_errors_are_final)
{
  struct nbd_handle *h = retrying (LONG);
  char *argv[] = { (char *) "true", NULL };
  int64_t begin = clock_ms ();

  CHECK_ERR (nbd_connect_unix (h, "/dev/null/socket"), ENOTDIR);
  nbd_close (h);
  /* Nobody will ever listen there again. */
  h = retrying (LONG);
  CHECK (nbd_connect_systemd_socket_activation (h, argv) == -1);
  nbd_close (h);
  CHECK (clock_ms () - begin < LONG / 2);
}

CASE (errors_of_the_handshake_are_final)
{
  struct nbd_handle *h = retrying (LONG);
  int64_t begin = clock_ms ();

  connects = 0;
  CHECK (nbd_connect_unix (h, scripted ("send \"what?\"\n", NULL)) == -1);
  CHECK_EQ (connects, 1);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  CHECK (clock_ms () - begin < LONG / 2);
}

/* ---- Main loops ---- */

CASE (main_loops)
{
  for (unsigned i = 0; i < DRIVERS; ++i)
    for (unsigned tcp = 0; tcp < 2; ++tcp) {
      struct nbd_handle *h = retrying (LONG);
      const char *path = temp_path (text ("%u", i)), *port = free_port ();
      int64_t begin = clock_ms ();

      situation ("loop %u, %s", i, tcp ? "TCP" : "Unix");
      if (tcp) {
        serve_later (text ("--tcp 127.0.0.1:%s", port));
        CHECK_EQ (nbd_aio_connect_tcp (h, "127.0.0.1", port), 0);
      }
      else {
        serve_later (text ("--unix '%s'", path));
        CHECK_EQ (nbd_aio_connect_unix (h, path), 0);
      }
      CHECK_EQ (nbd_aio_is_connecting (h), 1);
      CHECK_EQ (nbd_aio_get_direction (h), LIBNBD_AIO_DIRECTION_READ);
      CHECK (strstr (nbd_connection_state (h), "try again") != NULL);
      /* Nothing has happened. */
      CHECK_EQ (nbd_aio_notify_read (h), 0);
      CHECK_ERR (nbd_aio_notify_write (h), EINVAL);
      CHECK_EQ (drivers[i] (h), 0);
      check_time (begin);
      check_works (h);
      nbd_close (h);
    }
}

CASE (main_loops_give_up)
{
  for (unsigned i = 0; i < 3; ++i) {
    struct nbd_handle *h = retrying (1000);

    CHECK_EQ (nbd_aio_connect_unix (h, temp_path ("missing")), 0);
    CHECK_EQ (drivers[i] (h), -1);
    CHECK_EQ (nbd_get_errno (), ENOENT);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    nbd_close (h);
  }
}

/* ---- The end of a pause ---- */

static struct nbd_handle *victim;

static void *
cancel_by_thread (void *unused)
{
  (void) unused;
  usleep (100000);
  CHECK_EQ (nbdx_cancel (victim), 0);
  return NULL;
}

static void
cancel_by_signal (int signum)
{
  (void) signum;
  nbdx_cancel (victim);
}

/* At most one pause later, but it could be the next try that notices. */
CASE (cancelling)
{
  struct sigaction action = { .sa_handler = cancel_by_signal };

  CHECK_EQ (sigaction (SIGALRM, &action, NULL), 0);
  for (unsigned i = 0; i < 3; ++i)
    for (unsigned signals = 0; signals < 2; ++signals) {
      struct nbd_handle *h = victim = retrying (LONG);
      int64_t begin = clock_ms ();
      pthread_t thread;

      situation ("loop %u, by a %s", i, signals ? "signal" : "thread");
      CHECK_EQ (nbd_aio_connect_unix (h, temp_path ("missing")), 0);
      if (signals) {
        /* This is always while the loop waits: the pauses are longer. */
        CHECK_EQ (raise (SIGALRM), 0);
      }
      else
        CHECK_EQ (pthread_create (&thread, NULL, cancel_by_thread, NULL), 0);
      CHECK_EQ (drivers[i] (h), -1);
      CHECK_EQ (nbd_get_errno (), ECANCELED);
      CHECK_EQ (nbd_aio_is_dead (h), 1);
      CHECK (clock_ms () - begin < LONG / 2);
      if (!signals)
        CHECK_EQ (pthread_join (thread, NULL), 0);
      nbd_close (h);
    }
}

/* The last pause is a quarter of a second, but nobody waits for its end. */
CASE (cancelling_is_immediate)
{
  unsigned quick = 0;

  for (unsigned i = 0; i < 10; ++i) {
    struct nbd_handle *h = retrying (LONG);
    struct pollfd pollfd;
    int64_t begin;

    CHECK_EQ (nbd_aio_connect_unix (h, temp_path ("missing")), 0);
    for (;;) {
      pollfd = (struct pollfd) { .fd = nbd_aio_get_fd (h), .events = POLLIN };
      begin = clock_ms ();
      CHECK_EQ (poll (&pollfd, 1, 5000), 1);
      CHECK_EQ (nbd_aio_notify_read (h), 0);
      if (clock_ms () - begin >= 150)
        break;
    }
    /* The next pause is the longest. */
    begin = clock_ms ();
    CHECK_EQ (nbdx_cancel (h), 0);
    pollfd = (struct pollfd) { .fd = nbd_aio_get_fd (h), .events = POLLIN };
    CHECK_EQ (poll (&pollfd, 1, 5000), 1);
    quick += clock_ms () - begin < 200;
    CHECK_ERR (nbd_aio_notify_read (h), ECANCELED);
    nbd_close (h);
  }
  CHECK (quick >= 5);
}

CASE (closing)
{
  struct nbd_handle *h = retrying (LONG);

  CHECK_EQ (nbd_aio_connect_unix (h, temp_path ("missing")), 0);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  nbd_close (h);
}

/* Several addresses of a host that are tried at the same time.  No name can be
 * relied on to have them, so the resolver is replaced. */

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
#include <time.h>

/* Far more than any case waits. */
#define LONG INT64_C (60000)

enum { MAX_ADDRESSES = 5, MAX_HOLES = 4, MAX_FILLINGS = 8 };

/* ---- Replacements, which come before those of the C library ---- */

static union {
  struct sockaddr any;
  struct sockaddr_in four;
  struct sockaddr_in6 six;
} addresses[MAX_ADDRESSES];
static size_t nr_addresses;
static struct addrinfo answer[MAX_ADDRESSES];

int
getaddrinfo (const char *host, const char *port, const struct addrinfo *hints,
             struct addrinfo **result)
{
  (void) host, (void) port, (void) hints;
  for (size_t i = 0; i < nr_addresses; ++i)
    answer[i] = (struct addrinfo) {
      .ai_family = addresses[i].any.sa_family, .ai_socktype = SOCK_STREAM,
      .ai_addr = &addresses[i].any,
      .ai_addrlen = addresses[i].any.sa_family == AF_INET ? sizeof addresses[i].four
                                                          : sizeof addresses[i].six,
      .ai_next = i + 1 < nr_addresses ? &answer[i + 1] : NULL,
    };
  *result = &answer[0];
  return 0;
}

void
freeaddrinfo (struct addrinfo *list)
{
  CHECK (list == &answer[0]);
}

/* The families in the order in which they are tried. */
static bool records;

int
connect (int fd, const struct sockaddr *address, socklen_t length)
{
  int (*real) (int, const struct sockaddr *, socklen_t);

  /* Without a family, it only resets the socket. */
  if (records && address->sa_family != AF_UNSPEC)
    log_word ("%d", address->sa_family == AF_INET ? 4 : 6);
  *(void **) &real = dlsym (RTLD_NEXT, "connect");
  return real (fd, address, length);
}

/* ---- Addresses ---- */

static void
add_address (const char *ip, const char *port)
{
  struct sockaddr_in *addr = &addresses[nr_addresses].four;
  struct sockaddr_in6 *addr6 = &addresses[nr_addresses++].six;

  CHECK (nr_addresses <= MAX_ADDRESSES);
  if (inet_pton (AF_INET, ip, &addr->sin_addr) == 1) {
    addr->sin_family = AF_INET;
    addr->sin_port = htons ((uint16_t) atoi (port));
    return;
  }
  CHECK_EQ (inet_pton (AF_INET6, ip, &addr6->sin6_addr), 1);
  addr6->sin6_family = AF_INET6;
  addr6->sin6_port = htons ((uint16_t) atoi (port));
}

static int
listener (const char **port, int backlog)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  CHECK_EQ (bind (fd, (struct sockaddr *) &address, sizeof address), 0);
  CHECK_EQ (listen (fd, backlog), 0);
  CHECK_EQ (getsockname (fd, (struct sockaddr *) &address, &length), 0);
  *port = text ("%u", ntohs (address.sin_port));
  return fd;
}

/* Listeners whose queue is full, and so they do not reply to anybody. */
static struct { int fd, fillings[MAX_FILLINGS]; } holes[MAX_HOLES];
static unsigned nr_holes;

static void
add_black_hole (void)
{
  unsigned i = nr_holes++;
  struct sockaddr_in address;
  const char *port;

  CHECK (nr_holes <= MAX_HOLES);
  holes[i].fd = listener (&port, 0);
  add_address ("127.0.0.1", port);
  address = addresses[nr_addresses - 1].four;
  for (unsigned j = 0; j < MAX_FILLINGS; ++j) {
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    connect (fd, (struct sockaddr *) &address, sizeof address);
    holes[i].fillings[j] = fd;
  }
  usleep (20000);
}

/* From now on they reply. */
static void
empty_black_holes (void)
{
  for (unsigned i = 0; i < nr_holes; ++i) {
    for (unsigned j = 0; j < MAX_FILLINGS; ++j)
      close (holes[i].fillings[j]);
    CHECK_EQ (listen (holes[i].fd, 64), 0);
  }
}

static void
close_black_holes (void)
{
  empty_black_holes ();
  while (nr_holes > 0)
    close (holes[--nr_holes].fd);
}

static struct nbd_handle *
racing (int64_t milliseconds)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbdx_set_address_race (h, milliseconds), 0);
  return h;
}

/* By main loop I, or by waiting. */
static int
connect_by (unsigned i, struct nbd_handle *h)
{
  if (i == DRIVERS)
    return nbd_connect_tcp (h, "the-host", "nbd");
  if (nbd_aio_connect_tcp (h, "the-host", "nbd") == -1)
    return -1;
  return drivers[i] (h);
}

/* ---- Cases ---- */

CASE (setting)
{
  static const int64_t values[] = { 1, 250, INT64_MAX, 0, 7 };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbdx_get_address_race (h), 0);
  for (unsigned i = 0; i < sizeof values / sizeof values[0]; ++i) {
    CHECK_EQ (nbdx_set_address_race (h, values[i]), 0);
    CHECK_EQ (nbdx_get_address_race (h), values[i]);
  }
  CHECK_ERR (nbdx_set_address_race (h, -1), EINVAL);
  CHECK (strstr (nbd_get_error (), "-1") != NULL);
  CHECK_EQ (nbdx_get_address_race (h), 7);
  CHECK_ERR (nbdx_set_address_race (NULL, 1), EFAULT);
  CHECK_ERR (nbdx_get_address_race (NULL), EFAULT);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", NULL)), 0);
  CHECK_ERR (nbdx_set_address_race (h, 8), EINVAL);
  nbd_close (h);
}

CASE (an_address_that_does_not_respond)
{
  add_black_hole ();
  add_address ("127.0.0.1", nbdkit_on_tcp ("127.0.0.1"));
  for (unsigned i = 0; i <= DRIVERS; ++i) {
    struct nbd_handle *h = racing (100);
    unsigned before = open_fds ();
    int64_t begin = clock_ms ();

    situation ("loop %u", i);
    CHECK_EQ (connect_by (i, h), 0);
    CHECK (clock_ms () - begin >= 100);
    CHECK (clock_ms () - begin < LONG / 2);
    CHECK_EQ (open_fds (), before + 1);
    check_works (h);
    check_uri (h, "nbd://the-host:nbd/");
    nbd_close (h);
  }
  close_black_holes ();
}

/* One that fails is not waited for. */
CASE (an_address_that_refuses)
{
  add_address ("127.0.0.1", free_port ());
  add_address ("::1", free_port ());
  add_address ("127.0.0.1", nbdkit_on_tcp ("127.0.0.1"));
  for (unsigned i = 0; i <= DRIVERS; ++i) {
    struct nbd_handle *h = racing (LONG);
    int64_t begin = clock_ms ();

    CHECK_EQ (connect_by (i, h), 0);
    CHECK (clock_ms () - begin < LONG / 2);
    check_works (h);
    nbd_close (h);
  }
}

CASE (the_first_is_preferred)
{
  const char *port;
  int other = listener (&port, 8);

  add_address ("127.0.0.1", nbdkit_on_tcp ("127.0.0.1"));
  add_address ("127.0.0.1", port);
  for (unsigned i = 0; i <= DRIVERS; ++i) {
    struct nbd_handle *h = racing (LONG);

    CHECK_EQ (connect_by (i, h), 0);
    check_works (h);
    nbd_close (h);
  }
  /* Nobody has tried. */
  CHECK_EQ (poll (&(struct pollfd) { .fd = other, .events = POLLIN }, 1, 0), 0);
  close (other);
}

CASE (all_fail)
{
  unsigned before = open_fds ();

  add_address ("127.0.0.1", free_port ());
  add_address ("::1", free_port ());
  add_address ("127.0.0.2", free_port ());
  for (unsigned i = 0; i <= DRIVERS; ++i) {
    struct nbd_handle *h = racing (LONG);
    int64_t begin = clock_ms ();

    CHECK_EQ (connect_by (i, h), -1);
    CHECK_EQ (nbd_get_errno (), ECONNREFUSED);
    CHECK (strstr (nbd_get_error (), "the-host:nbd") != NULL);
    CHECK (clock_ms () - begin < LONG / 2);
    CHECK_EQ (nbd_aio_is_created (h), 1);
    CHECK_EQ (open_fds (), before);
    nbd_close (h);
  }
}

CASE (families_alternate)
{
  struct nbd_handle *h = racing (LONG);

  add_address ("::1", free_port ());
  add_address ("::1", free_port ());
  add_address ("::1", free_port ());
  add_address ("127.0.0.1", free_port ());
  add_address ("127.0.0.1", free_port ());
  records = true;
  CHECK_ERR (nbd_connect_tcp (h, "the-host", "nbd"), ECONNREFUSED);
  CHECK_STR (logged (), "6 4 6 4 6");
  clear_log ();
  CHECK_EQ (nbdx_set_address_race (h, 0), 0);
  CHECK_ERR (nbd_connect_tcp (h, "the-host", "nbd"), ECONNREFUSED);
  CHECK_STR (logged (), "6 6 6 4 4");
  nbd_close (h);
}

CASE (one_address)
{
  struct nbd_handle *h = racing (1);

  add_address ("127.0.0.1", nbdkit_on_tcp ("127.0.0.1"));
  CHECK_EQ (nbd_connect_tcp (h, "the-host", "nbd"), 0);
  check_works (h);
  nbd_close (h);
  h = racing (1);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", NULL)), 0);
  check_works (h);
  nbd_close (h);
}

/* Both connect while nobody looks; the first wins, and the peer of the other
 * sees the end of its connection. */
CASE (the_loser_is_closed)
{
  struct nbd_handle *h = racing (100);
  struct pollfd pollfd = { .events = POLLIN };
  const char *port;
  int other = listener (&port, 8), loser, winner;
  char byte;

  add_black_hole ();
  add_address ("127.0.0.1", port);
  CHECK_EQ (nbd_aio_connect_tcp (h, "the-host", "nbd"), 0);
  pollfd.fd = nbd_aio_get_fd (h);
  CHECK_EQ (nbd_aio_get_direction (h), LIBNBD_AIO_DIRECTION_READ);
  CHECK_EQ (poll (&pollfd, 1, 5000), 1);
  CHECK_EQ (nbd_aio_notify_read (h), 0);
  loser = accept (other, NULL, NULL);
  CHECK (loser >= 0);
  empty_black_holes ();
  do {
    winner = accept (holes[0].fd, NULL, NULL);
    CHECK (winner >= 0);
    /* Those that have filled the queue are closed. */
    pollfd = (struct pollfd) { .fd = winner, .events = POLLIN };
    if (poll (&pollfd, 1, 200) == 0)
      break;
    close (winner);
  } while (true);
  CHECK_EQ (nbd_aio_notify_read (h), 0);
  CHECK_EQ (recv (loser, &byte, 1, 0), 0);
  /* Nothing has been sent to it, and nothing is received from it. */
  CHECK_EQ (send (winner, "x", 1, MSG_NOSIGNAL), 1);
  pollfd = (struct pollfd) { .fd = nbd_aio_get_fd (h), .events = POLLIN };
  CHECK_EQ (poll (&pollfd, 1, 5000), 1);
  nbd_close (h);
  close (winner);
  close (loser);
  close (other);
  while (nr_holes > 0)
    close (holes[--nr_holes].fd);
}

/* With a retry, the whole race begins again. */
CASE (retrying)
{
  const char *port = free_port ();

  add_address ("::1", port);
  add_address ("127.0.0.1", port);
  for (unsigned i = 0; i <= DRIVERS; ++i) {
    struct nbd_handle *h = racing (50);
    pid_t server;

    situation ("loop %u", i);
    CHECK_EQ (nbdx_set_connect_retry (h, LONG), 0);
    server = start ((const char *const[]) {
      "sh", "-c",
      text ("sleep 0.3; exec '%s' --size 1M --exit-with-parent --once --tcp 127.0.0.1:%s",
            getenv ("EMBEDDED_SERVER"), port), NULL });
    CHECK (server > 0);
    CHECK_EQ (connect_by (i, h), 0);
    check_works (h);
    nbd_close (h);
    stop_servers ();
  }
}

/* ---- Cancelling ---- */

static struct nbd_handle *victim;

static void *
cancel_by_thread (void *unused)
{
  (void) unused;
  usleep (150000);
  CHECK_EQ (nbdx_cancel (victim), 0);
  return NULL;
}

static void
cancel_by_signal (int signum)
{
  (void) signum;
  nbdx_cancel (victim);
}

CASE (cancelling)
{
  struct sigaction action = { .sa_handler = cancel_by_signal, .sa_flags = SA_RESTART };

  CHECK_EQ (sigaction (SIGUSR1, &action, NULL), 0);
  for (unsigned i = 0; i < 3; ++i)
    add_black_hole ();
  for (unsigned i = 0; i <= DRIVERS; ++i)
    /* A signal would interrupt a poll of the program. */
    for (unsigned signals = 0; signals < (i < 2 ? 1 : 2); ++signals) {
      struct nbd_handle *h = victim = racing (20);
      struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
      /* Later than all have been started. */
      struct itimerspec time = { .it_value = { 0, 150000000 } };
      int64_t begin = clock_ms ();
      unsigned before = open_fds ();
      pthread_t thread;
      timer_t timer;

      situation ("loop %u, by a %s", i, signals ? "signal" : "thread");
      if (signals) {
        CHECK_EQ (timer_create (CLOCK_MONOTONIC, &event, &timer), 0);
        CHECK_EQ (timer_settime (timer, 0, &time, NULL), 0);
      }
      else
        CHECK_EQ (pthread_create (&thread, NULL, cancel_by_thread, NULL), 0);
      CHECK_EQ (connect_by (i, h), -1);
      CHECK_EQ (nbd_get_errno (), ECANCELED);
      CHECK_EQ (nbd_aio_is_dead (h), 1);
      CHECK_EQ (open_fds (), before);
      CHECK (clock_ms () - begin < LONG / 2);
      if (signals)
        timer_delete (timer);
      else
        CHECK_EQ (pthread_join (thread, NULL), 0);
      nbd_close (h);
    }
  close_black_holes ();
}

/* An event of another descriptor, or an old one of the same number, may reach
 * the handle before there is a result. */
CASE (notified_too_early)
{
  static const int64_t delays[] = { 0, 1 };

  for (unsigned i = 0; i < 2; ++i) {
    struct nbd_handle *h = racing (delays[i]);
    const char *state;

    nr_addresses = 0;
    add_black_hole ();
    CHECK_EQ (nbd_aio_connect_tcp (h, "the-host", "nbd"), 0);
    state = text ("%s", nbd_connection_state (h));
    for (unsigned j = 0; j < 3; ++j) {
      if (nbd_aio_get_direction (h) & LIBNBD_AIO_DIRECTION_WRITE)
        CHECK_EQ (nbd_aio_notify_write (h), 0);
      else
        CHECK_EQ (nbd_aio_notify_read (h), 0);
      CHECK_STR (nbd_connection_state (h), state);
    }
    nbd_close (h);
    close_black_holes ();
  }
}

CASE (closing)
{
  struct nbd_handle *h = racing (1);

  add_black_hole ();
  add_black_hole ();
  CHECK_EQ (nbd_aio_connect_tcp (h, "the-host", "nbd"), 0);
  for (unsigned i = 0; i < 3; ++i)
    CHECK (nbd_poll (h, 10) != -1);
  nbd_close (h);
  close_black_holes ();
}

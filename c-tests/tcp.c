/* TCP servers with several addresses.  No name can be relied on to have them,
 * so the resolver is replaced. */
#include "test.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { MAX_ADDRESSES = 4 };

/* What the resolver answers, and what it was asked. */
static union {
  struct sockaddr any;
  struct sockaddr_in four;
  struct sockaddr_in6 six;
} addresses[MAX_ADDRESSES];
static size_t nr_addresses;
static char asked_host[64], asked_port[64];
static struct addrinfo asked_hints;
static struct addrinfo answer[MAX_ADDRESSES];
static int unreleased;

/* These come before those of the C library. */
int
getaddrinfo (const char *host, const char *port, const struct addrinfo *hints,
             struct addrinfo **result)
{
  snprintf (asked_host, sizeof asked_host, "%s", host);
  snprintf (asked_port, sizeof asked_port, "%s", port);
  asked_hints = *hints;
  if (nr_addresses == 0)
    return EAI_NONAME;
  for (size_t i = 0; i < nr_addresses; ++i)
    answer[i] = (struct addrinfo) {
      .ai_family = addresses[i].any.sa_family, .ai_socktype = SOCK_STREAM,
      .ai_addr = &addresses[i].any,
      .ai_addrlen = sizeof addresses[i],
      .ai_next = i + 1 < nr_addresses ? &answer[i + 1] : NULL,
    };
  *result = &answer[0];
  unreleased++;
  return 0;
}

void
freeaddrinfo (struct addrinfo *list)
{
  CHECK (list == &answer[0]);
  unreleased--;
}

static void
add_address6 (const char *ip, const char *port)
{
  struct sockaddr_in6 *addr = &addresses[nr_addresses++].six;

  CHECK (nr_addresses <= MAX_ADDRESSES);
  addr->sin6_family = AF_INET6;
  addr->sin6_port = htons ((uint16_t) atoi (port));
  CHECK_EQ (inet_pton (AF_INET6, ip, &addr->sin6_addr), 1);
}

static void
add_address (const char *ip, const char *port)
{
  struct sockaddr_in *addr = &addresses[nr_addresses++].four;

  CHECK (nr_addresses <= MAX_ADDRESSES);
  addr->sin_family = AF_INET;
  addr->sin_port = htons ((uint16_t) atoi (port));
  CHECK_EQ (inet_pton (AF_INET, ip, &addr->sin_addr), 1);
}

/* Nobody listens there.  Two ports, lest they be the same. */
static void
add_refusing_addresses (void)
{
  add_address ("127.0.0.1", free_port ());
  add_address ("127.0.0.2", free_port ());
}

CASE (names_are_passed_on)
{
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_tcp (h, "the-host", "the-service"), 0);
  CHECK_STR (asked_host, "the-host");
  CHECK_STR (asked_port, "the-service");
  CHECK_EQ (asked_hints.ai_family, AF_UNSPEC);
  CHECK_EQ (asked_hints.ai_socktype, SOCK_STREAM);
  CHECK (strstr (nbd_get_error (), "the-host:the-service") != NULL);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  nbd_close (h);
}

CASE (the_next_address_is_tried)
{
  struct nbd_handle *h = create ();
  unsigned before;

  add_refusing_addresses ();
  add_address ("127.0.0.1", nbdkit_on_tcp ("127.0.0.1"));
  before = open_fds ();
  CHECK_EQ (nbd_connect_tcp (h, "the-host", "nbd"), 0);
  CHECK_EQ (unreleased, 0);
  CHECK_EQ (open_fds (), before + 1);
  check_works (h);
  check_uri (h, "nbd://the-host:nbd/");
  nbd_close (h);
}

CASE (the_next_address_is_tried_aio)
{
  struct nbd_handle *h = create ();

  add_refusing_addresses ();
  add_address ("127.0.0.1", nbdkit_on_tcp ("127.0.0.1"));
  CHECK_EQ (nbd_aio_connect_uri (h, "nbd://the-host/"), 0);
  CHECK_STR (asked_port, "10809");
  poll_while_connecting (h);
  check_works (h);
  nbd_close (h);
}

CASE (no_address_works)
{
  struct nbd_handle *h = create ();
  unsigned before = open_fds ();

  add_refusing_addresses ();
  CHECK_ERR (nbd_connect_tcp (h, "the-host", "99"), ECONNREFUSED);
  CHECK (strstr (nbd_get_error (), "the-host:99") != NULL);
  CHECK_EQ (unreleased, 0);
  CHECK_EQ (open_fds (), before);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  /* Another attempt may do better. */
  nr_addresses = 0;
  add_address ("127.0.0.1", nbdkit_on_tcp ("127.0.0.1"));
  CHECK_EQ (nbd_connect_tcp (h, "the-host", "99"), 0);
  check_works (h);
  nbd_close (h);
}

/* The first failure says most: the best address comes first. */
CASE (the_first_failure_is_reported)
{
  struct nbd_handle *h = create ();

  add_refusing_addresses ();
  addresses[1].any.sa_family = 0xfff0;
  CHECK_ERR (nbd_connect_tcp (h, "the-host", "99"), ECONNREFUSED);
  addresses[0].any.sa_family = 0xfff0;
  CHECK_ERR (nbd_connect_tcp (h, "the-host", "99"), EAFNOSUPPORT);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  nbd_close (h);
}

/* After a failed attempt by name, one by address that fails is the end of the
 * handle as always. */
CASE (attempts_do_not_mix)
{
  struct nbd_handle *h = create ();
  int r;

  add_refusing_addresses ();
  CHECK_ERR (nbd_connect_tcp (h, "the-host", "99"), ECONNREFUSED);
  r = nbd_aio_connect (h, &addresses[0].any, sizeof addresses[0].four);
  while (r != -1 && nbd_aio_is_connecting (h))
    r = nbd_poll (h, -1);
  CHECK_EQ (r, -1);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}

/* A host that consists of escape sequences must not reach a terminal. */
CASE (messages_are_printable)
{
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_tcp (h, "\x1b[31m\n", "\x07"), 0);
  CHECK (strpbrk (nbd_get_error (), "\x1b\n\x07") == NULL);
  nbd_close (h);
}

/* ---- Programs that register the descriptor once ---- */

/* Watches for reading and writing, as long as the handle wants either, and
 * never registers anything again. */
static void
connect_by_epoll (struct nbd_handle *h, int epoll)
{
  struct epoll_event event;

  while (nbd_aio_is_connecting (h)) {
    unsigned direction = nbd_aio_get_direction (h);

    CHECK_EQ (epoll_wait (epoll, &event, 1, 5000), 1);
    if (event.events & EPOLLIN && direction & LIBNBD_AIO_DIRECTION_READ)
      CHECK_EQ (nbd_aio_notify_read (h), 0);
    else if (direction & LIBNBD_AIO_DIRECTION_WRITE)
      CHECK_EQ (nbd_aio_notify_write (h), 0);
  }
}

static int
epoll_of (int fd)
{
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
  int epoll = epoll_create1 (EPOLL_CLOEXEC);

  CHECK_EQ (epoll_ctl (epoll, EPOLL_CTL_ADD, fd, &event), 0);
  return epoll;
}

/* localhost is often ::1 first, and the server on IPv4 only.  What this machine
 * refuses is known before the call returns. */
CASE (epoll_after_a_refused_address)
{
  struct nbd_handle *h = create ();
  int fd, epoll;

  add_address6 ("::1", free_port ());
  add_refusing_addresses ();
  add_address ("127.0.0.1", nbdkit_on_tcp ("127.0.0.1"));
  CHECK_EQ (nbd_aio_connect_tcp (h, "the-host", "nbd"), 0);
  fd = nbd_aio_get_fd (h);
  epoll = epoll_of (fd);
  connect_by_epoll (h, epoll);
  CHECK_EQ (nbd_aio_get_fd (h), fd);
  check_works (h);
  close (epoll);
  nbd_close (h);
}

/* A port that refuses only after some time: a full queue swallows the attempt,
 * and a second later nobody listens any more. */
static int
add_late_address (int fillers[3])
{
  struct sockaddr_in *addr = &addresses[nr_addresses].four;
  socklen_t len = sizeof *addr;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  add_address ("127.0.0.1", "0");
  CHECK_EQ (bind (listener, (struct sockaddr *) addr, len), 0);
  CHECK_EQ (listen (listener, 0), 0);
  CHECK_EQ (getsockname (listener, (struct sockaddr *) addr, &len), 0);
  for (int i = 0; i < 3; i++) {
    fillers[i] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connect (fillers[i], (struct sockaddr *) addr, len);
  }
  return listener;
}

/* The socket is used again for the next address of the same family, so that
 * epoll still knows it. */
CASE (epoll_while_addresses_fail)
{
  struct nbd_handle *h = create ();
  int fd, epoll, listener, fillers[3];

  listener = add_late_address (fillers);
  add_address ("127.0.0.1", nbdkit_on_tcp ("127.0.0.1"));
  CHECK_EQ (nbd_aio_connect_tcp (h, "the-host", "nbd"), 0);
  fd = nbd_aio_get_fd (h);
  epoll = epoll_of (fd);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  close (listener);
  connect_by_epoll (h, epoll);
  CHECK_EQ (nbd_aio_get_fd (h), fd);
  for (int i = 0; i < 3; i++)
    close (fillers[i]);
  check_works (h);
  close (epoll);
  nbd_close (h);
}

/* Another family takes another socket, which gets the number of the old one. */
CASE (the_descriptor_keeps_its_number)
{
  struct nbd_handle *h = create ();
  int fd, listener, fillers[3];
  unsigned before;

  listener = add_late_address (fillers);
  add_address6 ("::1", free_port ());
  add_address ("127.0.0.1", nbdkit_on_tcp ("127.0.0.1"));
  before = open_fds ();
  CHECK_EQ (nbd_aio_connect_tcp (h, "the-host", "nbd"), 0);
  fd = nbd_aio_get_fd (h);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  close (listener);
  while (nbd_aio_is_connecting (h)) {
    CHECK_EQ (nbd_poll (h, 5000), 1);
    CHECK_EQ (nbd_aio_get_fd (h), fd);
  }
  CHECK_EQ (open_fds (), before);
  for (int i = 0; i < 3; i++)
    close (fillers[i]);
  check_works (h);
  nbd_close (h);
}

/* Every way to reach a server but a subprocess, and what happens when it
 * cannot be reached. */
#include "test.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Programs started by the host must not inherit the connection, and it
 * must not block whoever looks at it. */
static void
check_descriptor (struct nbd_handle *h)
{
  int fd = nbd_aio_get_fd (h);

  CHECK (fd >= 0);
  CHECK (fcntl (fd, F_GETFD) & FD_CLOEXEC);
  CHECK (fcntl (fd, F_GETFL) & O_NONBLOCK);
}

/* The address of a Unix socket; the path may fill it without a terminator. */
static struct sockaddr_un
unix_address (const char *path)
{
  struct sockaddr_un addr = { .sun_family = AF_UNIX };

  CHECK (strlen (path) <= sizeof addr.sun_path);
  memcpy (addr.sun_path, path, strlen (path));
  return addr;
}

static struct sockaddr_in
loopback_address (const char *port)
{
  struct sockaddr_in addr = { .sin_family = AF_INET };

  addr.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  addr.sin_port = htons ((uint16_t) atoi (port));
  return addr;
}

static int
listen_on_unix (const char *path, int backlog)
{
  /* The kernel stops at the length, but valgrind looks for a terminator. */
  struct { struct sockaddr_un un; char terminator; } addr = {
    unix_address (path), '\0'
  };
  int sock = socket (AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0);

  CHECK (sock != -1);
  CHECK_EQ (bind (sock, (struct sockaddr *) &addr, sizeof addr.un), 0);
  CHECK_EQ (listen (sock, backlog), 0);
  return sock;
}

static int
connected_socket (const char *path)
{
  struct sockaddr_un addr = unix_address (path);
  int sock = socket (AF_UNIX, SOCK_STREAM, 0);

  CHECK (sock != -1);
  CHECK_EQ (connect (sock, (struct sockaddr *) &addr, sizeof addr), 0);
  return sock;
}

/* ---- Unix sockets ---- */

CASE (unix_socket)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  check_works (h);
  check_descriptor (h);
  nbd_close (h);
}

CASE (unix_socket_aio)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect_unix (h, server), 0);
  poll_while_connecting (h);
  check_works (h);
  nbd_close (h);
}

CASE (unix_socket_missing)
{
  unsigned before = open_fds ();
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_unix (h, temp_path ("nobody")), ENOENT);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  nbd_close (create ());
  CHECK_EQ (open_fds (), before);
}

CASE (unix_socket_without_listener)
{
  struct nbd_handle *h = create ();
  const char *path = temp_path ("abandoned");

  close (listen_on_unix (path, 1));
  CHECK_ERR (nbd_connect_unix (h, path), ECONNREFUSED);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}

CASE (unix_socket_with_full_backlog)
{
  const char *path = temp_path ("busy");
  int sock = listen_on_unix (path, 0);
  struct nbd_handle *h[8];
  size_t n = 0;

  do {
    CHECK (n < sizeof h / sizeof h[0]);
    h[n] = create ();
  } while (nbd_aio_connect_unix (h[n++], path) == 0);
  CHECK_EQ (nbd_get_errno (), EAGAIN);
  CHECK_EQ (nbd_aio_is_dead (h[n - 1]), 1);
  while (n > 0)
    nbd_close (h[--n]);
  close (sock);
}

CASE (unix_socket_with_the_longest_path)
{
  struct nbd_handle *h = create ();
  char path[sizeof ((struct sockaddr_un *) 0)->sun_path + 2];
  size_t longest = sizeof ((struct sockaddr_un *) 0)->sun_path;
  int sock;

  snprintf (path, sizeof path, "%s", temp_path (""));
  memset (path + strlen (path), 'x', sizeof path - strlen (path));
  path[longest + 1] = '\0';
  CHECK_ERR (nbd_connect_unix (h, path), ENAMETOOLONG);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_ERR (nbd_aio_connect_unix (h, path), ENAMETOOLONG);
  CHECK_EQ (nbd_aio_is_created (h), 1);

  path[longest] = '\0';
  sock = listen_on_unix (path, 1);
  CHECK_EQ (nbd_aio_connect_unix (h, path), 0);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  close (accept (sock, NULL, NULL));
  close (sock);
  nbd_close (h);
}

CASE (server_that_closes_at_once)
{
  const char *path = temp_path ("shy");
  struct nbd_handle *h = create ();
  int sock = listen_on_unix (path, 1);

  CHECK_EQ (nbd_aio_connect_unix (h, path), 0);
  close (accept (sock, NULL, NULL));
  wait_for_end (h);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  CHECK_EQ (nbd_get_errno (), 0);
  CHECK (strncmp (nbd_get_error (), "nbd_poll: ", 10) == 0);
  nbd_close (h);
  close (sock);
}

CASE (only_one_connection_per_handle)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  struct nbd_handle *h = connect_to (server);
  struct sockaddr_un addr = unix_address (server);
  char *argv[] = { "nbdkit", "-s", "null", NULL };
  int sock = connected_socket (server);

  CHECK_ERR (nbd_connect_unix (h, server), EINVAL);
  CHECK_ERR (nbd_aio_connect_unix (h, server), EINVAL);
  CHECK_ERR (nbd_connect_tcp (h, "localhost", "1"), EINVAL);
  CHECK_ERR (nbd_aio_connect_tcp (h, "localhost", "1"), EINVAL);
  CHECK_ERR (nbd_aio_connect (h, (struct sockaddr *) &addr, sizeof addr),
             EINVAL);
  CHECK_ERR (nbd_connect_command (h, argv), EINVAL);
  CHECK_ERR (nbd_aio_connect_command (h, argv), EINVAL);
  CHECK_ERR (nbd_connect_socket (h, sock), EINVAL);
  CHECK_ERR (nbd_aio_connect_socket (h, sock), EINVAL);
  /* The socket was not taken over, so it is still the caller's. */
  CHECK_EQ (close (sock), 0);
  check_works (h);
  nbd_close (h);
}

/* ---- TCP ---- */

CASE (tcp)
{
  const char *port = nbdkit_on_tcp ("127.0.0.1");
  struct nbd_handle *h = create ();
  int nodelay = 0;
  socklen_t len = sizeof nodelay;

  CHECK_EQ (nbd_connect_tcp (h, "127.0.0.1", port), 0);
  check_works (h);
  check_descriptor (h);
  CHECK_EQ (getsockopt (nbd_aio_get_fd (h), IPPROTO_TCP, TCP_NODELAY,
                        &nodelay, &len), 0);
  CHECK (nodelay);
  nbd_close (h);
}

CASE (tcp_by_name)
{
  const char *port = nbdkit_on_tcp ("127.0.0.1");
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_connect_tcp (h, "localhost", port), 0);
  check_works (h);
  nbd_close (h);
}

CASE (tcp_aio)
{
  const char *port = nbdkit_on_tcp ("127.0.0.1");
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect_tcp (h, "localhost", port), 0);
  poll_while_connecting (h);
  check_works (h);
  nbd_close (h);
}

CASE (tcp_refused_then_accepted)
{
  unsigned before = open_fds ();
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_tcp (h, "127.0.0.1", free_port ()), ECONNREFUSED);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_ERR (nbd_aio_get_fd (h), EINVAL);
  CHECK_EQ (open_fds (), before);
  CHECK_EQ (nbd_connect_tcp (h, "127.0.0.1", nbdkit_on_tcp ("127.0.0.1")),
            0);
  check_works (h);
  nbd_close (h);
}

CASE (tcp_aio_refused_then_accepted)
{
  struct nbd_handle *h = create ();
  int r = nbd_aio_connect_tcp (h, "127.0.0.1", free_port ());

  /* The refusal comes at once or while polling. */
  while (r != -1 && nbd_aio_is_connecting (h))
    r = nbd_poll (h, -1);
  CHECK_EQ (r, -1);
  CHECK_EQ (nbd_get_errno (), ECONNREFUSED);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_EQ (nbd_aio_connect_tcp (h, "127.0.0.1",
                                 nbdkit_on_tcp ("127.0.0.1")), 0);
  poll_while_connecting (h);
  check_works (h);
  nbd_close (h);
}

CASE (tcp_names_that_mean_nothing)
{
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_tcp (h, "there-is-no-such-host.invalid", "10809"),
             0);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_ERR (nbd_aio_connect_tcp (h, "there-is-no-such-host.invalid",
                                  "10809"), 0);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_ERR (nbd_connect_tcp (h, "127.0.0.1", "no-such-service"), 0);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_EQ (nbd_connect_tcp (h, "127.0.0.1", nbdkit_on_tcp ("127.0.0.1")),
            0);
  check_works (h);
  nbd_close (h);
}

/* A listener whose queue is full leaves a connection undecided.  The aio form
 * must return all the same, and wait for writability. */
CASE (tcp_aio_does_not_block)
{
  struct sockaddr_in addr = loopback_address ("0");
  socklen_t len = sizeof addr;
  int listener = socket (AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);
  struct nbd_handle *h[16];
  const char *port;
  bool undecided = false;
  size_t n;

  CHECK (listener != -1 &&
         bind (listener, (struct sockaddr *) &addr, sizeof addr) == 0 &&
         listen (listener, 0) == 0 &&
         getsockname (listener, (struct sockaddr *) &addr, &len) == 0);
  port = text ("%d", ntohs (addr.sin_port));
  for (n = 0; n < sizeof h / sizeof h[0] && !undecided; ++n) {
    h[n] = create ();
    CHECK_EQ (nbd_aio_connect_tcp (h[n], "127.0.0.1", port), 0);
    CHECK_EQ (nbd_aio_is_connecting (h[n]), 1);
    /* Once it is established it waits for the server's greeting instead. */
    while (nbd_poll (h[n], 50) == 1)
      ;
    undecided = nbd_aio_get_direction (h[n]) == LIBNBD_AIO_DIRECTION_WRITE;
  }
  CHECK (undecided);
  CHECK_EQ (nbd_aio_is_connecting (h[n - 1]), 1);
  while (n > 0)
    nbd_close (h[--n]);
  close (listener);
}

/* ---- Socket addresses ---- */

static void
connect_to_address (struct nbd_handle *h, void *addr, socklen_t len)
{
  CHECK_EQ (nbd_aio_connect (h, addr, len), 0);
  /* The address was copied. */
  memset (addr, 0xff, len);
  poll_while_connecting (h);
}

CASE (unix_address_works)
{
  struct sockaddr_un addr = unix_address (nbdkit ("memory", "1M", NULL));
  struct nbd_handle *h = create ();

  connect_to_address (h, &addr, sizeof addr);
  check_works (h);
  check_descriptor (h);
  nbd_close (h);
}

CASE (internet_address_works)
{
  struct sockaddr_in addr = loopback_address (nbdkit_on_tcp ("127.0.0.1"));
  struct nbd_handle *h = create ();

  connect_to_address (h, &addr, sizeof addr);
  check_works (h);
  check_descriptor (h);
  nbd_close (h);
}

CASE (address_refused)
{
  struct sockaddr_in addr = loopback_address (free_port ());
  struct nbd_handle *h = create ();
  int r = nbd_aio_connect (h, (struct sockaddr *) &addr, sizeof addr);

  while (r != -1 && nbd_aio_is_connecting (h))
    r = nbd_poll (h, -1);
  CHECK_EQ (r, -1);
  CHECK_EQ (nbd_get_errno (), ECONNREFUSED);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}

CASE (address_of_unknown_family)
{
  struct sockaddr_storage addr = { .ss_family = 0xfff0 };
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_aio_connect (h, (struct sockaddr *) &addr, sizeof addr),
             EAFNOSUPPORT);
  nbd_close (h);
}

CASE (address_of_impossible_length)
{
  char addr[1000] = "";
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_aio_connect (h, (struct sockaddr *) addr, 0), ANY_ERRNO);
  CHECK (!nbd_aio_is_connecting (h));
  nbd_close (h);
  h = create ();
  /* Longer than any address: it would not fit where it is copied to. */
  CHECK_ERR (nbd_aio_connect (h, (struct sockaddr *) addr, sizeof addr),
             ANY_ERRNO);
  CHECK (!nbd_aio_is_connecting (h));
  nbd_close (h);
}

/* ---- Sockets of the caller ---- */

CASE (socket_of_the_caller)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  unsigned before = open_fds ();
  struct nbd_handle *h = create ();
  int sock = connected_socket (server);

  CHECK_EQ (nbd_connect_socket (h, sock), 0);
  check_works (h);
  CHECK (fcntl (sock, F_GETFL) & O_NONBLOCK);
  CHECK_EQ (nbd_aio_get_fd (h), sock);
  check_works (h);
  check_descriptor (h);
  nbd_close (h);
  /* It became the library's. */
  CHECK_EQ (open_fds (), before);
  CHECK (fcntl (sock, F_GETFD) == -1 && errno == EBADF);
}

CASE (socketpair_of_the_caller)
{
  struct nbd_handle *h = create ();
  int pair[2];
  pid_t pid;

  CHECK_EQ (socketpair (AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, pair), 0);
  pid = fork ();
  CHECK (pid != -1);
  if (pid == 0) {
    dup2 (pair[1], STDIN_FILENO);
    dup2 (pair[1], STDOUT_FILENO);
    execlp ("nbdkit", "nbdkit", "-s", "memory", "1M", NULL);
    _exit (127);
  }
  close (pair[1]);
  CHECK_EQ (nbd_aio_connect_socket (h, pair[0]), 0);
  poll_while_connecting (h);
  check_works (h);
  nbd_close (h);
}

CASE (socket_that_is_none)
{
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_socket (h, -1), EBADF);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_ERR (nbd_aio_connect_socket (h, 12345), EBADF);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  check_works (h);
  nbd_close (h);
}

/* Ownership passes on success only: a program closes what was refused, and
 * had the library closed it as well, that would hit somebody else's file. */
CASE (refused_socket_stays_with_the_caller)
{
  struct nbd_handle *h = create ();
  int fd = open ("/", O_PATH|O_CLOEXEC); /* Open, but not to be changed. */

  CHECK (fd != -1);
  CHECK_ERR (nbd_connect_socket (h, fd), EBADF);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_EQ (close (fd), 0);
  nbd_close (h);
}

/* A socket that nothing can come from, unlike one that is being connected. */
static void
check_refused (int fd, int wanted_errno)
{
  struct nbd_handle *h = create ();

  CHECK (fd != -1);
  CHECK_ERR (nbd_connect_socket (h, fd), wanted_errno);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_ERR (nbd_aio_connect_socket (h, fd), wanted_errno);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  /* Nothing has been changed. */
  CHECK_EQ (fcntl (fd, F_GETFL) & O_NONBLOCK, 0);
  CHECK_EQ (close (fd), 0);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  check_works (h);
  nbd_close (h);
  stop_servers ();
}

static int
listen_on_tcp (int backlog, struct sockaddr_in *addr)
{
  socklen_t len = sizeof *addr;
  int sock = socket (AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);

  *addr = loopback_address ("0");
  CHECK (sock != -1);
  CHECK_EQ (bind (sock, (struct sockaddr *) addr, sizeof *addr), 0);
  CHECK_EQ (listen (sock, backlog), 0);
  CHECK_EQ (getsockname (sock, (struct sockaddr *) addr, &len), 0);
  return sock;
}

CASE (listening_socket)
{
  struct sockaddr_in addr;

  check_refused (listen_on_unix (temp_path ("socket"), 1), EINVAL);
  check_refused (listen_on_tcp (1, &addr), EINVAL);
  CHECK (strstr (nbd_get_error (), "accepts connections") != NULL);
}

CASE (socket_without_a_connection)
{
  check_refused (socket (AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0), ENOTCONN);
  check_refused (socket (AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0), ENOTCONN);
}

CASE (descriptor_of_something_else)
{
  int ends[2];

  CHECK_EQ (pipe2 (ends, O_CLOEXEC), 0);
  check_refused (ends[0], ENOTSOCK);
  check_refused (ends[1], ENOTSOCK);
  check_refused (open (temp_disk ("disk", 4096), O_RDWR|O_CLOEXEC), ENOTSOCK);
}

CASE (socket_that_is_still_connecting)
{
  struct sockaddr_in addr;
  int listener = listen_on_tcp (0, &addr);
  int first = socket (AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);
  int second = socket (AF_INET, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);
  struct nbd_handle *h = create ();

  /* The queue of the listener is full with the first. */
  CHECK_EQ (connect (first, (struct sockaddr *) &addr, sizeof addr), 0);
  CHECK_EQ (connect (second, (struct sockaddr *) &addr, sizeof addr), -1);
  CHECK_EQ (errno, EINPROGRESS);
  CHECK_EQ (nbd_aio_connect_socket (h, second), 0);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  CHECK_EQ (nbd_poll (h, 0), 0);
  close (first);
  close (listener);
  nbd_close (h);
}

/* The errno of the failure is the interesting one. */
CASE (socket_that_could_not_be_connected)
{
  struct sockaddr_in addr = loopback_address (free_port ());
  int sock = socket (AF_INET, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);
  struct nbd_handle *h = create ();

  CHECK_EQ (connect (sock, (struct sockaddr *) &addr, sizeof addr), -1);
  CHECK_EQ (errno, EINPROGRESS);
  CHECK_ERR (nbd_connect_socket (h, sock), ECONNREFUSED);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}

CASE (socket_whose_peer_is_gone)
{
  struct nbd_handle *h = create ();
  int pair[2];

  CHECK_EQ (socketpair (AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, pair), 0);
  close (pair[1]);
  CHECK_EQ (nbd_aio_connect_socket (h, pair[0]), 0);
  wait_for_end (h);
  nbd_close (h);
}

/* AF_VSOCK.  Few machines that run tests have a peer to talk to, so the system
 * calls are redirected: what the library asks for is kept, and the connection
 * goes to a Unix domain socket instead. */
#include "test.h"

#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/vm_sockets.h>

/* The server behind the redirection; without one the system is asked. */
static const char *server;
static struct sockaddr_vm asked_for;
static socklen_t asked_length;

/* These come before those of the C library. */
int
socket (int domain, int type, int protocol)
{
  int (*real) (int, int, int);

  *(void **) &real = dlsym (RTLD_NEXT, "socket");
  if (server != NULL && domain == AF_VSOCK)
    domain = AF_UNIX;
  return real (domain, type, protocol);
}

int
connect (int sock, const struct sockaddr *addr, socklen_t len)
{
  int (*real) (int, const struct sockaddr *, socklen_t);
  struct sockaddr_un redirected = { .sun_family = AF_UNIX };

  *(void **) &real = dlsym (RTLD_NEXT, "connect");
  if (server == NULL || addr->sa_family != AF_VSOCK)
    return real (sock, addr, len);
  asked_length = len;
  memcpy (&asked_for, addr,
          len < sizeof asked_for ? len : sizeof asked_for);
  strcpy (redirected.sun_path, server);
  return real (sock, (struct sockaddr *) &redirected, sizeof redirected);
}

static void
check_asked_for (unsigned cid, unsigned port)
{
  struct sockaddr_vm wanted = {
    .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port,
  };

  CHECK_EQ (asked_length, sizeof wanted);
  CHECK_EQ (asked_for.svm_cid, cid);
  CHECK_EQ (asked_for.svm_port, port);
  CHECK (memcmp (&asked_for, &wanted, sizeof wanted) == 0);
}

CASE (supported)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_supports_vsock (h), 1);
  nbd_close (h);
}

CASE (connects)
{
  struct nbd_handle *h = create ();

  server = nbdkit ("memory", "1M", NULL);
  CHECK_EQ (nbd_set_export_name (h, "x"), 0);
  CHECK_EQ (nbd_connect_vsock (h, 3, 10809), 0);
  check_asked_for (3, 10809);
  check_works (h);
  check_uri (h, "nbd+vsock://3:10809/x");
  CHECK_ERR (nbd_connect_vsock (h, 3, 10809), EINVAL);
  CHECK_ERR (nbd_aio_connect_vsock (h, 3, 10809), EINVAL);
  nbd_close (h);
}

CASE (aio)
{
  struct nbd_handle *h = create ();

  server = nbdkit ("memory", "1M", NULL);
  CHECK_EQ (nbd_aio_connect_vsock (h, VMADDR_CID_ANY, UINT32_MAX), 0);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  poll_while_connecting (h);
  check_asked_for (VMADDR_CID_ANY, UINT32_MAX);
  check_works (h);
  nbd_close (h);
}

CASE (address)
{
  struct sockaddr_vm addr = {
    .svm_family = AF_VSOCK, .svm_cid = 7, .svm_port = 8,
  };
  struct nbd_handle *h = create ();

  server = nbdkit ("memory", "1M", NULL);
  CHECK_EQ (nbd_aio_connect (h, (struct sockaddr *) &addr, sizeof addr), 0);
  poll_while_connecting (h);
  check_asked_for (7, 8);
  check_uri (h, "nbd+vsock://7:8/");
  nbd_close (h);
}

CASE (uris)
{
  static const struct { const char *uri; unsigned cid, port; } uris[] = {
    { "nbd+vsock://", 2, 10809 },
    { "nbd+vsock:///x", 2, 10809 },
    { "nbd+vsock://3", 3, 10809 },
    { "nbd+vsock://3:99/", 3, 99 },
    { "NBD+VSOCK://somebody@1:0", 1, 10809 },
    { "nbd+vsock://4294967295:2147483647/", UINT32_MAX, INT32_MAX },
  };

  server = nbdkit ("memory", "1M", NULL);
  for (size_t i = 0; i < sizeof uris / sizeof uris[0]; ++i) {
    struct nbd_handle *h = create ();

    situation ("%s", uris[i].uri);
    CHECK_EQ (nbd_connect_uri (h, uris[i].uri), 0);
    check_asked_for (uris[i].cid, uris[i].port);
    check_works (h);
    nbd_close (h);
  }
}

/* Here the system is asked.  What it says to a machine that does not exist
 * depends on the kernel, but it is no success. */
CASE (nobody_there)
{
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_vsock (h, 0x7ffffff0, 1), ANY_ERRNO);
  CHECK (nbd_get_errno () != 0);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  check_uri (h, "nbd+vsock://2147483632:1/");
  nbd_close (h);

  h = create ();
  CHECK_ERR (nbd_connect_uri (h, "nbd+vsock://2147483632:1/"), ANY_ERRNO);
  CHECK (nbd_get_errno () != 0);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}

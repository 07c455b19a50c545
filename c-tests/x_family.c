/* The address family for connecting by TCP. */

/* NULL is passed on purpose; the compiler shall not object. */
#define LIBNBD_ATTRIBUTE_NONNULL(...)
#include "test.h"

#include <dlfcn.h>
#include <libnbdx.h>
#include <netdb.h>
#include <sys/socket.h>

/* What the resolver was asked.  It is a wrapper around the real one. */
static int asked_family = -1;

int
getaddrinfo (const char *host, const char *port, const struct addrinfo *hints,
             struct addrinfo **result)
{
  int (*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **);

  *(void **) &real = dlsym (RTLD_NEXT, "getaddrinfo");
  CHECK (real != NULL && hints != NULL);
  asked_family = hints->ai_family;
  return real (host, port, hints, result);
}

CASE (setting)
{
  static const int families[] = { AF_INET, AF_INET6, AF_UNSPEC, AF_INET };
  static const int wrong[] = { AF_UNIX, AF_VSOCK, -1, 1000000 };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbdx_get_address_family (h), AF_UNSPEC);
  for (unsigned i = 0; i < sizeof families / sizeof families[0]; ++i) {
    CHECK_EQ (nbdx_set_address_family (h, families[i]), 0);
    CHECK_EQ (nbdx_get_address_family (h), families[i]);
  }
  for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    CHECK_ERR (nbdx_set_address_family (h, wrong[i]), EINVAL);
    CHECK (strstr (nbd_get_error (), text ("%d", wrong[i])) != NULL);
    CHECK_EQ (nbdx_get_address_family (h), AF_INET);
  }
  CHECK_ERR (nbdx_set_address_family (NULL, AF_INET), EFAULT);
  CHECK_ERR (nbdx_get_address_family (NULL), EFAULT);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", NULL)), 0);
  CHECK_ERR (nbdx_set_address_family (h, AF_INET6), EINVAL);
  CHECK_EQ (nbdx_get_address_family (h), AF_INET);
  nbd_close (h);
}

/* A handle that has failed to connect by name is as before, and the setting
 * lasts. */
static void
check_connects (struct nbd_handle *h, int family, const char *address, const char *port, bool by_uri,
                bool possible)
{
  bool is_6 = strchr (address, ':') != NULL;
  const char *host = is_6 ? text ("[%s]", address) : address;
  int r;

  situation ("family %d, %s, %s", family, address, by_uri ? "by URI" : "by name");
  CHECK_EQ (nbdx_set_address_family (h, family), 0);
  asked_family = -1;
  forget_error ();
  r = by_uri ? nbd_connect_uri (h, text ("nbd://%s:%s/", host, port))
             : nbd_connect_tcp (h, address, port);
  CHECK_EQ (r, possible ? 0 : -1);
  CHECK_EQ (asked_family, family);
  CHECK_EQ (nbdx_get_address_family (h), family);
  if (possible)
    check_works (h);
  else {
    CHECK (strstr (nbd_get_error (), address) != NULL);
    CHECK_EQ (nbd_aio_is_created (h), 1);
  }
}

CASE (addresses_of_the_other_family_are_not_used)
{
  const char *port4 = nbdkit_on_tcp ("127.0.0.1"), *port6 = nbdkit_on_tcp ("::1");

  for (unsigned by_uri = 0; by_uri < 2; ++by_uri) {
    struct nbd_handle *h = create ();

    check_connects (h, AF_INET6, "127.0.0.1", port4, by_uri, false);
    check_connects (h, AF_INET, "::1", port6, by_uri, false);
    check_connects (h, AF_INET, "127.0.0.1", port4, by_uri, true);
    nbd_close (h);
    h = create ();
    check_connects (h, AF_INET6, "::1", port6, by_uri, true);
    nbd_close (h);
    h = create ();
    check_connects (h, AF_UNSPEC, "::1", port6, by_uri, true);
    nbd_close (h);
  }
}

CASE (without_waiting)
{
  const char *port = nbdkit_on_tcp ("127.0.0.1");
  struct nbd_handle *h = create ();

  CHECK_EQ (nbdx_set_address_family (h, AF_INET6), 0);
  CHECK_ERR (nbd_aio_connect_tcp (h, "127.0.0.1", port), 0);
  CHECK_EQ (nbdx_set_address_family (h, AF_INET), 0);
  CHECK_EQ (nbd_aio_connect_tcp (h, "127.0.0.1", port), 0);
  poll_while_connecting (h);
  check_works (h);
  nbd_close (h);
}

/* It restricts nothing else. */
CASE (sockets_of_other_kinds)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbdx_set_address_family (h, AF_INET6), 0);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", NULL)), 0);
  CHECK_EQ (asked_family, -1);
  nbd_close (h);
}

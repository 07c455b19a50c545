/* The URI of what a handle is connected to, for every way to connect. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Whoever gets the URI reaches the same export. */
static void
check_uri_works (struct nbd_handle *h)
{
  char *uri = nbd_get_uri (h);
  struct nbd_handle *other = create ();

  CHECK (uri != NULL);
  situation ("%s", uri);
  CHECK_EQ (nbd_is_uri (other, uri), 1);
  CHECK_EQ (nbd_connect_uri (other, uri), 0);
  check_works (other);
  check_uri (other, uri);
  nbd_close (other);
  free (uri);
}

CASE (not_before_connecting)
{
  struct nbd_handle *h = create ();

  CHECK_NULL (nbd_get_uri (h), ENOTCONN);
  CHECK_EQ (nbd_set_export_name (h, "x"), 0);
  CHECK_NULL (nbd_get_uri (h), ENOTCONN);
  CHECK_ERR (nbd_connect_tcp (h, "127.0.0.1", free_port ()), ECONNREFUSED);
  CHECK_NULL (nbd_get_uri (h), ENOTCONN);
  nbd_close (h);
}

CASE (tcp)
{
  const char *port = nbdkit_on_tcp ("127.0.0.1");
  static const char *const hosts[] = { "127.0.0.1", "localhost", "LocalHost" };

  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; ++i) {
    struct nbd_handle *h = create ();

    CHECK_EQ (nbd_set_export_name (h, "a disk"), 0);
    CHECK_EQ (nbd_connect_tcp (h, hosts[i], port), 0);
    check_uri (h, text ("nbd://%s:%s/a%%20disk", hosts[i], port));
    check_uri_works (h);
    nbd_close (h);
  }
}

CASE (tcp_ipv6)
{
  const char *port = nbdkit_on_tcp ("::1");
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_connect_tcp (h, "::1", port), 0);
  check_uri (h, text ("nbd://[::1]:%s/", port));
  check_uri_works (h);
  nbd_close (h);
}

CASE (internet_addresses)
{
  const char *port = nbdkit_on_tcp ("127.0.0.1");
  const char *port6 = nbdkit_on_tcp ("::1");
  struct sockaddr_in addr = {
    .sin_family = AF_INET, .sin_port = htons ((uint16_t) atoi (port)),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };
  struct sockaddr_in6 addr6 = {
    .sin6_family = AF_INET6, .sin6_port = htons ((uint16_t) atoi (port6)),
    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
  };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect (h, (struct sockaddr *) &addr, sizeof addr), 0);
  poll_while_connecting (h);
  check_uri (h, text ("nbd://127.0.0.1:%s/", port));
  check_uri_works (h);
  nbd_close (h);
  h = create ();
  CHECK_EQ (nbd_aio_connect (h, (struct sockaddr *) &addr6, sizeof addr6), 0);
  poll_while_connecting (h);
  check_uri (h, text ("nbd://[::1]:%s/", port6));
  check_uri_works (h);
  nbd_close (h);
}

CASE (unix_socket)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  struct sockaddr_un addr = { .sun_family = AF_UNIX };
  const char *uri = text ("nbd+unix:///a/../b?socket=%s", server);
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_export_name (h, "a/../b"), 0);
  CHECK_EQ (nbd_connect_unix (h, server), 0);
  check_uri (h, uri);
  check_uri_works (h);
  nbd_close (h);

  h = create ();
  CHECK_EQ (nbd_set_export_name (h, "a/../b"), 0);
  strcpy (addr.sun_path, server);
  CHECK_EQ (nbd_aio_connect (h, (struct sockaddr *) &addr, sizeof addr), 0);
  poll_while_connecting (h);
  check_uri (h, uri);
  check_uri_works (h);
  nbd_close (h);
}

CASE (values_are_encoded)
{
  const char *socket = temp_path ("a b&c;d#e%f");
  const char *argv[] = { "nbdkit", "-f", "-U", socket, "memory", "1M", NULL };
  struct nbd_handle *h = create ();

  wait_for_unix (start (argv), socket);
  CHECK_EQ (nbd_set_export_name (h, "a:b?c#d%e\xff"), 0);
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  check_uri (h, text ("nbd+unix:///a%%3Ab%%3Fc%%23d%%25e%%FF?socket=%s",
                      temp_path ("a%20b%26c%3Bd%23e%25f")));
  check_uri_works (h);
  nbd_close (h);
}

CASE (of_a_uri)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  const char *uris[] = {
    text ("nbd+unix:///?socket=%s", server),
    text ("nbd+unix:////a//b/?socket=%s", server),
    text ("nbd+unix://some%%40body@/x?socket=%s&tls-certificates=/pki&"
          "tls-psk-file=/psk&tls-hostname=host&tls-verify-peer=false", server),
  };

  for (size_t i = 0; i < sizeof uris / sizeof uris[0]; ++i) {
    struct nbd_handle *h = create ();

    situation ("%s", uris[i]);
    CHECK_EQ (nbd_set_uri_allow_local_file (h, true), 0);
    CHECK_EQ (nbd_connect_uri (h, uris[i]), 0);
    check_uri (h, uris[i]);
    nbd_close (h);
  }
}

CASE (in_every_state)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  const char *uri = text ("nbd+unix:///x?socket=%s", server);
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_aio_connect_uri (h, uri), 0);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  check_uri (h, uri);
  poll_while_connecting (h);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  check_uri (h, uri);
  CHECK_EQ (nbd_set_export_name (h, "y"), 0);
  check_uri (h, text ("nbd+unix:///y?socket=%s", server));
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  check_uri (h, text ("nbd+unix:///y?socket=%s", server));
  nbd_close (h);

  h = create ();
  uri = text ("nbd+unix:///x?socket=%s", temp_path ("nobody"));
  CHECK_ERR (nbd_connect_uri (h, uri), ENOENT);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  check_uri (h, uri);
  nbd_close (h);
}

/* ---- Where there is none ---- */

CASE (socket_of_the_caller)
{
  struct nbd_handle *h = create ();
  int pair[2];

  CHECK_EQ (socketpair (AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, pair), 0);
  CHECK_EQ (nbd_aio_connect_socket (h, pair[0]), 0);
  CHECK_NULL (nbd_get_uri (h), EINVAL);
  nbd_close (h);
  close (pair[1]);
}

/* What an earlier attempt was about does not count. */
CASE (socket_after_another_attempt)
{
  struct nbd_handle *h = create ();
  int pair[2];

  CHECK_ERR (nbd_connect_tcp (h, "127.0.0.1", free_port ()), ECONNREFUSED);
  CHECK_EQ (socketpair (AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, pair), 0);
  CHECK_EQ (nbd_aio_connect_socket (h, pair[0]), 0);
  CHECK_NULL (nbd_get_uri (h), EINVAL);
  nbd_close (h);
  close (pair[1]);
}

CASE (subprocess)
{
  char *argv[] = { "nbdkit", "-s", "memory", "1M", NULL };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_connect_command (h, argv), 0);
  CHECK_NULL (nbd_get_uri (h), EINVAL);
  nbd_close (h);
}

CASE (address_without_a_notation)
{
  struct sockaddr_un addr = { .sun_family = AF_UNIX };
  struct sockaddr_storage unknown = { .ss_family = 0xfff0 };
  struct nbd_handle *h = create ();

  /* An abstract name: it begins with a NUL. */
  strcpy (addr.sun_path + 1, "nobody uses this name");
  CHECK_ERR (nbd_aio_connect (h, (struct sockaddr *) &addr,
                              offsetof (struct sockaddr_un, sun_path) + 22),
             ECONNREFUSED);
  CHECK_NULL (nbd_get_uri (h), EPROTONOSUPPORT);
  nbd_close (h);
  h = create ();
  CHECK_ERR (nbd_aio_connect (h, (struct sockaddr *) &unknown, sizeof unknown),
             EAFNOSUPPORT);
  CHECK_NULL (nbd_get_uri (h), EAFNOSUPPORT);
  nbd_close (h);
}

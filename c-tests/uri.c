/* Connecting by NBD URI: what arrives at the server, what is refused and why,
 * and that a URI which is refused changes nothing. */
#define LIBNBD_ATTRIBUTE_NONNULL(...) /* NULL is passed on purpose. */
#include "test.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

static struct nbd_handle *
connect_uri (const char *uri)
{
  struct nbd_handle *h = create ();

  situation ("%s", uri);
  CHECK_EQ (nbd_connect_uri (h, uri), 0);
  return h;
}

static void
check_export_name (struct nbd_handle *h, const char *wanted)
{
  char *name = nbd_get_export_name (h);

  CHECK_STR (name, wanted);
  free (name);
}

CASE (supported)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_supports_uri (h), 1);
  nbd_close (h);
}

CASE (unix_socket)
{
  const char *socket = nbdkit ("memory", "1M", NULL);
  const char *uris[] = {
    text ("nbd+unix:///?socket=%s", socket),
    text ("nbd+unix://?socket=%s", socket),
    text ("NBD+Unix:///?Socket=%s", socket),
    text ("nbd+unix://ignored:99/?unknown=1&socket=%s", socket),
    text ("nbd+unix:///?unknown;socket=%s#fragment", socket),
    text ("nbd+unix:///?socket=/nowhere&socket=%s", socket),
  };

  for (size_t i = 0; i < sizeof uris / sizeof uris[0]; ++i) {
    struct nbd_handle *h = connect_uri (uris[i]);

    check_works (h);
    nbd_close (h);
  }
}

CASE (unix_socket_aio)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect_uri (h, text ("nbd+unix:///?socket=%s",
                                          nbdkit ("memory", "1M", NULL))), 0);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  poll_while_connecting (h);
  check_works (h);
  nbd_close (h);
}

CASE (unix_socket_with_a_path_to_be_encoded)
{
  const char *dir = temp_path ("a b&c;d+e%f#g");
  const char *socket = text ("%s/s", dir);
  const char *argv[] = { "nbdkit", "-f", "-U", socket, "memory", "1M", NULL };
  struct nbd_handle *h;

  CHECK_EQ (mkdir (dir, 0777), 0);
  wait_for_unix (start (argv), socket);
  h = connect_uri (text ("nbd+unix:///?socket=%s",
                         temp_path ("a%20b%26c%3Bd+e%25f%23g/s")));
  check_works (h);
  nbd_close (h);
}

CASE (tcp)
{
  const char *port = nbdkit_on_tcp ("127.0.0.1");
  const char *uris[] = {
    text ("nbd://127.0.0.1:%s", port),
    text ("nbd://127.0.0.1:%s/", port),
    text ("nbd://127.0.0.1:00%s/any", port),
    text ("nbd://localhost:%s/", port),
    text ("nbd://LOCAL%%48ost:%s/", port),
    text ("nbd://:%s/", port),
    text ("nbd://somebody@127.0.0.1:%s/", port),
    text ("nbd://127.0.0.1:%s?tls-hostname=unused", port),
  };

  for (size_t i = 0; i < sizeof uris / sizeof uris[0]; ++i) {
    struct nbd_handle *h = connect_uri (uris[i]);

    check_works (h);
    nbd_close (h);
  }
}

CASE (tcp_ipv6)
{
  const char *port = nbdkit_on_tcp ("::1");
  const char *hosts[] = { "[::1]", "[0:0:0:0:0:0:0:1]", "[::0.0.0.1]" };

  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; ++i) {
    struct nbd_handle *h = connect_uri (text ("nbd://%s:%s/", hosts[i], port));

    check_works (h);
    nbd_close (h);
  }
}

/* The server knows one export, by exactly this name. */
CASE (export_names_arrive_as_written)
{
  static const struct { const char *path, *name; } exports[] = {
    { "/disk", "disk" },
    { "//disk", "/disk" },
    { "////disk/", "///disk/" },
    { "/a/../b", "a/../b" },
    { "/../..", "../.." },
    { "/./a/.", "./a/." },
    { "/a//b", "a//b" },
    { "/%2Fdisk", "/disk" },
    { "/%2e%2E/b", "../b" },
    { "/a%20b%3F%23%25", "a b?#%" },
    { "/a%09b%0Ac", "a\tb\nc" },
    { "/%C3%A9", "\xc3\xa9" },
    { "/a+b;c&d:e@f", "a+b;c&d:e@f" },
    { "/disk%00more", "disk" },
  };

  for (size_t i = 0; i < sizeof exports / sizeof exports[0]; ++i) {
    const char *name = exports[i].name;
    const char *server = embedded ("--once", "--export",
                                   text ("%s=a disk", name), NULL);
    struct nbd_handle *h = connect_uri (text ("nbd+unix://%s?socket=%s",
                                              exports[i].path, server));

    check_export_name (h, name);
    nbd_close (h);
    stop_servers ();
  }
}

CASE (default_export)
{
  const char *server = embedded ("--export", "first=", "--export", "second=",
                                 NULL);
  const char *paths[] = { "", "/", "/%00more" };

  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; ++i) {
    struct nbd_handle *h = create ();
    char *name;

    CHECK_EQ (nbd_set_full_info (h, true), 0);
    CHECK_EQ (nbd_connect_uri (h, text ("nbd+unix://%s?socket=%s", paths[i],
                                        server)), 0);
    check_export_name (h, "");
    name = nbd_get_canonical_export_name (h);
    CHECK_STR (name, "first");
    free (name);
    nbd_close (h);
  }
}

CASE (longest_export_name)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  char name[4097 + 1];
  struct nbd_handle *h = create ();

  memset (name, 'x', sizeof name);
  name[4097] = '\0';
  CHECK_EQ (nbd_set_export_name (h, "before"), 0);
  CHECK_ERR (nbd_connect_uri (h, text ("nbd+unix:///%s?socket=%s", name,
                                       server)), ENAMETOOLONG);
  check_export_name (h, "before");
  CHECK_EQ (nbd_aio_is_created (h), 1);
  name[4096] = '\0';
  CHECK_EQ (nbd_aio_connect_uri (h, text ("nbd+unix:///%s?socket=%s", name,
                                          server)), 0);
  check_export_name (h, name);
  poll_while_connecting (h);
  check_works (h);
  nbd_close (h);
}

CASE (qemu_nbd_by_uri)
{
  const char *server = qemu_nbd (temp_disk ("disk", 1048576), "-f", "raw",
                                 "-x", "a disk", NULL);
  struct nbd_handle *h = connect_uri (text ("nbd+unix:///a%%20disk?socket=%s",
                                            server));

  check_works (h);
  nbd_close (h);
  h = create ();
  CHECK_ERR (nbd_connect_uri (h, text ("nbd+unix:///another?socket=%s",
                                       server)), ENOENT);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}

/* qemu-nbd --fork returns when it can be connected to. */
CASE (qemu_nbd_in_the_background)
{
  const char *socket = temp_path ("sock");
  struct nbd_handle *h;

  CHECK_EQ (system (text ("qemu-nbd --fork -k %s -f raw %s", socket,
                          temp_disk ("disk", 1048576))), 0);
  h = connect_uri (text ("nbd+unix:///?socket=%s", socket));
  check_works (h);
  nbd_close (h);
  /* It serves one connection, and removes its socket in the end. */
  while (access (socket, F_OK) == 0)
    usleep (5000);
}

CASE (nbd_server_by_uri)
{
  const char *server = nbd_server (temp_disk ("image", 1048576), "");
  struct nbd_handle *h = connect_uri (text ("nbd+unix:///disk?socket=%s",
                                            server));

  check_works (h);
  nbd_close (h);
}

/* ---- URIs that are refused ---- */

CASE (refused_uris_change_nothing)
{
  const char *long_path = text ("%0200d", 0);
  const struct { const char *uri; int err; } uris[] = {
    { "", EINVAL },
    { "localhost:10809", EINVAL },
    { "http://localhost/", EINVAL },
    { "nbd:", EINVAL },
    { "nbd:/other", EINVAL },
    { "nbd://localhost/oth er", EINVAL },
    { "nbd://localhost/oth\ter", EINVAL },
    { "nbd://localhost/oth%er", EINVAL },
    { "nbd://localhost/\xff", EINVAL },
    { "nbd://localhost:port/other", EINVAL },
    { "nbd://localhost:65536/other", EINVAL },
    { "nbd://[::1/other", EINVAL },
    { "nbd://localhost/other?socket=/s", EINVAL },
    { "nbd+vsock://2/other?socket=/s", EINVAL },
    { "nbd+vsock://host/other", EINVAL },
    { "nbd+unix:///other", EINVAL },
    { "nbd+unix:///other?socket=", EINVAL },
    { text ("nbd+unix:///other?socket=/%s", long_path), ENAMETOOLONG },
    { "nbd+ssh:///other", EINVAL },
    { "nbd+ssh://-oProxyCommand=false/other", EINVAL },
    { "nbd+ssh://-lroot@localhost/other", EINVAL },
    { "nbd+ssh://a%3Bb/other", EINVAL },
    { "nbd://localhost/other?tls-verify-peer=perhaps", EINVAL },
    { "nbd://localhost/other?tls-certificates=/pki", EPERM },
    { "nbd://localhost/other?tls-psk-file=/psk", EPERM },
    { "nbd://localhost/other?tls-priority=NORMAL", EPERM },
  };
  unsigned before = open_fds ();
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_export_name (h, "before"), 0);
  for (size_t i = 0; i < sizeof uris / sizeof uris[0]; ++i) {
    situation ("%s", uris[i].uri);
    CHECK_ERR (nbd_connect_uri (h, uris[i].uri), uris[i].err);
    CHECK_ERR (nbd_aio_connect_uri (h, uris[i].uri), uris[i].err);
    CHECK_EQ (nbd_aio_is_created (h), 1);
    check_export_name (h, "before");
    CHECK_EQ (nbd_get_tls (h), LIBNBD_TLS_DISABLE);
    CHECK_EQ (open_fds (), before);
    check_no_children ();
  }
  CHECK_ERR (nbd_connect_uri (h, NULL), EFAULT);
  CHECK_ERR (nbd_aio_connect_uri (h, NULL), EFAULT);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  check_uri (h, text ("nbd+unix:///before?socket=%s", temp_path ("sock0")));
  check_works (h);
  nbd_close (h);
}

CASE (texts_without_a_scheme)
{
  static const char *const texts[] = { "", "foo", "/run/nbd.sock", "localhost/disk" };

  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; ++i) {
    struct nbd_handle *h = create ();

    situation ("%s", texts[i]);
    CHECK_ERR (nbd_connect_uri (h, texts[i]), EINVAL);
    CHECK (strstr (nbd_get_error (), "scheme") != NULL);
    nbd_close (h);
  }
}

CASE (only_one_connection_per_handle)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  const char *uri = text ("nbd+unix:///?socket=%s", server);
  struct nbd_handle *h = connect_uri (uri);

  CHECK_ERR (nbd_connect_uri (h, uri), EINVAL);
  CHECK_ERR (nbd_aio_connect_uri (h, uri), EINVAL);
  CHECK_ERR (nbd_connect_uri (h, "not a URI"), EINVAL);
  check_works (h);
  nbd_close (h);
}

CASE (nobody_at_the_address)
{
  const char *port = free_port ();
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_uri (h, text ("nbd://127.0.0.1:%s/", port)),
             ECONNREFUSED);
  CHECK (strstr (nbd_get_error (), text ("127.0.0.1:%s", port)) != NULL);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_ERR (nbd_connect_uri (h, "nbd://no-such-host.invalid:99/"), 0);
  CHECK (strstr (nbd_get_error (), "no-such-host.invalid:99") != NULL);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_ERR (nbd_connect_uri (h, text ("nbd+unix:///?socket=%s",
                                       temp_path ("nobody"))), ENOENT);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}

/* The server has no TLS, whatever the library has. */
CASE (tls_is_not_negotiable)
{
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_uri (h, text ("nbds+unix:///?socket=%s",
                                       nbdkit ("memory", "1M", NULL))),
             ENOTSUP);
  CHECK (!nbd_aio_is_ready (h));
  nbd_close (h);
}

/* ---- What the program allows ---- */

CASE (allowed_transports)
{
  const char *socket = nbdkit ("memory", "1M", NULL);
  const struct { const char *uri; uint32_t bit; } uris[] = {
    { "nbd://127.0.0.1:1/", LIBNBD_ALLOW_TRANSPORT_TCP },
    { text ("nbd+unix:///?socket=%s", socket), LIBNBD_ALLOW_TRANSPORT_UNIX },
    { "nbd+vsock://2:1/", LIBNBD_ALLOW_TRANSPORT_VSOCK },
    { "nbd+ssh://127.0.0.1/", LIBNBD_ALLOW_TRANSPORT_SSH },
  };

  for (size_t i = 0; i < sizeof uris / sizeof uris[0]; ++i) {
    struct nbd_handle *h = create ();

    situation ("%s", uris[i].uri);
    CHECK_EQ (nbd_set_uri_allow_transports (h, LIBNBD_ALLOW_TRANSPORT_MASK &
                                            ~uris[i].bit), 0);
    CHECK_ERR (nbd_connect_uri (h, uris[i].uri), EPERM);
    CHECK_EQ (nbd_set_uri_allow_transports (h, 0), 0);
    CHECK_ERR (nbd_connect_uri (h, uris[i].uri), EPERM);
    CHECK_ERR (nbd_set_uri_allow_transports (h, LIBNBD_ALLOW_TRANSPORT_MASK + 1),
               EINVAL);
    CHECK_ERR (nbd_connect_uri (h, uris[i].uri), EPERM);
    CHECK_EQ (nbd_aio_is_created (h), 1);
    /* Only URIs are restricted. */
    CHECK_EQ (nbd_connect_unix (h, socket), 0);
    nbd_close (h);
  }
  situation ("allowed");
  for (int round = 0; round < 2; ++round) {
    struct nbd_handle *h = create ();

    CHECK_EQ (nbd_set_uri_allow_transports (h, round == 0 ?
                                            LIBNBD_ALLOW_TRANSPORT_UNIX :
                                            LIBNBD_ALLOW_TRANSPORT_MASK), 0);
    CHECK_EQ (nbd_connect_uri (h, uris[1].uri), 0);
    check_works (h);
    nbd_close (h);
  }
}

CASE (allowed_tls)
{
  const char *socket = nbdkit ("memory", "1M", NULL);
  const char *plain = text ("nbd+unix:///?socket=%s", socket);
  const char *tls = text ("nbds+unix:///?socket=%s", socket);
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_uri_allow_tls (h, LIBNBD_TLS_REQUIRE), 0);
  CHECK_ERR (nbd_connect_uri (h, plain), EPERM);
  CHECK_ERR (nbd_set_uri_allow_tls (h, 3), EINVAL);
  CHECK_ERR (nbd_set_uri_allow_tls (h, -1), EINVAL);
  CHECK_ERR (nbd_connect_uri (h, plain), EPERM);
  CHECK_EQ (nbd_set_uri_allow_tls (h, LIBNBD_TLS_DISABLE), 0);
  CHECK_ERR (nbd_connect_uri (h, tls), EPERM);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_EQ (nbd_get_tls (h), LIBNBD_TLS_DISABLE);
  CHECK_EQ (nbd_connect_uri (h, plain), 0);
  check_works (h);
  nbd_close (h);
}

CASE (allowed_files)
{
  const char *uri = text ("nbd+unix:///?socket=%s&tls-certificates=/none&"
                          "tls-psk-file=/none", nbdkit ("memory", "1M", NULL));
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_uri (h, uri), EPERM);
  CHECK_EQ (nbd_set_uri_allow_local_file (h, true), 0);
  CHECK_EQ (nbd_set_uri_allow_local_file (h, false), 0);
  CHECK_ERR (nbd_connect_uri (h, uri), EPERM);
  CHECK_EQ (nbd_set_uri_allow_local_file (h, true), 0);
  /* Without TLS nobody reads them. */
  CHECK_EQ (nbd_connect_uri (h, uri), 0);
  check_works (h);
  check_uri (h, uri);
  nbd_close (h);
}

CASE (allowed_tls_priority)
{
  const char *uri = text ("nbd+unix:///?socket=%s&tls-priority=NORMAL",
                          nbdkit ("memory", "1M", NULL));
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_uri_allow_local_file (h, true), 0);
  CHECK_ERR (nbd_connect_uri (h, uri), EPERM);
  CHECK_EQ (nbd_set_uri_allow_tls_priority (h, true), 0);
  CHECK_EQ (nbd_connect_uri (h, uri), 0);
  check_works (h);
  nbd_close (h);
}

CASE (restrictions_are_set_before_connecting)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  CHECK_ERR (nbd_set_uri_allow_transports (h, 0), EINVAL);
  CHECK_ERR (nbd_set_uri_allow_tls (h, LIBNBD_TLS_ALLOW), EINVAL);
  CHECK_ERR (nbd_set_uri_allow_local_file (h, true), EINVAL);
  CHECK_ERR (nbd_set_uri_allow_tls_priority (h, true), EINVAL);
  nbd_close (h);
}

/* ---- Texts ---- */

CASE (texts_that_look_like_uris)
{
  static const struct { const char *text; int wanted; } texts[] = {
    { "nbd://", 1 }, { "nbds://x", 1 }, { "NBD+UNIX://x", 1 },
    { "nbds+unix://", 1 }, { "nbd+vsock://", 1 }, { "nbds+vsock://", 1 },
    { "nbd+ssh://", 1 }, { "nbds+ssh:// \n%", 1 },
    { "", 0 }, { "nbd", 0 }, { "nbd:", 0 }, { "nbd:/", 0 }, { " nbd://", 0 },
    { "nbd+tcp://", 0 }, { "xnbd://", 0 }, { "http://", 0 }, { "disk.img", 0 },
  };
  struct nbd_handle *h = create ();

  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; ++i) {
    situation ("%s", texts[i].text);
    CHECK_EQ (nbd_is_uri (h, texts[i].text), texts[i].wanted);
  }
  CHECK_ERR (nbd_is_uri (h, NULL), EFAULT);
  /* In any state. */
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("null", NULL)), 0);
  CHECK_EQ (nbd_is_uri (h, "nbd://"), 1);
  nbd_close (h);
}

/* What one URI says of TLS and of the export does not hold for the next. */
CASE (nothing_stays_of_a_server_that_cannot_be_reached)
{
  struct nbd_handle *h = create ();
  char *name;

  CHECK_EQ (nbd_set_export_name (h, "mine"), 0);
  CHECK_ERR (nbd_connect_uri (h, text ("nbds://127.0.0.1:%s/theirs?tls-verify-peer=false&"
                                       "tls-hostname=theirs", free_port ())),
             ECONNREFUSED);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_EQ (nbd_get_tls (h), LIBNBD_TLS_DISABLE);
  CHECK_EQ (nbd_get_tls_verify_peer (h), 1);
  name = nbd_get_export_name (h);
  CHECK_STR (name, "mine");
  free (name);
  CHECK_EQ (nbd_connect_uri (h, text ("nbd+unix:///?socket=%s",
                                      nbdkit ("memory", "1M", NULL))), 0);
  check_works (h);
  nbd_close (h);
}

/* ---- Zones of IPv6 addresses ---- */

/* Every way to write a zone; each is one of the last two. */
static void
check_zones (const char *address, const char *name, const char *port)
{
  unsigned index = if_nametoindex (name);
  /* The first letter, encoded. */
  const char *encoded = text ("%%%02x%s", (unsigned char) name[0], name + 1);
  const struct { const char *zone, *bare; } zones[] = {
    { text ("%%%s", name), name }, { text ("%%25%s", name), name },
    { text ("%%25%s", encoded), name }, { text ("%%%s", encoded), name },
    { text ("%%%u", index), text ("%u", index) }, { text ("%%25%u", index), text ("%u", index) },
  };
  /* The system knows names of interfaces only for link-local addresses. */
  bool has_names = strncmp (address, "fe80:", 5) == 0;

  CHECK (index > 0);
  for (size_t i = has_names ? 0 : 4; i < sizeof zones / sizeof zones[0]; ++i) {
    const char *uri = text ("nbd://[%s%s]:%s/", address, zones[i].zone, port);
    struct nbd_handle *h = create ();

    /* A bare number of two digits would look like something encoded. */
    if (index > 9 && i >= 4)
      continue;
    situation ("%s", uri);
    if (nbd_connect_uri (h, uri) == 0) {
      check_works (h);
      check_uri (h, text ("nbd://[%s%%%s]:%s/", address, zones[i].bare, port));
    }
    else {
      /* Nobody listens there, but it was understood. */
      CHECK (has_names && nbd_get_errno () != EINVAL && nbd_get_errno () != 0);
      CHECK (strstr (nbd_get_error (), text ("%s%%%s:", address, zones[i].bare)) != NULL);
    }
    nbd_close (h);
  }
}

CASE (zones)
{
  const char *port = nbdkit_on_tcp ("::");
  struct ifaddrs *all;

  CHECK (getifaddrs (&all) == 0);
  for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next)
    if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET6) {
      const struct sockaddr_in6 *addr = (const struct sockaddr_in6 *) i->ifa_addr;
      char address[INET6_ADDRSTRLEN];

      CHECK (inet_ntop (AF_INET6, &addr->sin6_addr, address, sizeof address) != NULL);
      if (!IN6_IS_ADDR_LINKLOCAL (&addr->sin6_addr) && !IN6_IS_ADDR_LOOPBACK (&addr->sin6_addr))
        continue;
      /* A bare one would look like something encoded. */
      if (isxdigit (i->ifa_name[0]) && isxdigit (i->ifa_name[1]))
        continue;
      check_zones (address, i->ifa_name, port);
      if (IN6_IS_ADDR_LOOPBACK (&addr->sin6_addr))
        check_zones ("fe80::1", i->ifa_name, port);
    }
  freeifaddrs (all);
}

CASE (zones_that_do_not_exist)
{
  static const char *const zones[] = {
    "%nosuch", "%25nosuch", "%", "%25", "%77777", "%nosuch%", "%25a%25b", "%a/b", "%a%ff",
  };

  for (size_t i = 0; i < sizeof zones / sizeof zones[0]; ++i) {
    struct nbd_handle *h = create ();

    situation ("%s", zones[i]);
    CHECK_ERR (nbd_connect_uri (h, text ("nbd://[fe80::1%s]/", zones[i])), ANY_ERRNO);
    CHECK (nbd_get_errno () != EINVAL || strcmp (zones[i], "%77777") == 0);
    CHECK (strstr (nbd_get_error (), "malformed") == NULL);
    nbd_close (h);
  }
}

CASE (zone_of_a_socket_address)
{
  struct sockaddr_in6 addr = {
    .sin6_family = AF_INET6, .sin6_port = htons (1), .sin6_scope_id = if_nametoindex ("lo"),
    .sin6_addr = { .s6_addr = { 0xfe, 0x80, [15] = 1 } },
  };
  struct nbd_handle *h = create ();

  CHECK (addr.sin6_scope_id != 0);
  (void) nbd_aio_connect (h, (struct sockaddr *) &addr, sizeof addr);
  check_uri (h, "nbd://[fe80::1%lo]:1/");
  nbd_close (h);
}

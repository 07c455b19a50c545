/* Connects with TLS and certificates (X.509).
 *
 *   tls-x509 URI DIRECTORY [HOST]
 *
 * The directory contains ca-cert.pem, the authorities to trust.  If the server
 * wants to know who its clients are, it also contains client-cert.pem and
 * client-key.pem.  nbd_set_tls_certificates(3) describes the files.
 *
 * The server's certificate must be valid for the host in the URI, or for HOST if
 * it is given, for example because the connection goes through a tunnel.
 *
 * Compile it with
 *   cc tls-x509.c $(pkg-config --cflags --libs libnbd) -o tls-x509
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnbd.h>

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

int
main (int argc, char *argv[])
{
  if (argc != 3 && argc != 4) {
    fprintf (stderr, "usage: %s URI DIRECTORY [HOST]\n", argv[0]);
    return EXIT_FAILURE;
  }

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL)
    die (nbd_get_error ());

  /* Not LIBNBD_TLS_ALLOW: an attacker between client and server could then
   * simply pretend that the server has no TLS. */
  if (nbd_set_tls (nbd, LIBNBD_TLS_REQUIRE) == -1
      || nbd_set_tls_certificates (nbd, argv[2]) == -1
      || (argc == 4 && nbd_set_tls_hostname (nbd, argv[3]) == -1)
      || nbd_connect_uri (nbd, argv[1]) == -1)
    die (nbd_get_error ());

  printf ("%" PRIi64 " bytes, %s\n", nbd_get_size (nbd),
          nbd_get_tls_negotiated (nbd) == 1 ? "encrypted" : "not encrypted");

  if (nbd_shutdown (nbd, 0) == -1)
    die (nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

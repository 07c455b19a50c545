/* Connects with TLS and a pre-shared key (PSK).
 *
 *   tls-psk URI FILE USER      such as nbd://example.com keys.psk alice
 *
 * The file has a line for each user with the name, a colon and the key in
 * hexadecimal.  psktool(1) creates it, and the server gets the same file:
 *   psktool --username alice --pskfile keys.psk
 *   nbdkit --tls=require --tls-psk=keys.psk memory 1G
 *
 * Compile it with
 *   cc tls-psk.c $(pkg-config --cflags --libs libnbd) -o tls-psk
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
  if (argc != 4) {
    fprintf (stderr, "usage: %s URI FILE USER\n", argv[0]);
    return EXIT_FAILURE;
  }

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL)
    die (nbd_get_error ());

  /* Not LIBNBD_TLS_ALLOW: an attacker between client and server could then
   * simply pretend that the server has no TLS. */
  if (nbd_set_tls (nbd, LIBNBD_TLS_REQUIRE) == -1
      || nbd_set_tls_psk_file (nbd, argv[2]) == -1
      || nbd_set_tls_username (nbd, argv[3]) == -1
      || nbd_connect_uri (nbd, argv[1]) == -1)
    die (nbd_get_error ());

  printf ("%" PRIi64 " bytes, %s\n", nbd_get_size (nbd),
          nbd_get_tls_negotiated (nbd) == 1 ? "encrypted" : "not encrypted");

  if (nbd_shutdown (nbd, 0) == -1)
    die (nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

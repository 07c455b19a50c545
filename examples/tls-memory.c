/* Connects to a server by TLS with credentials from memory.
 *
 *   tls-memory URI < BUNDLE
 *
 * The bundle is a PEM text as programs get it from a secret store: the client
 * certificate, its key, and the authority to trust.  It is read from standard
 * input.  The last certificate is that of the authority.  If the key is
 * encrypted, the password is in the environment variable KEY_PASSWORD.
 *
 * Compile it with
 *   cc tls-memory.c $(pkg-config --cflags --libs libnbdx) -o tls-memory
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbdx.h>

static char bundle[1 << 16];

static void
die (const char *what)
{
  fprintf (stderr, "%s: %s\n", what, nbd_get_error ());
  exit (EXIT_FAILURE);
}

/* Where the last certificate begins. */
static const char *
last_certificate (void)
{
  static const char begin[] = "-----BEGIN CERTIFICATE-----";
  const char *last = NULL;

  for (const char *p = bundle; (p = strstr (p, begin)) != NULL; p++)
    last = p;
  return last;
}

int
main (int argc, char *argv[])
{
  if (argc != 2) {
    fprintf (stderr, "usage: %s URI < BUNDLE\n", argv[0]);
    return EXIT_FAILURE;
  }

  size_t length = fread (bundle, 1, sizeof bundle - 1, stdin);
  const char *authority = last_certificate ();
  if (authority == NULL) {
    fprintf (stderr, "there is no certificate in the bundle\n");
    return EXIT_FAILURE;
  }
  size_t before = (size_t) (authority - bundle);

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL)
    die ("create");

  /* Each call uses only the blocks of its own kind. */
  if (nbdx_set_tls_pem (nbd, NBDX_PEM_CA, authority, length - before) == -1)
    die ("authority");
  if (nbdx_set_tls_pem (nbd, NBDX_PEM_CERTIFICATE, bundle, before) == -1)
    die ("certificate");
  if (nbdx_set_tls_pem (nbd, NBDX_PEM_KEY, bundle, length) == -1)
    die ("key");

  const char *password = getenv ("KEY_PASSWORD");
  if (password != NULL && nbdx_set_tls_key_password (nbd, password) == -1)
    die ("password");

  /* The library has its own copies, which it overwrites later. */
  explicit_bzero (bundle, sizeof bundle);

  if (nbd_connect_uri (nbd, argv[1]) == -1)
    die ("connect");
  printf ("%" PRIi64 " bytes, %s\n", nbd_get_size (nbd),
          nbd_get_tls_negotiated (nbd) == 1 ? "encrypted" : "not encrypted");

  nbd_shutdown (nbd, 0);
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

/* TLS with credentials from memory. */
#include "support/tls.h"

#include <fcntl.h>
#include <libnbdx.h>
#include <openssl/pem.h>

/* ---- Credentials ---- */

static int
give (struct nbd_handle *h, int what, const char *pem)
{
  return nbdx_set_tls_pem (h, what, pem, strlen (pem));
}

static struct nbd_handle *
with_tls (void)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_REQUIRE), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  return h;
}

/* A handle whose every credential is in memory: files of a directory of
 * pki (), or NULL. */
static struct nbd_handle *
with_memory (const char *ca, const char *certificate, const char *key)
{
  struct nbd_handle *h = with_tls ();

  if (ca != NULL)
    CHECK_EQ (give (h, NBDX_PEM_CA, contents (pki (ca))), 0);
  if (certificate != NULL)
    CHECK_EQ (give (h, NBDX_PEM_CERTIFICATE, contents (pki (certificate))), 0);
  if (key != NULL)
    CHECK_EQ (give (h, NBDX_PEM_KEY, contents (pki (key))), 0);
  return h;
}

static struct nbd_handle *
with_client (void)
{
  return with_memory ("good.pem", "client/client-cert.pem", "client/client-key.pem");
}

static void
check_server (struct nbd_handle *h, const char *socket)
{
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  exercise (h);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
}

/* The bytes of alice's key. */
static size_t
key_of_alice (unsigned char key[512])
{
  const char *digits = psk_of ("keys.psk", "alice");
  size_t length = strlen (digits) / 2;

  CHECK (length > 0 && length <= 512);
  for (size_t i = 0; i < length; ++i) {
    unsigned byte;

    CHECK (sscanf (digits + 2 * i, "%2x", &byte) == 1);
    key[i] = (unsigned char) byte;
  }
  return length;
}

/* A home without credentials, whatever the user has. */
static void
without_home (void)
{
  setenv ("HOME", temp_path (""), 1);
}

/* ---- Certificates ---- */

CASE (client_certificates)
{
  check_server (with_client (), nbdkit_for_clients ());
  check_server (with_client (), qemu_x509 ());
}

CASE (authorities_alone)
{
  check_server (with_memory ("good.pem", NULL, NULL), nbdkit_x509 ("server"));
}

CASE (another_authority_is_not_trusted)
{
  struct nbd_handle *h = with_memory ("evil.pem", NULL, NULL);

  check_refused (h, nbdkit_x509 ("server"), 0, "TLS");
  nbd_close (h);
  /* Nor does a directory that trusts it help: one item is one item. */
  h = with_memory ("evil.pem", NULL, NULL);
  CHECK_EQ (nbd_set_tls_certificates (h, pki ("client")), 0);
  check_refused (h, nbdkit_x509 ("server"), 0, "TLS");
  nbd_close (h);
}

CASE (memory_prevails_item_by_item)
{
  const char *socket = nbdkit_for_clients ();
  struct nbd_handle *h;
  const char *only_own = temp_path ("only-own");

  situation ("authority");
  h = with_memory ("good.pem", NULL, NULL);
  CHECK_EQ (nbd_set_tls_certificates (h, pki ("client")), 0);
  check_server (h, socket);

  situation ("certificate and key in place of those of a stranger");
  h = with_memory (NULL, "client/client-cert.pem", "client/client-key.pem");
  CHECK_EQ (nbd_set_tls_certificates (h, pki ("stranger")), 0);
  check_server (h, socket);

  situation ("key in place of one that does not match");
  h = with_memory (NULL, NULL, "client/client-key.pem");
  CHECK_EQ (nbd_set_tls_certificates (h, pki ("mismatched")), 0);
  check_server (h, socket);

  situation ("certificate beside a key in a file");
  h = with_memory (NULL, "client/client-cert.pem", NULL);
  CHECK_EQ (nbd_set_tls_certificates (h, pki ("client")), 0);
  check_server (h, socket);

  situation ("a directory without authorities");
  run_command ("mkdir '%s' && cp '%s'/client-*.pem '%s'", only_own, pki ("client"), only_own);
  h = with_memory ("good.pem", NULL, NULL);
  CHECK_EQ (nbd_set_tls_certificates (h, only_own), 0);
  check_server (h, socket);
}

/* The system is trusted if nobody says otherwise, also beside a certificate of
 * our own. */
CASE (authorities_of_the_system)
{
  const char *socket = nbdkit_for_clients ();
  struct nbd_handle *h;

  without_home ();
  setenv ("SSL_CERT_FILE", pki ("good.pem"), 1);
  h = with_memory (NULL, "client/client-cert.pem", "client/client-key.pem");
  CHECK_EQ (nbd_set_tls_certificates (h, temp_path ("missing")), 0);
  check_server (h, socket);
  setenv ("SSL_CERT_FILE", pki ("evil.pem"), 1);
  h = with_memory (NULL, "client/client-cert.pem", "client/client-key.pem");
  CHECK_EQ (nbd_set_tls_certificates (h, temp_path ("missing")), 0);
  check_refused (h, socket, 0, "TLS");
  nbd_close (h);
}

CASE (revocations)
{
  const char *crl = contents (pki ("careful/ca-crl.pem"));
  struct nbd_handle *h = with_memory ("good.pem", NULL, NULL);

  CHECK_EQ (give (h, NBDX_PEM_CRL, crl), 0);
  check_refused (h, nbdkit_x509 ("revoked"), 0, "revoked");
  nbd_close (h);
  h = with_memory ("good.pem", NULL, NULL);
  CHECK_EQ (give (h, NBDX_PEM_CRL, crl), 0);
  check_server (h, nbdkit_x509 ("server"));
  /* Beside a directory that has none. */
  h = with_tls ();
  CHECK_EQ (nbd_set_tls_certificates (h, pki ("client")), 0);
  CHECK_EQ (give (h, NBDX_PEM_CRL, crl), 0);
  check_refused (h, nbdkit_x509 ("revoked"), 0, "revoked");
  nbd_close (h);
}

/* Certificate and key in one text, as some keep them, with words in between;
 * and several authorities. */
CASE (other_blocks_are_passed_over)
{
  const char *both = text ("# mine\r\n%s\nthe key:\n%s", contents (pki ("client/client-cert.pem")),
                           contents (pki ("client/client-key.pem")));
  struct nbd_handle *h = with_tls ();

  CHECK_EQ (give (h, NBDX_PEM_CA, text ("%s%s", contents (pki ("evil.pem")),
                                        contents (pki ("good.pem")))), 0);
  CHECK_EQ (give (h, NBDX_PEM_CERTIFICATE, both), 0);
  CHECK_EQ (give (h, NBDX_PEM_KEY, both), 0);
  check_server (h, nbdkit_for_clients ());
}

/* A server that trusts only the root gets to see the authority in between. */
CASE (chain)
{
  const char *dir = temp_path ("chain"), *socket;
  struct nbd_handle *h;

  run_command (
    "exec > /dev/null 2>&1; mkdir '%s' && cd '%s' && cp '%s' root.pem && cp '%s' root-key.pem && "
    "printf 'cn = middle\\nca\\ncert_signing_key\\nexpiration_days = 9\\n' > m && "
    "printf 'cn = leaf\\ntls_www_client\\nsigning_key\\nexpiration_days = 9\\n' > l && "
    "certtool --generate-privkey --key-type=ecdsa --curve=secp256r1 --outfile m-key.pem && "
    "certtool --generate-privkey --key-type=ecdsa --curve=secp256r1 --outfile l-key.pem && "
    "certtool --generate-certificate --load-privkey m-key.pem --load-ca-certificate root.pem "
    "--load-ca-privkey root-key.pem --template m --outfile m.pem && "
    "certtool --generate-certificate --load-privkey l-key.pem --load-ca-certificate m.pem "
    "--load-ca-privkey m-key.pem --template l --outfile l.pem",
    dir, dir, pki ("good.pem"), pki ("good-key.pem"));
  socket = nbdkit_for_clients ();
  for (unsigned whole = 0; whole < 2; ++whole) {
    situation (whole ? "with the authority in between" : "without it");
    h = with_memory ("good.pem", NULL, NULL);
    CHECK_EQ (give (h, NBDX_PEM_CERTIFICATE,
                    text ("%s%s", contents (text ("%s/l.pem", dir)),
                          whole ? contents (text ("%s/m.pem", dir)) : "")), 0);
    CHECK_EQ (give (h, NBDX_PEM_KEY, contents (text ("%s/l-key.pem", dir))), 0);
    if (whole)
      check_server (h, socket);
    else {
      /* With TLS 1.3 the refusal comes behind the handshake. */
      CHECK_ERR (nbd_connect_unix (h, socket), ANY_ERRNO);
      nbd_close (h);
    }
  }
}

CASE (certificate_and_key_that_do_not_go_together)
{
  struct nbd_handle *h;
  const char *socket = nbdkit_for_clients ();

  without_home ();
  h = with_memory ("good.pem", "client/client-cert.pem", "stranger/client-key.pem");
  check_refused (h, socket, 0, "NBDX_PEM_KEY");
  nbd_close (h);
  h = with_memory ("good.pem", "client/client-cert.pem", NULL);
  check_refused (h, socket, EINVAL, "no private key");
  nbd_close (h);
  h = with_memory ("good.pem", NULL, "client/client-key.pem");
  check_refused (h, socket, EINVAL, "no client certificate");
  nbd_close (h);
}

/* Files are not looked at if TLS is not used, and neither is this. */
CASE (a_server_without_tls)
{
  struct nbd_handle *h = with_memory ("good.pem", "client/client-cert.pem", NULL);

  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_ALLOW), 0);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  CHECK_EQ (nbd_get_tls_negotiated (h), 0);
  nbd_close (h);
}

CASE (malformed)
{
  const char *good = contents (pki ("good.pem")), *key = contents (pki ("client/client-key.pem"));
  const char *body = strchr (good, '\n') + 1;
  const char *broken = text ("-----BEGIN CERTIFICATE-----\nMIIB!\n%s", body);
  const struct { int what; const char *pem; size_t length; const char *words; } cases[] = {
    { NBDX_PEM_CA, "", 0, "no certificate" },
    { NBDX_PEM_CA, "x", 1, "no certificate" },
    { NBDX_PEM_CERTIFICATE, key, strlen (key), "no certificate" },
    { NBDX_PEM_KEY, good, strlen (good), "no private key" },
    { NBDX_PEM_CRL, good, strlen (good), "no certificate revocation list" },
    { NBDX_PEM_CA, broken, strlen (broken), "line 1: " },
    { NBDX_PEM_CA, text ("\n\n%s", broken), strlen (broken) + 2, "line 3: " },
    /* The end is missing. */
    { NBDX_PEM_CA, good, strlen (good) / 2, "line 1: " },
    { NBDX_PEM_KEY, text ("%s%s", key, key), 2 * strlen (key), "second private key" },
    /* The NUL counted as well. */
    { NBDX_PEM_KEY, key, strlen (key) + 1, "NUL" },
    /* A negative number, which is not read that far. */
    { NBDX_PEM_CA, good, (size_t) -1, "longer than" },
    { 0, good, strlen (good), "what" },
    { 5, good, strlen (good), "what" },
    { -1, good, strlen (good), "what" },
  };
  struct nbd_handle *h = with_memory ("good.pem", NULL, NULL);

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    situation ("case %zu", i);
    CHECK_ERR (nbdx_set_tls_pem (h, cases[i].what, cases[i].pem, cases[i].length), EINVAL);
    if (strstr (nbd_get_error (), cases[i].words) == NULL)
      fail_at (__FILE__, __LINE__, "%s", nbd_get_error ());
  }
  situation ("what was given before is still there");
  check_server (h, nbdkit_x509 ("server"));
}

/* ---- Passwords ---- */

CASE (password)
{
  const char *socket = nbdkit_for_clients ();
  const char *old = temp_path ("old-key.pem");

  run_command ("openssl ec -aes128 -passout pass:secret -in '%s' -out '%s' 2> /dev/null",
               pki ("client/client-key.pem"), old);
  CHECK (strstr (contents (old), "Proc-Type: 4,ENCRYPTED") != NULL);
  for (unsigned kind = 0; kind < 3; ++kind)
    for (unsigned i = 0; i < 4; ++i) {
      static const char *const passwords[] = { "secret", "wrong", "", NULL };
      struct nbd_handle *h = with_tls ();

      situation ("%s, password %s", kind == 0 ? "in a file" : kind == 1 ? "PKCS #8" : "older form",
                 passwords[i] ? passwords[i] : "none");
      if (kind == 0)
        CHECK_EQ (nbd_set_tls_certificates (h, pki ("locked")), 0);
      /* In either order. */
      if (passwords[i] != NULL && kind == 1)
        CHECK_EQ (nbdx_set_tls_key_password (h, passwords[i]), 0);
      if (kind > 0) {
        CHECK_EQ (give (h, NBDX_PEM_CA, contents (pki ("good.pem"))), 0);
        CHECK_EQ (give (h, NBDX_PEM_CERTIFICATE, contents (pki ("client/client-cert.pem"))), 0);
        CHECK_EQ (give (h, NBDX_PEM_KEY,
                        contents (kind == 1 ? pki ("locked/client-key.pem") : old)), 0);
      }
      if (passwords[i] != NULL && kind != 1)
        CHECK_EQ (nbdx_set_tls_key_password (h, passwords[i]), 0);
      if (i == 0) {
        check_server (h, socket);
        continue;
      }
      check_refused (h, socket, 0, "the key is encrypted");
      nbd_close (h);
    }
}

/* A handle without the password does not profit from one that has it. */
CASE (passwords_are_not_shared)
{
  const char *socket = nbdkit_for_clients ();
  struct nbd_handle *h = with_tls ();

  CHECK_EQ (nbd_set_tls_certificates (h, pki ("locked")), 0);
  CHECK_EQ (nbdx_set_tls_key_password (h, "secret"), 0);
  check_server (h, socket);
  h = with_tls ();
  CHECK_EQ (nbd_set_tls_certificates (h, pki ("locked")), 0);
  check_refused (h, socket, 0, "the key is encrypted");
  nbd_close (h);
}

CASE (password_without_a_need)
{
  struct nbd_handle *h = with_client ();

  CHECK_EQ (nbdx_set_tls_key_password (h, "anything"), 0);
  check_server (h, nbdkit_for_clients ());
  h = create ();
  CHECK_ERR (nbdx_set_tls_key_password (h, text ("%1024s", "")), EINVAL);
  CHECK_EQ (nbdx_set_tls_key_password (h, text ("%1023s", "")), 0);
  nbd_close (h);
}

/* ---- Pre-shared keys ---- */

CASE (psk)
{
  unsigned char key[512];
  size_t length = key_of_alice (key);
  const char *const sockets[] = { nbdkit_psk (), qemu_psk () };

  for (unsigned i = 0; i < 2; ++i)
    for (unsigned v = 0; v < 2; ++v) {
      struct nbd_handle *h = with_tls ();

      CHECK_EQ (nbd_set_tls_priority (h, only_version (v ? "1.2" : "1.3")), 0);
      /* All of this has no effect. */
      CHECK_EQ (nbd_set_tls_psk_file (h, pki ("missing.psk")), 0);
      CHECK_EQ (nbd_set_tls_username (h, "bob"), 0);
      CHECK_EQ (give (h, NBDX_PEM_CA, contents (pki ("evil.pem"))), 0);
      CHECK_EQ (nbdx_set_tls_psk (h, "alice", key, length), 0);
      check_server (h, sockets[i]);
    }
}

CASE (psk_by_uri)
{
  unsigned char key[512];
  size_t length = key_of_alice (key);
  struct nbd_handle *h = create ();
  char *uri;

  CHECK_EQ (nbdx_set_tls_psk (h, "alice", key, length), 0);
  CHECK_EQ (nbd_connect_uri (h, text ("nbds+unix://bob@/?socket=%s", nbdkit_psk ())), 0);
  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  uri = nbd_get_uri (h);
  CHECK (uri != NULL && strstr (uri, "alice") == NULL);
  free (uri);
  nbd_close (h);
}

CASE (wrong_psk)
{
  unsigned char key[512];
  size_t length = key_of_alice (key);
  struct nbd_handle *h = with_tls ();

  CHECK_EQ (nbdx_set_tls_psk (h, "alice", key, length - 1), 0);
  check_refused (h, nbdkit_psk (), 0, "TLS");
  nbd_close (h);
  /* The last one counts. */
  h = with_tls ();
  CHECK_EQ (nbdx_set_tls_psk (h, "alice", "wrong", 5), 0);
  CHECK_EQ (nbdx_set_tls_psk (h, "alice", key, length), 0);
  CHECK_ERR (nbdx_set_tls_psk (h, "", key, length), EINVAL);
  CHECK_ERR (nbdx_set_tls_psk (h, "bob", key, 0), EINVAL);
  CHECK_ERR (nbdx_set_tls_psk (h, "bob", text ("%513s", ""), 513), EINVAL);
  CHECK_ERR (nbdx_set_tls_psk (h, "bob", key, (size_t) -1), EINVAL);
  CHECK_ERR (nbdx_set_tls_psk (h, text ("%257s", ""), key, length), EINVAL);
  check_server (h, nbdkit_psk ());
}

/* ---- What must not be seen ---- */

static char lines[1 << 16];

static int
remember (void *data, const char *context, const char *message)
{
  size_t length = strlen (lines);

  (void) data;
  snprintf (lines + length, sizeof lines - length, "%s: %s\n", context, message);
  return 0;
}

CASE (debug_lines)
{
  nbd_debug_callback callback = { .callback = remember };
  struct nbd_handle *h = create ();
  const char *key = contents (pki ("client/client-key.pem"));

  CHECK_EQ (nbd_set_debug_callback (h, callback), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (give (h, NBDX_PEM_KEY, key), 0);
  CHECK_EQ (nbdx_set_tls_psk (h, "alice", "the-hidden-key", 14), 0);
  CHECK_EQ (nbdx_set_tls_key_password (h, "the-hidden-word"), 0);
  CHECK_EQ (give (h, NBDX_PEM_KEY, "-----BEGIN PRIVATE KEY-----\nthe-hidden-text\n"), -1);
  CHECK_EQ (nbd_set_debug (h, false), 0);
  CHECK (strstr (lines, text ("nbdx_set_tls_pem: enter: what=3 pem=<secret> length=%zu\n",
                              strlen (key))) != NULL);
  CHECK (strstr (lines, "username=\"alice\" key=<secret> length=14\n") != NULL);
  CHECK (strstr (lines, "password=<secret> length=15\n") != NULL);
  CHECK (strstr (lines, "hidden") == NULL);
  CHECK (strstr (lines, strchr (key, '\n')) == NULL);
  nbd_close (h);
}

/* Reads a file without leaving anything behind in buffers. */
static size_t
read_file (const char *path, char *buf, size_t size)
{
  int fd = open (path, O_RDONLY|O_CLOEXEC);
  ssize_t got = read (fd, buf, size);

  CHECK (fd != -1 && got > 0 && (size_t) got < size);
  close (fd);
  return (size_t) got;
}

enum { PIECE = 32 };

/* A piece of a key in PEM, from both sides of the last line break inside it:
 * OpenSSL frees the state of its base64 decoder, which holds up to a line, and
 * does not overwrite it. */
static size_t
read_key (const char *path, char *key, size_t size, unsigned char masked[PIECE])
{
  size_t length = read_file (path, key, size);
  char *end = memmem (key, length, "\n-----END ", 10), *last = end;

  CHECK (end != NULL);
  while (*--last != '\n')
    CHECK (last > key + PIECE);
  CHECK (end - last > PIECE / 2);
  mask (masked, last - PIECE / 2, PIECE);
  return length;
}

CASE (keys_do_not_stay_in_memory)
{
  const char *socket = nbdkit_for_clients ();
  static char key[1 << 14];
  unsigned char masked[PIECE], other[PIECE];
  struct nbd_handle *h = with_memory ("good.pem", "client/client-cert.pem", NULL);
  size_t length;

  length = read_key (pki ("stranger/client-key.pem"), key, sizeof key, other);
  CHECK_EQ (nbdx_set_tls_pem (h, NBDX_PEM_KEY, key, length), 0);
  memset (key, 0, sizeof key);
  /* The test can find keys. */
  CHECK (in_memory (other, PIECE) > 0);
  length = read_key (pki ("client/client-key.pem"), key, sizeof key, masked);
  CHECK_EQ (nbdx_set_tls_pem (h, NBDX_PEM_KEY, key, length), 0);
  memset (key, 0, sizeof key);
  CHECK_EQ (in_memory (other, PIECE), 0);
  CHECK (in_memory (masked, PIECE) > 0);
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
  CHECK_EQ (in_memory (masked, PIECE), 0);
}

/* How many copies of a number are found after OpenSSL alone has read a key and
 * freed it.  Its decoder (OSSL_DECODER, behind PEM_read... and d2i_... alike)
 * frees the DER form without overwriting it.  The next allocations do that, but
 * not under valgrind, which does not reuse memory so soon. */
static unsigned
left_by_openssl (const char *file, const unsigned char masked[PIECE])
{
  static char password[] = "secret";
  BIO *bio = BIO_new_file (file, "r");
  unsigned before = in_memory (masked, PIECE);
  EVP_PKEY *key = PEM_read_bio_PrivateKey (bio, NULL, NULL, password);

  CHECK (key != NULL);
  EVP_PKEY_free (key);
  BIO_free (bio);
  return in_memory (masked, PIECE) - before;
}

static void
reuse_free_memory (void)
{
  enum { STEP = 16, SIZES = 64, BLOCKS = 64 };
  static void *blocks[SIZES][BLOCKS];

  for (size_t i = 0; i < SIZES; ++i)
    for (size_t j = 0; j < BLOCKS; ++j) {
      CHECK ((blocks[i][j] = malloc ((i + 1) * STEP)) != NULL);
      memset (blocks[i][j], 1, (i + 1) * STEP);
    }
  for (size_t i = 0; i < SIZES; ++i)
    for (size_t j = 0; j < BLOCKS; ++j)
      free (blocks[i][j]);
}

/* Nor does what OpenSSL makes of the text: here are the bytes of the number that
 * is the key. */
CASE (decoded_keys_do_not_stay_in_memory)
{
  static const char *const keys[] = { "client/client-key.pem", "locked/client-key.pem" };
  static const char before[] = "\x02\x01\x01\x04\x20";
  const char *der = temp_path ("key.der"), *socket = nbdkit_for_clients ();
  static char key[1 << 14];
  unsigned char masked[PIECE];
  size_t length;
  char *number;

  run_command ("openssl pkey -in '%s' -outform DER -out '%s'", pki (keys[0]), der);
  length = read_file (der, key, sizeof key);
  number = memmem (key, length, before, sizeof before - 1);
  CHECK (number != NULL && number + 5 + PIECE <= key + length);
  mask (masked, number + 5, PIECE);
  CHECK (in_memory (masked, PIECE) > 0);
  memset (key, 0, sizeof key);
  CHECK_EQ (in_memory (masked, PIECE), 0);
  for (unsigned i = 0; i < 2; ++i) {
    unsigned left = under_valgrind () ? left_by_openssl (pki (keys[i]), masked) : 0;
    unsigned before_it = in_memory (masked, PIECE);
    struct nbd_handle *h = with_memory ("good.pem", "client/client-cert.pem", keys[i]);

    situation ("%s", keys[i]);
    CHECK_EQ (nbdx_set_tls_key_password (h, "secret"), 0);
    CHECK_EQ (nbd_connect_unix (h, socket), 0);
    nbd_close (h);
    reuse_free_memory ();
    /* It is read when it is given, unless it is encrypted, and to connect. */
    CHECK (in_memory (masked, PIECE) <= before_it + (i == 0 ? 2 : 1) * left);
  }
}

/* Also if nothing was connected, and if a URI has saved the settings. */
CASE (psk_and_password_do_not_stay_in_memory)
{
  char secret[PIECE];
  unsigned char key[PIECE], word[PIECE];

  for (unsigned uri = 0; uri < 2; ++uri) {
    struct nbd_handle *h = create ();

    situation (uri ? "connected by URI" : "not connected");
    for (unsigned i = 0; i < PIECE; ++i)
      secret[i] = (char) ('A' + i * 7 % 26);
    mask (key, secret, PIECE);
    CHECK_EQ (nbdx_set_tls_psk (h, "alice", secret, PIECE), 0);
    for (unsigned i = 0; i + 1 < PIECE; ++i)
      secret[i] = (char) ('a' + i * 7 % 26);
    secret[PIECE - 1] = '\0';
    mask (word, secret, PIECE - 1);
    CHECK_EQ (nbdx_set_tls_key_password (h, secret), 0);
    memset (secret, 0, sizeof secret);
    CHECK (in_memory (key, PIECE) > 0);
    CHECK (in_memory (word, PIECE - 1) > 0);
    if (uri)
      CHECK_EQ (nbd_connect_uri (h, text ("nbds+unix:///?socket=%s", nbdkit_psk ())), -1);
    nbd_close (h);
    /* The beginning of a block that is free may be written over. */
    CHECK_EQ (in_memory (key + 16, PIECE - 16), 0);
    CHECK_EQ (in_memory (word + 16, PIECE - 1 - 16), 0);
  }
}

CASE (many_handles)
{
  const char *socket = nbdkit_for_clients ();

  for (unsigned i = 0; i < 50; ++i) {
    struct nbd_handle *h = with_client ();

    CHECK_EQ (nbd_connect_unix (h, socket), 0);
    nbd_close (h);
  }
}

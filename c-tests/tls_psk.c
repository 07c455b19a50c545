/* TLS with pre-shared keys. */
#include "support/tls.h"

static const char *const versions[] = { "1.2", "1.3" };

#define FOR_BOTH_VERSIONS(v) \
  for (const char *const *v = versions; v < versions + 2; ++v)

static struct nbd_handle *
with_version (const char *file, const char *user, const char *version)
{
  struct nbd_handle *h = with_psk (file, user);

  situation ("TLS %s", version);
  CHECK_EQ (nbd_set_tls_priority (h, only_version (version)), 0);
  return h;
}

static void
check_server (const char *socket)
{
  static const char *const users[] = { "alice", "bob" };

  FOR_BOTH_VERSIONS (v)
    for (unsigned i = 0; i < 2; ++i) {
      struct nbd_handle *h = with_version ("keys.psk", users[i], *v);

      CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
      /* There is no certificate in which a name could be. */
      CHECK_EQ (nbd_set_tls_hostname (h, i == 0 ? "disk.example.com" : ".example.com"), 0);
      CHECK_EQ (nbd_connect_unix (h, socket), 0);
      CHECK_EQ (nbd_get_tls_negotiated (h), 1);
      exercise (h);
      exercise_in_parallel (h);
      CHECK_EQ (nbd_shutdown (h, 0), 0);
      nbd_close (h);
    }
}

CASE (nbdkit_server)
{
  check_server (nbdkit_psk ());
}

CASE (qemu_nbd_server)
{
  check_server (qemu_psk ());
}

/* Every key exchange that goes with a key, and the ciphers. */
CASE (algorithms)
{
  static const char *const priorities[] = {
    "NORMAL:-VERS-TLS1.3:-CIPHER-ALL:+AES-128-CBC",
    "NORMAL:-VERS-TLS1.3:-CIPHER-ALL:+AES-256-GCM",
    "NORMAL:-VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305",
    "NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305",
    "NORMAL:-GROUP-ALL:+GROUP-SECP384R1",
    "SECURE256",
    "PERFORMANCE",
    "NONE:+VERS-TLS1.3:+AES-128-GCM:+AEAD:+GROUP-X25519",
  };
  const char *socket = nbdkit_psk ();

  for (size_t i = 0; i < sizeof priorities / sizeof priorities[0]; ++i) {
    struct nbd_handle *h = with_psk ("keys.psk", "alice");

    situation ("%s", priorities[i]);
    CHECK_EQ (nbd_set_tls_priority (h, priorities[i]), 0);
    CHECK_EQ (nbd_connect_unix (h, socket), 0);
    exercise (h);
    nbd_close (h);
  }
}

/* The server is to blame, or we are: TLS does not tell. */
CASE (wrong_key)
{
  const char *const sockets[] = { nbdkit_psk (), qemu_psk () };

  for (unsigned i = 0; i < 2; ++i)
    FOR_BOTH_VERSIONS (v) {
      struct nbd_handle *h = with_version ("wrong.psk", "alice", *v);

      CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
      check_refused (h, sockets[i], 0, "TLS");
      nbd_close (h);
    }
}

static const char *
psk_file (const char *lines)
{
  static unsigned count;
  const char *path = temp_path (text ("keys%u.psk", count++));
  FILE *fp = fopen (path, "w");

  CHECK (fp != NULL && fputs (lines, fp) >= 0 && fclose (fp) == 0);
  return path;
}

CASE (user_unknown_to_the_server)
{
  const char *const sockets[] = { nbdkit_psk (), qemu_psk () };
  const char *file = psk_file ("carol:0123456789abcdef0123456789abcdef\n");

  for (unsigned i = 0; i < 2; ++i)
    FOR_BOTH_VERSIONS (v) {
      struct nbd_handle *h = with_version ("keys.psk", "carol", *v);

      CHECK_EQ (nbd_set_tls_psk_file (h, file), 0);
      CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
      check_refused (h, sockets[i], 0, "TLS");
      nbd_close (h);
    }
}

CASE (unusable_files)
{
  const struct { const char *file; int err; const char *words; } cases[] = {
    { temp_path ("missing.psk"), ENOENT, "missing.psk" },
    { temp_path (""), EISDIR, "TLS" },
    { psk_file (""), EINVAL, "no key for user \"alice\"" },
    { psk_file ("bob:00\nalic:00\nalicea:00\n"), EINVAL, "no key for user \"alice\"" },
    { psk_file ("alice:\n"), EINVAL, "not a key in hexadecimal" },
    { psk_file ("alice:123\n"), EINVAL, "not a key in hexadecimal" },
    { psk_file ("alice:no\nalice:00\n"), EINVAL, "not a key in hexadecimal" },
  };
  const char *socket = nbdkit_psk ();

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    struct nbd_handle *h = with_psk ("keys.psk", "alice");

    situation ("%s", cases[i].words);
    CHECK_EQ (nbd_set_tls_psk_file (h, cases[i].file), 0);
    check_refused (h, socket, cases[i].err, cases[i].words);
    nbd_close (h);
  }
}

/* A file that nobody can use is no reason to refuse a server without TLS. */
CASE (files_are_read_when_tls_starts)
{
  struct nbd_handle *h = with_psk ("missing.psk", "alice");

  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_ALLOW), 0);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  CHECK_EQ (nbd_get_tls_negotiated (h), 0);
  nbd_close (h);
}

/* Other line ends, and the first line of a user counts. */
CASE (lines)
{
  const char *alice = psk_of ("keys.psk", "alice");
  const char *file = psk_file (text ("x:00\r\nalice:%s\r\nalice:00\n", alice));
  struct nbd_handle *h = with_psk ("keys.psk", "alice");

  CHECK_EQ (nbd_set_tls_psk_file (h, file), 0);
  CHECK_EQ (nbd_connect_unix (h, nbdkit_psk ()), 0);
  nbd_close (h);
}

CASE (login_name)
{
  const char *socket = nbdkit_psk ();
  struct nbd_handle *h = create ();
  char *name;

  setenv ("LOGNAME", "bob", 1);
  name = nbd_get_tls_username (h);
  CHECK_STR (name, "bob");
  free (name);
  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_REQUIRE), 0);
  CHECK_EQ (nbd_set_tls_psk_file (h, pki ("keys.psk")), 0);
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  nbd_close (h);
}

/* Whoever signed it, a certificate is no proof of knowing the key. */
CASE (server_with_a_certificate)
{
  FOR_BOTH_VERSIONS (v) {
    struct nbd_handle *h = with_version ("keys.psk", "alice", *v);

    CHECK_EQ (nbd_set_tls_certificates (h, pki ("client")), 0);
    check_refused (h, nbdkit_x509 ("server"), 0, "TLS");
    nbd_close (h);
    /* Nor if the user does not care for certificates. */
    h = with_version ("keys.psk", "alice", *v);
    CHECK_EQ (nbd_set_tls_verify_peer (h, false), 0);
    check_refused (h, nbdkit_x509 ("server"), 0, "TLS");
    nbd_close (h);
  }
}

CASE (client_with_certificates)
{
  FOR_BOTH_VERSIONS (v) {
    struct nbd_handle *h = with_certificates ("client");

    situation ("TLS %s", *v);
    CHECK_EQ (nbd_set_tls_priority (h, only_version (*v)), 0);
    check_refused (h, nbdkit_psk (), 0, "TLS");
    nbd_close (h);
  }
}

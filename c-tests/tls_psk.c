/* TLS with pre-shared keys. */
#include "support/tls.h"

#include <fcntl.h>

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

/* Requests that leave together share records. */
CASE (batches)
{
  setenv ("LIBNBDX_BATCH", "1", 1);
  check_server (nbdkit_psk ());
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

/* So many hexadecimal digits. */
static const char *
digits (unsigned count)
{
  char *all = text ("%*s", count, "");

  for (unsigned i = 0; i < count; ++i)
    all[i] = "0123456789abcdefABCDEF"[i * 7 % 22];
  return all;
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
    { psk_file (text ("alice:%s\n", digits (1026))), EINVAL, "longer than 512 bytes" },
    { psk_file (text ("alice:%s\n", digits (100001))), EINVAL, "longer than 512 bytes" },
    { psk_file (text ("alice:%sx\n", digits (1026))), EINVAL, "not a key in hexadecimal" },
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

/* As long as they can be. */
CASE (long_names_and_keys)
{
  static const unsigned lengths[][2] = { { 129, 257 }, { 255, 511 }, { 256, 512 }, { 1, 512 } };

  for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; ++i) {
    unsigned user_length = lengths[i][0], key_length = lengths[i][1];
    const char *user = digits (user_length);
    const char *file = psk_file (text ("%s:%s\n", user, digits (2 * key_length)));
    const char *socket = nbdkit ("--tls=require", text ("--tls-psk=%s", file),
                                 "memory", "32M", NULL);

    FOR_BOTH_VERSIONS (v) {
      struct nbd_handle *h = with_version ("keys.psk", user, *v);

      situation ("name of %u and key of %u bytes, TLS %s", user_length, key_length, *v);
      CHECK_EQ (nbd_set_tls_psk_file (h, file), 0);
      CHECK_EQ (nbd_connect_unix (h, socket), 0);
      exercise (h);
      nbd_close (h);
    }
  }
}

CASE (name_that_is_too_long)
{
  const char *user = digits (257);
  struct nbd_handle *h = with_psk ("keys.psk", user);

  CHECK_EQ (nbd_set_tls_psk_file (h, psk_file (text ("%s:00\n", user))), 0);
  check_refused (h, nbdkit_psk (), EINVAL, "longer than 256 bytes");
  nbd_close (h);
}

/* In kilobytes. */
static long
most_memory_used (void)
{
  const char *status = strstr (contents ("/proc/self/status"), "VmHWM:");

  CHECK (status != NULL);
  return atol (status + 6);
}

/* Lines that are no use need no memory, however long they are. */
CASE (huge_file)
{
  const char *file = temp_path ("huge.psk"), *socket = nbdkit_psk ();
  struct nbd_handle *h = with_psk ("keys.psk", "alice");
  long before;

  run_command ("truncate -s 300M '%s' && { echo; cat '%s'; } >> '%s'",
               file, pki ("keys.psk"), file);
  CHECK_EQ (nbd_set_tls_psk_file (h, file), 0);
  before = most_memory_used ();
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK (most_memory_used () - before < 100 * 1024);
  nbd_close (h);
}

/* ---- Keys in memory ---- */

enum { KEY_LENGTH = 64 };

/* The key in another form, so that this program does not have it either. */
static unsigned char
masked (unsigned i)
{
  return (unsigned char) ((i * 37 + 11) ^ 0x5a);
}

/* A digit of it, in another form as well. */
static unsigned char
masked_digit (unsigned i)
{
  unsigned char byte = masked (i / 2) ^ 0x5a;

  return (unsigned char) "0123456789abcdef"[i % 2 == 0 ? byte >> 4 : byte & 15] ^ 0x5a;
}

/* How often the second half of the key stands in memory, as it is or in digits:
 * of a block that is free, the memory allocator overwrites the beginning. */
static unsigned
keys_in_memory (void)
{
  unsigned char key[KEY_LENGTH / 2], digits[KEY_LENGTH];

  for (unsigned i = 0; i < sizeof key; ++i)
    key[i] = masked (KEY_LENGTH / 2 + i);
  for (unsigned i = 0; i < sizeof digits; ++i)
    digits[i] = masked_digit (KEY_LENGTH + i);
  return in_memory (key, sizeof key) + in_memory (digits, sizeof digits);
}

CASE (keys_do_not_stay_in_memory)
{
  const char *file = temp_path ("masked.psk");
  const char *socket;
  struct nbd_handle *h;
  int fd;

  fd = open (file, O_WRONLY|O_CREAT, 0600);
  CHECK (fd != -1 && write (fd, "alice:", 6) == 6);
  for (unsigned i = 0; i < 2 * KEY_LENGTH; ++i) {
    unsigned char digit = masked_digit (i) ^ 0x5a;

    CHECK (write (fd, &digit, 1) == 1);
  }
  CHECK (write (fd, "\n", 1) == 1 && close (fd) == 0);
  socket = nbdkit ("--tls=require", text ("--tls-psk=%s", file), "memory", "32M", NULL);
  FOR_BOTH_VERSIONS (v) {
    h = with_version ("keys.psk", "alice", *v);
    CHECK_EQ (nbd_set_tls_psk_file (h, file), 0);
    CHECK_EQ (nbd_connect_unix (h, socket), 0);
    /* The test can find keys. */
    CHECK (keys_in_memory () > 0);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    nbd_close (h);
    CHECK_EQ (keys_in_memory (), 0);
  }
}

#include "tls.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>

static const char *
support_file (const char *name)
{
  const char *slash = strrchr (__FILE__, '/');
  int length = slash ? (int) (slash - __FILE__) : 1;

  return text ("%.*s/%s", length, slash ? __FILE__ : ".", name);
}

const char *
pki (const char *name)
{
  static const char *directory;

  /* Made once for all programs of a run. */
  if (directory == NULL) {
    const char *tmp = getenv ("TMPDIR");
    int status;

    directory = tmp ? text ("%s/pki", tmp) : temp_path ("pki");
    status = system (text ("'%s' '%s'", support_file ("pki.sh"), directory));
    if (status != 0)
      fail_at (__FILE__, __LINE__, "pki.sh failed: certtool, openssl and psktool are needed");
  }
  return text ("%s/%s", directory, name);
}

const char *
only_version (const char *version)
{
  return text ("NORMAL:-VERS-ALL:+VERS-TLS%s", version);
}

const char *
relay (const char *server, ...)
{
  static unsigned count;
  const char *program = getenv ("TLS_RELAY");
  const char *socket = temp_path (text ("relay%u", count++));
  const char *argv[32] = { program, socket, server };
  size_t n = 3;
  va_list args;

  if (program == NULL)
    fail_at (__FILE__, __LINE__, "TLS_RELAY is not set");
  va_start (args, server);
  while ((argv[n] = va_arg (args, const char *)) != NULL) {
    n++;
    CHECK (n < sizeof argv / sizeof argv[0]);
  }
  va_end (args);
  wait_for_unix (start (argv), socket);
  return socket;
}

const char *
nbdkit_x509 (const char *directory)
{
  return nbdkit ("--tls=require", text ("--tls-certificates=%s", pki (directory)),
                 "memory", "32M", NULL);
}

const char *
nbdkit_for_clients (void)
{
  return nbdkit ("--tls=require", text ("--tls-certificates=%s", pki ("server")),
                 "--tls-verify-peer", "memory", "32M", NULL);
}

const char *
nbdkit_psk (void)
{
  return nbdkit ("--tls=require", text ("--tls-psk=%s", pki ("keys.psk")),
                 "memory", "32M", NULL);
}

static const char *
qemu_tls (const char *credentials)
{
  static unsigned count;
  const char *image = temp_disk (text ("qemu-disk%u", count++), 32 << 20);

  return qemu_nbd (image, "-f", "raw", "-x", "disk", "--object",
                   text ("%s,id=tls0,endpoint=server", credentials),
                   "--tls-creds", "tls0", NULL);
}

const char *
qemu_x509 (void)
{
  /* It refuses to show a certificate whose key cannot encrypt. */
  return qemu_tls (text ("tls-creds-x509,dir=%s,verify-peer=yes", pki ("server-rsa")));
}

const char *
qemu_psk (void)
{
  return qemu_tls (text ("tls-creds-psk,dir=%s", pki ("")));
}

const char *
nbd_server_x509 (void)
{
  static unsigned count;
  const char *socket = temp_path (text ("nbd-server-sock%u", count));
  const char *config = temp_path (text ("nbd-server%u.conf", count));
  const char *image = temp_disk (text ("nbd-server-disk%u", count++), 32 << 20);
  const char *argv[] = { "nbd-server", "-d", "-C", config, NULL };
  FILE *fp = fopen (config, "w");

  CHECK (fp != NULL);
  fprintf (fp, "[generic]\nunixsock = %s\nallowlist = true\nforce_tls = true\n"
           "certfile = %s\nkeyfile = %s\ncacertfile = %s\n"
           "[disk]\nexportname = %s\n",
           socket, pki ("server/server-cert.pem"), pki ("server/server-key.pem"),
           pki ("server/ca-cert.pem"), image);
  CHECK (fclose (fp) == 0);
  wait_for_unix (start (argv), socket);
  return socket;
}

static struct nbd_handle *
with_tls (void)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_REQUIRE), 0);
  return h;
}

struct nbd_handle *
with_certificates (const char *directory)
{
  struct nbd_handle *h = with_tls ();

  CHECK_EQ (nbd_set_tls_certificates (h, pki (directory)), 0);
  return h;
}

struct nbd_handle *
with_psk (const char *file, const char *user)
{
  struct nbd_handle *h = with_tls ();

  CHECK_EQ (nbd_set_tls_psk_file (h, pki (file)), 0);
  CHECK_EQ (nbd_set_tls_username (h, user), 0);
  return h;
}

const char *
psk_of (const char *file, const char *user)
{
  FILE *fp = fopen (pki (file), "r");
  size_t length = strlen (user);
  char line[1024];

  CHECK (fp != NULL);
  while (fgets (line, sizeof line, fp) != NULL)
    if (strncmp (line, user, length) == 0 && line[length] == ':') {
      fclose (fp);
      line[strcspn (line, "\n")] = '\0';
      return text ("%s", line + length + 1);
    }
  fail_at (__FILE__, __LINE__, "no key for %s", user);
}

void
check_refused (struct nbd_handle *h, const char *unix_socket,
               int wanted_errno, const char *words)
{
  CHECK_ERR (nbd_connect_unix (h, unix_socket), wanted_errno);
  if (strstr (nbd_get_error (), words) == NULL)
    fail_at (__FILE__, __LINE__, "the message does not say \"%s\"", words);
  CHECK (nbd_aio_is_dead (h));
}

enum { LARGE = 300 * 1000 };

void
exercise (struct nbd_handle *h)
{
  static char written[LARGE], got[LARGE];

  fill (written, sizeof written, 7);
  CHECK_EQ (nbd_pwrite (h, written, sizeof written, 4096, 0), 0);
  CHECK_EQ (nbd_pread (h, got, sizeof got, 4096, 0), 0);
  CHECK (memcmp (written, got, sizeof got) == 0);
  CHECK_EQ (nbd_pread (h, got, 512, 4096 + 512, 0), 0);
  CHECK (memcmp (written + 512, got, 512) == 0);
}

enum { SLOTS = 64, ROUNDS = 4 };

/* From one sector to several records, odd sizes among them. */
static size_t
size_of_slot (unsigned slot)
{
  static const size_t sizes[] = { 512, 4096, 16384 - 28, 16384, 16384 + 1, 70000, 131072, 1 };

  return sizes[slot % (sizeof sizes / sizeof sizes[0])];
}

void
exercise_in_parallel (struct nbd_handle *h)
{
  struct record records[SLOTS] = { 0 };
  char *written[SLOTS], *got[SLOTS];

  for (unsigned i = 0; i < SLOTS; ++i) {
    written[i] = malloc (size_of_slot (i));
    got[i] = malloc (size_of_slot (i));
    CHECK (written[i] != NULL && got[i] != NULL);
    records[i].result = 1;
  }
  for (unsigned round = 0; round < ROUNDS; ++round) {
    for (unsigned i = 0; i < SLOTS; ++i) {
      fill (written[i], size_of_slot (i), round * SLOTS + i);
      CHECK (nbd_aio_pwrite (h, written[i], size_of_slot (i), i * UINT64_C (131072),
                             completion (&records[i]), 0) > 0);
    }
    drain (h);
    for (unsigned i = 0; i < SLOTS; ++i)
      CHECK (nbd_aio_pread (h, got[i], size_of_slot (i), i * UINT64_C (131072),
                            completion (&records[i]), 0) > 0);
    /* Reads and writes at the same time, in both directions. */
    for (unsigned i = 0; i < SLOTS; i += 2)
      CHECK (nbd_aio_pwrite (h, written[i], size_of_slot (i),
                             (SLOTS + i) * UINT64_C (131072),
                             completion (&records[i]), 0) > 0);
    drain (h);
    for (unsigned i = 0; i < SLOTS; ++i) {
      CHECK_EQ (records[i].error, 0);
      CHECK (memcmp (written[i], got[i], size_of_slot (i)) == 0);
    }
  }
  for (unsigned i = 0; i < SLOTS; ++i) {
    free (written[i]);
    free (got[i]);
  }
}

void
mask (unsigned char *masked, const char *from, size_t length)
{
  for (size_t i = 0; i < length; ++i)
    masked[i] = (unsigned char) from[i] ^ 0x5a;
}

unsigned
in_memory (const unsigned char *masked, size_t length)
{
  /* Shared, so that it is a mapping of its own, which is not searched. */
  const size_t size = 1 << 16;
  unsigned char *piece = mmap (NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0);
  int memory = open ("/proc/self/mem", O_RDONLY|O_CLOEXEC);
  FILE *maps = fopen ("/proc/self/maps", "r");
  unsigned found = 0;
  size_t skip[256];
  char line[512];

  CHECK (piece != MAP_FAILED && memory != -1 && maps != NULL);
  /* Horspool's search: how far to go on, by the byte below the end.  Valgrind
   * has very much memory of its own, and a search byte by byte takes minutes. */
  for (unsigned byte = 0; byte < 256; ++byte)
    skip[byte] = length;
  for (size_t i = 0; i + 1 < length; ++i)
    skip[masked[i] ^ 0x5a] = length - 1 - i;
  while (fgets (line, sizeof line, maps) != NULL) {
    uint64_t start, end;

    if (sscanf (line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2 || strstr (line, " rw") == NULL ||
        (uintptr_t) piece == start)
      continue;
    /* What is read overlaps, so that nothing is cut. */
    for (; start < end; start += size - length) {
      size_t count = end - start < size ? end - start : size;
      ssize_t got;

      got = pread (memory, piece, count, (off_t) start);
      for (ssize_t i = 0; i + (ssize_t) length <= got; i += (ssize_t) skip[piece[i + length - 1]]) {
        size_t same = 0;

        while (same < length && (piece[i + same] ^ 0x5a) == masked[same])
          same++;
        found += same == length;
      }
    }
  }
  munmap (piece, size);
  fclose (maps);
  close (memory);
  return found;
}

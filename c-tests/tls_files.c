/* Files with credentials that keep one waiting, and the environment that says
 * where they are. */
#include "support/tls.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

/* ---- Files that keep one waiting ---- */

/* A handle that somebody connects while the others go on. */
struct waiting {
  struct nbd_handle *h;
  const char *socket;
  pthread_t thread;
  int result;
  volatile bool done;
};

static void *
connect_it (void *argument)
{
  struct waiting *w = argument;

  w->result = nbd_connect_unix (w->h, w->socket);
  w->done = true;
  return NULL;
}

static void
wait_a_little (void)
{
  usleep (100 * 1000);
}

/* Another handle connects while this one waits for the pipe to be written.
 * Opening a pipe waits for somebody at its other end, then reading it does. */
static void
check_waiting (struct nbd_handle *h, const char *socket, const char *pipe,
               struct nbd_handle *other, const char *other_socket, const char *content)
{
  struct waiting w = { .h = h, .socket = socket, .result = 1 };
  struct waiting o = { .h = other, .socket = other_socket, .result = 1 };
  int fd;

  situation ("%s", pipe);
  CHECK_EQ (pthread_create (&w.thread, NULL, connect_it, &w), 0);
  /* Without a reader this fails. */
  while ((fd = open (pipe, O_WRONLY|O_NONBLOCK|O_CLOEXEC)) == -1) {
    CHECK (errno == ENXIO && !w.done);
    wait_a_little ();
  }
  wait_a_little ();
  CHECK (!w.done);

  CHECK_EQ (pthread_create (&o.thread, NULL, connect_it, &o), 0);
  for (int patience = 100; !o.done; --patience) {
    CHECK (patience > 0);
    wait_a_little ();
  }
  CHECK_EQ (pthread_join (o.thread, NULL), 0);
  CHECK_EQ (o.result, 0);
  CHECK_EQ (nbd_get_tls_negotiated (other), 1);
  CHECK (!w.done);

  CHECK (write (fd, content, strlen (content)) == (ssize_t) strlen (content));
  CHECK (close (fd) == 0);
  CHECK_EQ (pthread_join (w.thread, NULL), 0);
  CHECK_EQ (w.result, 0);
  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  nbd_close (other);
  nbd_close (h);
}

/* A directory like "client" with a pipe in place of one of its files. */
static const char *
with_pipe (const char *name)
{
  static unsigned count;
  const char *directory = temp_path (text ("waiting%u", count++));

  run_command ("cp -r '%s' '%s' && rm -f '%s/%s' && mkfifo '%s/%s'", pki ("client"), directory,
               directory, name, directory, name);
  return directory;
}

CASE (slow_certificates_hold_up_nobody_else)
{
  static const char *const names[][2] = {
    { "ca-cert.pem", "good.pem" },
    { "ca-crl.pem", "careful/ca-crl.pem" },
    { "client-cert.pem", "client/client-cert.pem" },
    { "client-key.pem", "client/client-key.pem" },
  };
  const char *socket = nbdkit_x509 ("server");

  for (unsigned i = 0; i < 4; ++i)
    for (unsigned psk = 0; psk < 2; ++psk) {
      const char *directory = with_pipe (names[i][0]);
      struct nbd_handle *h = with_certificates ("client");

      CHECK_EQ (nbd_set_tls_certificates (h, directory), 0);
      check_waiting (h, socket, text ("%s/%s", directory, names[i][0]),
                     psk ? with_psk ("keys.psk", "alice") : with_certificates ("client"),
                     psk ? nbdkit_psk () : socket, contents (pki (names[i][1])));
    }
}

CASE (slow_keys_hold_up_nobody_else)
{
  const char *socket = nbdkit_psk (), *pipe = temp_path ("waiting.psk");
  struct nbd_handle *h = with_psk ("keys.psk", "alice");

  CHECK (mkfifo (pipe, 0600) == 0);
  CHECK_EQ (nbd_set_tls_psk_file (h, pipe), 0);
  check_waiting (h, socket, pipe, with_psk ("keys.psk", "bob"), socket,
                 contents (pki ("keys.psk")));
}

CASE (slow_system_holds_up_nobody_else)
{
  const char *socket = nbdkit_x509 ("server"), *pipe = temp_path ("waiting.pem");
  struct nbd_handle *h = with_certificates ("client");

  CHECK (mkfifo (pipe, 0600) == 0);
  setenv ("SSL_CERT_FILE", pipe, 1);
  CHECK_EQ (nbd_set_tls_certificates (h, temp_path ("nothing")), 0);
  check_waiting (h, socket, pipe, with_certificates ("client"), socket,
                 contents (pki ("good.pem")));
}

/* Of contexts that are made at the same time, each is good. */
CASE (many_at_once)
{
  enum { COUNT = 8 };
  const char *socket = nbdkit_x509 ("server");
  struct waiting w[COUNT] = { 0 };

  for (unsigned i = 0; i < COUNT; ++i) {
    w[i].h = with_certificates ("client");
    w[i].socket = socket;
  }
  for (unsigned i = 0; i < COUNT; ++i)
    CHECK_EQ (pthread_create (&w[i].thread, NULL, connect_it, &w[i]), 0);
  for (unsigned i = 0; i < COUNT; ++i) {
    CHECK_EQ (pthread_join (w[i].thread, NULL), 0);
    CHECK_EQ (w[i].result, 0);
    exercise (w[i].h);
    nbd_close (w[i].h);
  }
}

/* ---- The environment ---- */

/* A program with more rights than its user must not believe the user's
 * environment; this function is how it knows. */
static bool privileged;

char *
secure_getenv (const char *name)
{
  return privileged ? NULL : getenv (name);
}

static void
believe_system (const char *socket, const char *refusal)
{
  struct nbd_handle *h = with_certificates ("client");

  CHECK_EQ (nbd_set_tls_certificates (h, temp_path ("nothing")), 0);
  if (refusal != NULL)
    check_refused (h, socket, 0, refusal);
  else
    CHECK_EQ (nbd_connect_unix (h, socket), 0);
  nbd_close (h);
}

CASE (directories_that_the_system_trusts)
{
  const char *socket = nbdkit_x509 ("server");
  const char *first = temp_path ("first"), *second = temp_path ("second");

  CHECK (mkdir (first, 0777) == 0 && mkdir (second, 0777) == 0);
  setenv ("SSL_CERT_FILE", pki ("evil.pem"), 1);
  setenv ("SSL_CERT_DIR", text ("%s:%s", first, second), 1);
  believe_system (socket, "certificate");
  run_command ("cp '%s' '%s/any.pem' && openssl rehash '%s'", pki ("good.pem"), second, second);
  believe_system (socket, NULL);
  /* Without the name that was made of the subject it does not count. */
  run_command ("rm '%s'/*.0", second);
  believe_system (socket, "certificate");
}

CASE (privileged_programs_do_not_believe_their_environment)
{
  const char *socket = nbdkit_x509 ("server");
  struct nbd_handle *h = create ();
  char *name;

  setenv ("SSL_CERT_FILE", pki ("good.pem"), 1);
  believe_system (socket, NULL);
  setenv ("LOGNAME", "somebody", 1);
  name = nbd_get_tls_username (h);
  CHECK_STR (name, "somebody");
  free (name);

  privileged = true;
  believe_system (socket, "certificate");
  name = nbd_get_tls_username (h);
  CHECK (name == NULL || strcmp (name, "somebody") != 0);
  free (name);
  nbd_close (h);
}

/* The home of root does not count anyhow. */
CASE (privileged_programs_have_no_home)
{
  const char *home = temp_path ("home"), *socket = nbdkit_x509 ("server");

  run_command ("mkdir -p '%s/.pki/libnbd' && cp '%s' '%s/.pki/libnbd/ca-cert.pem'"
               " && chmod -R a+rX '%s'", home, pki ("good.pem"), home, home);
  setenv ("HOME", home, 1);
  if (getuid () == 0) {
    run_command ("chmod a+x '%s' '%s' && chmod a+rw '%s'", temp_path (".."), temp_path ("."),
                 socket);
    CHECK (seteuid (65534) == 0);
  }
  for (int i = 0; i < 2; ++i) {
    struct nbd_handle *h = create ();

    privileged = i;
    CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_REQUIRE), 0);
    if (privileged)
      check_refused (h, socket, 0, "certificate");
    else
      CHECK_EQ (nbd_connect_unix (h, socket), 0);
    nbd_close (h);
  }
  CHECK (seteuid (getuid ()) == 0);
}

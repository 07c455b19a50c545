/* Sending over TLS that the kernel encrypts: with a stand-in for the kernel,
 * which need not know TLS itself. */
#include "support/tls.h"
#include "support/kernel-tls.h"

#include <signal.h>

static const char *const versions[] = { "1.2", "1.3" };

#define FOR_BOTH_VERSIONS(v) \
  for (const char *const *v = versions; v < versions + 2; ++v)

/* Servers listen on Unix domain sockets, which are as good as TCP here. */
static void
give_kernel_tls (void)
{
  kernel.has_tls = true;
  kernel.disguises_unix = true;
}

static struct nbd_handle *
client (const char *version)
{
  struct nbd_handle *h = with_certificates ("client");

  memset (&kernel_log, 0, sizeof kernel_log);
  situation ("TLS %s", version);
  CHECK_EQ (nbd_set_tls_priority (h, only_version (version)), 0);
  CHECK_EQ (nbd_set_tls_hostname (h, "localhost"), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  return h;
}

static void
end (struct nbd_handle *h)
{
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK (nbd_aio_is_closed (h));
  nbd_close (h);
}

/* The server has been told by TLS alone that the session is over: the kernel
 * might drop what it still has to send when the socket is shut down. */
static void
check_goodbye (void)
{
  CHECK_EQ (kernel_log.goodbyes, 1);
  CHECK_EQ (kernel_log.plain_goodbyes, 0);
}

static void
check_server (const char *(*server) (void))
{
  FOR_BOTH_VERSIONS (v) {
    struct nbd_handle *h = client (*v);

    CHECK_EQ (nbd_connect_unix (h, server ()), 0);
    CHECK_EQ (kernel_log.offers, 1);
    CHECK_EQ (kernel_log.keys, 1);
    exercise (h);
    exercise_in_parallel (h);
    end (h);
    check_goodbye ();
  }
}

/* Returns its port. */
static const char *
nbdkit_tls_on_tcp (void)
{
  const char *port = free_port ();
  const char *argv[] = { "nbdkit", "-f", "-i", "127.0.0.1", "-p", port, "--tls=require",
                         text ("--tls-certificates=%s", pki ("server")), "memory", "32M", NULL };

  wait_for_tcp (start (argv), port);
  return port;
}

CASE (nbdkit_server)
{
  give_kernel_tls ();
  check_server (nbdkit_for_clients);
}

CASE (qemu_nbd_server)
{
  give_kernel_tls ();
  check_server (qemu_x509);
}

CASE (nbd_server_server)
{
  give_kernel_tls ();
  check_server (nbd_server_x509);
}

CASE (server_on_tcp)
{
  const char *port = nbdkit_tls_on_tcp ();

  kernel.has_tls = true;
  FOR_BOTH_VERSIONS (v) {
    struct nbd_handle *h = client (*v);

    CHECK_EQ (nbd_connect_tcp (h, "localhost", port), 0);
    CHECK_EQ (kernel_log.keys, 1);
    exercise (h);
    exercise_in_parallel (h);
    end (h);
    check_goodbye ();
  }
}

CASE (preshared_key)
{
  const char *socket = nbdkit_psk ();
  struct nbd_handle *h = with_psk ("keys.psk", "alice");

  give_kernel_tls ();
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_EQ (kernel_log.keys, 1);
  exercise (h);
  exercise_in_parallel (h);
  end (h);
  check_goodbye ();
}

/* Which data are sent, and how many, is the same as without. */
CASE (statistics)
{
  const char *socket = nbdkit_x509 ("server");
  uint64_t sent[2], received[2], chunks[2];
  char buf[100000] = "";

  give_kernel_tls ();
  FOR_BOTH_VERSIONS (v) {
    for (unsigned i = 0; i < 2; ++i) {
      struct nbd_handle *h = client (*v);
      uint64_t before;
      size_t data;

      kernel.has_tls = true;
      kernel.takes_no_keys = i == 0;
      CHECK_EQ (nbd_connect_unix (h, socket), 0);
      CHECK_EQ (kernel_log.keys, i);
      before = nbd_stats_bytes_sent (h);
      data = kernel_log.data;
      CHECK_EQ (nbd_pwrite (h, buf, sizeof buf, 0, 0), 0);
      CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
      if (i == 1)
        CHECK_EQ (kernel_log.data - data, nbd_stats_bytes_sent (h) - before);
      sent[i] = nbd_stats_bytes_sent (h);
      received[i] = nbd_stats_bytes_received (h);
      chunks[i] = nbd_stats_chunks_sent (h);
      end (h);
    }
    CHECK_EQ (sent[0], sent[1]);
    CHECK_EQ (received[0], received[1]);
    CHECK_EQ (chunks[0], chunks[1]);
  }
}

/* It sends by itself then, as without any of this. */
CASE (kernel_that_takes_no_keys)
{
  const char *socket = nbdkit_x509 ("server");

  give_kernel_tls ();
  kernel.takes_no_keys = true;
  FOR_BOTH_VERSIONS (v) {
    struct nbd_handle *h = client (*v);

    CHECK_EQ (nbd_connect_unix (h, socket), 0);
    CHECK_EQ (kernel_log.keys, 0);
    exercise (h);
    exercise_in_parallel (h);
    end (h);
  }
}

CASE (cipher_that_the_kernel_lacks)
{
  const char *socket = nbdkit_x509 ("server");
  struct nbd_handle *h = client ("any");

  give_kernel_tls ();
  CHECK_EQ (nbd_set_tls_priority (h, "NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305"), 0);
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_EQ (kernel_log.keys, 0);
  exercise (h);
  end (h);
}

CASE (larger_keys)
{
  const char *socket = nbdkit_x509 ("server");
  struct nbd_handle *h = client ("any");

  give_kernel_tls ();
  CHECK_EQ (nbd_set_tls_priority (h, "NORMAL:-CIPHER-ALL:+AES-256-GCM"), 0);
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_EQ (kernel_log.keys, 1);
  exercise (h);
  end (h);
}

/* Records that end anywhere, and a socket that takes nothing half the time. */
CASE (stingy_kernel)
{
  static const size_t portions[] = { 1, 27, 5000, 16385 };
  const char *socket = nbdkit_x509 ("server");

  give_kernel_tls ();
  FOR_BOTH_VERSIONS (v)
    for (size_t i = 0; i < sizeof portions / sizeof portions[0]; ++i) {
      struct nbd_handle *h = client (*v);

      kernel.stingy = portions[i];
      CHECK_EQ (nbd_connect_unix (h, socket), 0);
      CHECK_EQ (kernel_log.keys, 1);
      if (portions[i] < 1000) {
        char sector[512];

        fill (sector, sizeof sector, i);
        CHECK_EQ (nbd_pwrite (h, sector, sizeof sector, 0, 0), 0);
        CHECK_EQ (nbd_pread (h, sector, sizeof sector, 0, 0), 0);
      } else {
        exercise (h);
        exercise_in_parallel (h);
      }
      end (h);
      check_goodbye ();
    }
}

/* Handshake messages and the goodbye wait for the socket like anything else. */
CASE (hesitant_kernel)
{
  const char *socket = nbdkit_x509 ("server");
  struct nbd_handle *h = client ("1.3");

  give_kernel_tls ();
  kernel.hesitates = true;
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_EQ (kernel_log.keys, 1);
  /* The client speaks twice. */
  CHECK_EQ (kernel_log.hesitations, 2);
  exercise (h);
  end (h);
  CHECK_EQ (kernel_log.hesitations, 3);
  check_goodbye ();

  /* In TLS 1.2 the client would have to wait between two messages; OpenSSL
   * rather keeps the keys. */
  h = client ("1.2");
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_EQ (kernel_log.keys, 0);
  CHECK_EQ (kernel_log.hesitations, 2);
  exercise (h);
  end (h);
}

/* The same without anybody who waits: the caller has a loop of its own. */
CASE (hesitant_kernel_with_own_loop)
{
  const char *socket = nbdkit_x509 ("server");
  struct nbd_handle *h = client ("1.3");

  give_kernel_tls ();
  kernel.hesitates = true;
  CHECK_EQ (nbd_aio_connect_unix (h, socket), 0);
  poll_while_connecting (h);
  CHECK (nbd_aio_is_ready (h));
  CHECK_EQ (kernel_log.keys, 1);
  CHECK_EQ (nbd_aio_disconnect (h, 0), 0);
  /* The goodbye waits for the socket. */
  CHECK_EQ (kernel_log.goodbyes, 0);
  CHECK (nbd_aio_get_direction (h) & LIBNBD_AIO_DIRECTION_WRITE);
  wait_for_end (h);
  check_goodbye ();
  nbd_close (h);
}

/* It would kill the program. */
static void
check_sigpipe_is_deadly (void)
{
  struct sigaction action;

  CHECK_EQ (sigaction (SIGPIPE, NULL, &action), 0);
  CHECK (action.sa_handler == SIG_DFL);
}

/* Connecting fails in the handshake, or right behind it if the server did not
 * hear the end of it; the process lives on. */
static void
fail_to_connect (const char *socket, const char *version)
{
  struct nbd_handle *h = client (version);

  CHECK_ERR (nbd_connect_unix (h, socket), 0);
  CHECK (strstr (nbd_get_error (), "TLS") != NULL);
  /* Not that it does not listen: what it has to say, if anything. */
  CHECK (strstr (nbd_get_error (), "Broken pipe") == NULL);
  CHECK (nbd_aio_is_dead (h));
  nbd_close (h);
}

CASE (peer_is_gone_during_the_handshake)
{
  const char *socket = nbdkit_x509 ("server");

  give_kernel_tls ();
  signal (SIGPIPE, SIG_DFL);
  check_sigpipe_is_deadly ();
  FOR_BOTH_VERSIONS (v)
    for (int stays = 0; stays < 2; ++stays) {
      kernel.stays_for = stays;
      fail_to_connect (socket, *v);
    }
}

CASE (peer_is_gone_before_the_goodbye)
{
  const char *socket = nbdkit_x509 ("server");

  give_kernel_tls ();
  signal (SIGPIPE, SIG_DFL);
  check_sigpipe_is_deadly ();
  FOR_BOTH_VERSIONS (v) {
    struct nbd_handle *h = client (*v);

    CHECK_EQ (nbd_connect_unix (h, socket), 0);
    CHECK_EQ (kernel_log.keys, 1);
    exercise (h);
    kernel.stays_for = 0;
    end (h);
    CHECK_EQ (kernel_log.messages, *v == versions[0] ? 1 : 0);
    kernel.stays_for = -1;
  }
}

static unsigned sigpipes;

static void
count_sigpipe (int signal)
{
  (void) signal;
  sigpipes++;
}

static void
block_sigpipe (int how)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGPIPE);
  CHECK_EQ (sigprocmask (how, &set, NULL), 0);
}

static bool
sigpipe_is (int (*look) (sigset_t *))
{
  sigset_t set;

  CHECK_EQ (look (&set), 0);
  return sigismember (&set, SIGPIPE) == 1;
}

static int
look_at_mask (sigset_t *set)
{
  return sigprocmask (SIG_BLOCK, NULL, set);
}

/* A signal that the program has not looked at yet is none of our business, nor
 * is what it does about it. */
CASE (signals_of_the_program)
{
  const char *socket = nbdkit_x509 ("server");

  give_kernel_tls ();
  signal (SIGPIPE, count_sigpipe);
  kernel.stays_for = 0;
  fail_to_connect (socket, "1.3");
  CHECK_EQ (sigpipes, 0);
  CHECK (!sigpipe_is (look_at_mask));

  /* Blocked, and none waiting: ours must not stay behind. */
  block_sigpipe (SIG_BLOCK);
  fail_to_connect (socket, "1.3");
  CHECK (!sigpipe_is (sigpending));
  CHECK (sigpipe_is (look_at_mask));

  raise (SIGPIPE);
  fail_to_connect (socket, "1.3");
  CHECK (sigpipe_is (sigpending));
  CHECK_EQ (sigpipes, 0);
  block_sigpipe (SIG_UNBLOCK);
  CHECK_EQ (sigpipes, 1);
  CHECK (!sigpipe_is (sigpending));

  /* Ignored. */
  signal (SIGPIPE, SIG_IGN);
  fail_to_connect (socket, "1.3");
  CHECK (!sigpipe_is (sigpending));
}

/* Data that the server could not read must not be sent. */
CASE (server_that_asks_for_new_keys)
{
  const char *script =
    "send \"NBDMAGIC\" \"IHAVEOPT\" u16:3\nread 4\n"
    "read-option STARTTLS\noption-reply ACK\n"
    "read-option EXTENDED_HEADERS\noption-reply UNSUP\n";
  const char *socket = relay (scripted (script, NULL), "--x509", pki ("server"),
                              "--version", "1.3", "--key-update", NULL);
  struct nbd_handle *h = client ("1.3");

  give_kernel_tls ();
  CHECK_EQ (nbd_aio_connect_unix (h, socket), 0);
  while (nbd_aio_is_connecting (h) && nbd_poll (h, -1) == 1)
    ;
  CHECK (strstr (nbd_get_error (), "the server asks for new keys") != NULL);
  CHECK (nbd_aio_is_dead (h));
  CHECK_EQ (kernel_log.keys, 1);
  CHECK_EQ (kernel_log.records, 1);
  nbd_close (h);
}

/* TLS is asked for once, and only where a socket can have it. */
CASE (kernel_without_tls)
{
  const char *port = nbdkit_tls_on_tcp ();
  const char *socket = nbdkit_x509 ("server");
  struct nbd_handle *h = client ("1.3");

  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  exercise (h);
  end (h);
  CHECK_EQ (kernel_log.questions, 0);
  CHECK_EQ (kernel_log.offers, 0);

  for (unsigned i = 0; i < 3; ++i) {
    h = client ("1.3");
    CHECK_EQ (nbd_connect_tcp (h, "localhost", port), 0);
    exercise (h);
    end (h);
    CHECK_EQ (kernel_log.questions, i == 0);
    CHECK_EQ (kernel_log.offers, 0);
  }
}

/* Other sockets are not even asked. */
CASE (unix_sockets)
{
  const char *socket = nbdkit_x509 ("server");
  struct nbd_handle *h = client ("1.3");

  kernel.has_tls = true;
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  exercise (h);
  end (h);
  CHECK_EQ (kernel_log.questions, 0);
  CHECK_EQ (kernel_log.offers, 0);
}

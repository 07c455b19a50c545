/* TLS settings, and TLS as an option of its own. */
#include "support/tls.h"

#include <fcntl.h>

static void
check_string (char *got, const char *wanted)
{
  CHECK_STR (got, wanted);
  free (got);
}

CASE (support)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_supports_tls (h), 1);
  nbd_close (h);
}

CASE (defaults)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_get_tls (h), LIBNBD_TLS_DISABLE);
  CHECK_EQ (nbd_get_tls_verify_peer (h), 1);
  check_string (nbd_get_tls_hostname (h), "");
  check_string (nbd_get_tls_priority (h), "NORMAL");
  nbd_close (h);
}

CASE (round_trips)
{
  struct nbd_handle *h = create ();

  for (int tls = LIBNBD_TLS_REQUIRE; tls >= LIBNBD_TLS_DISABLE; --tls) {
    CHECK_EQ (nbd_set_tls (h, tls), 0);
    CHECK_EQ (nbd_get_tls (h), tls);
  }
  CHECK_ERR (nbd_set_tls (h, 3), EINVAL);
  CHECK_ERR (nbd_set_tls (h, -1), EINVAL);
  CHECK_EQ (nbd_get_tls (h), LIBNBD_TLS_DISABLE);
  CHECK_EQ (nbd_set_tls_verify_peer (h, false), 0);
  CHECK_EQ (nbd_get_tls_verify_peer (h), 0);
  CHECK_EQ (nbd_set_tls_verify_peer (h, true), 0);
  CHECK_EQ (nbd_get_tls_verify_peer (h), 1);
  CHECK_EQ (nbd_set_tls_username (h, "somebody"), 0);
  check_string (nbd_get_tls_username (h), "somebody");
  CHECK_EQ (nbd_set_tls_hostname (h, "disk.example.com"), 0);
  check_string (nbd_get_tls_hostname (h), "disk.example.com");
  CHECK_EQ (nbd_set_tls_hostname (h, ""), 0);
  check_string (nbd_get_tls_hostname (h), "");
  CHECK_EQ (nbd_set_tls_priority (h, "SECURE256"), 0);
  check_string (nbd_get_tls_priority (h), "SECURE256");
  nbd_close (h);
}

CASE (missing_arguments)
{
  struct nbd_handle *h = create ();
  const char *volatile missing = NULL;

  CHECK_ERR (nbd_set_tls_certificates (h, missing), EFAULT);
  CHECK_ERR (nbd_set_tls_psk_file (h, missing), EFAULT);
  CHECK_ERR (nbd_set_tls_username (h, missing), EFAULT);
  CHECK_ERR (nbd_set_tls_hostname (h, missing), EFAULT);
  CHECK_ERR (nbd_set_tls_priority (h, missing), EFAULT);
  nbd_close (h);
}

/* Settings have to be made before connecting; they can be read afterwards. */
CASE (too_late)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  CHECK_ERR (nbd_set_tls (h, LIBNBD_TLS_ALLOW), EINVAL);
  CHECK_ERR (nbd_set_tls_certificates (h, "/"), EINVAL);
  CHECK_ERR (nbd_set_tls_psk_file (h, "/"), EINVAL);
  CHECK_ERR (nbd_set_tls_username (h, "somebody"), EINVAL);
  CHECK_ERR (nbd_set_tls_hostname (h, "localhost"), EINVAL);
  CHECK_ERR (nbd_set_tls_verify_peer (h, false), EINVAL);
  CHECK_ERR (nbd_set_tls_priority (h, "NORMAL"), EINVAL);
  CHECK_EQ (nbd_get_tls_negotiated (h), 0);
  check_string (nbd_get_tls_priority (h), "NORMAL");
  nbd_close (h);
  h = create ();
  CHECK_ERR (nbd_get_tls_negotiated (h), ENOTCONN);
  nbd_close (h);
}

/* The name stays even if nobody answers there. */
CASE (host_of_a_failed_connection)
{
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_tcp (h, "localhost", free_port ()), ANY_ERRNO);
  check_string (nbd_get_tls_hostname (h), "localhost");
  nbd_close (h);
}

CASE (user_without_a_name)
{
  struct nbd_handle *h = create ();

  unsetenv ("LOGNAME");
  /* Whether the terminal, if there is one, knows the user is not ours to say. */
  if (getlogin () == NULL)
    CHECK_NULL (nbd_get_tls_username (h), errno);
  else
    check_string (nbd_get_tls_username (h), getlogin ());
  nbd_close (h);
}

/* ---- Which servers go with which mode ---- */

CASE (server_without_tls)
{
  const char *socket = nbdkit ("memory", "1M", NULL);
  struct nbd_handle *h = with_certificates ("client");

  check_refused (h, socket, ENOTSUP, "TLS is required");
  nbd_close (h);
  h = with_certificates ("client");
  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_ALLOW), 0);
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_EQ (nbd_get_tls_negotiated (h), 0);
  nbd_close (h);
}

/* Even a server that has no options will do where TLS is optional. */
CASE (old_servers_where_tls_is_optional)
{
  static const char *const handshakes[] = { "oldstyle", "newstyle" };

  for (unsigned i = 0; i < 2; ++i) {
    struct nbd_handle *h = create ();

    situation ("%s", handshakes[i]);
    CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_ALLOW), 0);
    CHECK_EQ (nbd_connect_unix (h, embedded ("--handshake", handshakes[i], NULL)), 0);
    CHECK_STR (nbd_get_protocol (h), handshakes[i]);
    CHECK_EQ (nbd_get_tls_negotiated (h), 0);
    nbd_close (h);
  }
}

CASE (server_that_demands_tls)
{
  const char *(*const servers[]) (void) = { nbdkit_psk, qemu_x509, nbd_server_x509 };

  for (unsigned i = 0; i < 3; ++i) {
    struct nbd_handle *h = create ();

    situation ("server %u", i);
    CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
    CHECK_ERR (nbd_connect_unix (h, servers[i] ()), ENOTSUP);
    nbd_close (h);
  }
}

CASE (server_that_offers_tls)
{
  const char *socket = nbdkit ("--tls=on", text ("--tls-psk=%s", pki ("keys.psk")),
                               "memory", "32M", NULL);

  for (int tls = LIBNBD_TLS_DISABLE; tls <= LIBNBD_TLS_REQUIRE; ++tls) {
    struct nbd_handle *h = with_psk ("keys.psk", "alice");

    situation ("mode %d", tls);
    CHECK_EQ (nbd_set_tls (h, tls), 0);
    CHECK_EQ (nbd_connect_unix (h, socket), 0);
    CHECK_EQ (nbd_get_tls_negotiated (h), tls != LIBNBD_TLS_DISABLE);
    CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
    exercise (h);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    nbd_close (h);
  }
}

/* ---- Priority strings ---- */

CASE (priorities_that_cannot_be_honoured)
{
  static const char *const priorities[] = {
    "", "FOO", "NORMAL:+FOO", "NORMAL:-FOO", "NORMAL:%FOO", "NORMAL:", "NONE", "\xff",
    "NORMAL:+VERS-TLS1.1", "NORMAL:-VERS-ALL:+VERS-TLS1.0", "NORMAL:+3DES-CBC",
    "NORMAL:+ANON-ECDH", "NORMAL:-CIPHER-ALL",
  };
  const char *socket = nbdkit_psk ();

  for (size_t i = 0; i < sizeof priorities / sizeof priorities[0]; ++i) {
    struct nbd_handle *h = with_psk ("keys.psk", "alice");

    situation ("\"%s\"", priorities[i]);
    CHECK_EQ (nbd_set_tls_priority (h, priorities[i]), 0);
    check_string (nbd_get_tls_priority (h), priorities[i]);
    check_refused (h, socket, EINVAL, "priority string");
    nbd_close (h);
  }
}

CASE (priorities_do_not_matter_without_tls)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_tls_priority (h, "NONSENSE"), 0);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  nbd_close (h);
}

CASE (priorities_with_certificates)
{
  static const char *const priorities[] = {
    "NORMAL:-VERS-TLS1.3:-KX-ALL:+ECDHE-ECDSA:-CIPHER-ALL:+AES-128-CBC:+SHA256",
    "NORMAL:-VERS-TLS1.3:-CIPHER-ALL:+AES-256-CCM",
    "NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305",
    "NORMAL:-GROUP-ALL:+GROUP-X448",
    "NORMAL:-SIGN-ALL:+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SHA256",
    "PERFORMANCE", "PFS", "SECURE128", "NONE:+NORMAL:-SHA1", "NORMAL:%COMPAT",
    "NORMAL:%DISABLE_TLS13_COMPAT_MODE", "NORMAL:%PROFILE_HIGH:%SERVER_PRECEDENCE",
  };
  const char *socket = nbdkit_x509 ("server");

  for (size_t i = 0; i < sizeof priorities / sizeof priorities[0]; ++i) {
    struct nbd_handle *h = with_certificates ("client");

    situation ("%s", priorities[i]);
    CHECK_EQ (nbd_set_tls_priority (h, priorities[i]), 0);
    CHECK_EQ (nbd_connect_unix (h, socket), 0);
    exercise (h);
    nbd_close (h);
  }
}

/* The certificate is on a curve that is worth 128 bits. */
CASE (profiles)
{
  static const char *const priorities[] = { "NORMAL:%PROFILE_ULTRA", "SECURE256:%PROFILE_ULTRA" };
  const char *socket = nbdkit_x509 ("server");

  for (size_t i = 0; i < 2; ++i) {
    struct nbd_handle *h = with_certificates ("anonymous");

    situation ("%s", priorities[i]);
    CHECK_EQ (nbd_set_tls_priority (h, priorities[i]), 0);
    check_refused (h, socket, 0, "TLS handshake");
    nbd_close (h);
  }
}

CASE (no_version_in_common)
{
  static const char *const versions[] = { "1.2", "1.3" };
  const char *script = "send NBDMAGIC IHAVEOPT u16:3\nread 4\nread-option STARTTLS\n"
    "option-reply ACK\nexpect-eof\n";

  for (unsigned i = 0; i < 2; ++i) {
    const char *socket = relay (scripted (script, NULL), "--x509", pki ("server"),
                                "--version", versions[i], NULL);
    struct nbd_handle *h = with_certificates ("client");

    situation ("the server has only %s", versions[i]);
    CHECK_EQ (nbd_set_tls_priority (h, only_version (versions[1 - i])), 0);
    check_refused (h, socket, 0, "version");
    nbd_close (h);
  }
}

/* ---- STARTTLS in the hands of the program ---- */

static struct nbd_handle *
negotiating (struct nbd_handle *h, int tls, const char *socket)
{
  CHECK_EQ (nbd_set_tls (h, tls), 0);
  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK (nbd_aio_is_negotiating (h));
  return h;
}

CASE (start_tls_by_hand)
{
  const char *socket = nbdkit ("--tls=on", text ("--tls-psk=%s", pki ("keys.psk")),
                               "memory", "32M", NULL);
  struct nbd_handle *h = negotiating (with_psk ("keys.psk", "alice"),
                                      LIBNBD_TLS_DISABLE, socket);

  CHECK_EQ (nbd_get_tls_negotiated (h), 0);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
  CHECK_EQ (nbd_opt_starttls (h), 1);
  CHECK (fcntl (nbd_aio_get_fd (h), F_GETFL) & O_NONBLOCK);
  CHECK (nbd_aio_is_negotiating (h));
  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 0);
  CHECK_EQ (nbd_opt_structured_reply (h), 1);
  /* Once is enough, says the server. */
  CHECK_EQ (nbd_opt_starttls (h), 0);
  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
  CHECK_EQ (nbd_opt_go (h), 0);
  exercise (h);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
}

/* A server that demands TLS says so to everything else. */
CASE (other_options_first)
{
  struct nbd_handle *h = negotiating (with_psk ("keys.psk", "alice"),
                                      LIBNBD_TLS_DISABLE, nbdkit_psk ());

  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 0);
  CHECK_ERR (nbd_opt_info (h), ENOTSUP);
  CHECK_EQ (nbd_opt_structured_reply (h), 0);
  CHECK_EQ (nbd_opt_starttls (h), 1);
  CHECK_EQ (nbd_opt_structured_reply (h), 1);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  exercise (h);
  nbd_close (h);
}

CASE (option_mode_behind_tls)
{
  struct nbd_handle *h = negotiating (with_psk ("keys.psk", "alice"),
                                      LIBNBD_TLS_REQUIRE, qemu_psk ());

  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
  CHECK_EQ (nbd_set_export_name (h, "other"), 0);
  CHECK_ERR (nbd_opt_info (h), ENOENT);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  exercise (h);
  nbd_close (h);
}

CASE (refusal_is_an_answer)
{
  static const struct { const char *reply; int err; } cases[] = {
    { "UNSUP", ENOTSUP }, { "POLICY", ENOTSUP }, { "PLATFORM", ENOTSUP }, { "INVALID", EINVAL },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    const char *socket = embedded ("--refuse", text ("starttls=%s", cases[i].reply), NULL);
    struct nbd_handle *h = negotiating (with_certificates ("client"), LIBNBD_TLS_DISABLE, socket);
    struct record record = { 0 };

    situation ("%s", cases[i].reply);
    CHECK_EQ (nbd_opt_starttls (h), 0);
    CHECK (nbd_aio_is_negotiating (h));
    CHECK_EQ (nbd_aio_opt_starttls (h, completion (&record)), 0);
    CHECK (nbd_aio_is_connecting (h));
    while (nbd_aio_is_connecting (h))
      CHECK_EQ (nbd_poll (h, -1), 1);
    CHECK_EQ (record.calls, 1);
    CHECK_EQ (record.error, cases[i].err);
    CHECK_EQ (record.frees, 1);
    CHECK_EQ (nbd_get_tls_negotiated (h), 0);
    CHECK_EQ (nbd_opt_go (h), 0);
    nbd_close (h);
  }
}

CASE (nobody_to_ask)
{
  struct nbd_handle *h = negotiating (create (), LIBNBD_TLS_ALLOW,
                                      embedded ("--handshake", "newstyle", NULL));
  struct record record = { 0 };

  CHECK_ERR (nbd_opt_starttls (h), ENOTSUP);
  CHECK_ERR (nbd_aio_opt_starttls (h, completion (&record)), ENOTSUP);
  CHECK_EQ (record.calls, 0);
  CHECK_EQ (record.frees, 1);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_ERR (nbd_opt_starttls (h), EINVAL);
  nbd_close (h);
  h = create ();
  CHECK_ERR (nbd_opt_starttls (h), ENOTCONN);
  nbd_close (h);
}

/* A failed TLS handshake ends the connection, whoever asked for it. */
CASE (failure_by_hand)
{
  const char *socket = nbdkit_x509 ("rogue");
  struct nbd_handle *h = negotiating (with_certificates ("client"), LIBNBD_TLS_DISABLE, socket);
  struct record record = { 0 };

  CHECK_ERR (nbd_opt_starttls (h), 0);
  CHECK (nbd_aio_is_dead (h));
  nbd_close (h);

  h = negotiating (with_certificates ("client"), LIBNBD_TLS_DISABLE, socket);
  CHECK_EQ (nbd_aio_opt_starttls (h, completion (&record)), 0);
  wait_for_end (h);
  CHECK (nbd_aio_is_dead (h));
  CHECK_EQ (record.calls, 1);
  CHECK (record.error != 0);
  nbd_close (h);
  CHECK_EQ (record.frees, 1);
}

/* A program with a loop of its own: what the handle asks for is enough. */
CASE (own_loop)
{
  struct nbd_handle *h = with_psk ("keys.psk", "alice");
  bool read = false, wrote = false;

  CHECK_EQ (nbd_aio_connect_unix (h, nbdkit_psk ()), 0);
  while (nbd_aio_is_connecting (h)) {
    unsigned direction = nbd_aio_get_direction (h);

    CHECK (direction == LIBNBD_AIO_DIRECTION_READ || direction == LIBNBD_AIO_DIRECTION_WRITE);
    read |= direction == LIBNBD_AIO_DIRECTION_READ;
    wrote |= direction == LIBNBD_AIO_DIRECTION_WRITE;
    CHECK (nbd_aio_get_fd (h) >= 0);
    CHECK_EQ (nbd_poll (h, -1), 1);
  }
  CHECK (read && wrote);
  CHECK (nbd_aio_is_ready (h));
  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  exercise_in_parallel (h);
  nbd_close (h);
}

/* Bytes of the protocol, not of TLS. */
CASE (statistics)
{
  const char *plain = nbdkit ("memory", "32M", NULL);
  struct nbd_handle *clear = connect_to (plain), *h = with_psk ("keys.psk", "alice");
  uint64_t sent, received;

  CHECK_EQ (nbd_connect_unix (h, nbdkit_psk ()), 0);
  /* One option more, and its answer. */
  sent = nbd_stats_bytes_sent (h) - nbd_stats_bytes_sent (clear);
  received = nbd_stats_bytes_received (h) - nbd_stats_bytes_received (clear);
  CHECK_EQ (sent, 16);
  CHECK_EQ (received, 20);
  CHECK_EQ (nbd_stats_chunks_sent (h) - nbd_stats_chunks_sent (clear), 1);
  sent = nbd_stats_bytes_sent (h);
  received = nbd_stats_bytes_received (h);
  CHECK_EQ (nbd_flush (h, 0), 0);
  CHECK_EQ (nbd_stats_bytes_sent (h) - sent, 28);
  CHECK_EQ (nbd_stats_bytes_received (h) - received, 16);
  nbd_close (clear);
  nbd_close (h);
}

/* What somebody between client and server, or a bad server, might try.  The
 * scripted server plays them; for what happens inside of TLS, behind a relay
 * that adds it. */
#include "support/tls.h"

#include <poll.h>

#define GREETING "send NBDMAGIC IHAVEOPT u16:3\nread 4\n"
#define STARTTLS GREETING "read-option STARTTLS\n"
#define NOTHING_MORE \
  "read-option EXTENDED_HEADERS\noption-reply UNSUP\n" \
  "read-option STRUCTURED_REPLY\noption-reply UNSUP\n"
#define GO \
  "read-option GO\noption-reply INFO u16:0 u64:8388608 u16:1\noption-reply ACK\n"
/* As far as the relay can help: TLS, and an export without any extras. */
#define READY STARTTLS "option-reply ACK\n" NOTHING_MORE GO

/* The script behind a relay that shows the right certificate. */
#define TRUSTED(script, ...) \
  relay (scripted (script, NULL), "--x509", pki ("server"), ##__VA_ARGS__, NULL)

static void
check_relay_and_script (void)
{
  check_script (); /* The relay was started last. */
  check_script ();
}

#define ONE_READ "read-request READ\nsimple 0 fill:5*512\n"

static struct nbd_handle *
ready (const char *socket)
{
  struct nbd_handle *h = with_certificates ("client");

  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  return h;
}

/* ---- Downgrade: the server seems to have no TLS ---- */

static const char *const refusals[] = {
  "UNSUP", "POLICY", "PLATFORM", "INVALID", "TLS_REQD", "SHUTDOWN", "TOO_BIG", "0x80001234",
};

#define FOR_ALL_REFUSALS(i) \
  for (unsigned i = 0; i < sizeof refusals / sizeof refusals[0]; ++i)

/* Not even the name of the export leaves us. */
CASE (refusal_where_tls_is_required)
{
  FOR_ALL_REFUSALS (i) {
    const char *socket = scripted (text (STARTTLS "option-reply %s \"no, thanks\"\n"
                                         "read-option ABORT\nexpect-eof\n", refusals[i]), NULL);
    struct nbd_handle *h = with_certificates ("client");

    situation ("%s", refusals[i]);
    CHECK_EQ (nbd_set_export_name (h, "secret"), 0);
    check_refused (h, socket, ENOTSUP, "no, thanks");
    nbd_close (h);
    check_script ();
  }
}

CASE (refusal_in_option_mode)
{
  const char *socket = scripted (STARTTLS "option-reply UNSUP\nread-option ABORT\nexpect-eof\n",
                                 NULL);
  struct nbd_handle *h = with_certificates ("client");

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_ERR (nbd_connect_unix (h, socket), 0);
  CHECK (nbd_aio_is_closed (h));
  CHECK_EQ (nbd_get_tls_negotiated (h), 0);
  nbd_close (h);
  check_script ();
}

CASE (refusal_where_tls_is_optional)
{
  FOR_ALL_REFUSALS (i) {
    const char *socket = scripted (text (STARTTLS "option-reply %s\n" NOTHING_MORE GO
                                         "read-request DISC\nexpect-eof\n", refusals[i]), NULL);
    struct nbd_handle *h = with_certificates ("client");

    situation ("%s", refusals[i]);
    CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_ALLOW), 0);
    CHECK_EQ (nbd_connect_unix (h, socket), 0);
    CHECK_EQ (nbd_get_tls_negotiated (h), 0);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    nbd_close (h);
    check_script ();
  }
}

static const int modes[] = { LIBNBD_TLS_ALLOW, LIBNBD_TLS_REQUIRE };

#define FOR_BOTH_MODES(m) for (const int *m = modes; m < modes + 2; ++m)

static struct nbd_handle *
in_mode (int mode)
{
  struct nbd_handle *h = with_certificates ("client");

  situation ("mode %d", mode);
  CHECK_EQ (nbd_set_tls (h, mode), 0);
  CHECK_EQ (nbd_set_export_name (h, "secret"), 0);
  return h;
}

/* Anything but a refusal by reply is fatal, even if TLS is optional. */
CASE (hangup)
{
  FOR_BOTH_MODES (m) {
    struct nbd_handle *h = in_mode (*m);

    check_refused (h, scripted (STARTTLS "close\n", NULL), 0, "closed");
    nbd_close (h);
    check_script ();

    h = in_mode (*m);
    check_refused (h, scripted (STARTTLS "option-reply ACK\nread 5\nclose\n", NULL), 0, "closed");
    nbd_close (h);
    check_script ();
  }
}

CASE (acknowledgement_that_is_none)
{
  static const char *const replies[] = {
    "option-reply ACK 00", "option-reply INFO u16:0 u64:512 u16:1", "option-reply 0",
    "send OPTREPLY u32:6 u32:1 u32:0", "send 0003e88904556500 u32:5 u32:1 u32:0",
  };

  FOR_BOTH_MODES (m)
    for (unsigned i = 0; i < sizeof replies / sizeof replies[0]; ++i) {
      struct nbd_handle *h = in_mode (*m);
      const char *script = text (STARTTLS "%s\nexpect-eof\n", replies[i]);

      situation ("%s, mode %d", replies[i], *m);
      check_refused (h, scripted (script, NULL), 0, "STARTTLS");
      nbd_close (h);
      check_script ();
    }
}

/* Servers that have no options to begin with. */
CASE (older_handshakes)
{
  static const char *const scripts[] = {
    "send NBDMAGIC IHAVEOPT u16:2\nread 4\nexpect-eof\n",
    "send NBDMAGIC IHAVEOPT u16:0\nread 4\nexpect-eof\n",
    "send NBDMAGIC 0000420281861253 u64:8388608 u16:0 u16:1 zero:124\nexpect-eof\n",
  };

  for (unsigned i = 0; i < 3; ++i)
    for (unsigned j = 0; j < 2; ++j) {
      struct nbd_handle *h = in_mode (LIBNBD_TLS_REQUIRE);

      situation ("script %u, option mode %u", i, j);
      CHECK_EQ (nbd_set_opt_mode (h, j), 0);
      check_refused (h, scripted (scripts[i], NULL), ENOTSUP, "TLS is required");
      nbd_close (h);
      check_script ();
    }
}

CASE (flags_that_rule_options_out)
{
  struct nbd_handle *h = in_mode (LIBNBD_TLS_REQUIRE);

  CHECK_EQ (nbd_set_handshake_flags (h, LIBNBD_HANDSHAKE_FLAG_NO_ZEROES), 0);
  check_refused (h, scripted (GREETING "expect-eof\n", NULL), ENOTSUP, "TLS is required");
  nbd_close (h);
  check_script ();
}

/* ---- Downgrade: the server has nothing that is safe ---- */

CASE (weak_algorithms)
{
  static const struct { const char *version, *option, *value, *words, *way; } cases[] = {
    { "1.0", NULL, NULL, "TLS 1.2 and TLS 1.3", NULL },
    { "1.1", NULL, NULL, "TLS 1.2 and TLS 1.3", NULL },
    { "1.2", "--ciphers", "CAMELLIA256-SHA", "cipher, key exchange or group", NULL },
    { "1.2", "--ciphers", "NULL-SHA256", "cipher, key exchange or group", NULL },
    { "1.2", "--dh", "modp_1536", "group for Diffie-Hellman is too small", "NORMAL:-DHE-RSA" },
    { "1.2", "--dh", "modp_1536", "%PROFILE_LOW", "NORMAL:-ECDHE-RSA:%PROFILE_LOW" },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i)
    for (unsigned j = 0; j < (cases[i].way ? 2 : 1); ++j) {
      const char *script = j == 0 ? STARTTLS "option-reply ACK\nexpect-eof\n" : READY ONE_READ;
      const char *socket = relay (scripted (script, NULL), "--x509", pki ("server-rsa"),
                                  "--version", cases[i].version, cases[i].option,
                                  cases[i].value, NULL);
      struct nbd_handle *h = with_certificates ("client");
      char buf[512];

      situation ("%s %s, %u", cases[i].version, cases[i].value ? cases[i].value : "", j);
      if (j == 0) {
        CHECK_EQ (nbd_set_tls_priority (h, "NORMAL:-ECDHE-RSA:-RSA:+DHE-RSA"), 0);
        check_refused (h, socket, 0, cases[i].words);
      }
      else {
        CHECK_EQ (nbd_set_tls_priority (h, cases[i].way), 0);
        CHECK_EQ (nbd_connect_unix (h, socket), 0);
        CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
      }
      nbd_close (h);
      stop_servers ();
    }
}

/* ---- Clear text where TLS should be ---- */

CASE (bytes_along_with_the_acknowledgement)
{
  FOR_BOTH_MODES (m) {
    const char *socket = TRUSTED (STARTTLS "option-reply ACK\nexpect-eof\n",
                                  "--inject", "anything");
    struct nbd_handle *h = in_mode (*m);

    check_refused (h, socket, EPROTO, "in clear");
    nbd_close (h);
    check_relay_and_script ();
  }
}

CASE (clear_text_behind_the_acknowledgement)
{
  FOR_BOTH_MODES (m) {
    /* The answers to the options that would come next. */
    const char *socket =
      scripted (STARTTLS "option-reply ACK\nread 5\n"
                "send OPTREPLY u32:11 u32:1 u32:0\n"
                "send OPTREPLY u32:7 u32:3 u32:12 u16:0 u64:8388608 u16:1\n"
                "send OPTREPLY u32:7 u32:1 u32:0\nwait-eof\n", NULL);
    struct nbd_handle *h = in_mode (*m);

    check_refused (h, socket, 0, "TLS handshake");
    nbd_close (h);
    check_script ();
  }
}

/* ---- Inside of TLS ---- */

CASE (started_twice)
{
  const char *socket = TRUSTED (STARTTLS "option-reply ACK\n" NOTHING_MORE
                                "read-option STARTTLS\noption-reply ACK\nexpect-eof\n");
  struct nbd_handle *h = with_certificates ("client");

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_ERR (nbd_opt_starttls (h), EPROTO);
  CHECK (nbd_aio_is_dead (h));
  nbd_close (h);
  check_relay_and_script ();
}

/* What was agreed in clear may have been agreed with somebody else. */
static struct nbd_handle *
with_much_agreed_in_clear (const char *rest)
{
  const char *socket = TRUSTED (text (
    GREETING
    "read-option EXTENDED_HEADERS\noption-reply ACK\n"
    "read-option SET_META_CONTEXT\noption-reply META_CONTEXT u32:7 \"base:allocation\"\n"
    "option-reply ACK\n"
    "read-option SET_META_CONTEXT\noption-reply META_CONTEXT u32:7 \"base:allocation\"\n"
    "option-reply ACK\n"
    "read-option INFO\noption-reply INFO u16:0 u64:8388608 u16:1\noption-reply ACK\n"
    "read-option STARTTLS\noption-reply ACK\n%s", rest));
  struct nbd_handle *h = with_certificates ("client");
  nbd_context_callback ignore = { .callback = NULL, .free = free };

  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_DISABLE), 0);
  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_EQ (nbd_get_extended_headers_negotiated (h), 1);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
  CHECK_EQ (nbd_opt_set_meta_context (h, ignore), 1);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, "base:allocation"), 1);
  CHECK_EQ (nbd_get_size (h), 8388608);
  CHECK_EQ (nbd_opt_starttls (h), 1);
  return h;
}

CASE (what_was_agreed_in_clear_is_forgotten)
{
  struct nbd_handle *h = with_much_agreed_in_clear (GO "read-request READ\n"
                                                    "simple 0 fill:5*512\n"
                                                    "read-request DISC\nexpect-eof\n");
  char buf[512];

  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  CHECK_EQ (nbd_get_extended_headers_negotiated (h), 0);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 0);
  CHECK_ERR (nbd_can_meta_context (h, "base:allocation"), EINVAL);
  CHECK_ERR (nbd_get_size (h), EINVAL);
  CHECK_ERR (nbd_is_read_only (h), EINVAL);
  CHECK_STR (nbd_get_protocol (h), "newstyle-fixed");

  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  CHECK (all_bytes (buf, sizeof buf, 5));
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
  check_relay_and_script ();
}

CASE (replies_that_were_only_agreed_in_clear)
{
  static const char *const replies[] = {
    "chunk DONE OFFSET_DATA u64:0 fill:5*512", "ext-chunk DONE OFFSET_DATA = u64:0 fill:5*512",
  };

  for (unsigned i = 0; i < 2; ++i) {
    const char *script = text (GO "read-request READ\n%s\nexpect-eof\n", replies[i]);
    struct nbd_handle *h = with_much_agreed_in_clear (script);
    char buf[512];

    situation ("%s", replies[i]);
    CHECK_EQ (nbd_opt_go (h), 0);
    CHECK_ERR (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
    CHECK (nbd_aio_is_dead (h));
    nbd_close (h);
    check_relay_and_script ();
  }
}

/* A stream that just ends may have been cut. */
CASE (truncation)
{
  struct nbd_handle *h = ready (TRUSTED (READY ONE_READ "close\n", "--truncate"));
  char buf[512];

  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  wait_for_end (h);
  CHECK (nbd_aio_is_dead (h));
  nbd_close (h);
  check_relay_and_script ();
}

CASE (truncation_of_a_reply)
{
  struct nbd_handle *h = ready (TRUSTED (READY "read-request READ\nsimple 0 fill:5*100\nclose\n"));
  char buf[512];

  CHECK_ERR (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  CHECK (nbd_aio_is_dead (h));
  nbd_close (h);
  check_relay_and_script ();
}

/* What is orderly... */
CASE (goodbye_of_the_server)
{
  struct nbd_handle *h = ready (TRUSTED (READY ONE_READ "close\n"));
  char buf[512];

  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  wait_for_end (h);
  CHECK (nbd_aio_is_closed (h));
  nbd_close (h);
  check_relay_and_script ();
}

/* ...and what is as good: we have said that we leave. */
CASE (truncation_behind_our_goodbye)
{
  struct nbd_handle *h = ready (TRUSTED (READY "read-request DISC\nexpect-eof\n",
                                         "--truncate", "--goodbye"));

  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK (nbd_aio_is_closed (h));
  nbd_close (h);
  check_relay_and_script ();
}

CASE (goodbye_from_option_mode)
{
  struct nbd_handle *h = with_certificates ("client");
  const char *socket = TRUSTED (STARTTLS "option-reply ACK\n" NOTHING_MORE
                                "read-option ABORT\nexpect-eof\n", "--goodbye");

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  CHECK_EQ (nbd_opt_abort (h), 0);
  CHECK (nbd_aio_is_closed (h));
  nbd_close (h);
  check_relay_and_script ();
}

/* ---- TLS in unusual pieces ---- */

static const char *const versions[] = { "1.2", "1.3" };

CASE (byte_by_byte)
{
  for (unsigned i = 0; i < 2; ++i) {
    static char written[20000], got[20000];
    struct nbd_handle *h;

    situation ("TLS %s", versions[i]);
    h = ready (TRUSTED (READY "serve simple\n", "--version", versions[i], "--byte-by-byte"));
    fill (written, sizeof written, i);
    CHECK_EQ (nbd_pwrite (h, written, sizeof written, 0, 0), 0);
    CHECK_EQ (nbd_pread (h, got, sizeof got, 0, 0), 0);
    CHECK (memcmp (written, got, sizeof got) == 0);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    nbd_close (h);
    check_relay_and_script ();
  }
}

CASE (new_keys)
{
  struct nbd_handle *h = ready (TRUSTED (READY "serve simple\n", "--key-update"));

  exercise (h);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
  check_relay_and_script ();
}

/* Two reads, both answered in one record. */
static struct nbd_handle *
answered_in_one_piece (char buf[2][512], struct record records[2])
{
  struct nbd_handle *h = ready (TRUSTED (READY "read-request READ\nread-request READ\n"
                                         "send 67446698 u32:0 cookie:1 fill:5*512"
                                         " 67446698 u32:0 cookie:2 fill:6*512\n"
                                         "wait-eof\n"));

  for (unsigned i = 0; i < 2; ++i)
    CHECK (nbd_aio_pread (h, buf[i], 512, 0, completion (&records[i]), 0) > 0);
  return h;
}

/* The socket tells once that there is something; it holds two replies. */
CASE (replies_in_one_piece)
{
  struct record records[2] = { { .result = 1 }, { .result = 1 } };
  char buf[2][512];
  struct nbd_handle *h = answered_in_one_piece (buf, records);

  CHECK_EQ (nbd_poll (h, -1), 1);
  CHECK_EQ (records[0].calls, 1);
  CHECK_EQ (records[1].calls, 0);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  CHECK_EQ (nbd_poll (h, 0), 1);
  CHECK_EQ (records[1].calls, 1);
  CHECK (all_bytes (buf[0], 512, 5) && all_bytes (buf[1], 512, 6));
  CHECK_EQ (nbd_poll (h, 0), 0);
  nbd_close (h);
  check_relay_and_script ();
}

/* A program that watches the socket would not be told of the second. */
CASE (replies_in_one_piece_for_a_loop)
{
  struct record records[2] = { { .result = 1 }, { .result = 1 } };
  char buf[2][512];
  struct nbd_handle *h = answered_in_one_piece (buf, records);
  struct pollfd fd = { .fd = nbd_aio_get_fd (h), .events = POLLIN };

  while (records[1].calls == 0) {
    CHECK_EQ (poll (&fd, 1, 5000), 1);
    CHECK_EQ (nbd_aio_notify_read (h), 0);
  }
  CHECK_EQ (records[0].calls, 1);
  CHECK_EQ (poll (&fd, 1, 0), 0);
  nbd_close (h);
  check_relay_and_script ();
}

/* The second record stays where such a program sees it. */
CASE (replies_in_two_records_for_a_loop)
{
  struct nbd_handle *h = ready (TRUSTED (READY "read-request READ\nread-request READ\n"
                                         "send 67446698 u32:0 cookie:1 fill:5*512\n"
                                         "sleep 100\n"
                                         "send 67446698 u32:0 cookie:2 fill:6*512\n"
                                         "wait-eof\n"));
  struct record records[2] = { { .result = 1 }, { .result = 1 } };
  struct pollfd fd = { .fd = nbd_aio_get_fd (h), .events = POLLIN };
  char buf[2][512];

  for (unsigned i = 0; i < 2; ++i)
    CHECK (nbd_aio_pread (h, buf[i], 512, 0, completion (&records[i]), 0) > 0);
  usleep (500000);
  for (int i = 0; i < 2; ++i) {
    while (records[i].calls == 0) {
      CHECK_EQ (poll (&fd, 1, 5000), 1);
      CHECK_EQ (nbd_aio_notify_read (h), 0);
    }
    CHECK_EQ (records[0].calls + records[1].calls, i + 1);
  }
  CHECK (all_bytes (buf[0], 512, 5) && all_bytes (buf[1], 512, 6));
  nbd_close (h);
  check_relay_and_script ();
}

/* A server that does not read: calls return, and the rest leaves later. */
CASE (blocked_writes)
{
  enum { COUNT = 64, SIZE = 128 * 1024 };
  struct nbd_handle *h = ready (TRUSTED (READY "sleep 1000\nserve simple\n"));
  static char written[COUNT][SIZE], got[SIZE];
  struct record records[COUNT] = { 0 };

  for (unsigned i = 0; i < COUNT; ++i) {
    records[i].result = 1;
    fill (written[i], SIZE, i);
    CHECK (nbd_aio_pwrite (h, written[i], SIZE, i * UINT64_C (131072),
                           completion (&records[i]), 0) > 0);
  }
  CHECK_EQ (nbd_aio_get_direction (h), LIBNBD_AIO_DIRECTION_BOTH);
  CHECK (!nbd_aio_is_ready (h) && nbd_aio_is_processing (h));
  CHECK_EQ (nbd_aio_in_flight (h), COUNT);
  /* Behind all of it, so that it leaves in pieces as well. */
  CHECK_EQ (nbd_aio_disconnect (h, 0), 0);
  wait_for_end (h);
  CHECK (nbd_aio_is_closed (h));
  nbd_close (h);
  check_relay_and_script ();

  h = ready (TRUSTED (READY "sleep 300\nserve simple\n"));
  for (unsigned i = 0; i < COUNT; ++i)
    CHECK (nbd_aio_pwrite (h, written[i], SIZE, i * UINT64_C (131072),
                           completion (&records[i]), 0) > 0);
  drain (h);
  for (unsigned i = 0; i < COUNT; ++i) {
    CHECK_EQ (records[i].error, 0);
    CHECK_EQ (nbd_pread (h, got, SIZE, i * UINT64_C (131072), 0), 0);
    CHECK (memcmp (written[i], got, SIZE) == 0);
  }
  nbd_close (h);
  check_relay_and_script ();
}

/* SIGPIPE, which would end this process, is not raised. */
CASE (server_that_is_gone)
{
  struct nbd_handle *h = ready (TRUSTED (READY "serve simple\n"));
  struct record record = { .result = 1 };
  static char buf[1 << 20];

  kill_servers ();
  CHECK (nbd_aio_pwrite (h, buf, sizeof buf, 0, completion (&record), 0) > 0);
  wait_for_end (h);
  CHECK (record.error != 0);
  nbd_close (h);
}

/* ---- The name that the server is told ---- */

static void
check_name (const char *host, const char *told)
{
  const char *file = temp_path ("sni"), *script = READY "read-request DISC\nexpect-eof\n";
  struct nbd_handle *h = with_certificates ("client");
  char name[256] = "";
  FILE *fp;

  situation ("%s", host);
  CHECK_EQ (nbd_set_tls_hostname (h, host), 0);
  CHECK_EQ (nbd_set_tls_verify_peer (h, false), 0);
  CHECK_EQ (nbd_connect_unix (h, TRUSTED (script, "--sni", file)), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
  check_relay_and_script ();
  fp = fopen (file, "r");
  CHECK (fp != NULL && fgets (name, sizeof name, fp) != NULL && fclose (fp) == 0);
  CHECK_STR (name, told);
}

CASE (name_indication)
{
  check_name ("disk.example.com", "disk.example.com");
  check_name ("disk.example.com.", "disk.example.com");
  check_name ("localhost", "localhost");
  check_name ("", "-");
  check_name ("127.0.0.1", "-");
  check_name ("::1", "-");
  check_name ("fe80::1%eth0", "-");
  check_name ("127.1", "-");
  check_name ("0x7f000001", "-");
}

/* ---- CVE-2024-7383: whom a URI makes us trust ---- */

/* A stranger stays one whatever the transport, with and without a name that
 * could be compared. */
CASE (stranger_behind_a_uri)
{
  static const char *const parameters[] = {
    "", "&tls-hostname=localhost", "&tls-verify-peer=true", "&tls-verify-peer=1",
  };
  const char *stranger = nbdkit_x509 ("rogue");

  for (unsigned i = 0; i < sizeof parameters / sizeof parameters[0]; ++i) {
    struct nbd_handle *h = create ();
    const char *uri = text ("nbds+unix:///?socket=%s&tls-certificates=%s%s", stranger,
                            pki ("client"), parameters[i]);

    situation ("%s", parameters[i]);
    CHECK_EQ (nbd_set_uri_allow_local_file (h, true), 0);
    CHECK_ERR (nbd_connect_uri (h, uri), ANY_ERRNO);
    CHECK (strstr (nbd_get_error (), "certificate") != NULL);
    CHECK (!nbd_aio_is_ready (h));
    nbd_close (h);
  }
}

/* Time limits on commands whose requests and replies are encrypted. */
#include "support/clock.h"
#include "support/tls.h"

#include <libnbdx.h>

#define SHORT (under_valgrind () ? 1500 : 60)

#define READY                                                             \
  "send NBDMAGIC IHAVEOPT u16:3\nread 4\n"                                \
  "read-option STARTTLS\noption-reply ACK\n"                              \
  "read-option EXTENDED_HEADERS\noption-reply UNSUP\n"                    \
  "read-option STRUCTURED_REPLY\noption-reply UNSUP\n"                    \
  "read-option GO\noption-reply INFO u16:0 u64:8388608 u16:1\noption-reply ACK\n"

static uint8_t other[65536];

static struct nbd_handle *
behind_relay (const char *script)
{
  struct nbd_handle *h = with_certificates ("client");
  const char *server = scripted (text (READY "%s", script), NULL);

  CHECK_EQ (nbd_connect_unix (h, relay (server, "--x509", pki ("server"), NULL)), 0);
  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  return h;
}

CASE (late_reply_in_pieces)
{
  static const char *const in_time[] = { "", "simple @1 0 fill:7*20000\n", "send u32:0x67446698\n" };
  static const char *const late[] = {
    "simple @1 0 fill:7*20000\nsleep 5\nsend fill:7*45536\n",
    "send fill:7*45000\nsleep 5\nsend fill:7*536\n",
    "send u32:0 cookie:1\nsleep 5\nsend fill:7*65536\n",
  };

  for (unsigned i = 0; i < 3; ++i) {
    struct nbd_handle *h = behind_relay
      (text ("read-request READ\n%sread-request READ\n%ssimple @2 0 fill:9*65536\nwait-eof\n",
             in_time[i], late[i]));
    uint8_t *buffer = malloc (sizeof other);

    situation ("%u", i);
    CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_CALL, SHORT), 0);
    CHECK_LATE (nbd_pread (h, buffer, sizeof other, 0, 0), SHORT, "read");
    memset (buffer, 1, sizeof other);
    free (buffer);
    CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_CALL, 0), 0);
    CHECK_EQ (nbd_pread (h, other, sizeof other, 0, 0), 0);
    CHECK (all_bytes (other, sizeof other, 9));
    nbd_close (h);
    kill_servers ();
  }
}

CASE (silent_server)
{
  struct nbd_handle *h = behind_relay ("read-request READ\nwait-eof\n");

  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_SILENCE, SHORT), 0);
  CHECK_LATE (nbd_pread (h, other, 512, 0, 0), SHORT, "NBDX_TIMEOUT_SILENCE");
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  kill_servers ();
}

/* Every record that arrives puts the limit off. */
CASE (slow_server)
{
  char *script = text ("read-request READ\nsimple 0 05\n");
  struct nbd_handle *h;

  for (unsigned i = 0; i < 20; ++i)
    script = text ("%ssleep 20\nsend 05\n", script);
  h = behind_relay (text ("%swait-eof\n", script));
  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_SILENCE, 5 * SHORT), 0);
  CHECK_EQ (nbd_pread (h, other, 21, 0, 0), 0);
  CHECK (all_bytes (other, 21, 5));
  nbd_close (h);
  kill_servers ();
}

/* A server that reads nothing: what has been encrypted is on its way. */
CASE (server_that_does_not_read)
{
  struct nbd_handle *h = behind_relay ("sleep 60000\n");
  size_t size = 8 << 20;
  uint8_t *large = calloc (1, size);

  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_CALL, SHORT), 0);
  CHECK_LATE (nbd_pwrite (h, large, size, 0, 0), SHORT, "the reply to a write command");
  free (large);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  kill_servers ();
}

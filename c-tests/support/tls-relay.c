/* Gives TLS to a server that has none: the scripted one.
 *
 *   tls-relay LISTEN SERVER [option...]
 *
 * Accepts one client on the Unix socket LISTEN, connects it to that on SERVER,
 * and passes on what both say.  When the server has acknowledged STARTTLS, the
 * client's side goes on in TLS; the server's side stays as it is.  So a script
 * can say things through TLS that no honest server does.
 *
 *   --x509 DIRECTORY  server-cert.pem and server-key.pem are there
 *   --psk KEY         any user with this key, in hexadecimal
 *   --version 1.2     or another one: only this version
 *   --ciphers LIST    only these ciphers of TLS 1.2, however weak they are
 *   --dh GROUP        the group of DHE, however weak it is
 *   --inject TEXT     sends TEXT in clear along with the acknowledgement
 *   --no-tls          goes on in clear behind the acknowledgement
 *   --byte-by-byte    every byte to the client by itself
 *   --key-update      asks for new keys before every piece of data
 *   --truncate        closes at the end without a TLS goodbye
 *   --goodbye         fails if the client leaves without a TLS goodbye
 *   --sni FILE        writes the name that the client asks for, or "-"
 */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { GREETING = 18, REPLY_HEADER = 20, OPT_STARTTLS = 5, REP_ACK = 1 };

static struct {
  const char *directory, *psk, *inject, *sni_file, *ciphers, *dh;
  int version;
  bool no_tls, byte_by_byte, key_update, truncate, goodbye;
} wanted;

static bool said_goodbye;

static void __attribute__ ((noreturn))
fail (const char *what)
{
  perror (what);
  ERR_print_errors_fp (stderr);
  exit (EXIT_FAILURE);
}

static void
name_socket (struct sockaddr_un *addr, const char *path)
{
  *addr = (struct sockaddr_un) { .sun_family = AF_UNIX };
  if (strlen (path) >= sizeof addr->sun_path)
    fail (path);
  strcpy (addr->sun_path, path);
}

static int
accept_client (const char *path)
{
  struct sockaddr_un addr;
  int sock = socket (AF_UNIX, SOCK_STREAM, 0), client;

  name_socket (&addr, path);
  if (sock == -1 || bind (sock, (struct sockaddr *) &addr, sizeof addr) == -1 ||
      listen (sock, 1) == -1 || (client = accept (sock, NULL, NULL)) == -1)
    fail (path);
  close (sock);
  return client;
}

static int
connect_server (const char *path)
{
  struct sockaddr_un addr;
  int sock = socket (AF_UNIX, SOCK_STREAM, 0);

  name_socket (&addr, path);
  if (sock == -1 || connect (sock, (struct sockaddr *) &addr, sizeof addr) == -1)
    fail (path);
  return sock;
}

/* False when the receiver is gone. */
static bool
send_all (int sock, const void *bytes, size_t count)
{
  const char *p = bytes;

  while (count > 0) {
    size_t piece = wanted.byte_by_byte ? 1 : count;
    ssize_t sent = send (sock, p, piece, MSG_NOSIGNAL);

    if (sent <= 0)
      return false;
    p += sent;
    count -= (size_t) sent;
    /* Long enough for the client to wake up and see this byte alone. */
    if (wanted.byte_by_byte)
      usleep (20);
  }
  return true;
}

/* Finds the end of the acknowledgement of STARTTLS in what the server says. */
struct watch {
  unsigned char header[REPLY_HEADER];
  size_t have, skip;
};

static uint32_t
number (const unsigned char *p)
{
  return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

static bool
acknowledged (struct watch *w, unsigned char byte)
{
  if (w->skip > 0) {
    w->skip--;
    return false;
  }
  w->header[w->have++] = byte;
  if (w->have < REPLY_HEADER)
    return false;
  w->have = 0;
  w->skip = number (w->header + 16);
  return number (w->header + 8) == OPT_STARTTLS && number (w->header + 12) == REP_ACK;
}

/* Passes clear text on until TLS starts; false if somebody leaves before. */
static bool
talk_in_clear (int client, int server)
{
  struct watch watch = { .skip = GREETING };

  for (;;) {
    struct pollfd fds[] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
    unsigned char buf[4096];
    ssize_t count;

    if (poll (fds, 2, -1) == -1)
      fail ("poll");
    if (fds[0].revents) {
      count = read (client, buf, sizeof buf);
      if (count <= 0)
        return false;
      if (!send_all (server, buf, (size_t) count))
        return false;
    }
    if (fds[1].revents) {
      size_t extra = wanted.inject ? strlen (wanted.inject) : 0;
      bool over = false;

      /* One byte at a time, so that none is read beyond the end. */
      count = 0;
      do {
        ssize_t got = recv (server, buf + count, 1, MSG_DONTWAIT);
        if (got == 0 && count == 0)
          return false;
        if (got <= 0)
          break;
        over = acknowledged (&watch, buf[count++]);
      } while (!over && (size_t) count < sizeof buf / 2);
      if (over && extra > 0 && extra < sizeof buf / 2) {
        memcpy (buf + count, wanted.inject, extra);
        count += (ssize_t) extra;
      }
      if (!send_all (client, buf, (size_t) count))
        return false;
      if (over && !wanted.no_tls)
        return true;
    }
  }
}

static unsigned int
find_psk (SSL *ssl, const char *identity, unsigned char *key, unsigned int max)
{
  long length;
  unsigned char *bytes = OPENSSL_hexstr2buf (wanted.psk, &length);

  (void) ssl;
  (void) identity;
  if (bytes == NULL || length < 0 || (unsigned long) length > max)
    return 0;
  memcpy (key, bytes, (size_t) length);
  OPENSSL_free (bytes);
  return (unsigned int) length;
}

static EVP_PKEY *
group_of_dh (void)
{
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name (NULL, "DH", NULL);
  EVP_PKEY *key = NULL;

  if (ctx == NULL || EVP_PKEY_keygen_init (ctx) != 1 ||
      EVP_PKEY_CTX_set_group_name (ctx, wanted.dh) != 1 || EVP_PKEY_generate (ctx, &key) != 1)
    fail (wanted.dh);
  EVP_PKEY_CTX_free (ctx);
  return key;
}

static int
version_of (const char *name)
{
  static const char *const names[] = { "1.0", "1.1", "1.2", "1.3" };

  for (int i = 0; i < 4; ++i)
    if (strcmp (name, names[i]) == 0)
      return TLS1_VERSION + i;
  fail (name);
}

static SSL *
new_session (void)
{
  SSL_CTX *ctx = SSL_CTX_new (TLS_server_method ());
  char path[4096];

  if (ctx == NULL)
    fail ("SSL_CTX_new");
  if (wanted.directory != NULL) {
    snprintf (path, sizeof path, "%s/server-cert.pem", wanted.directory);
    if (SSL_CTX_use_certificate_chain_file (ctx, path) != 1)
      fail (path);
    snprintf (path, sizeof path, "%s/server-key.pem", wanted.directory);
    if (SSL_CTX_use_PrivateKey_file (ctx, path, SSL_FILETYPE_PEM) != 1)
      fail (path);
  }
  if (wanted.psk != NULL)
    SSL_CTX_set_psk_server_callback (ctx, find_psk);
  if (wanted.version != 0) {
    SSL_CTX_set_min_proto_version (ctx, wanted.version);
    SSL_CTX_set_max_proto_version (ctx, wanted.version);
  }
  if (wanted.ciphers != NULL || wanted.dh != NULL ||
      (wanted.version != 0 && wanted.version < TLS1_2_VERSION))
    SSL_CTX_set_security_level (ctx, 0);
  if (wanted.ciphers != NULL && SSL_CTX_set_cipher_list (ctx, wanted.ciphers) != 1)
    fail (wanted.ciphers);
  if (wanted.dh != NULL && SSL_CTX_set0_tmp_dh_pkey (ctx, group_of_dh ()) != 1)
    fail (wanted.dh);
  return SSL_new (ctx);
}

/* Sends what TLS has made, all of it at once. */
static bool
flush (BIO *out, int client)
{
  char *bytes;
  long count = BIO_get_mem_data (out, &bytes);
  bool sent = send_all (client, bytes, (size_t) count);

  BIO_reset (out);
  return sent;
}

static void
note_name (SSL *ssl)
{
  const char *name = SSL_get_servername (ssl, TLSEXT_NAMETYPE_host_name);
  FILE *fp;

  if (wanted.sni_file == NULL)
    return;
  fp = fopen (wanted.sni_file, "w");
  if (fp == NULL || fputs (name ? name : "-", fp) < 0 || fclose (fp) != 0)
    fail (wanted.sni_file);
}

/* False when the session is over. */
static bool
client_to_server (SSL *ssl, BIO *in, int client, int server)
{
  char buf[16384];
  int count = (int) read (client, buf, sizeof buf);

  if (count <= 0)
    return false;
  BIO_write (in, buf, count);
  if (!SSL_is_init_finished (ssl)) {
    if (SSL_do_handshake (ssl) != 1)
      return SSL_get_error (ssl, -1) == SSL_ERROR_WANT_READ;
    note_name (ssl);
  }
  while ((count = SSL_read (ssl, buf, sizeof buf)) > 0)
    if (!send_all (server, buf, (size_t) count))
      return false;
  if (SSL_get_error (ssl, count) == SSL_ERROR_ZERO_RETURN) {
    said_goodbye = true;
    shutdown (server, SHUT_WR);
  } else if (SSL_get_error (ssl, count) != SSL_ERROR_WANT_READ)
    return false;
  return true;
}

static bool
server_to_client (SSL *ssl, int server)
{
  char buf[65536];
  ssize_t count = read (server, buf, sizeof buf);

  if (count <= 0)
    return false;
  if (wanted.key_update)
    SSL_key_update (ssl, SSL_KEY_UPDATE_REQUESTED);
  return SSL_write (ssl, buf, (int) count) == count;
}

static void
talk_in_tls (SSL *ssl, int client, int server)
{
  BIO *in = BIO_new (BIO_s_mem ()), *out = BIO_new (BIO_s_mem ());
  bool open = true;

  if (in == NULL || out == NULL)
    fail ("BIO_new");
  SSL_set_bio (ssl, in, out);
  SSL_set_accept_state (ssl);
  while (open) {
    /* The server is not heard before there is somebody to tell. */
    struct pollfd fds[] = {
      { client, POLLIN, 0 },
      { SSL_is_init_finished (ssl) ? server : -1, POLLIN, 0 },
    };

    if (poll (fds, 2, -1) == -1)
      fail ("poll");
    if (fds[0].revents)
      open = client_to_server (ssl, in, client, server);
    if (open && fds[1].revents) {
      open = server_to_client (ssl, server);
      if (!open && !wanted.truncate)
        SSL_shutdown (ssl);
    }
    open = flush (out, client) && open;
  }
}

static void
parse (int argc, char **argv)
{
  enum { X509, PSK, VERSION, CIPHERS, DH, INJECT, NO_TLS, BYTES, UPDATE, TRUNCATE, GOODBYE, SNI };
  static const struct option options[] = {
    { "x509", required_argument, NULL, X509 },
    { "psk", required_argument, NULL, PSK },
    { "version", required_argument, NULL, VERSION },
    { "ciphers", required_argument, NULL, CIPHERS },
    { "dh", required_argument, NULL, DH },
    { "inject", required_argument, NULL, INJECT },
    { "no-tls", no_argument, NULL, NO_TLS },
    { "byte-by-byte", no_argument, NULL, BYTES },
    { "key-update", no_argument, NULL, UPDATE },
    { "truncate", no_argument, NULL, TRUNCATE },
    { "goodbye", no_argument, NULL, GOODBYE },
    { "sni", required_argument, NULL, SNI },
    { 0 },
  };
  int option;

  while ((option = getopt_long (argc, argv, "", options, NULL)) != -1)
    switch (option) {
    case X509: wanted.directory = optarg; break;
    case PSK: wanted.psk = optarg; break;
    case VERSION: wanted.version = version_of (optarg); break;
    case CIPHERS: wanted.ciphers = optarg; break;
    case DH: wanted.dh = optarg; break;
    case INJECT: wanted.inject = optarg; break;
    case NO_TLS: wanted.no_tls = true; break;
    case BYTES: wanted.byte_by_byte = true; break;
    case UPDATE: wanted.key_update = true; break;
    case TRUNCATE: wanted.truncate = true; break;
    case GOODBYE: wanted.goodbye = true; break;
    case SNI: wanted.sni_file = optarg; break;
    default: exit (2);
    }
  if (argc - optind != 2) {
    fprintf (stderr, "usage: tls-relay LISTEN SERVER [option...]\n");
    exit (2);
  }
}

int
main (int argc, char **argv)
{
  int client, server;

  parse (argc, argv);
  client = accept_client (argv[optind]);
  server = connect_server (argv[optind + 1]);
  if (talk_in_clear (client, server))
    talk_in_tls (new_session (), client, server);
  ERR_print_errors_fp (stderr);
  close (client);
  close (server);
  return wanted.goodbye && !said_goodbye ? EXIT_FAILURE : EXIT_SUCCESS;
}

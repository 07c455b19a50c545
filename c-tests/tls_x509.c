/* TLS with certificates: who is believed, and who is not. */
#include "support/tls.h"

#include <sys/stat.h>

static const char *const versions[] = { "1.2", "1.3" };

#define FOR_BOTH_VERSIONS(v) \
  for (const char *const *v = versions; v < versions + 2; ++v)

static struct nbd_handle *
with_version (const char *directory, const char *version)
{
  struct nbd_handle *h = with_certificates (directory);

  situation ("TLS %s", version);
  CHECK_EQ (nbd_set_tls_priority (h, only_version (version)), 0);
  return h;
}

static void
check_server (const char *(*serve) (void))
{
  FOR_BOTH_VERSIONS (v) {
    /* One that has served a client may be gone. */
    const char *socket = serve ();
    struct nbd_handle *h = with_version ("client", *v);

    CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
    CHECK_EQ (nbd_set_tls_hostname (h, "localhost"), 0);
    CHECK_EQ (nbd_connect_unix (h, socket), 0);
    CHECK_EQ (nbd_get_tls_negotiated (h), 1);
    exercise (h);
    exercise_in_parallel (h);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    CHECK (nbd_aio_is_closed (h));
    CHECK_EQ (nbd_get_tls_negotiated (h), 1);
    nbd_close (h);
  }
}

CASE (nbdkit_server)
{
  check_server (nbdkit_for_clients);
}

CASE (qemu_nbd_server)
{
  check_server (qemu_x509);
}

CASE (nbd_server_server)
{
  check_server (nbd_server_x509);
}

static const char *
with_rsa (void)
{
  return nbdkit_x509 ("server-rsa");
}

CASE (rsa_server)
{
  check_server (with_rsa);
}

/* Connects once; the server is believed, or the message has these words. */
static void
try (struct nbd_handle *h, const char *socket, const char *refusal)
{
  if (refusal != NULL)
    check_refused (h, socket, 0, refusal);
  else {
    CHECK_EQ (nbd_connect_unix (h, socket), 0);
    CHECK_EQ (nbd_get_tls_negotiated (h), 1);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
  }
  nbd_close (h);
}

CASE (unknown_authority)
{
  const char *socket = nbdkit_x509 ("rogue");

  FOR_BOTH_VERSIONS (v) {
    struct nbd_handle *h = with_version ("client", *v);

    try (h, socket, "certificate");
    /* Its name is right, which does not help. */
    h = with_version ("client", *v);
    CHECK_EQ (nbd_set_tls_hostname (h, "localhost"), 0);
    try (h, socket, "certificate");
    h = with_version ("client", *v);
    CHECK_EQ (nbd_set_tls_verify_peer (h, false), 0);
    try (h, socket, NULL);
  }
}

CASE (unknown_authority_is_fatal_where_tls_is_optional)
{
  const char *socket = nbdkit ("--tls=on", text ("--tls-certificates=%s", pki ("rogue")),
                               "memory", "1M", NULL);
  struct nbd_handle *h = with_certificates ("client");

  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_ALLOW), 0);
  try (h, socket, "certificate");
}

CASE (expired)
{
  const char *socket = nbdkit_x509 ("expired");

  FOR_BOTH_VERSIONS (v) {
    struct nbd_handle *h = with_version ("client", *v);

    try (h, socket, "expired");
    h = with_version ("client", *v);
    CHECK_EQ (nbd_set_tls_verify_peer (h, false), 0);
    try (h, socket, NULL);
  }
}

CASE (revoked)
{
  const char *socket = nbdkit_x509 ("revoked"), *good = nbdkit_x509 ("server");

  FOR_BOTH_VERSIONS (v) {
    struct nbd_handle *h;

    try (with_version ("careful", *v), socket, "revoked");
    try (with_version ("careful", *v), good, NULL);
    /* Without the list, nobody can know. */
    try (with_version ("anonymous", *v), socket, NULL);
    try (with_version ("outdated", *v), good, "expired");
    h = with_certificates ("careful");
    CHECK_EQ (nbd_set_tls_priority (h, "NORMAL:%VERIFY_DISABLE_CRL_CHECKS"), 0);
    try (h, socket, NULL);
  }
}

/* What other clients accept: the message says what is wrong, and what to do. */
CASE (what_is_not_safe_any_more)
{
  static const struct { const char *client, *server, *words[2], *way; } cases[] = {
    { "outdated", "server", { "expired", "ca-crl.pem is out of date" },
      "NORMAL:%VERIFY_DISABLE_CRL_CHECKS" },
    { "early", "server", { "not yet valid", "clock" }, "NORMAL:%VERIFY_DISABLE_CRL_CHECKS" },
    { "client", "not-a-server", { "purpose", "TLS server authentication" }, NULL },
    { "client", "short", { "too weak", "RSA of 2048 bits or more" }, "NORMAL:%PROFILE_LOW" },
    { "weak", "weakly-signed", { "too weak", "RSA of 2048 bits or more" },
      "NORMAL:%PROFILE_LOW" },
    { "short-client", "server", { "client-cert.pem", "RSA of 2048 bits or more" },
      "NORMAL:%PROFILE_LOW" },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    const char *socket = nbdkit_x509 (cases[i].server);

    FOR_BOTH_VERSIONS (v) {
      for (unsigned j = 0; j < 2; ++j) {
        situation ("%s and %s, TLS %s", cases[i].client, cases[i].server, *v);
        try (with_version (cases[i].client, *v), socket, cases[i].words[j]);
      }
      if (cases[i].way != NULL) {
        struct nbd_handle *h = with_certificates (cases[i].client);
        const char *name = strchr (cases[i].way, '%');

        check_refused (h, socket, 0, name);
        nbd_close (h);
        h = with_certificates (cases[i].client);
        CHECK_EQ (nbd_set_tls_priority (h, cases[i].way), 0);
        try (h, socket, NULL);
      }
    }
  }
}

CASE (trust_in_a_certificate_itself)
{
  try (with_certificates ("leaf"), nbdkit_x509 ("server"), NULL);
  /* Of the same authority, but it was not the authority that is trusted. */
  try (with_certificates ("leaf"), nbdkit_x509 ("named"), "certificate");
}

/* Whether a server has let us in shows late in TLS 1.3. */
CASE (client_certificates)
{
  const char *(*const servers[]) (void) = { nbdkit_for_clients, qemu_x509, nbd_server_x509 };

  for (unsigned i = 0; i < 3; ++i)
    FOR_BOTH_VERSIONS (v)
      for (unsigned j = 0; j < 2; ++j) {
        struct nbd_handle *h = with_version (j == 0 ? "anonymous" : "stranger", *v);

        situation ("server %u, TLS %s, %s", i, *v, j == 0 ? "none" : "of a stranger");
        CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
        CHECK_ERR (nbd_connect_unix (h, servers[i] ()), ANY_ERRNO);
        CHECK (nbd_aio_is_dead (h));
        nbd_close (h);
      }
}

CASE (unusable_credentials)
{
  static const struct { const char *directory, *words; } cases[] = {
    { "locked", "client-key.pem: the key is encrypted" },
    { "mismatched", "client-key.pem: key values mismatch" },
    { "malformed", "ca-cert.pem: there is no certificate" },
  };
  const char *socket = nbdkit_x509 ("server");

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    situation ("%s", cases[i].directory);
    try (with_certificates (cases[i].directory), socket, cases[i].words);
  }
}

static void
try_name (const char *socket, const char *name, const char *refusal)
{
  struct nbd_handle *h = with_certificates ("anonymous");

  situation ("%s", name);
  CHECK_EQ (nbd_set_tls_hostname (h, name), 0);
  try (h, socket, refusal);
}

CASE (host_names)
{
  const char *named = nbdkit_x509 ("named"), *local = nbdkit_x509 ("server");
  struct nbd_handle *h;

  try_name (named, "disk.example.com", NULL);
  try_name (named, "DISK.Example.com", NULL);
  try_name (named, "disk.example.com.", NULL);
  try_name (named, "any.pool.example.com", NULL);
  try_name (named, "any.other.pool.example.com", "ostname mismatch");
  try_name (named, "pool.example.com", "ostname mismatch");
  try_name (named, "other.example.com", "ostname mismatch");
  try_name (named, "localhost", "ostname mismatch");
  try_name (named, "127.0.0.1", "IP address mismatch");
  /* The subject is not a name. */
  try_name (named, "named", "ostname mismatch");

  try_name (local, "localhost", NULL);
  try_name (local, "127.0.0.1", NULL);
  try_name (local, "::1", NULL);
  try_name (local, "0:0::1", NULL);
  try_name (local, "127.0.0.2", "IP address mismatch");
  try_name (local, "::2", "IP address mismatch");

  /* No name, nothing to compare. */
  try_name (named, "", NULL);

  h = with_certificates ("anonymous");
  CHECK_EQ (nbd_set_tls_hostname (h, "any.pool.example.com"), 0);
  CHECK_EQ (nbd_set_tls_priority (h, "NORMAL:%DISABLE_WILDCARDS"), 0);
  try (h, named, "ostname mismatch");
  h = with_certificates ("anonymous");
  CHECK_EQ (nbd_set_tls_hostname (h, "localhost"), 0);
  CHECK_EQ (nbd_set_tls_verify_peer (h, false), 0);
  try (h, named, NULL);
}

CASE (names_that_would_match_too_much)
{
  static const char *const names[] = { ".example.com", ".", "disk..example.com", "\xff" };
  const char *socket = nbdkit_x509 ("named");

  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
    struct nbd_handle *h = with_certificates ("anonymous");

    situation ("%s", names[i]);
    CHECK_EQ (nbd_set_tls_hostname (h, names[i]), 0);
    check_refused (h, socket, EINVAL, "not a host name");
    nbd_close (h);
  }
}

static const char *
nbdkit_with_tls (const char *directory)
{
  const char *port = free_port ();
  const char *argv[] = { "nbdkit", "-f", "-i", "127.0.0.1", "-p", port, "--tls=require",
                         text ("--tls-certificates=%s", pki (directory)), "memory", "1M", NULL };

  wait_for_tcp (start (argv), port);
  return port;
}

/* Over TCP the host is the name, unless another one is set. */
CASE (names_over_tcp)
{
  const char *local = nbdkit_with_tls ("server"), *named = nbdkit_with_tls ("named");
  static const char *const hosts[] = { "localhost", "127.0.0.1" };

  for (unsigned i = 0; i < 2; ++i) {
    struct nbd_handle *h = with_certificates ("anonymous");
    char *name;

    situation ("%s", hosts[i]);
    CHECK_EQ (nbd_connect_tcp (h, hosts[i], local), 0);
    CHECK_EQ (nbd_get_tls_negotiated (h), 1);
    name = nbd_get_tls_hostname (h);
    CHECK_STR (name, hosts[i]);
    free (name);
    nbd_close (h);

    h = with_certificates ("anonymous");
    CHECK_ERR (nbd_connect_tcp (h, hosts[i], named), 0);
    CHECK (strstr (nbd_get_error (), "mismatch") != NULL);
    CHECK (strstr (nbd_get_error (), "nbd_set_tls_hostname") != NULL);
    CHECK (nbd_aio_is_dead (h));
    nbd_close (h);

    h = with_certificates ("anonymous");
    CHECK_EQ (nbd_set_tls_hostname (h, "disk.example.com"), 0);
    CHECK_EQ (nbd_connect_tcp (h, hosts[i], named), 0);
    name = nbd_get_tls_hostname (h);
    CHECK_STR (name, "disk.example.com");
    free (name);
    nbd_close (h);
  }
}

/* A directory that does not say whom to trust leaves it to the system. */
CASE (system_trust)
{
  const char *socket = nbdkit_x509 ("server"), *empty = temp_path ("empty");
  struct nbd_handle *h;

  CHECK (mkdir (empty, 0777) == 0);
  h = with_certificates ("client");
  CHECK_EQ (nbd_set_tls_certificates (h, empty), 0);
  /* Whoever has set it does not know that it was ignored. */
  try (h, socket, "ca-cert.pem");
  setenv ("SSL_CERT_FILE", pki ("good.pem"), 1);
  h = with_certificates ("client");
  CHECK_EQ (nbd_set_tls_certificates (h, empty), 0);
  try (h, socket, NULL);
  setenv ("SSL_CERT_FILE", pki ("evil.pem"), 1);
  h = with_certificates ("client");
  CHECK_EQ (nbd_set_tls_certificates (h, empty), 0);
  try (h, socket, "certificate");
}

static void
copy (const char *from, const char *to)
{
  CHECK (system (text ("cp '%s' '%s'", from, to)) == 0);
}

/* Handles share what was read, but not for longer than it is true. */
CASE (changed_files_count)
{
  const char *socket = nbdkit_x509 ("server"), *directory = temp_path ("changing");
  const char *authority = text ("%s/ca-cert.pem", directory);
  struct nbd_handle *h;

  CHECK (mkdir (directory, 0777) == 0);
  for (unsigned i = 0; i < 4; ++i) {
    situation ("change %u", i);
    copy (pki (i % 2 == 0 ? "evil.pem" : "good.pem"), authority);
    for (unsigned j = 0; j < 2; ++j) {
      h = with_certificates ("client");
      CHECK_EQ (nbd_set_tls_certificates (h, directory), 0);
      try (h, socket, i % 2 == 0 ? "certificate" : NULL);
    }
  }
  copy (pki ("careful/ca-crl.pem"), directory);
  h = with_certificates ("client");
  CHECK_EQ (nbd_set_tls_certificates (h, directory), 0);
  try (h, nbdkit_x509 ("revoked"), "revoked");
}

CASE (several_handles_at_once)
{
  const char *socket = nbdkit_for_clients ();
  struct nbd_handle *h[8];

  for (unsigned i = 0; i < 8; ++i) {
    h[i] = with_certificates ("client");
    CHECK_EQ (nbd_connect_unix (h[i], socket), 0);
  }
  for (unsigned i = 0; i < 8; ++i)
    exercise (h[i]);
  for (unsigned i = 0; i < 8; ++i)
    nbd_close (h[i]);
}

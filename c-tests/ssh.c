/* Servers behind SSH: with a stand-in for ssh that records its arguments and
 * runs the rest on this machine, and with a real sshd. */
#include "test.h"

#include <sys/stat.h>

/* Puts a directory in front of PATH that has these programs. */
static const char *
bin_directory (void)
{
  static const char *dir;

  if (dir == NULL) {
    dir = temp_path ("bin");
    CHECK_EQ (mkdir (dir, 0777), 0);
    setenv ("PATH", text ("%s:%s", dir, getenv ("PATH")), 1);
  }
  return dir;
}

static void
add_program (const char *name, const char *script)
{
  make_file (text ("%s/%s", bin_directory (), name), script, 0755);
}

/* Like sshd it gives what is to be run to a shell, in one string. */
static const char *
stand_in (void)
{
  const char *record = temp_path ("arguments");

  add_program ("ssh", text ("#!/bin/sh\n"
                            "printf '[%%s]' \"$@\" > %s\n"
                            "shift 3\n"
                            "exec sh -c \"$*\"\n", record));
  return record;
}

static struct nbd_handle *
connect_uri (const char *uri)
{
  struct nbd_handle *h = create ();

  situation ("%s", uri);
  CHECK_EQ (nbd_connect_uri (h, uri), 0);
  check_works (h);
  return h;
}

CASE (unix_socket)
{
  const char *record = stand_in ();
  const char *server = nbdkit ("memory", "1M", NULL);
  struct nbd_handle *h = connect_uri (text ("nbd+ssh://example.net/disk?"
                                            "socket=%s", server));
  char *name;

  CHECK_STR (contents (record),
             text ("[-p][22][example.net][nc][-U][%s]", server));
  name = nbd_get_export_name (h);
  CHECK_STR (name, "disk");
  free (name);
  CHECK (nbd_get_subprocess_pid (h) > 0);
  CHECK_NULL (nbd_get_uri (h), EINVAL);
  nbd_close (h);
}

/* The port of NBD on the other side is always the same one, and may be in use
 * here: so nc has a stand-in, too. */
CASE (tcp)
{
  const char *record = stand_in ();
  const char *of_nc = temp_path ("nc-arguments");
  const struct { const char *uri, *wanted; } uris[] = {
    { "nbd+ssh://example.net", "[-p][22][example.net]" },
    { "NBD+SSH://example.net:2222/x", "[-p][2222][example.net]" },
    { "nbd+ssh://somebody@10.0.0.1/", "[-p][22][10.0.0.1]" },
    { "nbd+ssh://[::1]:0/", "[-p][22][::1]" },
  };

  add_program ("nc", text ("#!/bin/sh\nprintf '[%%s]' \"$@\" > %s\n"
                           "exec nbdkit -s memory 1M\n", of_nc));
  for (size_t i = 0; i < sizeof uris / sizeof uris[0]; ++i) {
    struct nbd_handle *h = connect_uri (uris[i].uri);

    CHECK_STR (contents (record),
               text ("%s[nc][localhost][10809]", uris[i].wanted));
    CHECK_STR (contents (of_nc), "[localhost][10809]");
    nbd_close (h);
    check_no_children ();
  }
}

/* Paths that mean something to a shell, or to nc. */
CASE (remote_shell_sees_only_a_path)
{
  static const struct { const char *name, *encoded; } sockets[] = {
    { "a b", "a%20b" },
    { "$(touch pwned)", "$(touch%20pwned)" },
    { "`touch pwned`", "%60touch%20pwned%60" },
    { "a;touch pwned", "a%3Btouch%20pwned" },
    { "a'b'\"c\"", "a'b'%22c%22" },
    { "a\nb", "a%0Ab" },
    { "*", "*" },
    { "~", "~" },
    { "a\\b", "a%5Cb" },
    { "-h", "-h" },
  };

  stand_in ();
  CHECK_EQ (chdir (bin_directory ()), 0);
  for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; ++i) {
    struct nbd_handle *h;

    /* Nothing relative to this directory means anything to nbdkit. */
    CHECK_EQ (symlink (nbdkit ("memory", "1M", NULL), sockets[i].name), 0);
    h = connect_uri (text ("nbd+ssh://host/?socket=%s", sockets[i].encoded));
    nbd_close (h);
    CHECK (access ("pwned", F_OK) == -1);
  }
}

/* Nothing runs for what ssh might take for something else than a host. */
CASE (suspicious_hosts)
{
  const char *record = stand_in ();
  static const char *const uris[] = {
    "nbd+ssh://-oProxyCommand=touch%20pwned/",
    "nbd+ssh://%2DoProxyCommand=x/",
    "nbd+ssh://-/",
    "nbd+ssh://-lroot@host/",
    "nbd+ssh://%2Dl@host/",
    "nbd+ssh://root%40host/",
    "nbd+ssh://host%20-v/",
    "nbd+ssh://a;b/",
    "nbd+ssh://$HOME/",
    "nbd+ssh:///",
    "nbd+ssh://somebody@/",
    "nbd+ssh://host:65536/",
  };
  struct nbd_handle *h = create ();

  for (size_t i = 0; i < sizeof uris / sizeof uris[0]; ++i) {
    situation ("%s", uris[i]);
    CHECK_ERR (nbd_connect_uri (h, uris[i]), EINVAL);
    CHECK_EQ (nbd_aio_is_created (h), 1);
    CHECK (access (record, F_OK) == -1);
    check_no_children ();
  }
  nbd_close (h);
}

CASE (no_ssh)
{
  struct nbd_handle *h = create ();

  setenv ("PATH", bin_directory (), 1);
  CHECK_ERR (nbd_connect_uri (h, "nbd+ssh://localhost/"), ENOENT);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  check_no_children ();
}

CASE (ssh_that_fails)
{
  struct nbd_handle *h = create ();

  add_program ("ssh", "#!/bin/sh\nexit 255\n");
  CHECK_ERR (nbd_connect_uri (h, "nbd+ssh://localhost/"), 0);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  check_no_children ();
}

/* ---- A real sshd ---- */

static void
make_key (const char *path)
{
  CHECK_EQ (system (text ("ssh-keygen -q -t ed25519 -N '' -f %s", path)), 0);
}

/* Starts sshd for this user only, with keys that exist for this case only;
 * ssh gets a configuration that knows them.  Returns the port. */
static const char *
start_sshd (void)
{
  const char *port = free_port ();
  const char *host_key = temp_path ("host_key");
  const char *user_key = temp_path ("user_key");
  const char *known_hosts = temp_path ("known_hosts");
  const char *server_config = temp_path ("sshd_config");
  const char *client_config = temp_path ("ssh_config");
  const char *argv[] = { "/usr/sbin/sshd", "-D", "-e", "-f", server_config,
                         NULL };

  make_key (host_key);
  make_key (user_key);
  make_file (server_config,
             text ("ListenAddress 127.0.0.1\nPort %s\nHostKey %s\n"
                   "AuthorizedKeysFile %s.pub\nPidFile none\n"
                   "PasswordAuthentication no\nUsePAM no\n"
                   "PermitRootLogin prohibit-password\nStrictModes no\n",
                   port, host_key, user_key), 0600);
  make_file (known_hosts, text ("[127.0.0.1]:%s %s", port,
                                contents (text ("%s.pub", host_key))), 0600);
  make_file (client_config,
             text ("IdentityFile %s\nIdentitiesOnly yes\n"
                   "UserKnownHostsFile %s\nStrictHostKeyChecking yes\n"
                   "BatchMode yes\n", user_key, known_hosts), 0600);
  /* sshd run by root insists on this directory, which the system makes when
   * it starts its own sshd. */
  if (geteuid () == 0 && mkdir ("/run/sshd", 0755) == -1)
    CHECK_EQ (errno, EEXIST);
  wait_for_tcp (start (argv), port);
  add_program ("ssh", text ("#!/bin/sh\nexec /usr/bin/ssh -F %s \"$@\"\n",
                            client_config));
  return port;
}

CASE (sshd)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  const char *socket = temp_path ("a b'c$(d)");
  const char *port = start_sshd ();
  struct nbd_handle *h;
  char data[4096], buf[4096];

  CHECK_EQ (symlink (server, socket), 0);
  h = connect_uri (text ("nbd+ssh://127.0.0.1:%s/?socket=%s", port,
                         temp_path ("a%20b'c$(d)")));
  fill (data, sizeof data, 1);
  CHECK_EQ (nbd_pwrite (h, data, sizeof data, 512, 0), 0);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 512, 0), 0);
  CHECK (memcmp (data, buf, sizeof buf) == 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
}

CASE (sshd_with_an_unknown_key)
{
  const char *port = start_sshd ();
  struct nbd_handle *h = create ();

  CHECK_EQ (unlink (temp_path ("known_hosts")), 0);
  CHECK_ERR (nbd_connect_uri (h, text ("nbd+ssh://127.0.0.1:%s/", port)), 0);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}

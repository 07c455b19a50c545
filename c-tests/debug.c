/* Debugging messages: when there are any, where they go, what they say. */
#include "test.h"

#include <fcntl.h>

/* Keeps the messages of one function. */
struct messages {
  const char *function;
  int calls;            /* All calls, whatever the function. */
  int frees;
  int result;
  char text[2000];
};

static int
keep_message (void *data, const char *context, const char *message)
{
  struct messages *m = data;
  size_t used = strlen (m->text);

  m->calls++;
  CHECK (context != NULL && message != NULL);
  /* The line end belongs to the default sink. */
  CHECK (strchr (message, '\n') == NULL);
  if (m->function != NULL && strcmp (context, m->function) == 0)
    snprintf (m->text + used, sizeof m->text - used, "%s|", message);
  errno = ENOENT; /* Must not leak into the call's own errno. */
  return m->result;
}

static void
free_messages (void *data)
{
  struct messages *m = data;

  m->frees++;
}

static nbd_debug_callback
keep_in (struct messages *m)
{
  return (nbd_debug_callback) {
    .callback = keep_message, .user_data = m, .free = free_messages
  };
}

/* From here on standard error goes to a file. */
static const char *
redirect_stderr (void)
{
  const char *path = temp_path ("stderr");
  int fd = open (path, O_WRONLY|O_CREAT|O_TRUNC|O_APPEND|O_CLOEXEC, 0666);

  CHECK (fd != -1);
  CHECK (dup2 (fd, STDERR_FILENO) == STDERR_FILENO);
  close (fd);
  return path;
}

CASE (environment_variable_must_be_exactly_one)
{
  static const struct { const char *value; int debug; } table[] = {
    { "1", 1 }, { "0", 0 }, { "", 0 }, { "11", 0 }, { "2", 0 }, { "yes", 0 },
    { " 1", 0 }, { "true", 0 }, { NULL, 0 },
  };

  redirect_stderr ();
  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
    struct nbd_handle *h;

    situation ("LIBNBD_DEBUG=%s", table[i].value ? table[i].value : "(unset)");
    if (table[i].value != NULL)
      setenv ("LIBNBD_DEBUG", table[i].value, 1);
    else
      unsetenv ("LIBNBD_DEBUG");
    h = create ();
    /* It is read at creation, not later. */
    setenv ("LIBNBD_DEBUG", table[i].debug ? "0" : "1", 1);
    CHECK_EQ (nbd_get_debug (h), table[i].debug);
    nbd_close (h);
  }
}

CASE (setter)
{
  struct nbd_handle *h = create ();

  redirect_stderr ();
  CHECK_EQ (nbd_get_debug (h), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_get_debug (h), 1);
  CHECK_EQ (nbd_set_debug (h, false), 0);
  CHECK_EQ (nbd_get_debug (h), 0);
  nbd_close (h);
}

CASE (default_sink_is_standard_error)
{
  const char *path = redirect_stderr ();
  struct nbd_handle *h = create ();
  const char *text, *line;

  CHECK_EQ (nbd_set_handle_name (h, "the disk"), 0);
  CHECK_EQ (nbd_set_export_name (h, "quiet"), 0);
  CHECK_STR (contents (path), "");
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_set_export_name (h, "loud"), 0);
  text = contents (path);
  line = strstr (text, "libnbd: debug: the disk: nbd_set_export_name: enter:");
  CHECK (line != NULL);
  CHECK (line == text || line[-1] == '\n');
  CHECK (strstr (line, "\nlibnbd: debug: the disk: nbd_set_export_name: leave:")
         != NULL);
  CHECK_EQ (text[strlen (text) - 1], '\n');
  CHECK (strstr (text, "quiet") == NULL);
  nbd_close (h);
}

CASE (callback_takes_the_place_of_standard_error)
{
  const char *path = redirect_stderr ();
  struct nbd_handle *h = create ();
  struct messages m = { .function = "nbd_set_export_name" };

  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&m)), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK (strncmp (m.text, "enter:", 6) == 0);
  CHECK (strstr (m.text, "export_name=\"disk\"") != NULL);
  CHECK (strstr (m.text, "|leave: ret=0|") != NULL);
  /* The handle's name is for the default sink only. */
  CHECK (strstr (m.text, "nbd1") == NULL);
  CHECK_STR (contents (path), "");
  nbd_close (h);
  CHECK_STR (contents (path), "");
}

CASE (callback_rests_while_debugging_is_off)
{
  struct nbd_handle *h = create ();
  struct messages m = { .function = "nbd_set_export_name" };
  int calls;

  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&m)), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (m.calls, 0);
  CHECK_EQ (m.frees, 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK (m.calls >= 2);
  CHECK_EQ (nbd_set_debug (h, false), 0);
  calls = m.calls;
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (m.calls, calls);
  CHECK_EQ (m.frees, 0);
  nbd_close (h);
  CHECK_EQ (m.frees, 1);
}

CASE (each_callback_is_freed_once)
{
  struct nbd_handle *h = create ();
  struct messages first = { 0 }, second = { 0 }, third = { 0 };

  CHECK_EQ (nbd_clear_debug_callback (h), 0);
  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&first)), 0);
  CHECK_EQ (first.frees, 0);
  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&second)), 0);
  CHECK_EQ (first.frees, 1);
  CHECK_EQ (second.frees, 0);
  CHECK_EQ (nbd_clear_debug_callback (h), 0);
  CHECK_EQ (second.frees, 1);
  CHECK_EQ (nbd_clear_debug_callback (h), 0);
  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&third)), 0);
  nbd_close (h);
  CHECK_EQ (first.frees, 1);
  CHECK_EQ (second.frees, 1);
  CHECK_EQ (third.frees, 1);
}

CASE (cleared_callback_is_not_called)
{
  const char *path = redirect_stderr ();
  struct nbd_handle *h = create ();
  struct messages m = { 0 };
  int calls;

  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&m)), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_clear_debug_callback (h), 0);
  calls = m.calls;
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (m.calls, calls);
  /* Back to the default sink. */
  CHECK (strstr (contents (path), "nbd_set_export_name: enter:") != NULL);
  nbd_close (h);
}

CASE (callback_with_only_a_free_function)
{
  const char *path = redirect_stderr ();
  struct nbd_handle *h = create ();
  struct messages m = { 0 };
  nbd_debug_callback only_free = { .user_data = &m, .free = free_messages };

  CHECK_EQ (nbd_set_debug_callback (h, only_free), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  nbd_close (h);
  CHECK_STR (contents (path), "");
  CHECK_EQ (m.frees, 1);
}

CASE (result_of_the_callback_does_not_matter)
{
  struct nbd_handle *h = create ();
  struct messages m = { .result = -1 };

  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&m)), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("null", "1M", NULL)), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  nbd_close (h);
}

CASE (failures_are_shown_and_kept)
{
  struct nbd_handle *h = create ();
  struct messages m = { .function = "nbd_flush" };
  const char *leave, *message;

  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&m)), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_ERR (nbd_flush (h, 0), ENOTCONN);
  CHECK (strncmp (m.text, "enter: flags=0x0|", 17) == 0);
  leave = strstr (m.text, "|leave: error=\"");
  CHECK (leave != NULL);
  /* Between the quotes is the message, or the part of it that matters. */
  leave += strlen ("|leave: error=\"");
  message = text ("%.*s", (int) strcspn (leave, "\""), leave);
  CHECK (strlen (message) > 0);
  CHECK (strstr (nbd_get_error (), message) != NULL);
  nbd_close (h);
}

CASE (connecting_and_commands_are_shown)
{
  struct nbd_handle *h = create ();
  struct messages m = { .function = "nbd_pread" };
  char buf[512];

  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&m)), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("null", "1M", NULL)), 0);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 1024, 0), 0);
  CHECK (strstr (m.text, "enter:") != NULL);
  CHECK (strstr (m.text, " count=512") != NULL);
  CHECK (strstr (m.text, " offset=1024") != NULL);
  CHECK (strstr (m.text, "leave: ret=0") != NULL);
  nbd_close (h);
}

CASE (predicates_are_shown)
{
  struct nbd_handle *h = create ();
  struct messages m = { .function = "nbd_aio_is_created" };

  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&m)), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK (strstr (m.text, "enter:") != NULL);
  CHECK (strstr (m.text, "leave: ret=1") != NULL);
  nbd_close (h);
}

/* Long and unprintable arguments are shown in a readable form. */
CASE (arguments_are_escaped_and_cut)
{
  struct nbd_handle *h = create ();
  struct messages m = { .function = "nbd_set_export_name" };
  char name[1500];

  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&m)), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_set_export_name (h, "a\nb\x7f"), 0);
  CHECK (strstr (m.text, "export_name=\"a\\nb") != NULL ||
         strstr (m.text, "export_name=\"a\\x0ab") != NULL);
  CHECK (strchr (m.text, '\x7f') == NULL);
  m.text[0] = '\0';
  memset (name, 'x', sizeof name);
  name[sizeof name - 1] = '\0';
  CHECK_EQ (nbd_set_export_name (h, name), 0);
  CHECK (strstr (m.text, "xxxxxxxx") != NULL);
  CHECK (strlen (m.text) < 1000);
  nbd_close (h);
}

/* The handshake: which side said what, one line per message. */
CASE (handshake_shows_who_said_what)
{
  const char *server = embedded
    ("--export", "disk", "--refuse", "EXTENDED_HEADERS",
     "--refuse", "STRUCTURED_REPLY=POLICY:no\nway\x7f", NULL);
  struct nbd_handle *h = create ();
  struct messages m = { .function = "nbd_connect_unix" };

  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&m)), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_connect_unix (h, server), 0);
  situation ("%s", m.text);
  CHECK (strstr (m.text, text ("|connected to %s, ", server)) != NULL);
  CHECK (strstr (m.text, "|server: newstyle greeting, flags 0x3|client: flags 0x3|")
         != NULL);
  CHECK (strstr (m.text, "|client: NBD_OPT_STRUCTURED_REPLY|"
                 "server: NBD_REP_ERR_POLICY: no\\x0away\\x7f|") != NULL);
  CHECK (strstr (m.text, "|client: NBD_OPT_GO for export \"disk\"|"
                 "server: NBD_REP_INFO, 12 bytes|") != NULL);
  CHECK (strstr (m.text, "|server: NBD_REP_ACK|ready: ") != NULL);
  CHECK (strstr (m.text, " bytes, flags 0x") != NULL);
  CHECK (strstr (m.text, ", simple replies|leave: ret=0|") != NULL);
  nbd_close (h);
}

/* What a server says at length does not fill the log. */
CASE (words_of_a_server_are_cut)
{
  char words[2000];
  struct nbd_handle *h = create ();
  struct messages m = { .function = "nbd_connect_unix" };
  const char *line;

  memset (words, 'w', sizeof words);
  words[sizeof words - 1] = '\0';
  CHECK_EQ (nbd_set_debug_callback (h, keep_in (&m)), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_connect_unix
            (h, embedded ("--refuse", text ("EXTENDED_HEADERS=POLICY:%s", words),
                          NULL)), 0);
  line = strstr (m.text, "NBD_REP_ERR_POLICY: w");
  CHECK (line != NULL);
  CHECK (strcspn (line, "|") < 600);
  nbd_close (h);
}

/* Messages are kept in logs, where passwords have no place. */
CASE (passwords_in_uris_are_not_shown)
{
  const char *path = redirect_stderr ();
  struct nbd_handle *h = create ();
  char *argv[] = { "sh", "-c", "exit 1", "curl://anna:hunter2@host/", NULL };

  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK (nbd_connect_uri (h, "nbd+unix://anna:hunter2@/?socket=/nonexistent")
         == -1);
  nbd_close (h);
  h = create ();
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK (nbd_connect_command (h, argv) == -1);
  nbd_close (h);
  CHECK (strstr (contents (path), "uri=\"nbd+unix://anna:***@/?socket=") != NULL);
  CHECK (strstr (contents (path), "\"curl://anna:***@host/\"") != NULL);
  CHECK (strstr (contents (path), "hunter2") == NULL);
}

CASE (a_name_cannot_pass_for_a_line)
{
  const char *path = redirect_stderr ();
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_handle_name (h, "a\nlibnbd: debug: b\x1b[2J"), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  nbd_close (h);
  CHECK (strstr (contents (path), "\nlibnbd: debug: b") == NULL);
  CHECK (strstr (contents (path), "libnbd: debug: a\\x0alibnbd: debug: b\\x1b[2J: ")
         != NULL);
}

/* A program may know several servers. */
CASE (errors_name_the_peer)
{
  const char *nobody = temp_path ("nobody");
  char *argv[] = { "false", NULL };
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_unix (h, nobody), ENOENT);
  CHECK_STR (nbd_get_error (),
             text ("nbd_connect_unix: cannot connect to %s: "
                   "No such file or directory", nobody));
  nbd_close (h);

  h = create ();
  CHECK_ERR (nbd_connect_command (h, argv), 0);
  CHECK_STR (nbd_get_error (), "nbd_connect_command: \"false\": the server "
             "closed the connection during the handshake");
  nbd_close (h);

  h = create ();
  /* It may end before the connection is made, or after. */
  CHECK_EQ (nbd_connect_systemd_socket_activation (h, argv), -1);
  situation ("%s", nbd_get_error ());
  CHECK (strstr (nbd_get_error (), ": the program that was started does not "
                 "accept connections on /tmp/libnbd") != NULL
         || strstr (nbd_get_error (), ": /tmp/libnbd") != NULL);
  nbd_close (h);

  h = create ();
  nobody = embedded ("--export", "other", NULL);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_ERR (nbd_connect_unix (h, nobody), ENOENT);
  CHECK (strstr (nbd_get_error (),
                 text ("nbd_connect_unix: %s: export \"disk\": ", nobody))
         != NULL);
  nbd_close (h);
}

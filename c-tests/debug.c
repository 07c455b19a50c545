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

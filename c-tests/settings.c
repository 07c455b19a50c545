/* What can be set on a handle can be read back, and nothing else can be set. */
#include "test.h"

#define BOOLEAN_SETTING(name, initial)                                    \
  CASE (name)                                                             \
  {                                                                       \
    struct nbd_handle *h = create (), *other = create ();                 \
                                                                          \
    CHECK_EQ (nbd_get_##name (h), initial);                               \
    CHECK_EQ (nbd_set_##name (h, !initial), 0);                           \
    CHECK_EQ (nbd_get_##name (h), !initial);                              \
    CHECK_EQ (nbd_get_##name (other), initial);                           \
    CHECK_EQ (nbd_set_##name (h, initial), 0);                            \
    CHECK_EQ (nbd_get_##name (h), initial);                               \
    nbd_close (h);                                                        \
    nbd_close (other);                                                    \
  }

BOOLEAN_SETTING (full_info, 0)
BOOLEAN_SETTING (request_block_size, 1)
BOOLEAN_SETTING (request_structured_replies, 1)
BOOLEAN_SETTING (request_extended_headers, 1)
BOOLEAN_SETTING (request_meta_context, 1)
BOOLEAN_SETTING (pread_initialize, 1)
BOOLEAN_SETTING (opt_mode, 0)

static void
check_name (struct nbd_handle *h, const char *wanted)
{
  char *name = nbd_get_handle_name (h);

  CHECK_STR (name, wanted);
  free (name);
}

CASE (handle_names_count_from_one)
{
  struct nbd_handle *h[3];

  for (int i = 0; i < 3; ++i)
    h[i] = create ();
  check_name (h[0], "nbd1");
  check_name (h[1], "nbd2");
  check_name (h[2], "nbd3");
  nbd_close (h[1]);
  /* Numbers are not used again. */
  h[1] = create ();
  check_name (h[1], "nbd4");
  for (int i = 0; i < 3; ++i)
    nbd_close (h[i]);
}

CASE (handle_name)
{
  struct nbd_handle *h = create (), *other = create ();

  CHECK_EQ (nbd_set_handle_name (h, "disk one"), 0);
  check_name (h, "disk one");
  CHECK_EQ (nbd_set_handle_name (other, "disk one"), 0);
  check_name (other, "disk one");
  CHECK_EQ (nbd_set_handle_name (h, ""), 0);
  check_name (h, "");
  /* At any time. */
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("null", NULL)), 0);
  CHECK_EQ (nbd_set_handle_name (h, "connected"), 0);
  check_name (h, "connected");
  nbd_close (h);
  nbd_close (other);
}

CASE (private_data)
{
  struct nbd_handle *h = create (), *other = create ();
  int x;

  CHECK_EQ (nbd_get_private_data (h), 0);
  CHECK_EQ (nbd_set_private_data (h, (uintptr_t) &x), 0);
  CHECK (nbd_get_private_data (h) == (uintptr_t) &x);
  CHECK_EQ (nbd_get_private_data (other), 0);
  CHECK (nbd_set_private_data (h, UINTPTR_MAX) == (uintptr_t) &x);
  CHECK (nbd_get_private_data (h) == UINTPTR_MAX);
  CHECK (nbd_set_private_data (h, 0) == UINTPTR_MAX);
  CHECK_EQ (nbd_get_private_data (h), 0);
  nbd_close (h);
  nbd_close (other);
}

static void
check_export_name (struct nbd_handle *h, const char *wanted)
{
  char *name = nbd_get_export_name (h);

  CHECK_STR (name, wanted);
  free (name);
}

CASE (export_name)
{
  static const char *const names[] = {
    "disk", "/", "/dev/sda", "0", "a name with spaces", "\xc3\xa9", "%20", "",
  };
  struct nbd_handle *h = create ();
  char longest[4097 + 1];

  check_export_name (h, "");
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
    CHECK_EQ (nbd_set_export_name (h, names[i]), 0);
    check_export_name (h, names[i]);
  }
  memset (longest, 'x', sizeof longest);
  longest[4096] = '\0';
  CHECK_EQ (nbd_set_export_name (h, longest), 0);
  check_export_name (h, longest);
  CHECK_EQ (nbd_set_export_name (h, "short"), 0);
  longest[4096] = 'x';
  longest[4097] = '\0';
  CHECK_ERR (nbd_set_export_name (h, longest), ENAMETOOLONG);
  check_export_name (h, "short");
  nbd_close (h);
}

CASE (strings_are_copied)
{
  struct nbd_handle *h = create ();
  char name[] = "first";

  CHECK_EQ (nbd_set_export_name (h, name), 0);
  CHECK_EQ (nbd_set_handle_name (h, name), 0);
  memcpy (name, "other", 5);
  check_export_name (h, "first");
  check_name (h, "first");
  nbd_close (h);
}

CASE (strict_mode)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (LIBNBD_STRICT_MASK, 0x7f);
  CHECK_EQ (nbd_get_strict_mode (h), LIBNBD_STRICT_MASK);
  for (uint32_t flags = 0; flags <= LIBNBD_STRICT_MASK; ++flags) {
    CHECK_EQ (nbd_set_strict_mode (h, flags), 0);
    CHECK_EQ (nbd_get_strict_mode (h), flags);
  }
  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_BOUNDS), 0);
  CHECK_ERR (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK + 1), EINVAL);
  CHECK_ERR (nbd_set_strict_mode (h, UINT32_MAX), EINVAL);
  CHECK_EQ (nbd_get_strict_mode (h), LIBNBD_STRICT_BOUNDS);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("null", NULL)), 0);
  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_ALIGN), 0);
  CHECK_EQ (nbd_get_strict_mode (h), LIBNBD_STRICT_ALIGN);
  nbd_close (h);
}

CASE (handshake_flags)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (LIBNBD_HANDSHAKE_FLAG_MASK, 3);
  CHECK_EQ (nbd_get_handshake_flags (h), LIBNBD_HANDSHAKE_FLAG_MASK);
  for (uint32_t flags = 0; flags <= LIBNBD_HANDSHAKE_FLAG_MASK; ++flags) {
    CHECK_EQ (nbd_set_handshake_flags (h, flags), 0);
    CHECK_EQ (nbd_get_handshake_flags (h), flags);
  }
  CHECK_EQ (nbd_set_handshake_flags (h, LIBNBD_HANDSHAKE_FLAG_NO_ZEROES), 0);
  CHECK_ERR (nbd_set_handshake_flags (h, LIBNBD_HANDSHAKE_FLAG_MASK + 1),
             EINVAL);
  CHECK_ERR (nbd_set_handshake_flags (h, 1U << 31), EINVAL);
  CHECK_EQ (nbd_get_handshake_flags (h), LIBNBD_HANDSHAKE_FLAG_NO_ZEROES);
  nbd_close (h);
}

CASE (tls)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_get_tls (h), LIBNBD_TLS_DISABLE);
  if (nbd_supports_tls (h)) {
    CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_REQUIRE), 0);
    CHECK_EQ (nbd_get_tls (h), LIBNBD_TLS_REQUIRE);
    CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_ALLOW), 0);
    CHECK_EQ (nbd_get_tls (h), LIBNBD_TLS_ALLOW);
    CHECK_ERR (nbd_set_tls (h, LIBNBD_TLS_REQUIRE + 1), EINVAL);
    CHECK_ERR (nbd_set_tls (h, -1), EINVAL);
    CHECK_EQ (nbd_get_tls (h), LIBNBD_TLS_ALLOW);
  }
  else {
    CHECK_ERR (nbd_set_tls (h, LIBNBD_TLS_REQUIRE), ENOTSUP);
    CHECK_ERR (nbd_set_tls (h, LIBNBD_TLS_ALLOW), ENOTSUP);
    CHECK_ERR (nbd_set_tls (h, LIBNBD_TLS_REQUIRE + 1), EINVAL);
    CHECK_EQ (nbd_get_tls (h), LIBNBD_TLS_DISABLE);
  }
  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_DISABLE), 0);
  CHECK_EQ (nbd_get_tls (h), LIBNBD_TLS_DISABLE);
  nbd_close (h);
}

static void
check_context (struct nbd_handle *h, size_t i, const char *wanted)
{
  char *name = nbd_get_meta_context (h, i);

  CHECK_STR (name, wanted);
  free (name);
}

CASE (meta_contexts)
{
  struct nbd_handle *h = create ();
  char name[4097 + 1];

  CHECK_EQ (nbd_get_nr_meta_contexts (h), 0);
  CHECK_NULL (nbd_get_meta_context (h, 0), EINVAL);
  CHECK_EQ (nbd_clear_meta_contexts (h), 0);
  CHECK_EQ (nbd_add_meta_context (h, LIBNBD_CONTEXT_BASE_ALLOCATION), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x:second"), 0);
  /* Twice is twice. */
  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_get_nr_meta_contexts (h), 3);
  check_context (h, 0, "base:allocation");
  check_context (h, 1, "x:second");
  check_context (h, 2, "base:allocation");
  CHECK_NULL (nbd_get_meta_context (h, 3), EINVAL);
  CHECK_NULL (nbd_get_meta_context (h, SIZE_MAX), EINVAL);

  memset (name, 'x', sizeof name);
  name[4097] = '\0';
  CHECK_ERR (nbd_add_meta_context (h, name), ENAMETOOLONG);
  CHECK_EQ (nbd_get_nr_meta_contexts (h), 3);
  name[4096] = '\0';
  CHECK_EQ (nbd_add_meta_context (h, name), 0);
  check_context (h, 3, name);
  CHECK_EQ (nbd_clear_meta_contexts (h), 0);
  CHECK_EQ (nbd_get_nr_meta_contexts (h), 0);
  nbd_close (h);
}

CASE (pread_initialize_while_connected)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", NULL));

  CHECK_EQ (nbd_set_pread_initialize (h, false), 0);
  CHECK_EQ (nbd_get_pread_initialize (h), 0);
  CHECK_EQ (nbd_set_pread_initialize (h, true), 0);
  CHECK_EQ (nbd_get_pread_initialize (h), 1);
  nbd_close (h);
}

CASE (unknown_kinds_of_size)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", NULL));

  CHECK (nbd_get_block_size (h, LIBNBD_SIZE_MAXIMUM) >= 0);
  CHECK_ERR (nbd_get_block_size (h, 4), EINVAL);
  CHECK_ERR (nbd_get_block_size (h, -1), EINVAL);
  nbd_close (h);
}

CASE (settings_are_readable_in_every_state)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", NULL));

  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  CHECK_EQ (nbd_get_debug (h), 0);
  CHECK_EQ (nbd_get_full_info (h), 0);
  CHECK_EQ (nbd_get_request_block_size (h), 1);
  CHECK_EQ (nbd_get_request_structured_replies (h), 1);
  CHECK_EQ (nbd_get_pread_initialize (h), 1);
  CHECK_EQ (nbd_get_strict_mode (h), LIBNBD_STRICT_MASK);
  check_export_name (h, "");
  nbd_close (h);
}

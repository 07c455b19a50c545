/* Prints what a server says about an export: size, block sizes, features.
 *
 *   server-flags URI           such as nbd://example.com/disk
 *
 * Compile it with
 *   cc server-flags.c $(pkg-config --cflags --libs libnbd) -o server-flags
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnbd.h>

static const struct {
  const char *name;
  int (*ask) (struct nbd_handle *);
} features[] = {
  { "encrypted", nbd_get_tls_negotiated },
  { "structured replies", nbd_get_structured_replies_negotiated },
  { "extended headers", nbd_get_extended_headers_negotiated },
  { "read-only", nbd_is_read_only },
  { "rotational", nbd_is_rotational },
  { "several connections", nbd_can_multi_conn },
  { "flush", nbd_can_flush },
  { "FUA", nbd_can_fua },
  { "trim", nbd_can_trim },
  { "zero", nbd_can_zero },
  { "fast zero", nbd_can_fast_zero },
  { "cache", nbd_can_cache },
  { "unfragmented reads", nbd_can_df },
};

static const struct {
  const char *name;
  int type;
} sizes[] = {
  { "minimum block size", LIBNBD_SIZE_MINIMUM },
  { "preferred block size", LIBNBD_SIZE_PREFERRED },
  { "maximum block size", LIBNBD_SIZE_MAXIMUM },
};

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

int
main (int argc, char *argv[])
{
  if (argc != 2) {
    fprintf (stderr, "usage: %s URI\n", argv[0]);
    return EXIT_FAILURE;
  }

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL
      || nbd_add_meta_context (nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == -1
      || nbd_connect_uri (nbd, argv[1]) == -1)
    die (nbd_get_error ());

  int64_t size = nbd_get_size (nbd);
  const char *protocol = nbd_get_protocol (nbd);
  int allocation = nbd_can_meta_context (nbd, LIBNBD_CONTEXT_BASE_ALLOCATION);
  if (size == -1 || protocol == NULL || allocation == -1)
    die (nbd_get_error ());
  printf ("size: %" PRIi64 " bytes\n", size);
  printf ("protocol: %s\n", protocol);
  printf ("allocation: %s\n", allocation ? "yes" : "no");

  for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
    int answer = features[i].ask (nbd);

    if (answer == -1)
      die (nbd_get_error ());
    printf ("%s: %s\n", features[i].name, answer ? "yes" : "no");
  }

  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    int64_t bytes = nbd_get_block_size (nbd, sizes[i].type);

    if (bytes == -1)
      die (nbd_get_error ());
    /* 0 means that the server did not say. */
    if (bytes > 0)
      printf ("%s: %" PRIi64 "\n", sizes[i].name, bytes);
  }

  if (nbd_shutdown (nbd, 0) == -1)
    die (nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

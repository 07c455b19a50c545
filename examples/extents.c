/* Prints what several meta contexts say about a disk, side by side.
 *
 *   extents URI CONTEXT...     such as base:allocation qemu:dirty-bitmap:NAME
 *
 * Each context divides the disk into extents in its own way.  Each line is a range
 * in which none of them changes: offset, length, and the flags of each context.
 *
 * Compile it with
 *   cc extents.c $(pkg-config --cflags --libs libnbd) -o extents
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

#define CONTEXTS 8
#define MOST (UINT64_C (1) << 30)       /* to ask about at once */

/* The extents of one context in the latest reply. */
struct context {
  const char *name;
  nbd_extent *extents;
  size_t count;                 /* of extents */
  size_t current;               /* the one at the place that has been reached */
  uint64_t left;                /* of the current one */
};

struct map {
  struct context contexts[CONTEXTS];
  size_t count;
};

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

/* Runs once for each context.  The array is valid only until it returns. */
static int
on_extents (void *user_data, const char *metacontext, uint64_t offset,
            nbd_extent *entries, size_t nr_entries, int *error)
{
  struct map *map = user_data;

  (void) offset;
  for (size_t i = 0; i < map->count; i++) {
    struct context *context = &map->contexts[i];

    if (strcmp (context->name, metacontext) != 0)
      continue;
    free (context->extents);
    context->extents = malloc (nr_entries * sizeof *entries);
    context->count = 0;
    context->current = 0;
    if (context->extents == NULL) {
      *error = ENOMEM;
      return -1;
    }
    memcpy (context->extents, entries, nr_entries * sizeof *entries);
    context->count = nr_entries;
    context->left = entries[0].length;
  }
  return 0;
}

/* How far no context changes; 0 if the extents of one have been used up. */
static uint64_t
next_step (const struct map *map)
{
  uint64_t step = UINT64_MAX;

  for (size_t i = 0; i < map->count; i++) {
    const struct context *context = &map->contexts[i];

    if (context->current == context->count)
      return 0;
    if (context->left < step)
      step = context->left;
  }
  return step;
}

static void
advance (struct map *map, uint64_t step)
{
  for (size_t i = 0; i < map->count; i++) {
    struct context *context = &map->contexts[i];

    context->left -= step;
    if (context->left == 0 && ++context->current < context->count)
      context->left = context->extents[context->current].length;
  }
}

static void
print_map (struct nbd_handle *nbd, struct map *map, uint64_t size)
{
  nbd_extent64_callback callback = { .callback = on_extents, .user_data = map };
  uint64_t offset = 0;

  while (offset < size) {
    uint64_t step = next_step (map);

    /* A reply can end before the range does, and for each context at another
     * place.  The extents beyond the nearest of them are asked for again. */
    if (step == 0) {
      uint64_t count = size - offset < MOST ? size - offset : MOST;

      if (nbd_block_status_64 (nbd, count, offset, callback, 0) == -1)
        die (nbd_get_error ());
      step = next_step (map);
      if (step == 0)
        die ("the server does not describe the disk");
    }
    /* The last extent may reach beyond what was asked about. */
    if (step > size - offset)
      step = size - offset;

    printf ("%10" PRIu64 " %10" PRIu64, offset, step);
    for (size_t i = 0; i < map->count; i++) {
      const struct context *context = &map->contexts[i];
      printf (" %" PRIu64, context->extents[context->current].flags);
    }
    printf ("\n");
    advance (map, step);
    offset += step;
  }
}

int
main (int argc, char *argv[])
{
  struct map map = { 0 };

  if (argc < 3 || argc > 2 + CONTEXTS) {
    fprintf (stderr, "usage: %s URI CONTEXT...\n", argv[0]);
    return EXIT_FAILURE;
  }

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL)
    die (nbd_get_error ());
  for (int i = 2; i < argc; i++) {
    map.contexts[map.count++].name = argv[i];
    if (nbd_add_meta_context (nbd, argv[i]) == -1)
      die (nbd_get_error ());
  }
  if (nbd_connect_uri (nbd, argv[1]) == -1)
    die (nbd_get_error ());

  /* Connecting succeeds even if the server does not know a context. */
  for (size_t i = 0; i < map.count; i++) {
    int known = nbd_can_meta_context (nbd, map.contexts[i].name);

    if (known == -1)
      die (nbd_get_error ());
    if (known == 0) {
      fprintf (stderr, "%s: ", map.contexts[i].name);
      die ("the server does not have this context");
    }
  }

  int64_t size = nbd_get_size (nbd);
  if (size == -1)
    die (nbd_get_error ());
  print_map (nbd, &map, (uint64_t) size);

  for (size_t i = 0; i < map.count; i++)
    free (map.contexts[i].extents);
  if (nbd_shutdown (nbd, 0) == -1)
    die (nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

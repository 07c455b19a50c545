/* Prints the size of a disk and its first sector.
 *
 *   first-sector SOCKET        an NBD server on a Unix socket
 *   first-sector HOST PORT     an NBD server on TCP
 *
 * Compile it with
 *   cc first-sector.c $(pkg-config --cflags --libs libnbd) -o first-sector
 */

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnbd.h>

#define SECTOR 512
#define LINE 16

static void
die (const char *what)
{
  fprintf (stderr, "%s: %s\n", what, nbd_get_error ());
  exit (EXIT_FAILURE);
}

static void
print_hex (const unsigned char *bytes, size_t count)
{
  for (size_t line = 0; line < count; line += LINE) {
    printf ("%08zx ", line);
    for (size_t i = line; i < line + LINE; i++)
      if (i < count)
        printf (" %02x", bytes[i]);
      else
        printf ("   ");
    printf ("  |");
    for (size_t i = line; i < line + LINE && i < count; i++)
      putchar (isprint (bytes[i]) ? bytes[i] : '.');
    printf ("|\n");
  }
}

int
main (int argc, char *argv[])
{
  if (argc != 2 && argc != 3) {
    fprintf (stderr, "usage: %s SOCKET | HOST PORT\n", argv[0]);
    return EXIT_FAILURE;
  }

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL)
    die ("create");

  int r = argc == 2 ? nbd_connect_unix (nbd, argv[1])
                    : nbd_connect_tcp (nbd, argv[1], argv[2]);
  if (r == -1)
    die ("connect");

  int64_t size = nbd_get_size (nbd);
  if (size == -1)
    die ("size");

  unsigned char sector[SECTOR];
  size_t count = size < SECTOR ? (size_t) size : SECTOR;
  if (count > 0 && nbd_pread (nbd, sector, count, 0, 0) == -1)
    die ("read");

  printf ("library: %s %s\n", nbd_get_package_name (nbd), nbd_get_version (nbd));
  printf ("size: %" PRIi64 " bytes\n", size);
  printf ("first sector:\n");
  print_hex (sector, count);

  if (nbd_shutdown (nbd, 0) == -1)
    die ("shutdown");
  nbd_close (nbd);
  return EXIT_SUCCESS;
}

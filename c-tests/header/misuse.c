/* Mistakes that a compiler can only see because of the header's attributes.
 * One of NULL_HANDLE, WRONG_FREE and CORRECT is defined. */

#include <libnbd.h>

#include <stdlib.h>

int
main (void)
{
#if defined NULL_HANDLE
  return nbd_set_debug (NULL, false);
#elif defined WRONG_FREE
  struct nbd_handle *nbd = nbd_create ();

  free (nbd);
  return 0;
#elif defined CORRECT
  struct nbd_handle *nbd = nbd_create ();
  int r = nbd == NULL ? -1 : nbd_set_debug (nbd, false);

  nbd_close (nbd);
  return r;
#endif
}

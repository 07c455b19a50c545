// The least that a program can do with the library.  Compiled with FLOOR it does
// nothing at all, which is what every program costs.

#ifdef FLOOR
int main(void)
{
    return 0;
}
#else
#include <libnbd.h>

int main(void)
{
    struct nbd_handle *nbd = nbd_create();

    nbd_close(nbd);
    return nbd == 0;
}
#endif

/* The headers need no other before them and may be included twice. */
#ifdef EXTENSION
#include <libnbdx.h>
#include <libnbdx.h>
#endif
#include <libnbd.h>
#include <libnbd.h>

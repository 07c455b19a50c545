/* The header needs no other before it and may be included twice. */
#include <libnbd.h>
#include <libnbd.h>

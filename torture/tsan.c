/* LLVM's names of functions that GCC's ThreadSanitizer intercepts under their
 * usual names. */

#include <string.h>

void *__tsan_memcpy (void *to, const void *from, size_t count);
void *__tsan_memmove (void *to, const void *from, size_t count);
void *__tsan_memset (void *to, int byte, size_t count);

void *
__tsan_memcpy (void *to, const void *from, size_t count)
{
  return memcpy (to, from, count);
}

void *
__tsan_memmove (void *to, const void *from, size_t count)
{
  return memmove (to, from, count);
}

void *
__tsan_memset (void *to, int byte, size_t count)
{
  return memset (to, byte, count);
}

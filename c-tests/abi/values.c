/* Prints everything of a header that is compiled into a program: the layout of
 * the structures and the type and value of each macro.
 *
 * MACROS names a file with a line SHOW (NAME) for each macro.
 */

#include <libnbd.h>

#include <stddef.h>
#include <stdio.h>

static void
show_int (int value)
{
  printf ("int %d\n", value);
}

static void
show_unsigned (unsigned value)
{
  printf ("unsigned %#x\n", value);
}

static void
show_string (const char *value)
{
  printf ("string \"%s\"\n", value);
}

static void
show_completion (nbd_completion_callback value)
{
  printf ("completion callback%s%s%s\n",
          value.callback == NULL ? ", no callback" : "",
          value.user_data == NULL ? ", no user_data" : "",
          value.free == NULL ? ", no free" : "");
}

#define SHOW(macro)                                    \
  printf ("%s = ", #macro);                            \
  _Generic ((macro),                                   \
            int: show_int,                             \
            unsigned: show_unsigned,                   \
            char *: show_string,                       \
            nbd_completion_callback: show_completion) (macro)

#define FIELD(type, field)                              \
  printf ("%s.%s: offset %zu, size %zu\n", #type, #field, \
          offsetof (type, field), sizeof ((type *) NULL)->field)

#define CALLBACK(type)                                  \
  printf ("%s: size %zu, alignment %zu\n", #type,       \
          sizeof (type), _Alignof (type));              \
  FIELD (type, callback);                               \
  FIELD (type, user_data);                              \
  FIELD (type, free)

int
main (void)
{
  CALLBACK (nbd_chunk_callback);
  CALLBACK (nbd_completion_callback);
  CALLBACK (nbd_context_callback);
  CALLBACK (nbd_debug_callback);
  CALLBACK (nbd_extent_callback);
  CALLBACK (nbd_list_callback);
#include MACROS
  return 0;
}

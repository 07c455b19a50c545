/* Turns an export into a block device, /dev/nbdN: the library negotiates with the
 * server, and the kernel's nbd driver takes over the connection.
 *
 *   kernel-nbd URI             such as nbd://example.com/disk
 *   kernel-nbd --disconnect N
 *
 * This needs the driver (modprobe nbd) and the capability CAP_SYS_ADMIN.  With the
 * driver, programs that know nothing about NBD can use the disk.  To do without
 * both, use the library for the data as well, as the other examples do.
 *
 * Compile it with
 *   cc kernel-nbd.c $(pkg-config --cflags --libs libnbd) -o kernel-nbd
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libnbd.h>
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>
#include <linux/nbd.h>
#include <linux/netlink.h>

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

/* ---------- Generic netlink: messages with a command and attributes. */

struct message {
  struct nlmsghdr header;
  struct genlmsghdr command;
  char attributes[256];         /* enough for what is sent here */
};

static void
begin (struct message *message, uint16_t family, uint8_t command, uint8_t version)
{
  memset (message, 0, sizeof *message);
  message->header.nlmsg_len = NLMSG_LENGTH (GENL_HDRLEN);
  message->header.nlmsg_type = family;
  message->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  message->command.cmd = command;
  message->command.version = version;
}

static struct nlattr *
put (struct message *message, uint16_t type, const void *data, size_t length)
{
  struct nlattr *attribute =
    (struct nlattr *) ((char *) message + NLMSG_ALIGN (message->header.nlmsg_len));

  attribute->nla_type = type;
  attribute->nla_len = (uint16_t) (NLA_HDRLEN + length);
  if (length > 0)
    memcpy ((char *) attribute + NLA_HDRLEN, data, length);
  message->header.nlmsg_len =
    NLMSG_ALIGN (message->header.nlmsg_len) + NLA_ALIGN (attribute->nla_len);
  return attribute;
}

static void
put_u64 (struct message *message, uint16_t type, uint64_t value)
{
  put (message, type, &value, sizeof value);
}

/* What is put after this, until end_nested, is inside the attribute. */
static struct nlattr *
begin_nested (struct message *message, uint16_t type)
{
  return put (message, type | NLA_F_NESTED, NULL, 0);
}

static void
end_nested (struct message *message, struct nlattr *nested)
{
  char *end = (char *) message + message->header.nlmsg_len;

  nested->nla_len = (uint16_t) (end - (char *) nested);
}

/* Copies an attribute of a reply, if the reply has it. */
static void
get (const struct nlmsghdr *reply, uint16_t type, void *data, size_t length)
{
  const char *at = (const char *) NLMSG_DATA (reply) + GENL_HDRLEN;
  const char *end = (const char *) reply + reply->nlmsg_len;
  struct nlattr attribute;

  while (end - at >= NLA_HDRLEN) {
    memcpy (&attribute, at, sizeof attribute);
    if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > end - at)
      return;
    if ((attribute.nla_type & NLA_TYPE_MASK) == type
        && attribute.nla_len >= NLA_HDRLEN + length)
      memcpy (data, at + NLA_HDRLEN, length);
    at += NLA_ALIGN (attribute.nla_len);
  }
}

/* Sends a message, stores one attribute of the reply, and returns 0 or the errno
 * from the acknowledgement, which comes last. */
static int
talk (int netlink, const struct message *message, uint16_t type, void *data, size_t length)
{
  union {
    struct nlmsghdr header;
    char bytes[8192];
  } reply;

  if (send (netlink, message, message->header.nlmsg_len, 0) == -1)
    return errno;
  for (;;) {
    ssize_t n = recv (netlink, &reply, sizeof reply, 0);

    if (n == -1)
      return errno;
    for (struct nlmsghdr *one = &reply.header; NLMSG_OK (one, n); one = NLMSG_NEXT (one, n)) {
      if (one->nlmsg_type == NLMSG_ERROR)
        return -((struct nlmsgerr *) NLMSG_DATA (one))->error;
      get (one, type, data, length);
    }
  }
}

/* ---------- The nbd driver. */

static uint16_t
find_driver (int netlink)
{
  struct message message;
  uint16_t family = 0;

  begin (&message, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
  put (&message, CTRL_ATTR_FAMILY_NAME, NBD_GENL_FAMILY_NAME, sizeof NBD_GENL_FAMILY_NAME);
  int error = talk (netlink, &message, CTRL_ATTR_FAMILY_ID, &family, sizeof family);
  if (error == ENOENT)
    die ("this kernel has no nbd driver: try modprobe nbd");
  if (error != 0)
    die (strerror (error));
  return family;
}

static uint64_t
server_flags (struct nbd_handle *nbd)
{
  const struct {
    int answer;
    uint64_t flag;
  } flags[] = {
    { nbd_is_read_only (nbd), NBD_FLAG_READ_ONLY },
    { nbd_can_flush (nbd), NBD_FLAG_SEND_FLUSH },
    { nbd_can_fua (nbd), NBD_FLAG_SEND_FUA },
    { nbd_can_trim (nbd), NBD_FLAG_SEND_TRIM },
    { nbd_can_multi_conn (nbd), NBD_FLAG_CAN_MULTI_CONN },
  };
  uint64_t set = NBD_FLAG_HAS_FLAGS;

  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    if (flags[i].answer == -1)
      die (nbd_get_error ());
    if (flags[i].answer)
      set |= flags[i].flag;
  }
  return set;
}

/* The driver needs a power of two from 512 to the size of a page. */
static uint64_t
block_size (struct nbd_handle *nbd)
{
  int64_t minimum = nbd_get_block_size (nbd, LIBNBD_SIZE_MINIMUM);

  if (minimum == -1)
    die (nbd_get_error ());
  if (minimum > sysconf (_SC_PAGESIZE))
    die ("the blocks of this server are too large for the driver");
  return minimum < 512 ? 512 : (uint64_t) minimum;
}

static void
connect_device (int netlink, uint16_t driver, const char *uri)
{
  struct message message;
  uint32_t index;

  /* The driver understands neither structured replies nor extended headers.  It
   * cannot encrypt, and the handle must not keep a subprocess, such as ssh. */
  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL
      || nbd_set_request_structured_replies (nbd, false) == -1
      || nbd_set_request_extended_headers (nbd, false) == -1
      || nbd_set_uri_allow_tls (nbd, LIBNBD_TLS_DISABLE) == -1
      || nbd_set_uri_allow_transports (nbd, LIBNBD_ALLOW_TRANSPORT_TCP
                                       | LIBNBD_ALLOW_TRANSPORT_UNIX) == -1
      || nbd_connect_uri (nbd, uri) == -1)
    die (nbd_get_error ());
  int64_t size = nbd_get_size (nbd);
  int fd = nbd_aio_get_fd (nbd);
  if (size == -1 || fd == -1)
    die (nbd_get_error ());

  begin (&message, driver, NBD_CMD_CONNECT, NBD_GENL_VERSION);
  put_u64 (&message, NBD_ATTR_SIZE_BYTES, (uint64_t) size);
  put_u64 (&message, NBD_ATTR_BLOCK_SIZE_BYTES, block_size (nbd));
  put_u64 (&message, NBD_ATTR_SERVER_FLAGS, server_flags (nbd));
  struct nlattr *sockets = begin_nested (&message, NBD_ATTR_SOCKETS);
  struct nlattr *item = begin_nested (&message, NBD_SOCK_ITEM);
  put (&message, NBD_SOCK_FD, &fd, sizeof fd);
  end_nested (&message, item);
  end_nested (&message, sockets);
  int error = talk (netlink, &message, NBD_ATTR_INDEX, &index, sizeof index);
  if (error != 0)
    die (strerror (error));

  /* This closes only our descriptor of the socket; the driver has its own.  With
   * nbd_shutdown, the server would end the connection. */
  nbd_close (nbd);
  printf ("/dev/nbd%u\n", index);
}

static void
disconnect_device (int netlink, uint16_t driver, const char *argument)
{
  struct message message;
  uint32_t index = (uint32_t) strtoul (argument, NULL, 10);

  begin (&message, driver, NBD_CMD_DISCONNECT, NBD_GENL_VERSION);
  put (&message, NBD_ATTR_INDEX, &index, sizeof index);
  int error = talk (netlink, &message, 0, NULL, 0);
  if (error != 0)
    die (strerror (error));
}

int
main (int argc, char *argv[])
{
  int netlink = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

  if (netlink == -1)
    die (strerror (errno));
  if (argc == 2)
    connect_device (netlink, find_driver (netlink), argv[1]);
  else if (argc == 3 && strcmp (argv[1], "--disconnect") == 0)
    disconnect_device (netlink, find_driver (netlink), argv[2]);
  else {
    fprintf (stderr, "usage: %s URI | --disconnect N\n", argv[0]);
    return EXIT_FAILURE;
  }
  close (netlink);
  return EXIT_SUCCESS;
}

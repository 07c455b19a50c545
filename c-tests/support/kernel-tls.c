#include "kernel-tls.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <openssl/evp.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

struct kernel kernel = { .stays_for = -1 };
struct kernel_log kernel_log;

enum {
  MAX_FD = 64, MAX_RECORD = 16384, HEADER = 5, EXPLICIT_IV = 8, TAG = 16,
  ALERT = 21, DATA = 23, CLOSE_NOTIFY = 0,
};

/* A socket that encrypts. */
static struct sender {
  bool offered, has_keys, refuses_next, has_hesitated;
  uint16_t version;
  const EVP_CIPHER *cipher;
  unsigned char key[32], iv[12];
  uint64_t number;
  /* A record that the socket has not taken wholly. */
  unsigned char record[HEADER + EXPLICIT_IV + MAX_RECORD + 1 + TAG];
  size_t length, sent;
} senders[MAX_FD];

static struct sender *
sender_of (int fd)
{
  if (fd >= 0 && fd < MAX_FD && senders[fd].has_keys)
    return &senders[fd];
  return NULL;
}

static uint64_t
big_endian (const unsigned char *bytes)
{
  uint64_t number = 0;

  for (int i = 0; i < 8; ++i)
    number = number << 8 | bytes[i];
  return number;
}

static void
put_number (unsigned char *bytes, uint64_t number)
{
  for (int i = 7; i >= 0; --i, number >>= 8)
    bytes[i] = (unsigned char) number;
}

static int
fail_with (int error)
{
  errno = error;
  return -1;
}

static int
take_keys (struct sender *s, const void *value, socklen_t length)
{
  const struct tls12_crypto_info_aes_gcm_128 *small = value;
  const struct tls12_crypto_info_aes_gcm_256 *large = value;
  const unsigned char *key, *iv, *salt, *number;

  if (kernel.takes_no_keys)
    return fail_with (EINVAL);
  if (s->has_keys)              /* Before Linux 6.14. */
    return fail_with (EBUSY);
  if (small->info.cipher_type == TLS_CIPHER_AES_GCM_128 && length == sizeof *small) {
    s->cipher = EVP_aes_128_gcm ();
    key = small->key, iv = small->iv, salt = small->salt, number = small->rec_seq;
  } else if (small->info.cipher_type == TLS_CIPHER_AES_GCM_256 && length == sizeof *large) {
    s->cipher = EVP_aes_256_gcm ();
    key = large->key, iv = large->iv, salt = large->salt, number = large->rec_seq;
  } else
    return fail_with (EINVAL);
  s->version = small->info.version;
  memcpy (s->key, key, (size_t) EVP_CIPHER_get_key_length (s->cipher));
  memcpy (s->iv, salt, 4);
  memcpy (s->iv + 4, iv, 8);
  s->number = big_endian (number);
  s->has_keys = true;
  kernel_log.keys++;
  return 0;
}

/* RFC 5246 and 5288, or RFC 8446. */
static void
encrypt (struct sender *s, int type, const void *data, size_t length)
{
  bool is_13 = s->version == TLS_1_3_VERSION;
  unsigned char inner[MAX_RECORD + 1], nonce[12], number[8], extra[13];
  unsigned char *p = s->record + HEADER;
  size_t inner_length = length + (is_13 ? 1 : 0), body;
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new ();
  int count, extra_length;

  memcpy (inner, data, length);
  inner[length] = (unsigned char) type;
  memcpy (nonce, s->iv, sizeof nonce);
  put_number (number, s->number);
  if (is_13)
    for (int i = 0; i < 8; ++i)
      nonce[4 + i] ^= number[i];
  body = (is_13 ? 0 : EXPLICIT_IV) + inner_length + TAG;
  s->record[0] = is_13 ? DATA : (unsigned char) type;
  s->record[1] = s->record[2] = 3;
  s->record[3] = (unsigned char) (body >> 8);
  s->record[4] = (unsigned char) body;
  if (is_13) {
    memcpy (extra, s->record, HEADER);
    extra_length = HEADER;
  } else {
    memcpy (p, nonce + 4, EXPLICIT_IV);
    p += EXPLICIT_IV;
    memcpy (extra, number, 8);
    extra[8] = (unsigned char) type;
    extra[9] = extra[10] = 3;
    extra[11] = (unsigned char) (length >> 8);
    extra[12] = (unsigned char) length;
    extra_length = 13;
    put_number (s->iv + 4, big_endian (s->iv + 4) + 1);
  }
  if (ctx == NULL ||
      EVP_EncryptInit_ex (ctx, s->cipher, NULL, s->key, nonce) != 1 ||
      EVP_EncryptUpdate (ctx, NULL, &count, extra, extra_length) != 1 ||
      EVP_EncryptUpdate (ctx, p, &count, inner, (int) inner_length) != 1 ||
      EVP_EncryptFinal_ex (ctx, p + count, &count) != 1 ||
      EVP_CIPHER_CTX_ctrl (ctx, EVP_CTRL_GCM_GET_TAG, TAG, p + inner_length) != 1)
    abort ();
  EVP_CIPHER_CTX_free (ctx);
  s->number++;
  s->length = HEADER + body;
  s->sent = 0;
}

/* The real calls. */

static ssize_t
really_send (int fd, const void *data, size_t length, int flags)
{
  return syscall (SYS_sendto, fd, data, length, flags, NULL, 0);
}

/* The peer may be gone for calls that do not care for SIGPIPE. */
static void
make_ready (int fd, int flags)
{
  if ((flags & MSG_NOSIGNAL) || kernel.stays_for == -1)
    return;
  if (kernel.stays_for == 0)
    syscall (SYS_shutdown, fd, SHUT_WR);
  else
    kernel.stays_for--;
}

/* Sends the rest of a record; whether it is gone. */
static bool
push (int fd, struct sender *s, int flags)
{
  while (s->sent < s->length) {
    ssize_t count = really_send (fd, s->record + s->sent, s->length - s->sent, flags);

    if (count == -1)
      return false;
    s->sent += (size_t) count;
  }
  return true;
}

static bool
hesitates (struct sender *s)
{
  if (kernel.hesitates && !s->has_hesitated) {
    s->has_hesitated = true;
    kernel_log.hesitations++;
    return true;
  }
  s->has_hesitated = false;
  return false;
}

static ssize_t
send_message (int fd, struct sender *s, int type, const void *data, size_t length, int flags)
{
  const unsigned char *bytes = data;

  if (hesitates (s))
    return fail_with (EAGAIN);
  /* The server may have left meanwhile, and not hear it. */
  if (type == ALERT && length == 2 && bytes[1] == CLOSE_NOTIFY)
    kernel_log.goodbyes++;
  make_ready (fd, flags);
  if (!push (fd, s, flags))
    return -1;
  encrypt (s, type, data, length);
  if (!push (fd, s, flags) && errno != EAGAIN)
    return -1;
  kernel_log.messages++;
  return (ssize_t) length;
}

static ssize_t
send_data (int fd, struct sender *s, const struct iovec *pieces, size_t nr_pieces, int flags)
{
  size_t total = 0, most = kernel.stingy ? kernel.stingy : SIZE_MAX;

  s->refuses_next = kernel.stingy && !s->refuses_next;
  if (kernel.stingy && !s->refuses_next)
    return fail_with (EAGAIN);
  make_ready (fd, flags);
  /* One record for each piece, and no more than fits into one. */
  for (size_t i = 0; i < nr_pieces; ++i) {
    const char *data = pieces[i].iov_base;
    size_t left = pieces[i].iov_len;

    while (left > 0 && total < most) {
      size_t count = left < MAX_RECORD ? left : MAX_RECORD;

      if (count > most - total)
        count = most - total;
      if (!push (fd, s, flags))
        return total > 0 ? (ssize_t) total : -1;
      encrypt (s, DATA, data, count);
      kernel_log.records++;
      kernel_log.data += count;
      data += count;
      left -= count;
      total += count;
    }
  }
  if (!push (fd, s, flags) && errno != EAGAIN)
    return -1;
  return (ssize_t) total;
}

/* These come before those of the C library. */

int
getsockopt (int fd, int level, int name, void *value, socklen_t *length)
{
  int status = (int) syscall (SYS_getsockopt, fd, level, name, value, length);
  int *number = value;

  if (status == 0 && kernel.disguises_unix && level == SOL_SOCKET &&
      *length == sizeof *number) {
    if (name == SO_DOMAIN && *number == AF_UNIX)
      *number = AF_INET;
    else if (name == SO_PROTOCOL && *number == 0)
      *number = IPPROTO_TCP;
  }
  return status;
}

int
setsockopt (int fd, int level, int name, const void *value, socklen_t length)
{
  struct sockaddr_storage peer;
  socklen_t peer_length = sizeof peer;

  if (level == IPPROTO_TCP && name == TCP_ULP) {
    bool connected = getpeername (fd, (struct sockaddr *) &peer, &peer_length) == 0;

    if (connected)
      kernel_log.offers++;
    else
      kernel_log.questions++;
    if (!kernel.has_tls || fd >= MAX_FD)
      return fail_with (ENOENT);
    if (!connected)
      return fail_with (ENOTCONN);
    senders[fd] = (struct sender) { .offered = true };
    return 0;
  }
  if (level == SOL_TLS && name == TLS_TX && fd < MAX_FD && senders[fd].offered)
    return take_keys (&senders[fd], value, length);
  return (int) syscall (SYS_setsockopt, fd, level, name, value, length);
}

ssize_t
send (int fd, const void *data, size_t length, int flags)
{
  struct iovec piece = { (void *) data, length };
  struct sender *s = sender_of (fd);

  if (s != NULL)
    return send_data (fd, s, &piece, 1, flags);
  make_ready (fd, flags);
  return really_send (fd, data, length, flags);
}

ssize_t
sendmsg (int fd, const struct msghdr *message, int flags)
{
  struct sender *s = sender_of (fd);
  struct cmsghdr *control = CMSG_FIRSTHDR (message);

  if (s == NULL)
    return syscall (SYS_sendmsg, fd, message, flags);
  if (control == NULL)
    return send_data (fd, s, message->msg_iov, message->msg_iovlen, flags);
  if (control->cmsg_level != SOL_TLS || control->cmsg_type != TLS_SET_RECORD_TYPE ||
      message->msg_iovlen != 1)
    return fail_with (EINVAL);
  return send_message (fd, s, *CMSG_DATA (control), message->msg_iov[0].iov_base,
                       message->msg_iov[0].iov_len, flags);
}

ssize_t
write (int fd, const void *data, size_t length)
{
  struct sender *s = sender_of (fd);
  struct iovec piece = { (void *) data, length };

  if (s != NULL)
    return send_data (fd, s, &piece, 1, 0);
  if (fd > STDERR_FILENO && fd < MAX_FD && kernel.has_tls) {
    if (hesitates (&senders[fd]))
      return fail_with (EAGAIN);
    make_ready (fd, 0);
  }
  return syscall (SYS_write, fd, data, length);
}

int
shutdown (int fd, int how)
{
  if (sender_of (fd) != NULL)
    kernel_log.plain_goodbyes++;
  return (int) syscall (SYS_shutdown, fd, how);
}

/* Meanwhile a kernel sends by itself what the socket has not taken yet. */
int
poll (struct pollfd *fds, nfds_t count, int timeout)
{
  for (nfds_t i = 0; i < count; ++i) {
    struct sender *s = sender_of (fds[i].fd);

    while (s != NULL && !push (fds[i].fd, s, MSG_NOSIGNAL) && errno == EAGAIN) {
      struct pollfd one = { fds[i].fd, fds[i].events | POLLOUT, 0 };

      syscall (SYS_poll, &one, 1, timeout);
      if (!(one.revents & POLLOUT))
        break;
    }
  }
  return (int) syscall (SYS_poll, fds, count, timeout);
}

int
close (int fd)
{
  if (fd >= 0 && fd < MAX_FD)
    senders[fd].offered = senders[fd].has_keys = false;
  return (int) syscall (SYS_close, fd);
}

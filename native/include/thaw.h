/* thaw App API: for apps that know best when they are warm. Header only; nothing to link, nothing
 * to load.
 *
 *     #include <thaw.h>
 *     ...warm up...
 *     if (thaw_checkpoint() == THAW_RESTORED) { reseed, reconnect, look at the clock }
 *
 * With `until = "call"` in the profile, `thaw build` makes the image while the app stands in this
 * call. Every launch returns from it. Outside of thaw it returns at once. */
#ifndef THAW_H
#define THAW_H

#include <limits.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum {
  THAW_NOT_RUNNING = 0, /* nobody waits for the call: an ordinary start */
  THAW_RESTORED = 1,    /* this process was launched from the image */
  THAW_LEFT_RUNNING = 2 /* this is the process that the image was made of */
};

struct thaw_call {
  uint32_t state; /* 0 while it waits, then one of the above */
};

/* Tells thaw that the app is warm and waits for the checkpoint. One of the values above;
 * THAW_NOT_RUNNING as well if thaw cannot be reached. */
static inline int thaw_checkpoint(void) {
  static struct thaw_call call;
  const char* path = getenv("THAW_SOCKET");
  struct sockaddr_un address;
  char message[64];
  int fd, length, sent;

  if (path == NULL || strlen(path) >= sizeof(address.sun_path)) return THAW_NOT_RUNNING;
  memset(&address, 0, sizeof(address));
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, path);
  call.state = 0;
  length = snprintf(message, sizeof(message), "THAW_CALL=0x%llx\n",
                    (unsigned long long)(uintptr_t)&call);
  fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return THAW_NOT_RUNNING;
  sent = (int)sendto(fd, message, (size_t)length, MSG_NOSIGNAL, (struct sockaddr*)&address,
                     sizeof(address));
  close(fd); /* The image must not hold it. */
  if (sent != length) return THAW_NOT_RUNNING;
  while (__atomic_load_n(&call.state, __ATOMIC_ACQUIRE) == 0)
    syscall(SYS_futex, &call.state, FUTEX_WAIT, 0, NULL, NULL, 0);
  return (int)call.state;
}

#endif

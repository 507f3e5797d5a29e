/* SPDX-License-Identifier: MIT */
/* thaw App API: for apps that know best when they are warm. Header only; nothing to link, nothing
 * to load.
 *
 *     #include <thaw.h>
 *     ...warm up...
 *     if (thaw_checkpoint() == THAW_RESTORED) { reseed, reconnect, look at the clock }
 *
 * With `until = { call = true }` in the profile's [warmup], `thaw build` makes the image while the
 * app stands in this call. Every launch returns from it. Outside of thaw it returns at once. */
#ifndef THAW_H
#define THAW_H

#include <stdint.h>

enum {
  THAW_NOT_RUNNING = 0, /* nobody waits for the call: an ordinary start */
  THAW_RESTORED = 1,    /* this process was launched from the image */
  THAW_LEFT_RUNNING = 2 /* this is the process that the image was made of */
};

/* Written by the launch. Addresses are of strings one behind the other, each with its NUL. */
struct thaw_call {
  uint32_t state; /* 0 while it waits, then one of the above */
  uint32_t reserved;
  uint64_t arguments, arguments_size;     /* of the caller of thaw-exec: PROGRAM [ARGS...] */
  uint64_t environment, environment_size; /* "NAME=value" */
};

/* thaw itself includes what stands above, and nothing else: parts of it have no C library. */
#ifndef THAW_LAYOUT_ONLY
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static struct thaw_call thaw_call_state;

static inline const char* thaw_string(uint64_t start, uint64_t size, int index) {
  const char *text = (const char*)(uintptr_t)start, *end = text + size;
  for (; text < end && index > 0; index--) text += strlen(text) + 1;
  return text < end ? text : NULL;
}

/* Argument `index` (0: the program) that this launch was called with; NULL behind the last one and
 * before a launch. With `args = "deliver"` in the profile they may differ from those that the app
 * was warmed up with. */
static inline const char* thaw_argument(int index) {
  return thaw_string(thaw_call_state.arguments, thaw_call_state.arguments_size, index);
}

/* Value of `name` in the environment of the launch's caller; NULL without one and before a launch.
 */
static inline const char* thaw_variable(const char* name) {
  size_t length = strlen(name);
  const char* entry;
  int i;
  for (i = 0; (entry = thaw_string(thaw_call_state.environment, thaw_call_state.environment_size,
                                   i)) != NULL;
       i++)
    if (strncmp(entry, name, length) == 0 && entry[length] == '=') return entry + length + 1;
  return NULL;
}

/* Tells thaw that the app is warm and waits for the checkpoint. One of the values above;
 * THAW_NOT_RUNNING as well if thaw cannot be reached. */
static inline int thaw_checkpoint(void) {
  struct thaw_call* call = &thaw_call_state;
  const char* path = getenv("THAW_SOCKET");
  struct sockaddr_un address;
  char message[64];
  int fd, length, sent;

  if (path == NULL || strlen(path) >= sizeof(address.sun_path)) return THAW_NOT_RUNNING;
  memset(&address, 0, sizeof(address));
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, path);
  call->state = 0;
  length =
      snprintf(message, sizeof(message), "THAW_CALL=0x%llx\n", (unsigned long long)(uintptr_t)call);
  fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return THAW_NOT_RUNNING;
  sent = (int)sendto(fd, message, (size_t)length, MSG_NOSIGNAL, (struct sockaddr*)&address,
                     sizeof(address));
  close(fd); /* The image must not hold it. */
  if (sent != length) return THAW_NOT_RUNNING;
  while (__atomic_load_n(&call->state, __ATOMIC_ACQUIRE) == 0)
    syscall(SYS_futex, &call->state, FUTEX_WAIT, 0, NULL, NULL, 0);
  return (int)call->state;
}

#endif
#endif

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
  THAW_NOT_RUNNING = 0,  /* nobody waits for the call: an ordinary start */
  THAW_RESTORED = 1,     /* this process was launched from the image */
  THAW_LEFT_RUNNING = 2, /* this is the process that the image was made of */
  THAW_DONE = 3          /* the hooks of a launch have run: the app's own word */
};

/* SIGSTKFLT, which nobody else uses. An app that set a limit for its hooks raises it in a launch:
 * with the state THAW_DONE its program stays what it is, else it is started anew, cold. */
#define THAW_SIGNAL 16

/* Written by the launch. Addresses are of strings one behind the other, each with its NUL. */
struct thaw_call {
  uint32_t state; /* 0 while it waits, then one of the above */
  /* Before: milliseconds that hooks may take, 0: none are run. After: for thaw itself. */
  uint32_t limit;
  uint64_t arguments, arguments_size;     /* of the caller of thaw-exec: PROGRAM [ARGS...] */
  uint64_t environment, environment_size; /* "NAME=value" */
};

/* thaw itself includes what stands above, and nothing else: parts of it have no C library. */
#ifndef THAW_LAYOUT_ONLY
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* How long all hooks of a launch may take, in milliseconds. */
#ifndef THAW_HOOKS_LIMIT
#define THAW_HOOKS_LIMIT 10000
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What to do before a checkpoint and in each launch. It answers 0 when all went well. */
struct thaw_hook {
  int (*before_checkpoint)(void* data); /* may be NULL */
  int (*after_restore)(void* data);     /* may be NULL */
  void* data;
  struct thaw_hook* previous; /* thaw_register() sets it */
};

/* One of each in a program, in however many of its files and libraries this header is included. */
__attribute__((weak)) struct thaw_call thaw_call_state;
__attribute__((weak)) struct thaw_hook* thaw_last_hook;
__attribute__((weak)) int thaw_answer;

#ifdef __cplusplus
}
#endif

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

/* Whether this process was launched from an image. Its pid, environment and arguments are then those
 * of the launch: getpid(), thaw_variable(), thaw_argument(). */
static inline int thaw_launched(void) {
  return thaw_answer == THAW_RESTORED;
}

/* Registers a hook, which stays the caller's and must live on. thaw_checkpoint() runs the hooks for
 * before the checkpoint in the order of registration, and those for after it in reversed order:
 * in a launch, and in the process that runs on after its checkpoint.
 *
 * A hook that fails before the checkpoint means that no image is made. A hook that fails in a
 * launch, or all of them together taking longer than THAW_HOOKS_LIMIT, mean a cold start: the
 * process begins the program anew, with the arguments, environment and descriptors of its caller. */
static inline void thaw_register(struct thaw_hook* hook) {
  hook->previous = thaw_last_hook;
  thaw_last_hook = hook;
}

static inline int thaw_run_before(struct thaw_hook* last) {
  if (last == NULL) return 0;
  if (thaw_run_before(last->previous) != 0) return -1;
  return last->before_checkpoint == NULL ? 0 : last->before_checkpoint(last->data);
}

static inline int thaw_run_after(void) {
  struct thaw_hook* hook;
  for (hook = thaw_last_hook; hook != NULL; hook = hook->previous)
    if (hook->after_restore != NULL && hook->after_restore(hook->data) != 0) return -1;
  return 0;
}

/* The launch has set a timer that raises THAW_SIGNAL, and its handler. */
static inline void thaw_finish_launch(void) {
  sigset_t mine, before;
  sigemptyset(&mine);
  sigaddset(&mine, THAW_SIGNAL);
  sigprocmask(SIG_UNBLOCK, &mine, &before);
  if (thaw_run_after() == 0)
    __atomic_store_n(&thaw_call_state.state, (uint32_t)THAW_DONE, __ATOMIC_RELEASE);
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), THAW_SIGNAL);
  sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Says where the struct thaw_call is, or 0 if there will be no checkpoint. */
static inline int thaw_tell(const char* path, const struct thaw_call* call) {
  struct sockaddr_un address;
  char message[64];
  int fd, length, sent;

  memset(&address, 0, sizeof(address));
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, path);
  length =
      snprintf(message, sizeof(message), "THAW_CALL=0x%llx\n", (unsigned long long)(uintptr_t)call);
  fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  sent = (int)sendto(fd, message, (size_t)length, MSG_NOSIGNAL, (struct sockaddr*)&address,
                     sizeof(address));
  close(fd); /* The image must not hold it. */
  return sent == length ? 0 : -1;
}

/* Tells thaw that the app is warm and waits for the checkpoint. One of the values above;
 * THAW_NOT_RUNNING as well if thaw cannot be reached, or a hook before the checkpoint fails. */
static inline int thaw_checkpoint(void) {
  struct thaw_call* call = &thaw_call_state;
  const char* path = getenv("THAW_SOCKET");

  if (path == NULL || strlen(path) >= sizeof(((struct sockaddr_un*)0)->sun_path))
    return THAW_NOT_RUNNING;
  if (thaw_run_before(thaw_last_hook) != 0) {
    thaw_tell(path, NULL);
    return THAW_NOT_RUNNING;
  }
  call->state = 0;
  call->limit = thaw_last_hook == NULL ? 0 : THAW_HOOKS_LIMIT;
  if (thaw_tell(path, call) != 0) return THAW_NOT_RUNNING;
  while (__atomic_load_n(&call->state, __ATOMIC_ACQUIRE) == 0)
    syscall(SYS_futex, &call->state, FUTEX_WAIT, 0, NULL, NULL, 0);
  thaw_answer = (int)call->state;
  if (thaw_answer != THAW_RESTORED)
    thaw_run_after();
  else if (call->limit != 0 || thaw_last_hook != NULL)
    thaw_finish_launch();
  return thaw_answer;
}

#endif
#endif

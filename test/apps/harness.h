// What every test app shares. An app sets up one kind of state, calls app_wait(), and then checks
// that state itself.
//
//   APP STATUS GO SCRATCH [ARGS...]
//
// STATUS   the app creates this file when its state stands; it creates it again when somebody
//          removes it, so a driver can also tell that a restored app runs
// GO       the app waits until this file exists; it may hold "key value" lines that the checks
//          expect
// SCRATCH  a directory of the app's own
//
// Exit status: 0 all is right, 1 a check failed (the reason is on descriptor 2), 77 this kernel
// cannot hold the state.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { kSkipStatus = 77 };

static const char* app_status;
static const char* app_go;
static const char* app_scratch;

/// Ends the process with one line on descriptor 2. _exit: a failed app must not run handlers or
/// flush anything.
__attribute__((noreturn, format(printf, 4, 5))) static inline void app_end(
    int status, const char* file, int line, const char* format, ...) {
  char text[1024];
  int used = snprintf(text, sizeof text, "%s: %s:%d: ", status == kSkipStatus ? "SKIP" : "FAIL",
                      file, line);
  va_list arguments;
  va_start(arguments, format);
  used += vsnprintf(text + used, sizeof text - (size_t)used - 1, format, arguments);
  va_end(arguments);
  if (used > (int)sizeof text - 2) used = (int)sizeof text - 2;
  text[used++] = '\n';
  ssize_t written = write(2, text, (size_t)used);
  (void)written;
  _exit(status);
}

#define FAIL(...) app_end(1, __FILE__, __LINE__, __VA_ARGS__)
#define SKIP(...) app_end(kSkipStatus, __FILE__, __LINE__, __VA_ARGS__)

/// Something that must be true.
#define CHECK(condition)                                     \
  do {                                                       \
    if (!(condition)) FAIL("%s, expected true", #condition); \
  } while (0)

/// Two integers that must be equal.
#define CHECK_EQ(what, expected, got)                                               \
  do {                                                                              \
    long long check_expected = (long long)(expected), check_got = (long long)(got); \
    if (check_expected != check_got)                                                \
      FAIL("%s, expected %lld, got %lld (0x%llx)", what, check_expected, check_got, \
           (unsigned long long)check_got);                                          \
  } while (0)

/// Two strings that must be equal.
#define CHECK_STR(what, expected, got)                                          \
  do {                                                                          \
    const char *check_expected = (expected), *check_got = (got);                \
    if (strcmp(check_expected, check_got) != 0)                                 \
      FAIL("%s, expected \"%s\", got \"%s\"", what, check_expected, check_got); \
  } while (0)

static inline intptr_t need_at(const char* file, int line, const char* what, intptr_t result) {
  if (result == -1) app_end(1, file, line, "%s, expected success, got %s", what, strerror(errno));
  return result;
}

static inline void need_zero_at(const char* file, int line, const char* what, int error) {
  if (error != 0) app_end(1, file, line, "%s, expected success, got %s", what, strerror(error));
}

/// A call that returns -1 (or MAP_FAILED) and errno on failure; its result.
#define NEED(call) need_at(__FILE__, __LINE__, #call, (intptr_t)(call))
#define NEED_MAP(call) ((void*)need_at(__FILE__, __LINE__, #call, (intptr_t)(call)))
/// A call that returns an error number (pthread_*, posix_*).
#define NEED0(call) need_zero_at(__FILE__, __LINE__, #call, (call))

static inline void app_start(int argc, char** argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: %s STATUS GO SCRATCH [ARGS...]\n", argv[0]);
    _exit(2);
  }
  app_status = argv[1];
  app_go = argv[2];
  app_scratch = argv[3];
}

static inline bool app_may_go(void) {
  return access(app_go, F_OK) == 0;
}

/// Says that the state stands. The file is there only when no descriptor of it is any more: that
/// moment may be the checkpoint's.
static inline void app_ready(void) {
  char aside[4096];
  CHECK((size_t)snprintf(aside, sizeof aside, "%s.%d", app_status, getpid()) < sizeof aside);
  int fd = (int)NEED(open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  NEED(write(fd, "ready\n", 6));
  NEED(close(fd));
  NEED(rename(aside, app_status));
}

static inline void app_sleep_ms(long milliseconds) {
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  while (nanosleep(&left, &left) == -1 && errno == EINTR) {
  }
}

/// Ready, then wait for the go file: this is where an app is checkpointed and restored.
static inline void app_wait(void) {
  app_ready();
  while (!app_may_go()) {
    if (access(app_status, F_OK) != 0) app_ready();
    app_sleep_ms(2);
  }
}

/// The value of `key` in the go file, or null when the driver expects nothing of it. Valid until
/// the next call.
static inline const char* app_expected(const char* key) {
  static char text[4096];
  int fd = (int)NEED(open(app_go, O_RDONLY | O_CLOEXEC));
  ssize_t size = NEED(read(fd, text, sizeof text - 1));
  close(fd);
  text[size] = '\0';
  size_t key_length = strlen(key);
  for (char* line = text; *line != '\0';) {
    char* end = strchrnul(line, '\n');
    bool last = *end == '\0';
    *end = '\0';
    if (strncmp(line, key, key_length) == 0 && line[key_length] == ' ')
      return line + key_length + 1;
    if (last) break;
    line = end + 1;
  }
  return NULL;
}

/// "SCRATCH/name", in one of a few static buffers.
static inline const char* app_path(const char* name) {
  static char paths[8][512];
  static unsigned next;
  char* path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", app_scratch, name);
  return path;
}

static inline int64_t app_now_ms(clockid_t clock) {
  struct timespec now;
  NEED(clock_gettime(clock, &now));
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline uint64_t app_mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

/// Fills `size` bytes (a multiple of 8) with words that no other seed or place has.
static inline void app_fill(void* area, size_t size, uint64_t seed) {
  uint64_t* words = (uint64_t*)area;
  for (size_t i = 0; i < size / 8; i++) words[i] = app_mix(seed * 0x100000001u + i);
}

static inline void app_check_fill(const char* what, const void* area, size_t size, uint64_t seed) {
  const uint64_t* words = (const uint64_t*)area;
  for (size_t i = 0; i < size / 8; i++)
    if (words[i] != app_mix(seed * 0x100000001u + i))
      FAIL("%s at byte %zu, expected %016llx, got %016llx", what, i * 8,
           (unsigned long long)app_mix(seed * 0x100000001u + i), (unsigned long long)words[i]);
}

static inline void app_check_zero(const char* what, const void* area, size_t size) {
  const unsigned char* bytes = (const unsigned char*)area;
  for (size_t i = 0; i < size; i++)
    if (bytes[i] != 0) FAIL("%s at byte %zu, expected 0, got 0x%02x", what, i, bytes[i]);
}

/// New private anonymous memory.
static inline void* app_map(size_t size) {
  return NEED_MAP(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static inline size_t app_page(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

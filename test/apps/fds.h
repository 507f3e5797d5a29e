// Helpers for apps that hold descriptors.
#pragma once

#include <poll.h>
#include <sys/stat.h>

#include "harness.h"

/// A file with that text, written before; read-only.
static inline int fds_open_file(const char* name, const char* text) {
  int fd = (int)NEED(open(app_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  CHECK_EQ("write of a file", strlen(text), write(fd, text, strlen(text)));
  close(fd);
  return (int)NEED(open(app_path(name), O_RDONLY | O_CLOEXEC));
}

/// What poll says of the descriptor now.
static inline short fds_events(int fd, short events) {
  struct pollfd wanted = {.fd = fd, .events = events};
  NEED(poll(&wanted, 1, 0));
  return wanted.revents;
}

/// What was sent through a network, be it within one machine, comes when the kernel gets to it.
static inline void fds_wait_for_data(int fd) {
  enum { kPatienceMs = 10000 };
  struct pollfd wanted = {.fd = fd, .events = POLLIN};
  NEED(poll(&wanted, 1, kPatienceMs));
}

static inline void fds_check_read(const char* what, int fd, const char* expected) {
  char text[4096] = "";
  fds_wait_for_data(fd);
  ssize_t size = NEED(read(fd, text, sizeof text - 1));
  CHECK_EQ(what, strlen(expected), size);
  CHECK_STR(what, expected, text);
}

static inline void fds_write(int fd, const char* text) {
  CHECK_EQ("write", strlen(text), NEED(write(fd, text, strlen(text))));
}

/// A non-blocking read finds nothing.
static inline void fds_check_empty(const char* what, int fd) {
  CHECK_EQ(what, 0, fds_events(fd, POLLIN) & POLLIN);
}

static inline bool fds_closes_on_exec(int fd) {
  return (NEED(fcntl(fd, F_GETFD)) & FD_CLOEXEC) != 0;
}

static inline long fds_status_flags(int fd) {
  return (long)NEED(fcntl(fd, F_GETFL));
}

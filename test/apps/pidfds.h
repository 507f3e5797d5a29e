// Helpers for apps that hold pidfds.
#pragma once

#include <signal.h>
#include <sys/wait.h>

#include "fds.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static inline int pidfds_open(pid_t pid, unsigned flags) {
  const int fd = (int)syscall(SYS_pidfd_open, pid, flags);
  if (fd < 0 && errno == ENOSYS) SKIP("this kernel has no pidfd");
  return fd;
}

/// "Pid" of its fdinfo: -1 where the process has been waited for.
static inline int pidfds_pid(int fd) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  const int info = (int)NEED(open(path, O_RDONLY | O_CLOEXEC));
  const ssize_t size = NEED(read(info, text, sizeof text - 1));
  close(info);
  text[size] = '\0';
  const char* line = strstr(text, "\nPid:");
  CHECK(line != NULL);
  int pid = 0;
  CHECK_EQ("number of a pidfd", 1, sscanf(line, "\nPid: %d", &pid));
  return pid;
}

static inline int pidfds_signal(int fd, int number) {
  return (int)syscall(SYS_pidfd_send_signal, fd, number, NULL, 0);
}

/// Waits for the child that it stands for, and what it has ended with: si_status.
static inline int pidfds_wait(int fd, int options) {
  siginfo_t information = {0};
  while (waitid((idtype_t)P_PIDFD, (id_t)fd, &information, WEXITED | options) == -1)
    if (errno != EINTR) return -errno;
  return information.si_pid == 0 ? -EBUSY : information.si_status;
}

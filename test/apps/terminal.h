// A terminal of one's own, as a terminal emulator would give it.
#pragma once

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "harness.h"

/// Copies what is written to the terminal to descriptor 2, until nobody has it open.
__attribute__((noreturn)) static inline void terminal_hold(int controller) {
  char text[512];
  alarm(600);
  for (ssize_t size; (size = read(controller, text, sizeof text)) > 0;) {
    ssize_t written = write(2, text, (size_t)size);
    (void)written;
  }
  _exit(0);
}

/// Makes it the controlling terminal and descriptors 0, 1 and 2. Its other end is held by a process
/// that is no child of ours. Returns a pipe (close-on-exec) that ends when that process has ended.
static inline int terminal_take(unsigned short rows, unsigned short columns) {
  int controller = (int)NEED(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  NEED(grantpt(controller));
  NEED(unlockpt(controller));
  int terminal = (int)NEED(open(ptsname(controller), O_RDWR | O_NOCTTY | O_CLOEXEC));
  NEED(ioctl(terminal, TIOCSWINSZ, &(struct winsize){.ws_row = rows, .ws_col = columns}));
  int held[2];
  NEED(pipe2(held, O_CLOEXEC));
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    close(terminal);
    if (fork() != 0) _exit(0);
    setsid();
    terminal_hold(controller);
  }
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)child, &info, WEXITED));
  close(controller);
  close(held[1]);
  setsid();
  NEED(ioctl(terminal, TIOCSCTTY, 0));
  for (int fd = 0; fd < 3; fd++) NEED(dup2(terminal, fd));
  close(terminal);
  return held[0];
}

/// Gives the terminal back and waits until all that was written to it is read: the kernel drops
/// what is still on its way when the session's leader ends.
static inline void terminal_drain(int held) {
  signal(SIGHUP, SIG_IGN);  // The terminal goes before the pipe does.
  for (int fd = 0; fd < 3; fd++) close(fd);
  char byte;
  ssize_t size = read(held, &byte, 1);
  (void)size;
}

// signalfd: its mask, and signals that wait in it.
#include <signal.h>
#include <sys/signalfd.h>

#include "fds.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigaddset(&mask, SIGRTMIN + 2);
  NEED(sigprocmask(SIG_BLOCK, &mask, NULL));
  int fd = (int)NEED(signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  NEED(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 55}));
  app_wait();

  struct signalfd_siginfo info;
  CHECK_EQ("read of a signal", sizeof info, read(fd, &info, sizeof info));
  CHECK_EQ("signal", SIGRTMIN + 2, info.ssi_signo);
  CHECK_EQ("value", 55, info.ssi_int);
  CHECK_EQ("read of an empty signalfd", -1, read(fd, &info, sizeof info));
  CHECK_EQ("its error", EAGAIN, errno);
  NEED(kill(getpid(), SIGUSR1));
  CHECK_EQ("events", POLLIN, fds_events(fd, POLLIN));
  CHECK_EQ("read of a new signal", sizeof info, read(fd, &info, sizeof info));
  CHECK_EQ("new signal", SIGUSR1, info.ssi_signo);
  CHECK_EQ("its sender", getpid(), info.ssi_pid);
  return 0;
}

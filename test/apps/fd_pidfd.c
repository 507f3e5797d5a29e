// pidfds of the process itself, of its main thread, and of children that it has waited for.
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "pidfds.h"

/// PIDFD_GET_INFO of <linux/pidfd.h> (6.13), which tells the end of who was waited for since 6.15.
struct info {
  uint64_t mask, cgroup;
  uint32_t ids[11];
  int32_t exit_code;
};
#define GET_INFO 0xc040ff0b
enum { kExit = 8 };

static volatile sig_atomic_t heard;

static void hear(int number) {
  heard = number;
}

/// What the kernel tells of its end, -1: nothing.
static int told_end(int fd) {
  struct info info = {.mask = kExit};
  return ioctl(fd, GET_INFO, &info) == 0 && (info.mask & kExit) != 0 ? info.exit_code : -1;
}

static int ended_child(int signal_number) {
  const pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    if (signal_number != 0) raise(signal_number);
    _exit(7);
  }
  const int fd = (int)NEED(pidfds_open(child, 0));
  NEED(waitpid(child, NULL, 0));
  return fd;
}

static void check_ended(const char* what, int fd, int end) {
  CHECK_EQ(what, -1, pidfds_pid(fd));
  CHECK_EQ(what, POLLIN, fds_events(fd, POLLIN) & POLLIN);
  CHECK_EQ(what, -1, pidfds_signal(fd, 0));
  CHECK_EQ(what, ESRCH, errno);
  CHECK_EQ(what, -ECHILD, pidfds_wait(fd, WNOHANG));
  CHECK_EQ(what, end, told_end(fd));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  const int own = (int)NEED(pidfds_open(getpid(), O_NONBLOCK));
  const int copy = (int)NEED(fcntl(own, F_DUPFD, 100));
  const int thread = pidfds_open(getpid(), O_EXCL);  // PIDFD_THREAD, 6.9
  const int ended = ended_child(0), killed = ended_child(SIGKILL);
  const int end = told_end(ended), kill_end = told_end(killed);
  const int epoll = (int)NEED(epoll_create1(EPOLL_CLOEXEC));
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 11};
  NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, own, &event));
  event.data.u64 = 12;
  NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, ended, &event));
  signal(SIGUSR1, hear);
  app_wait();

  CHECK_EQ("own pid", getpid(), pidfds_pid(own));
  CHECK_EQ("pid of a copy", getpid(), pidfds_pid(copy));
  CHECK(fds_closes_on_exec(own));
  CHECK(!fds_closes_on_exec(copy));
  CHECK_EQ("PIDFD_NONBLOCK", O_NONBLOCK, fds_status_flags(own) & O_NONBLOCK);
  NEED(pidfds_signal(own, SIGUSR1));
  CHECK_EQ("signal to itself", SIGUSR1, heard);
  if (thread >= 0) {
    CHECK_EQ("PIDFD_THREAD", O_EXCL, fds_status_flags(thread) & O_EXCL);
    CHECK_EQ("pid of the main thread", getpid(), pidfds_pid(thread));
    heard = 0;
    NEED(pidfds_signal(thread, SIGUSR1));
    CHECK_EQ("signal to its thread", SIGUSR1, heard);
  }
  check_ended("a child that has ended", ended, end);
  check_ended("a child that was killed", killed, kill_end);
  CHECK_EQ("events", 1, NEED(epoll_wait(epoll, &event, 1, 0)));
  CHECK_EQ("event of", 12, event.data.u64);
  NEED(epoll_ctl(epoll, EPOLL_CTL_DEL, ended, NULL));
  CHECK_EQ("events of who runs", 0, NEED(epoll_wait(epoll, &event, 1, 0)));
  NEED(epoll_ctl(epoll, EPOLL_CTL_DEL, own, NULL));
  CHECK_EQ("wait for children", -1, waitpid(-1, NULL, 0));
  CHECK_EQ("its error", ECHILD, errno);
  return 0;
}

// pidfds of an app's processes: of the first one, a child, a grandchild and an ended child, each open in
// several processes that share the description, and in an epoll that they share.
#include <sys/epoll.h>

#include "pidfds.h"
#include "tree.h"

static volatile sig_atomic_t heard;

static void hear(int number) {
  heard = number;
}

static void watch(int epoll, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static void expect_event(int epoll, uint64_t data) {
  struct epoll_event event = {0};
  int events;
  while ((events = epoll_wait(epoll, &event, 1, 10000)) == -1 && errno == EINTR) {
  }
  CHECK_EQ("events", 1, events);
  CHECK_EQ("data of the event", data, event.data.u64);
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  signal(SIGUSR1, hear);
  int say[2], turns[2], back[2];
  NEED(pipe(say));
  NEED(pipe(turns));
  NEED(pipe(back));
  const int epoll = (int)NEED(epoll_create1(EPOLL_CLOEXEC));
  const int first = (int)NEED(pidfds_open(getpid(), O_NONBLOCK));
  const pid_t worker = tree_fork();
  if (worker == 0) {
    const pid_t below = tree_fork();
    if (below == 0) {
      tree_wait_go();
      for (;;) pause();
    }
    CHECK_EQ("bytes written", sizeof below, NEED(write(say[1], &below, sizeof below)));
    tree_wait_go();
    CHECK_EQ("pid of the parent", getppid(), pidfds_pid(first));
    NEED(pidfds_signal(first, SIGUSR1));
    const int status = tree_wait(below);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ("signal of the grandchild's end", SIGKILL, WTERMSIG(status));
    _exit(21);
  }
  pid_t below = 0;
  CHECK_EQ("bytes read", sizeof below, NEED(read(say[0], &below, sizeof below)));
  const int child = (int)NEED(pidfds_open(worker, 0));
  const int grandchild = (int)NEED(pidfds_open(below, 0));
  const pid_t ended = tree_fork();
  if (ended == 0) _exit(9);
  const int gone = (int)NEED(pidfds_open(ended, 0));
  CHECK_EQ("end of the ended child", 9, pidfds_wait(gone, WNOWAIT));
  watch(epoll, child, EPOLLIN, 31);
  watch(epoll, grandchild, EPOLLIN, 32);
  watch(epoll, gone, EPOLLIN | EPOLLONESHOT, 33);
  const pid_t sister = tree_fork();
  if (sister == 0) {
    tree_hear(turns[0], 'a');
    CHECK_EQ("pid of the other child", pidfds_pid(child) > 0, 1);
    CHECK_EQ("a wait for no child of its own", -ECHILD, pidfds_wait(child, WNOHANG));
    NEED(fcntl(grandchild, F_SETFL, O_NONBLOCK));
    NEED(epoll_ctl(epoll, EPOLL_CTL_DEL, child, NULL));
    watch(epoll, child, EPOLLIN, 34);
    NEED(pidfds_signal(first, 0));
    tree_say(back[1], 'b');
    tree_hear(turns[0], 'c');
    NEED(pidfds_signal(grandchild, SIGKILL));
    _exit(22);
  }
  app_wait();

  while (heard == 0) app_sleep_ms(1);
  CHECK_EQ("own pid", getpid(), pidfds_pid(first));
  CHECK_EQ("pid of the child", worker, pidfds_pid(child));
  CHECK_EQ("pid of the grandchild", below, pidfds_pid(grandchild));
  CHECK_EQ("pid of the ended child", ended, pidfds_pid(gone));
  CHECK_EQ("PIDFD_NONBLOCK", O_NONBLOCK, fds_status_flags(first) & O_NONBLOCK);
  CHECK_EQ("no PIDFD_NONBLOCK", 0, fds_status_flags(grandchild) & O_NONBLOCK);
  expect_event(epoll, 33);
  CHECK_EQ("end of the ended child", 9, pidfds_wait(gone, 0));
  CHECK_EQ("pid of who was waited for", -1, pidfds_pid(gone));
  tree_say(turns[1], 'a');
  tree_hear(back[0], 'b');
  CHECK_EQ("flag that another process has set", O_NONBLOCK,
           fds_status_flags(grandchild) & O_NONBLOCK);
  CHECK_EQ("the child lives", -EBUSY, pidfds_wait(child, WNOHANG));
  tree_say(turns[1], 'c');
  expect_event(epoll, 32);
  NEED(epoll_ctl(epoll, EPOLL_CTL_DEL, grandchild, NULL));
  expect_event(epoll, 34);
  CHECK_EQ("end of the child", 21, pidfds_wait(child, 0));
  tree_expect_exit("end of the other child", 22, sister);
  return 0;
}

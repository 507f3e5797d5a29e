// Process groups and sessions that begin within the app: a group of two, a session with a group in it, and signals
// to groups. With "namespace" as argv[4], no descriptor's signals go to the caller's group, which is not in a launch's pid
// namespace.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include "tree.h"

static volatile sig_atomic_t hits;
static void on_signal(int signal) {
  (void)signal;
  hits++;
}

static void report_hits(int to) {
  tree_wait_go();
  sigset_t none;
  sigemptyset(&none);
  for (int i = 0; i < 2000 && hits == 0; i++) app_sleep_ms(1);
  tree_say(to, (char)('0' + hits));
}

/// In a group or session of its own, with a child that stays there.
static void lead(int to, int of_session) {
  if (of_session)
    NEED(setsid());
  else
    NEED(setpgid(0, 0));
  pid_t me = getpid();
  pid_t second = tree_fork();
  tree_say(to, 'r');
  if (second == 0) {
    report_hits(to);
    CHECK_EQ("group", me, getpgrp());
    CHECK_EQ("parent", me, getppid());
    if (of_session) CHECK_EQ("session", me, getsid(0));
    _exit(11);
  }
  report_hits(to);
  CHECK_EQ("group", me, getpgrp());
  CHECK_EQ("pid", (long)syscall(SYS_getpid), me);
  if (of_session) CHECK_EQ("session", me, getsid(0));
  tree_expect_exit("exit status of the second of the group", 11, second);
  _exit(12);
}

/// The group that gets a descriptor's signals (F_SETOWN).
static pid_t owner_group(int fd) {
  struct f_owner_ex owner = {F_OWNER_TID, 0};
  NEED(fcntl(fd, F_GETOWN_EX, &owner));
  CHECK_EQ("type of the owner", F_OWNER_PGRP, owner.type);
  return owner.pid;
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  (void)setpgid(0, 0);  // It leads its group, as in a shell's job; a session's leader does anyway.
  int own[2], of_leader[2];
  NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, own));
  NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, of_leader));
  const bool outside = argc <= 4 || strcmp(argv[4], "namespace") != 0;
  if (outside) NEED(fcntl(own[0], F_SETOWN, -getpgrp()));
  NEED(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART},
                 NULL));
  int said[2][2];
  pid_t leaders[2];
  for (int i = 0; i < 2; i++) {
    NEED(pipe(said[i]));
    leaders[i] = tree_fork();
    if (leaders[i] == 0) lead(said[i][1], i == 1);
    tree_hear(said[i][0], 'r');
    tree_hear(said[i][0], 'r');
  }
  NEED(fcntl(of_leader[0], F_SETOWN, -leaders[0]));
  app_wait();
  CHECK_EQ("own group", getpgrp(), getpgid(0));
  if (outside) CHECK_EQ("owner: own group", getpgrp(), owner_group(own[0]));
  CHECK_EQ("owner: group of a child", leaders[0], owner_group(of_leader[0]));
  for (int i = 0; i < 2; i++) {
    CHECK_EQ("group of the child", leaders[i], getpgid(leaders[i]));
    CHECK_EQ("session of the child", i == 1 ? leaders[i] : getsid(0), getsid(leaders[i]));
    NEED(kill(-leaders[i], SIGUSR1));
    tree_hear(said[i][0], '1');
    tree_hear(said[i][0], '1');
    CHECK_EQ("child of a group", leaders[i], NEED(waitpid(-leaders[i], &(int){0}, 0)));
  }
  CHECK_EQ("signals to groups of others", 0, hits);
  return 0;
}

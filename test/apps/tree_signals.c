// Signals between the members of a tree: by pids that they have kept, with values, and one that waits, blocked.
#include <signal.h>

#include "tree.h"

static volatile sig_atomic_t value, sender;
static void on_signal(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)context;
  value = info->si_value.sival_int;
  sender = info->si_pid;
}

static void expect_value(int expected, pid_t from) {
  for (int i = 0; i < 5000 && value != expected; i++) app_sleep_ms(1);
  CHECK_EQ("value of the signal", expected, value);
  CHECK_EQ("sender of the signal", from, sender);
}

static void send_value(pid_t to, int number) {
  NEED(sigqueue(to, SIGUSR1, (union sigval){.sival_int = number}));
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  NEED(sigaction(
      SIGUSR1, &(struct sigaction){.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART},
      NULL));
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  NEED(sigprocmask(SIG_BLOCK, &blocked, NULL));
  int said[2];
  NEED(pipe(said));
  const pid_t me = getpid();
  pid_t first = tree_fork();
  if (first == 0) {
    tree_say(said[1], 'f');
    CHECK_EQ("parent", me, getppid());
    // From its brother, which is born later and tells who it is.
    siginfo_t info;
    while (!app_may_go()) app_sleep_ms(2);
    CHECK_EQ("parent", me, getppid());
    CHECK_EQ("signal that waited", SIGUSR2, NEED(sigwaitinfo(&blocked, &info)));
    send_value(info.si_pid, 4);
    send_value(me, 1);
    while (value != 3) app_sleep_ms(1);
    CHECK(sender != me && sender != getpid());
    _exit(61);
  }
  tree_hear(said[0], 'f');
  pid_t second = tree_fork();
  if (second == 0) {
    NEED(kill(first, SIGUSR2));
    tree_say(said[1], 's');
    tree_wait_go();
    expect_value(4, first);
    tree_say(said[1], 'v');
    expect_value(2, me);
    send_value(first, 3);
    _exit(62);
  }
  tree_hear(said[0], 's');
  app_wait();
  expect_value(1, first);
  tree_hear(said[0], 'v');
  send_value(second, 2);
  tree_expect_exit("exit status of the second", 62, second);
  tree_expect_exit("exit status of the first", 61, first);
  CHECK_EQ("a child that is gone", -1, kill(first, 0));
  return 0;
}

// Children that have ended and that nobody has waited for, among one that runs: by exit, by a signal, a leader of a
// group; and what their parent hears of it.
#include <signal.h>

#include "tree.h"

static volatile sig_atomic_t ends;
static void on_child(int signal) {
  (void)signal;
  ends++;
}

static void await_end(pid_t child) {
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  NEED(sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child, .sa_flags = SA_RESTART},
                 NULL));
  pid_t exited = tree_fork();
  if (exited == 0) _exit(77);
  pid_t killed = tree_fork();
  if (killed == 0) {
    NEED(raise(SIGTERM));
    _exit(1);
  }
  pid_t leader = tree_fork();
  if (leader == 0) {
    NEED(setpgid(0, 0));
    _exit(5);
  }
  pid_t runs = tree_fork();
  if (runs == 0) {
    tree_wait_go();
    _exit(9);
  }
  await_end(exited);
  await_end(killed);
  await_end(leader);
  // One more, whose end is not told: its signal is blocked, and waits.
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGCHLD);
  NEED(sigprocmask(SIG_BLOCK, &blocked, NULL));
  pid_t late = tree_fork();
  if (late == 0) _exit(3);
  await_end(late);
  app_sleep_ms(10);
  const sig_atomic_t before = ends;
  sigset_t pending;
  app_wait();
  CHECK_EQ("ends that were told during the launch", before, ends);
  NEED(sigpending(&pending));
  CHECK_EQ("SIGCHLD waits", 1, sigismember(&pending, SIGCHLD));
  siginfo_t info = {0};
  NEED(waitid(P_PID, (id_t)killed, &info, WEXITED | WNOWAIT));
  CHECK_EQ("pid of the killed", killed, info.si_pid);
  CHECK_EQ("signal of the killed", SIGTERM, info.si_status);
  int status = tree_wait(killed);
  CHECK(WIFSIGNALED(status));
  CHECK_EQ("signal of the killed", SIGTERM, WTERMSIG(status));
  tree_expect_exit("exit status", 77, exited);
  CHECK_EQ("group of an ended child", leader, NEED(waitpid(-leader, &status, 0)));
  CHECK_EQ("exit status of a leader", 5, WEXITSTATUS(status));
  tree_expect_exit("exit status of the late", 3, late);
  tree_expect_exit("exit status of the one that ran", 9, runs);
  CHECK_EQ("nothing is left", -1, waitpid(-1, NULL, WNOHANG));
  CHECK_EQ("error when nothing is left", ECHILD, errno);
  NEED(sigprocmask(SIG_UNBLOCK, &blocked, NULL));
  CHECK_EQ("SIGCHLD that had waited", before + 1, ends);
  return 0;
}

// PR_SET_PDEATHSIG within a tree: a leaf hears of its parent's end, not of anything before.
#include <signal.h>
#include <sys/prctl.h>

#include "tree.h"

static int said[2];
static void on_end(int signal) {
  (void)signal;
  tree_say(said[1], 'e');
  _exit(0);
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  NEED(pipe(said));
  NEED(prctl(PR_SET_CHILD_SUBREAPER, 1));
  pid_t middle = tree_fork();
  if (middle == 0) {
    pid_t leaf = tree_fork();
    if (leaf == 0) {
      NEED(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_end}, NULL));
      NEED(prctl(PR_SET_PDEATHSIG, SIGUSR1));
      tree_say(said[1], 'l');
      int signal = 0;
      tree_wait_go();
      NEED(prctl(PR_GET_PDEATHSIG, &signal));
      CHECK_EQ("signal at the parent's end", SIGUSR1, signal);
      tree_say(said[1], 'g');
      for (;;) pause();
    }
    tree_wait_go();
    int signal = 1;
    NEED(prctl(PR_GET_PDEATHSIG, &signal));
    CHECK_EQ("no signal at the parent's end", 0, signal);
    app_sleep_ms(50);
    _exit(71);
  }
  tree_hear(said[0], 'l');
  app_wait();
  tree_hear(said[0], 'g');
  tree_hear(said[0], 'e');
  tree_expect_exit("exit status of the middle", 71, middle);
  CHECK(NEED(wait(NULL)) > 0);
  return 0;
}

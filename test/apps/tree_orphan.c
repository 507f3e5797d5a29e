// An orphan below a subreaper (PR_SET_CHILD_SUBREAPER), and one whose new parent is a child of the app.
#include <sys/prctl.h>

#include "tree.h"

/// Forks one that outlives its parent.
static pid_t make_orphan(int to, pid_t reaper) {
  int told[2];
  NEED(pipe(told));
  pid_t middle = tree_fork();
  if (middle == 0) {
    pid_t orphan = tree_fork();
    if (orphan == 0) {
      close(told[1]);
      while (getppid() != reaper) app_sleep_ms(1);
      tree_say(to, 'o');
      tree_wait_go();
      CHECK_EQ("parent of the orphan", reaper, getppid());
      _exit(21);
    }
    CHECK_EQ("bytes told", sizeof orphan, NEED(write(told[1], &orphan, sizeof orphan)));
    _exit(0);
  }
  pid_t orphan = 0;
  CHECK_EQ("bytes told", sizeof orphan, NEED(read(told[0], &orphan, sizeof orphan)));
  tree_expect_exit("exit status of the middle", 0, middle);
  close(told[0]);
  close(told[1]);
  return orphan;
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  int said[2];
  NEED(pipe(said));
  NEED(prctl(PR_SET_CHILD_SUBREAPER, 1));
  pid_t orphan = make_orphan(said[1], getpid());
  tree_hear(said[0], 'o');
  pid_t manager = tree_fork();
  if (manager == 0) {
    NEED(prctl(PR_SET_CHILD_SUBREAPER, 1));
    pid_t second = make_orphan(said[1], getpid());
    tree_say(said[1], 'm');
    tree_wait_go();
    tree_expect_exit("exit status of the manager's orphan", 21, second);
    _exit(22);
  }
  char both[2];
  for (int i = 0; i < 2; i++) CHECK_EQ("bytes read", 1, NEED(read(said[0], &both[i], 1)));
  CHECK_EQ("what was said", 'o' + 'm', both[0] + both[1]);
  app_wait();
  int subreaper = 0;
  NEED(prctl(PR_GET_CHILD_SUBREAPER, &subreaper));
  CHECK_EQ("subreaper", 1, subreaper);
  tree_expect_exit("exit status of the orphan", 21, orphan);
  tree_expect_exit("exit status of the manager", 22, manager);
  // It still gets those that are orphaned now.
  pid_t late = make_orphan(said[1], getpid());
  tree_hear(said[0], 'o');
  tree_expect_exit("exit status of a late orphan", 21, late);
  return 0;
}

// A child that runs another program: tr between two pipes, as in a shell's pipeline.
#include "tree.h"

int main(int argc, char** argv) {
  tree_start(argc, argv);
  int down[2], up[2];
  NEED(pipe2(down, O_CLOEXEC));
  NEED(pipe2(up, O_CLOEXEC));
  pid_t filter = tree_fork();
  if (filter == 0) {
    NEED(dup2(down[0], 0));
    NEED(dup2(up[1], 1));
    execlp("cat", "cat", "-u", NULL);
    _exit(1);
  }
  close(down[0]);
  close(up[1]);
  tree_say(down[1], 'x');
  tree_hear(up[0], 'x');
  app_wait();
  for (char byte = 'a'; byte <= 'z'; byte++) {
    tree_say(down[1], byte);
    tree_hear(up[0], byte);
  }
  close(down[1]);
  char byte;
  CHECK_EQ("end of the filter", 0, NEED(read(up[0], &byte, 1)));
  tree_expect_exit("exit status of the filter", 0, filter);
  return 0;
}

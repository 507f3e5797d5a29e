// A child and its parent, with a pipe each way: what waits in them, and what is sent afterwards.
#include "tree.h"

enum { kWaiting = 5000 };

static void child(int from, int to) {
  char bytes[kWaiting];
  tree_hear(from, 'a');
  tree_say(to, 'b');
  tree_wait_go();
  for (size_t got = 0; got < sizeof bytes;)
    got += (size_t)NEED(read(from, bytes + got, sizeof bytes - got));
  for (size_t i = 0; i < sizeof bytes; i++) CHECK_EQ("byte that waited", (char)i, bytes[i]);
  tree_say(to, 'c');
  tree_hear(from, 'd');
  char byte;
  CHECK_EQ("end of the pipe", 0, NEED(read(from, &byte, 1)));
  CHECK_EQ("parent", getppid(), getppid());
  _exit(41);
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  int down[2], up[2];
  NEED(pipe(down));
  NEED(pipe(up));
  pid_t worker = tree_fork();
  if (worker == 0) {
    close(down[1]);
    close(up[0]);
    child(down[0], up[1]);
  }
  close(down[0]);
  close(up[1]);
  tree_say(down[1], 'a');
  tree_hear(up[0], 'b');
  char bytes[kWaiting];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)i;
  CHECK_EQ("bytes that wait", sizeof bytes, NEED(write(down[1], bytes, sizeof bytes)));
  app_wait();
  tree_hear(up[0], 'c');
  tree_say(down[1], 'd');
  close(down[1]);
  char byte;
  CHECK_EQ("end of the child's pipe", 0, NEED(read(up[0], &byte, 1)));
  tree_expect_exit("exit status of the child", 41, worker);
  CHECK_EQ("a second wait", -1, waitpid(worker, NULL, 0));
  return 0;
}

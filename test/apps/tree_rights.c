// Descriptors in flight between a parent and its child, each way, which neither has open; and the parent as
// the sender of a message.
#include "rights.h"
#include "tree.h"

static void child(int socket, int asking) {
  int ends[2];
  tree_wait_go();
  int memory = rights_expect("message of the parent", socket, 100, "memory", 1);
  fds_check_read("memory by the child", memory, "content");
  rights_give(socket, "back", memory);
  rights_expect_sender("the parent as sender", asking, 100, "asked", getppid());
  NEED(pipe(ends));
  rights_give(socket, "later", ends[0]);
  fds_write(ends[1], "as ever");
  char byte;
  CHECK_EQ("end of the parent's", 0, NEED(read(socket, &byte, 1)));
  _exit(43);
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  int sockets[2], asking[2], turn[2], ends[2];
  NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
  NEED(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, asking));
  NEED(pipe(turn));
  NEED(setsockopt(asking[1], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)));
  int memory = (int)NEED(memfd_create("in flight", MFD_CLOEXEC));
  fds_write(memory, "content");
  NEED(lseek(memory, 0, SEEK_SET));
  pid_t worker = tree_fork();
  if (worker == 0) {
    close(sockets[0]);
    close(asking[0]);
    close(memory);
    NEED(pipe(ends));
    fds_write(ends[1], "of the child");
    close(ends[1]);
    rights_give(sockets[1], "pipe", ends[0]);
    tree_say(turn[1], 'r');
    child(sockets[1], asking[1]);
  }
  close(sockets[1]);
  close(asking[1]);
  tree_hear(turn[0], 'r');
  fds_write(asking[0], "asked");
  rights_give(sockets[0], "memory", memory);
  app_wait();
  int reader = rights_expect("message of the child", sockets[0], 100, "pipe", 1);
  fds_check_read("pipe of the child", reader, "of the child");
  fds_wait_for_data(sockets[0]);
  memory = rights_expect("memory comes back", sockets[0], 100, "back", 1);
  CHECK_EQ("its position", 7, NEED(lseek(memory, 0, SEEK_CUR)));
  fds_wait_for_data(sockets[0]);
  reader = rights_expect("message sent later", sockets[0], 100, "later", 1);
  fds_check_read("pipe sent later", reader, "as ever");
  close(sockets[0]);
  tree_expect_exit("exit status of the child", 43, worker);
  return 0;
}

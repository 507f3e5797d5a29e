// Open file descriptions that processes share: an eventfd, an epoll, a file with one position, a socket pair with
// data in its queue, a listening socket, a timerfd.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "tree.h"

static void expect_event(int epoll, uint64_t data) {
  struct epoll_event event = {0};
  int events;
  while ((events = epoll_wait(epoll, &event, 1, 5000)) == -1 && errno == EINTR) {
  }
  CHECK_EQ("events", 1, events);
  CHECK_EQ("data of the event", data, event.data.u64);
}

static void add(int epoll, int fd, uint64_t data) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = data};
  NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static int listening(struct sockaddr_in* address) {
  int fd = (int)NEED(socket(AF_INET, SOCK_STREAM, 0));
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  NEED(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)));
  NEED(bind(fd, (struct sockaddr*)address, sizeof *address));
  NEED(listen(fd, 4));
  socklen_t size = sizeof *address;
  NEED(getsockname(fd, (struct sockaddr*)address, &size));
  return fd;
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  int turns[2], back[2], pair[2];
  NEED(pipe(turns));
  NEED(pipe(back));
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  int counter = (int)NEED(eventfd(3, EFD_SEMAPHORE));
  int epoll = (int)NEED(epoll_create1(0));
  add(epoll, turns[0], 71);
  struct sockaddr_in address;
  int listener = listening(&address);
  int file = (int)NEED(open(app_path("data"), O_RDWR | O_CREAT | O_TRUNC, 0644));
  CHECK_EQ("bytes of the file", 6, NEED(write(file, "abcdef", 6)));
  close(file);
  file = (int)NEED(open(app_path("data"), O_RDONLY));
  char byte;
  NEED(read(file, &byte, 1));
  pid_t child = tree_fork();
  if (child == 0) {
    close(pair[0]);
    int own = (int)NEED(epoll_create1(0));
    add(own, pair[1], 81);
    add(own, counter, 82);
    NEED(epoll_ctl(own, EPOLL_CTL_DEL, counter, NULL));
    uint64_t one = 0;
    NEED(read(counter, &one, sizeof one));
    tree_say(back[1], 'r');
    expect_event(epoll, 71);  // The turn that the parent gives after the restore.
    tree_hear(turns[0], 't');
    expect_event(own, 81);
    char queued[6] = "";
    CHECK_EQ("bytes that waited", 5, NEED(read(pair[1], queued, sizeof queued)));
    CHECK_STR("what waited", "hello", queued);
    NEED(read(counter, &one, sizeof one));
    NEED(read(file, &byte, 1));
    CHECK_EQ("byte of the file", 'c', byte);
    int connection = (int)NEED(accept(listener, NULL, NULL));
    tree_say(connection, 'a');
    close(connection);
    _exit(31);
  }
  close(pair[1]);
  tree_hear(back[0], 'r');
  CHECK_EQ("bytes sent", 5, NEED(write(pair[0], "hello", 5)));
  app_wait();
  NEED(read(file, &byte, 1));
  CHECK_EQ("byte of the file", 'b', byte);
  tree_say(turns[1], 't');
  int connection = (int)NEED(socket(AF_INET, SOCK_STREAM, 0));
  socklen_t size = sizeof address;
  NEED(getsockname(listener, (struct sockaddr*)&address, &size));
  NEED(connect(connection, (struct sockaddr*)&address, sizeof address));
  tree_hear(connection, 'a');
  tree_expect_exit("exit status of the child", 31, child);
  NEED(read(file, &byte, 1));
  CHECK_EQ("byte of the file", 'd', byte);
  uint64_t left = 0;
  NEED(read(counter, &left, sizeof left));
  NEED(fcntl(counter, F_SETFL, O_NONBLOCK));
  CHECK_EQ("a third wait", -1, read(counter, &left, sizeof left));
  CHECK_EQ("end of the child's socket", 0, NEED(read(pair[0], &byte, 1)));
  return 0;
}

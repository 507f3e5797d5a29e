// epoll: levels and edges, one-shots that are armed and that are spent, nested and dup'ed sets, a
// number registered for a descriptor that has moved.
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "fds.h"

static void add(int set, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  NEED(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}

/// The next wait must give exactly this event, or none when `data` is 0.
static void check(const char* what, int set, uint32_t events, uint64_t data) {
  struct epoll_event event = {0};
  int count = epoll_wait(set, &event, 1, 0);
  CHECK_EQ(what, data == 0 ? 0 : 1, count);
  if (count == 0) return;
  CHECK_EQ(what, events, event.events);
  CHECK_EQ(what, data, event.data.u64);
}

static int event_counter(uint64_t value) {
  return (int)NEED(eventfd((unsigned)value, EFD_CLOEXEC | EFD_NONBLOCK));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  int level_set = (int)NEED(epoll_create1(EPOLL_CLOEXEC)), edge_set = (int)NEED(epoll_create1(0));
  int once_set = (int)NEED(epoll_create1(EPOLL_CLOEXEC)),
      outer = (int)NEED(epoll_create1(EPOLL_CLOEXEC));
  int level = event_counter(1), quiet = event_counter(0);
  add(level_set, level, EPOLLIN, 0xabcdef0123456789u);
  add(level_set, quiet, EPOLLIN, 2);

  // The edge of `edge` was seen; the one of `unseen` was not.
  int edge = event_counter(1), unseen = event_counter(0);
  add(edge_set, edge, EPOLLIN | EPOLLET, 3);
  check("edge before the checkpoint", edge_set, EPOLLIN, 3);
  check("edge is seen once", edge_set, 0, 0);
  add(edge_set, unseen, EPOLLIN | EPOLLET, 4);

  int spent = event_counter(1), armed = event_counter(0);
  add(once_set, spent, EPOLLIN | EPOLLONESHOT, 5);
  check("one-shot before the checkpoint", once_set, EPOLLIN, 5);
  add(once_set, armed, EPOLLIN | EPOLLONESHOT, 6);

  int inner = (int)NEED(epoll_create1(EPOLL_CLOEXEC)), deep = event_counter(0);
  add(inner, deep, EPOLLIN, 7);
  add(outer, inner, EPOLLIN, 8);
  int outer_copy = dup(outer);

  // Both ends of a pipe, and a registration made through a copy under another number.
  int pipes[2], pipe_set = (int)NEED(epoll_create1(EPOLL_CLOEXEC));
  NEED(pipe2(pipes, O_CLOEXEC));
  add(pipe_set, pipes[0], EPOLLIN | EPOLLRDHUP, 9);
  int moved = dup(pipes[0]);
  add(pipe_set, moved, EPOLLIN, 10);
  add(pipe_set, pipes[1], EPOLLOUT | EPOLLET, 11);
  check("edge of a writable pipe", pipe_set, EPOLLOUT, 11);
  app_wait();

  check("level-triggered", level_set, EPOLLIN, 0xabcdef0123456789u);
  check("level-triggered, again", level_set, EPOLLIN, 0xabcdef0123456789u);
  NEED(eventfd_write(unseen, 1));
  bool seen_unseen = false;
  // An edge that was seen may show once more: a restore may only add wake-ups, never lose one.
  for (int i = 0; i < 3; i++) {
    struct epoll_event event;
    if (epoll_wait(edge_set, &event, 1, 0) != 1) break;
    if (event.data.u64 == 4)
      seen_unseen = true;
    else
      CHECK_EQ("edge-triggered", 3, event.data.u64);
  }
  CHECK(seen_unseen);
  check("edges are spent", edge_set, 0, 0);
  NEED(eventfd_write(edge, 1));
  check("new edge", edge_set, EPOLLIN, 3);
  check("new edge is seen once", edge_set, 0, 0);

  check("spent one-shot", once_set, 0, 0);
  NEED(eventfd_write(armed, 1));
  check("armed one-shot", once_set, EPOLLIN, 6);
  check("armed one-shot fires once", once_set, 0, 0);
  struct epoll_event again = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = 12};
  NEED(epoll_ctl(once_set, EPOLL_CTL_MOD, spent, &again));
  check("one-shot armed again", once_set, EPOLLIN, 12);

  check("nested, nothing to see", outer, 0, 0);
  NEED(eventfd_write(deep, 1));
  check("nested", outer, EPOLLIN, 8);
  check("nested, through the copy", outer_copy, EPOLLIN, 8);
  check("inner", inner, EPOLLIN, 7);

  fds_write(pipes[1], "x");
  struct epoll_event events[4];
  int count = epoll_wait(pipe_set, events, 4, 0);
  uint64_t sum = 0;
  for (int i = 0; i < count; i++) sum += events[i].data.u64 == 11 ? 0 : events[i].data.u64;
  CHECK_EQ("registrations of a pipe and its copy", 9 + 10, sum);
  NEED(epoll_ctl(pipe_set, EPOLL_CTL_DEL, moved, NULL));
  CHECK_EQ("second registration of one number", -1,
           epoll_ctl(pipe_set, EPOLL_CTL_ADD, pipes[0], &again));
  CHECK_EQ("its error", EEXIST, errno);
  CHECK(fds_closes_on_exec(level_set) && !fds_closes_on_exec(edge_set));
  return 0;
}

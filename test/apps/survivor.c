// Threads that check their own registers and memory all the time: a process that was left with
// another's registers, or with a call of somebody else's, notices. Its main thread answers by
// making the status file again. The arguments say how many MiB it holds, and how many children it
// has: one that does not answer any more is noticed.
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tree.h"

enum { kThreads = 5, kMostChildren = 8 };

static volatile bool over;

/// Computes the same number again and again, in registers only.
static void* compute(void* argument) {
  uint64_t seed = (uint64_t)(uintptr_t)argument, expected = seed;
  for (int i = 0; i < 1000; i++) expected = app_mix(expected);
  while (!over) {
    uint64_t value = seed;
    for (int i = 0; i < 1000; i++) value = app_mix(value);
    if (value != expected)
      FAIL("number, expected %llx, got %llx", (unsigned long long)expected,
           (unsigned long long)value);
    // Lets the machine do something else: the point is to be hit now here, now in a call.
    if (seed % 2 == 0) app_sleep_ms(1);
  }
  return argument;
}

/// Calls the kernel all the time; each result is known.
static void* call(void* argument) {
  int pipes[2];
  NEED(pipe2(pipes, O_CLOEXEC));
  for (uint64_t sent = 1; !over; sent++) {
    uint64_t received = 0;
    CHECK_EQ("write", sizeof sent, write(pipes[1], &sent, sizeof sent));
    CHECK_EQ("read", sizeof received, read(pipes[0], &received, sizeof received));
    CHECK_EQ("number through a pipe", sent, received);
    CHECK_EQ("getpid()", getpid(), syscall(SYS_getpid));
    if (sent % 64 == 0) app_sleep_ms(1);
  }
  close(pipes[0]);
  close(pipes[1]);
  return argument;
}

/// `step`: 2, if all of them shall leave the machine to others as well.
static void start_threads(pthread_t* threads, int step) {
  for (int i = 0; i < kThreads; i++)
    NEED0(pthread_create(&threads[i], NULL, i < 3 ? compute : call,
                         (void*)(uintptr_t)(1000 + i * step)));
}

static void end_threads(pthread_t* threads) {
  over = true;
  for (int i = 0; i < kThreads; i++) NEED0(pthread_join(threads[i], NULL));
}

/// Answers as long as the app runs. Does not look whether its parent is there: who is left alone is
/// to be found, for a while.
static void answer(int fd) {
  enum { kPatienceMs = 30000 };
  pthread_t threads[kThreads];
  start_threads(threads, 2);
  for (int64_t heard = app_now_ms(CLOCK_MONOTONIC); !app_may_go();) {
    char byte;
    struct pollfd poller = {fd, POLLIN, 0};
    if (poll(&poller, 1, 2) == 1 && read(fd, &byte, 1) == 1) {
      tree_say(fd, byte);
      heard = app_now_ms(CLOCK_MONOTONIC);
    } else if (app_now_ms(CLOCK_MONOTONIC) - heard > kPatienceMs) {
      _exit(62);
    } else {
      app_sleep_ms(1);  // At the end of what its parent has said, poll(2) does not wait.
    }
  }
  end_threads(threads);
  _exit(61);
}

static struct {
  pid_t pid;
  int fd;
} children[kMostChildren];
static int child_count;

static void make_children(void) {
  for (int i = 0; i < child_count; i++) {
    int ends[2];
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    children[i].pid = tree_fork();
    if (children[i].pid == 0) answer(ends[1]);
    children[i].fd = ends[0];
    NEED(close(ends[1]));
  }
}

static void* ask(void* argument) {
  for (int i = 0; !over; i = (i + 1) % child_count) {
    char byte;
    struct pollfd poller = {children[i].fd, POLLIN, 0};
    if (app_may_go()) break;
    const ssize_t asked = send(children[i].fd, "?", 1, MSG_NOSIGNAL);
    while (poll(&poller, 1, 100) != 1)
      if (app_may_go()) return argument;
    const ssize_t answered = read(children[i].fd, &byte, 1);
    if (app_may_go()) break;  // Who may go has no answer any more.
    CHECK_EQ("question", 1, asked);
    CHECK_EQ("answer", 1, answered);
    app_sleep_ms(1);
  }
  return argument;
}

int main(int argc, char** argv) {
  size_t size = (argc > 4 ? (size_t)atol(argv[4]) : 4) << 20;
  child_count = argc > 5 ? atoi(argv[5]) : 0;
  if (child_count > 0)
    tree_start(argc, argv);
  else
    app_start(argc, argv);
  char* area = app_map(size);
  app_fill(area, size, 301);
  make_children();
  pthread_t threads[kThreads], asker;
  start_threads(threads, 1);
  if (child_count > 0) NEED0(pthread_create(&asker, NULL, ask, NULL));
  app_wait();
  end_threads(threads);
  if (child_count > 0) NEED0(pthread_join(asker, NULL));
  for (int i = 0; i < child_count; i++) tree_expect_exit("child", 61, children[i].pid);
  app_check_fill("memory", area, size, 301);
  return 0;
}

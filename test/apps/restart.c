// System calls that a thread is stopped in. Each must go on after the restore as if nothing had
// happened: with the result that its event or its timeout gives.
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>

#include "harness.h"

enum { kTimeoutMs = 1500 };

static const struct timespec timeout = {kTimeoutMs / 1000, kTimeoutMs % 1000 * 1000000L};
static int reader_pipes[5][2];  ///< one for each call that waits until something can be read
static int full_pipe[2];
static int pair[2];
static int listener;
static sem_t posted, never_posted;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never_signalled = PTHREAD_COND_INITIALIZER;
static uint32_t futex_word;
static pthread_t pausing;

static void check_read(int fd) {
  char byte = 0;
  CHECK_EQ("read", 1, read(fd, &byte, 1));
  CHECK_EQ("byte read", 'x', byte);
}

static void call_nanosleep(void) {
  CHECK_EQ("nanosleep", 0, nanosleep(&timeout, NULL));
}

static void call_clock_nanosleep(void) {
  CHECK_EQ("clock_nanosleep", 0, clock_nanosleep(CLOCK_MONOTONIC, 0, &timeout, NULL));
}

static struct timespec deadline(clockid_t clock) {
  struct timespec at;
  NEED(clock_gettime(clock, &at));
  at.tv_sec += timeout.tv_sec + 1;
  return at;
}

static void check_passed(struct timespec at, clockid_t clock) {
  struct timespec now;
  NEED(clock_gettime(clock, &now));
  CHECK(now.tv_sec > at.tv_sec || (now.tv_sec == at.tv_sec && now.tv_nsec >= at.tv_nsec));
}

static void call_absolute_sleep(void) {
  struct timespec at = deadline(CLOCK_MONOTONIC);
  CHECK_EQ("clock_nanosleep(TIMER_ABSTIME)", 0,
           clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL));
  check_passed(at, CLOCK_MONOTONIC);
}

static void call_poll_timeout(void) {
  CHECK_EQ("poll with timeout", 0, poll(NULL, 0, kTimeoutMs));
}

static void call_poll(void) {
  struct pollfd wanted = {.fd = reader_pipes[0][0], .events = POLLIN};
  CHECK_EQ("poll", 1, poll(&wanted, 1, -1));
  check_read(reader_pipes[0][0]);
}

static void call_ppoll(void) {
  sigset_t mask;
  sigfillset(&mask);
  struct pollfd wanted = {.fd = reader_pipes[1][0], .events = POLLIN};
  CHECK_EQ("ppoll", 1, ppoll(&wanted, 1, &(struct timespec){60, 0}, &mask));
  check_read(reader_pipes[1][0]);
}

static void call_select(void) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(reader_pipes[2][0], &set);
  CHECK_EQ("select", 1, select(reader_pipes[2][0] + 1, &set, NULL, NULL, &(struct timeval){60, 0}));
  check_read(reader_pipes[2][0]);
}

static void call_select_timeout(void) {
  CHECK_EQ("select with timeout", 0, select(0, NULL, NULL, NULL, &(struct timeval){1, 500000}));
}

// signal(7) lists epoll_wait and sigtimedwait among the calls that a stop and a continue may end
// with EINTR.
static int epoll_wait_again(int epoll, struct epoll_event* event, int timeout_ms) {
  int count;
  do count = epoll_wait(epoll, event, 1, timeout_ms);
  while (count == -1 && errno == EINTR);
  return count;
}

static void call_epoll(void) {
  int epoll = (int)NEED(epoll_create1(EPOLL_CLOEXEC));
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1122334455667788};
  NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, reader_pipes[3][0], &event));
  memset(&event, 0, sizeof event);
  CHECK_EQ("epoll_wait", 1, epoll_wait_again(epoll, &event, -1));
  CHECK_EQ("data of epoll_wait", 0x1122334455667788, event.data.u64);
  check_read(reader_pipes[3][0]);
}

static void call_epoll_timeout(void) {
  int epoll = (int)NEED(epoll_create1(EPOLL_CLOEXEC));
  struct epoll_event event;
  CHECK_EQ("epoll_wait with timeout", 0, epoll_wait_again(epoll, &event, kTimeoutMs));
}

static void call_read(void) {
  check_read(reader_pipes[4][0]);
}

static void call_write(void) {
  char byte = 'w';
  CHECK_EQ("write to a full pipe", 1, write(full_pipe[1], &byte, 1));
}

static void call_recv(void) {
  char text[8] = "";
  CHECK_EQ("recv", 5, recv(pair[0], text, sizeof text, 0));
  CHECK_STR("text of recv", "hello", text);
}

static void call_accept(void) {
  int fd = (int)NEED(accept(listener, NULL, NULL));
  check_read(fd);
  close(fd);
}

static void call_sigwaitinfo(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 5);
  siginfo_t info;
  int got;
  do got = sigtimedwait(&set, &info, &(struct timespec){60, 0});
  while (got == -1 && errno == EINTR);
  CHECK_EQ("sigtimedwait", SIGRTMIN + 5, got);
  CHECK_EQ("value of sigtimedwait", 77, info.si_value.sival_int);
}

static void call_sem_wait(void) {
  CHECK_EQ("sem_wait", 0, sem_wait(&posted));
}

static void call_sem_timedwait(void) {
  struct timespec at = deadline(CLOCK_REALTIME);
  int result = sem_timedwait(&never_posted, &at);
  CHECK_EQ("sem_timedwait", -1, result);
  CHECK_EQ("error of sem_timedwait", ETIMEDOUT, errno);
  check_passed(at, CLOCK_REALTIME);
}

static void call_cond_timedwait(void) {
  struct timespec at = deadline(CLOCK_REALTIME);
  NEED0(pthread_mutex_lock(&lock));
  CHECK_EQ("pthread_cond_timedwait", ETIMEDOUT,
           pthread_cond_timedwait(&never_signalled, &lock, &at));
  NEED0(pthread_mutex_unlock(&lock));
  check_passed(at, CLOCK_REALTIME);
}

static void call_futex(void) {
  while (__atomic_load_n(&futex_word, __ATOMIC_SEQ_CST) == 0)
    if (syscall(SYS_futex, &futex_word, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0) == -1 &&
        errno != EAGAIN)
      FAIL("futex wait, expected to be woken, got %s", strerror(errno));
}

#if __SIZEOF_LONG__ == 8
// The relative timeout of the raw call is what the kernel keeps in a restart block.
static void call_futex_timeout(void) {
  uint32_t word = 0;
  long result = syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, &timeout, NULL, 0);
  CHECK_EQ("futex wait with timeout", -1, result);
  CHECK_EQ("error of futex wait with timeout", ETIMEDOUT, errno);
}
#endif

static volatile sig_atomic_t paused_signal;
static void on_usr2(int signal) {
  paused_signal = signal;
}

static void call_pause(void) {
  sigset_t mask;
  sigfillset(&mask);
  sigdelset(&mask, SIGUSR2);
  sigsuspend(&mask);
  CHECK_EQ("signal that ends sigsuspend", SIGUSR2, paused_signal);
}

struct call {
  const char* name;
  void (*run)(void);
  bool timed;  ///< ends by its own relative timeout, which must not come early
  pthread_t thread;
};

static struct call calls[] = {
    {"nanosleep", call_nanosleep, true, 0},
    {"clock_nanosleep", call_clock_nanosleep, true, 0},
    {"abs_nanosleep", call_absolute_sleep, true, 0},
    {"poll_timeout", call_poll_timeout, true, 0},
    {"poll", call_poll, false, 0},
    {"ppoll", call_ppoll, false, 0},
    {"select", call_select, false, 0},
    {"select_timeout", call_select_timeout, true, 0},
    {"epoll", call_epoll, false, 0},
    {"epoll_timeout", call_epoll_timeout, true, 0},
    {"read", call_read, false, 0},
    {"write", call_write, false, 0},
    {"recv", call_recv, false, 0},
    {"accept", call_accept, false, 0},
    {"sigwaitinfo", call_sigwaitinfo, false, 0},
    {"sem_wait", call_sem_wait, false, 0},
    {"sem_timedwait", call_sem_timedwait, false, 0},
    {"cond_timedwait", call_cond_timedwait, false, 0},
    {"futex", call_futex, false, 0},
#if __SIZEOF_LONG__ == 8
    {"futex_timeout", call_futex_timeout, true, 0},
#endif
    {"pause", call_pause, false, 0},
};
enum { kCalls = sizeof calls / sizeof *calls };

static void* run(void* argument) {
  struct call* call = argument;
  NEED0(pthread_setname_np(pthread_self(), call->name));
  int64_t start = app_now_ms(CLOCK_MONOTONIC);
  call->run();
  int64_t elapsed = app_now_ms(CLOCK_MONOTONIC) - start;
  if (call->timed && elapsed < kTimeoutMs)
    FAIL("%s: time until its timeout, expected %d ms or more, got %d ms", call->name, kTimeoutMs,
         (int)elapsed);
  return argument;
}

static struct sockaddr_in listen_here(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  listener = (int)NEED(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)));
  NEED(bind(listener, (struct sockaddr*)&address, size));
  NEED(listen(listener, 8));
  NEED(getsockname(listener, (struct sockaddr*)&address, &size));
  return address;
}

static void set_up(void) {
  for (int i = 0; i < 5; i++) NEED(pipe2(reader_pipes[i], O_CLOEXEC));
  NEED(pipe2(full_pipe, O_CLOEXEC | O_NONBLOCK));
  static char block[4096];
  while (write(full_pipe[1], block, sizeof block) > 0) {
  }
  NEED(fcntl(full_pipe[1], F_SETFL, 0));
  NEED(fcntl(full_pipe[0], F_SETFL, 0));
  NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
  NEED(sem_init(&posted, 0, 0));
  NEED(sem_init(&never_posted, 0, 0));
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGRTMIN + 5);
  sigaddset(&mask, SIGUSR2);
  NEED0(pthread_sigmask(SIG_BLOCK, &mask, NULL));
  NEED(sigaction(SIGUSR2, &(struct sigaction){.sa_handler = on_usr2}, NULL));
}

static void wake_all(const struct sockaddr_in* address) {
  for (int i = 0; i < 5; i++) NEED(write(reader_pipes[i][1], "x", 1));
  char block[4096];
  NEED(read(full_pipe[0], block, sizeof block));
  NEED(send(pair[1], "hello", 5, 0));
  int client = (int)NEED(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(connect(client, (const struct sockaddr*)address, sizeof *address));
  NEED(write(client, "x", 1));
  NEED(sigqueue(getpid(), SIGRTMIN + 5, (union sigval){.sival_int = 77}));
  NEED(sem_post(&posted));
  __atomic_store_n(&futex_word, 1, __ATOMIC_SEQ_CST);
  NEED(syscall(SYS_futex, &futex_word, 1 /* FUTEX_WAKE */, 1, NULL, NULL, 0));
  NEED0(pthread_kill(pausing, SIGUSR2));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  set_up();
  struct sockaddr_in address = listen_here();
  for (int i = 0; i < kCalls; i++) {
    NEED0(pthread_create(&calls[i].thread, NULL, run, &calls[i]));
    if (calls[i].run == call_pause) pausing = calls[i].thread;
  }
  app_sleep_ms(20);
  app_wait();
  wake_all(&address);
  for (int i = 0; i < kCalls; i++) NEED0(pthread_join(calls[i].thread, NULL));
  return 0;
}

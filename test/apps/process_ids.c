// Ids: what libc and the kernel say of the process and its threads is the same, and signals to
// oneself arrive.
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "harness.h"

static volatile sig_atomic_t received;
static volatile pid_t sender;

static void on_signal(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)context;
  sender = info->si_pid;
  received++;
}

static void check(void) {
  CHECK_EQ("gettid()", syscall(SYS_gettid), gettid());
  char path[64], link[64] = "";
  snprintf(path, sizeof path, "/proc/%d/task/%d", getpid(), gettid());
  NEED(access(path, F_OK));
  NEED(readlink("/proc/self", link, sizeof link - 1));
  CHECK_EQ("/proc/self", getpid(), atoi(link));
  sig_atomic_t before = received;
  NEED(raise(SIGUSR1));
  CHECK_EQ("signals received by raise()", before + 1, received);
  CHECK_EQ("sender of raise()", getpid(), sender);
  NEED0(pthread_kill(pthread_self(), SIGUSR1));
  CHECK_EQ("signals received by pthread_kill()", before + 2, received);
}

static pthread_t main_thread;

static void* work(void* argument) {
  check();
  while (!app_may_go()) app_sleep_ms(2);
  check();
  NEED0(pthread_kill(main_thread, 0));
  CHECK(gettid() != getpid());
  return argument;
}

static int status_of(pid_t child) {
  int status;
  NEED(waitpid(child, &status, 0));
  return status;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  NEED(sigaction(SIGUSR1, &action, NULL));
  main_thread = pthread_self();
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, work, NULL));
  CHECK_EQ("getpid()", syscall(SYS_getpid), getpid());
  app_wait();
  CHECK_EQ("getpid()", syscall(SYS_getpid), getpid());
  CHECK_EQ("main thread's id", getpid(), gettid());
  NEED0(pthread_join(thread, NULL));
  check();
  sig_atomic_t before = received;
  NEED(kill(getpid(), SIGUSR1));
  CHECK_EQ("signals received by kill()", before + 1, received);

  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    CHECK_EQ("child's gettid()", syscall(SYS_gettid), gettid());
    NEED(raise(SIGKILL));
  }
  CHECK_EQ("signal of the child", SIGKILL, WTERMSIG(status_of(child)));
  child = (pid_t)NEED(fork());
  if (child == 0) abort();
  CHECK_EQ("signal of a child that aborts", SIGABRT, WTERMSIG(status_of(child)));
  return 0;
}

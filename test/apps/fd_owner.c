// O_ASYNC and who gets the signal: the process, or one thread, with a signal of choice.
#include <pthread.h>
#include <signal.h>

#include "fds.h"

static volatile sig_atomic_t received_fd = -1;
static volatile pid_t received_by;

static void on_ready(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)context;
  received_fd = info->si_fd;
  received_by = gettid();
}

static void on_io(int signal) {
  (void)signal;
  received_by = gettid();
}

static int for_thread[2];
static volatile pid_t thread_id;
static pthread_barrier_t set;

static void* work(void* argument) {
  NEED(fcntl(for_thread[0], F_SETOWN_EX, &(struct f_owner_ex){F_OWNER_TID, gettid()}));
  pthread_barrier_wait(&set);
  while (!app_may_go()) app_sleep_ms(2);
  thread_id = gettid();
  pthread_barrier_wait(&set);
  pthread_barrier_wait(&set);
  return argument;
}

static void await(const char* what) {
  for (int i = 0; i < 1000 && received_by == 0; i++) app_sleep_ms(2);
  if (received_by == 0) FAIL("%s, expected a signal, got none", what);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  NEED(sigaction(SIGRTMIN + 1,
                 &(struct sigaction){.sa_sigaction = on_ready, .sa_flags = SA_SIGINFO}, NULL));
  NEED(sigaction(SIGIO, &(struct sigaction){.sa_handler = on_io}, NULL));
  int for_process[2];
  NEED(pipe2(for_process, O_CLOEXEC));
  NEED(pipe2(for_thread, O_CLOEXEC));
  NEED(fcntl(for_process[0], F_SETOWN, getpid()));
  NEED(fcntl(for_process[0], F_SETFL, O_ASYNC | O_NONBLOCK));
  NEED(fcntl(for_thread[0], F_SETSIG, SIGRTMIN + 1));
  NEED(fcntl(for_thread[0], F_SETFL, O_ASYNC));
  NEED0(pthread_barrier_init(&set, NULL, 2));
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, work, NULL));
  pthread_barrier_wait(&set);
  app_wait();

  pthread_barrier_wait(&set);
  CHECK_EQ("owner", getpid(), fcntl(for_process[0], F_GETOWN));
  CHECK((fds_status_flags(for_process[0]) & O_ASYNC) != 0);
  CHECK_EQ("signal", SIGRTMIN + 1, fcntl(for_thread[0], F_GETSIG));
  fds_write(for_process[1], "x");
  await("SIGIO");
  received_by = 0;
  fds_write(for_thread[1], "x");
  await("signal for a thread");
  CHECK_EQ("descriptor of the signal", for_thread[0], received_fd);
  CHECK_EQ("thread that got the signal", thread_id, received_by);
  pthread_barrier_wait(&set);
  NEED0(pthread_join(thread, NULL));
  return 0;
}

// Children that signals have stopped: one of which the parent has heard, one of which it has not, in a group of its own;
// one with threads for which a signal waits; one with a stopped child of its own; and one that goes on, of which the
// parent has not heard either. They come back so, and SIGCONT lets them go on. With "pending" as argv[4], SIGCHLD waits
// at the checkpoint.
#include <pthread.h>
#include <signal.h>

#include "tree.h"

static volatile sig_atomic_t told, ended, went_on;

static void on_child(int signal) {
  (void)signal;
  told++;
}
static void on_term(int signal) {
  (void)signal;
  ended++;
}
static void on_cont(int signal) {
  (void)signal;
  went_on++;
}

static void handle(int signal, void (*handler)(int)) {
  NEED(sigaction(signal, &(struct sigaction){.sa_handler = handler, .sa_flags = SA_RESTART}, NULL));
}

/// Field 3 of /proc/PID/stat.
static char state_of(pid_t pid) {
  char path[64], text[512] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int fd = (int)NEED(open(path, O_RDONLY | O_CLOEXEC));
  NEED(read(fd, text, sizeof text - 1));
  close(fd);
  return strrchr(text, ')')[2];
}

static void await_stop(pid_t child) {
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOWAIT));
}

/// What wait(2) tells of it now: 0: nothing.
static int news_of(pid_t child) {
  int status = 0;
  return NEED(waitpid(child, &status, WNOHANG | WUNTRACED | WCONTINUED)) == 0 ? 0 : status;
}

static void expect_stop(const char* what, int signal, pid_t child) {
  CHECK_EQ(what, signal << 8 | 0x7f, news_of(child));
  CHECK_EQ("told a second time", 0, news_of(child));
}

static void expect_still(const char* what, pid_t child) {
  app_sleep_ms(20);
  if (state_of(child) != 'T') FAIL("%s is in state %c", what, state_of(child));
}

static void let_go(const char* what, pid_t child, int code) {
  NEED(kill(child, SIGCONT));
  tree_expect_exit(what, code, child);
}

static _Atomic int counted;
static void* count(void* argument) {
  while (true) {
    counted++;
    app_sleep_ms(1);
  }
  return argument;
}

/// Stops, and ends with `code` when it goes on.
static pid_t stopped(int signal, int code, int own_group) {
  pid_t child = tree_fork();
  if (child == 0) {
    handle(SIGCONT, on_cont);
    if (own_group) NEED(setpgid(0, 0));
    NEED(kill(getpid(), signal));
    CHECK_EQ("SIGCONT", 1, went_on);
    _exit(code);
  }
  await_stop(child);
  return child;
}

static pid_t with_threads(void) {
  pid_t child = tree_fork();
  if (child == 0) {
    handle(SIGTERM, on_term);
    pthread_t thread;
    NEED0(pthread_create(&thread, NULL, count, NULL));
    NEED(raise(SIGSTOP));
    while (ended == 0) app_sleep_ms(1);
    const int before = counted;
    while (counted == before) app_sleep_ms(1);
    _exit(23);
  }
  await_stop(child);
  NEED(kill(child, SIGTERM));
  return child;
}

/// Stopped, as its child is, of which it has not heard; it blocks the signal.
static pid_t nested(void) {
  pid_t child = tree_fork();
  if (child == 0) {
    pid_t own = stopped(SIGSTOP, 31, 0);
    NEED(raise(SIGSTOP));
    expect_still("the child of a stopped process", own);
    expect_stop("stop of the nested", SIGSTOP, own);
    let_go("exit status of the nested", own, 31);
    _exit(24);
  }
  await_stop(child);
  return child;
}

static pid_t continued(void) {
  pid_t child = tree_fork();
  if (child == 0) {
    handle(SIGCONT, on_cont);
    handle(SIGUSR1, on_term);
    NEED(raise(SIGSTOP));
    while (ended == 0) app_sleep_ms(1);
    CHECK_EQ("SIGCONT", 1, went_on);
    _exit(25);
  }
  await_stop(child);
  NEED(kill(child, SIGCONT));
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)child, &info, WCONTINUED | WNOWAIT));
  return child;
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  const bool pending = argc > 4;
  handle(SIGCHLD, on_child);
  pid_t heard = stopped(SIGSTOP, 21, 0);
  expect_stop("stop before the checkpoint", SIGSTOP, heard);
  pid_t unheard = stopped(SIGTSTP, 22, 1), threads = with_threads(), parent = nested();
  pid_t runs = continued();
  app_sleep_ms(20);
  sigset_t blocked, waiting;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGCHLD);
  if (pending) {
    NEED(sigprocmask(SIG_BLOCK, &blocked, NULL));
    NEED(kill(getpid(), SIGCHLD));
  }
  const sig_atomic_t before = told;
  app_wait();

  CHECK_EQ("SIGCHLD of the launch", before, told);
  if (pending) {
    NEED(sigpending(&waiting));
    CHECK_EQ("SIGCHLD waits", 1, sigismember(&waiting, SIGCHLD));
    siginfo_t info;
    CHECK_EQ("SIGCHLD", SIGCHLD, NEED(sigwaitinfo(&blocked, &info)));
    CHECK_EQ("who has sent it", SI_USER, info.si_code);
    app_sleep_ms(20);
    NEED(sigpending(&waiting));
    CHECK_EQ("SIGCHLD waits once more", 0, sigismember(&waiting, SIGCHLD));
    NEED(sigprocmask(SIG_UNBLOCK, &blocked, NULL));
    CHECK_EQ("SIGCHLD of the launch", before, told);
  }
  expect_still("the one that was heard of", heard);
  expect_still("the one that was not", unheard);
  expect_still("the one with threads", threads);
  expect_still("the parent", parent);
  CHECK_EQ("what the parent has heard before", 0, news_of(heard));
  expect_stop("stop that was not told", SIGTSTP, unheard);
  expect_stop("stop of threads", SIGSTOP, threads);
  expect_stop("stop of a parent", SIGSTOP, parent);
  CHECK_EQ("what is told of the one that goes on", 0xffff, news_of(runs));
  CHECK_EQ("told a second time", 0, news_of(runs));
  NEED(kill(runs, SIGUSR1));
  tree_expect_exit("exit status of the one that goes on", 25, runs);
  CHECK_EQ("group of the stopped", unheard, getpgid(unheard));
  let_go("exit status of the one that was heard of", heard, 21);
  let_go("exit status of the one that was not", unheard, 22);
  let_go("exit status of the one with threads", threads, 23);
  let_go("exit status of the parent", parent, 24);
  CHECK_EQ("nothing is left", -1, waitpid(-1, NULL, WNOHANG));
  return 0;
}

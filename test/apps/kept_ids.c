// Pids that nobody could correct: as text, hashed, as keys of a table, summed up; of the app, its children and their
// threads. Each launch has those of the checkpoint, and a /proc that shows no others.
#include <dirent.h>
#include <pthread.h>
#include <signal.h>

#include "tree.h"

enum { kThreads = 3, kWorkers = 3, kSlots = 64 };

/// A table that is searched by pid, as a dictionary is.
struct worker {
  pid_t pid;
  int number;
};
static struct worker table[kSlots];

static size_t slot_of(pid_t pid) {
  return (size_t)(app_mix((uint64_t)pid) % kSlots);
}

static void insert(pid_t pid, int number) {
  size_t at = slot_of(pid);
  while (table[at].pid != 0) at = (at + 1) % kSlots;
  table[at] = (struct worker){pid, number};
}

/// -1: nobody.
static int look_up(pid_t pid) {
  for (size_t at = slot_of(pid); table[at].pid != 0; at = (at + 1) % kSlots)
    if (table[at].pid == pid) return table[at].number;
  return -1;
}

struct kept {
  char text[32];
  uint64_t hash;
};

static struct kept keep(pid_t id) {
  struct kept kept;
  snprintf(kept.text, sizeof kept.text, "id=%d", id);
  kept.hash = app_mix((uint64_t)id);
  return kept;
}

static void check_kept(const char* what, struct kept kept, pid_t id) {
  CHECK_STR(what, kept.text, keep(id).text);
  CHECK(kept.hash == keep(id).hash);
}

static pthread_barrier_t ready;

static void* work(void* argument) {
  const struct kept mine = keep((pid_t)syscall(SYS_gettid));
  pthread_barrier_wait(&ready);
  tree_wait_go();
  check_kept("id of a thread", mine, (pid_t)syscall(SYS_gettid));
  return argument;
}

static void start_threads(pthread_t* threads) {
  NEED0(pthread_barrier_init(&ready, NULL, kThreads + 1));
  for (long i = 0; i < kThreads; i++) NEED0(pthread_create(&threads[i], NULL, work, (void*)i));
  pthread_barrier_wait(&ready);
}

static void join_threads(const pthread_t* threads) {
  for (long i = 0; i < kThreads; i++) NEED0(pthread_join(threads[i], NULL));
}

/// Its only child ends after it, and is left to whoever takes orphans in.
static void leave_orphan(int from, int to) {
  const pid_t child = (pid_t)NEED(fork());
  if (child != 0) return;
  close(to);
  char byte;
  while (read(from, &byte, 1) == -1 && errno == EINTR) {
  }
  _exit(0);
}

static void worker(int number, pid_t parent, int to) {
  const struct kept mine = keep(getpid()), parents = keep(parent);
  pthread_t threads[kThreads];
  start_threads(threads);
  tree_say(to, 'r');
  tree_wait_go();
  check_kept("pid of a worker", mine, (pid_t)syscall(SYS_getpid));
  check_kept("parent of a worker", parents, getppid());
  join_threads(threads);
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  int signal;
  NEED0(sigwait(&end, &signal));
  int pipe_ends[2];
  NEED(pipe(pipe_ends));
  leave_orphan(pipe_ends[0], pipe_ends[1]);
  _exit(30 + number);
}

/// All that /proc shows are the app's, and the first process of the namespace.
static void check_proc(pid_t me, const pid_t* workers) {
  char self[32] = {0}, text[32];
  NEED(readlink("/proc/self", self, sizeof self - 1));
  snprintf(text, sizeof text, "%d", me);
  CHECK_STR("/proc/self", text, self);
  DIR* proc = opendir("/proc");
  CHECK(proc != NULL);
  for (struct dirent* entry; (entry = readdir(proc)) != NULL;) {
    const pid_t pid = atoi(entry->d_name);
    bool known = pid <= 1 || pid == me;
    for (int i = 0; i < kWorkers; i++) known = known || pid == workers[i];
    if (!known) FAIL("process %d in /proc, expected none but the app's", pid);
  }
  closedir(proc);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  NEED0(pthread_sigmask(SIG_BLOCK, &end, NULL));
  const struct kept mine = keep(getpid());
  int said[2];
  NEED(pipe(said));
  pid_t workers[kWorkers];
  for (int i = 0; i < kWorkers; i++) {
    workers[i] = (pid_t)NEED(fork());
    if (workers[i] == 0) worker(i, getppid(), said[1]);
    insert(workers[i], i);
    tree_hear(said[0], 'r');
  }
  const pid_t ended = (pid_t)NEED(fork());
  if (ended == 0) _exit(17);
  insert(ended, kWorkers);
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)ended, &info, WEXITED | WNOWAIT));
  pthread_t threads[kThreads];
  start_threads(threads);
  app_wait();

  check_kept("pid", mine, (pid_t)syscall(SYS_getpid));
  join_threads(threads);
  int status;
  CHECK_EQ("pid of the ended one", ended, NEED(waitpid(ended, &status, 0)));
  CHECK_EQ("its status", 17, WEXITSTATUS(status));
  if (app_expected("namespace") != NULL) check_proc(getpid(), workers);
  for (int i = 0; i < kWorkers; i++) NEED(kill(workers[i], SIGTERM));
  for (int i = 0; i < kWorkers; i++) {
    const pid_t child = (pid_t)NEED(waitpid(-1, &status, 0));
    if (!WIFEXITED(status)) FAIL("a worker, ended by signal %d", WTERMSIG(status));
    const int number = look_up(child);
    CHECK(number >= 0 && number < kWorkers);
    CHECK_EQ("exit status of a worker", 30 + number, WEXITSTATUS(status));
  }
  const pid_t late = (pid_t)NEED(fork());
  if (late == 0) _exit(0);
  CHECK(look_up(late) < 0);
  tree_expect_exit("exit status of a late child", 0, late);
  return 0;
}

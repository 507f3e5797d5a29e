// A child of the caller's, older than the launch, ends while the launch hides the ends of the app's own children: the app hears
// of it all the same. Not run by the table of apps, whose launches have no such child.
//
//   tree_elder -- PROGRAM [ARGS...]          becomes PROGRAM, with the child
//   tree_elder --ignored PROGRAM [ARGS...]   with SIGCHLD ignored, too: nothing of the child is left
#include <signal.h>
#include <sys/prctl.h>

#include "tree.h"

static volatile sig_atomic_t ends;
static void on_child(int signal) {
  (void)signal;
  ends++;
}

/// Field 38 of /proc/PID/stat.
static int exit_signal_of(const char* pid) {
  char path[64], text[2048];
  snprintf(path, sizeof path, "/proc/%s/stat", pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (size <= 0) return 0;
  text[size] = 0;
  char* field = strrchr(text, ')');
  for (int i = 2; i < 38 && field != NULL; i++) field = strchr(field + 1, ' ');
  return field == NULL ? 0 : atoi(field);
}

/// Whether the parent has a child that signals its end, beside this one.
static bool has_sibling(pid_t parent) {
  char path[64], text[4096], self[16];
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", parent, parent);
  snprintf(self, sizeof self, "%d", getpid());
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (size <= 0) return false;
  text[size] = 0;
  for (char* pid = strtok(text, " "); pid != NULL; pid = strtok(NULL, " "))
    if (strcmp(pid, self) != 0 && exit_signal_of(pid) == SIGCHLD) return true;
  return false;
}

static int become(char** command) {
  const pid_t parent = getpid();
  if (NEED(fork()) == 0) {
    NEED(prctl(PR_SET_PDEATHSIG, SIGKILL));
    while (!has_sibling(parent)) {
    }
    _exit(3);
  }
  execv(command[0], command);
  perror(command[0]);
  return 127;
}

int main(int argc, char** argv) {
  const bool ignored = argc > 2 && strcmp(argv[1], "--ignored") == 0;
  if (ignored) signal(SIGCHLD, SIG_IGN);
  if (ignored || (argc > 2 && strcmp(argv[1], "--") == 0)) return become(argv + 2);
  tree_start(argc, argv);
  const bool hears = argc <= 4;
  if (hears)
    NEED(sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child, .sa_flags = SA_RESTART},
                   NULL));
  const pid_t ended = tree_fork();
  if (ended == 0) _exit(7);
  const pid_t runs = tree_fork();
  if (runs == 0) {
    NEED(prctl(PR_SET_PDEATHSIG, SIGKILL));
    for (;;) pause();
  }
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)ended, &info, WEXITED | WNOWAIT));
  app_sleep_ms(10);
  const sig_atomic_t before = ends;
  app_wait();
  if (!hears) {
    app_sleep_ms(100);
    NEED(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT));
    CHECK_EQ("the only child that has ended", ended, info.si_pid);
    return 0;
  }
  for (int i = 0; i < 2000 && ends == before; i++) app_sleep_ms(2);
  CHECK_EQ("ends that were told", before + 1, ends);
  NEED(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT));
  CHECK_EQ("status of the caller's child", 3, info.si_status);
  CHECK(info.si_pid != ended && info.si_pid != runs);
  return 0;
}

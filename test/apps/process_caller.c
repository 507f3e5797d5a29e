// What a process has from its caller across exec: the go file says what this launch's caller gave.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "harness.h"

/// A launch corrects a pid that it can tell in memory.
enum { kDisguise = 0x5a5a5a5a };

static void check_number(const char* key, long got) {
  const char* expected = app_expected(key);
  if (expected != NULL) CHECK_EQ(key, strtol(expected, NULL, 0), got);
}

static long limit(int which) {
  struct rlimit value;
  NEED(getrlimit((__rlimit_resource_t)which, &value));
  return (long)value.rlim_cur;
}

static bool ignored(int signal) {
  struct sigaction action;
  NEED(sigaction(signal, NULL, &action));
  return action.sa_handler == SIG_IGN;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  static volatile unsigned pid_before;
  pid_before = (unsigned)getpid() ^ kDisguise;
  app_wait();

  mode_t mask = umask(0);
  umask(mask);
  check_number("umask", mask);
  check_number("nofile", limit(RLIMIT_NOFILE));
  check_number("stack", limit(RLIMIT_STACK));
  check_number("core", limit(RLIMIT_CORE));
  check_number("nice", getpriority(PRIO_PROCESS, 0));
  check_number("ppid", getppid());
  check_number("pgid", getpgid(0));
  check_number("sid", getsid(0));
  check_number("uid", getuid());
  check_number("euid", geteuid());
  check_number("gid", getgid());
  check_number("pid-differs", (unsigned)getpid() != (pid_before ^ kDisguise));
  check_number("sighup-ignored", ignored(SIGHUP));
  check_number("sigusr2-ignored", ignored(SIGUSR2));
  const char* cwd = app_expected("cwd");
  char here[4096];
  if (cwd != NULL) CHECK_STR("cwd", cwd, getcwd(here, sizeof here));
  CHECK_EQ("descriptor 0", 0, fcntl(0, F_GETFD) & FD_CLOEXEC);
  return 0;
}

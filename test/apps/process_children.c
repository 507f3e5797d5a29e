// Children that the app makes after the restore: fork and exec, vfork, posix_spawn, system, popen.
// Each is as clean as a child of any process.
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "harness.h"

extern char** environ;

static void check_exit(const char* what, int expected, pid_t child) {
  int status;
  CHECK_EQ(what, child, NEED(waitpid(child, &status, 0)));
  CHECK(WIFEXITED(status));
  CHECK_EQ(what, expected, WEXITSTATUS(status));
}

static void check_fork_exec(void) {
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", "exit 41", (char*)NULL);
    _exit(1);
  }
  check_exit("exit status after exec", 41, child);
}

static void check_vfork(void) {
  pid_t child = (pid_t)NEED(vfork());
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", "exit 42", (char*)NULL);
    _exit(1);
  }
  check_exit("exit status after vfork and exec", 42, child);
}

static void check_spawn(void) {
  char* arguments[] = {"sh", "-c", "exit 43", NULL};
  pid_t child;
  NEED0(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ));
  check_exit("exit status after posix_spawn", 43, child);
  CHECK_EQ("posix_spawn of nothing", ENOENT,
           posix_spawn(&child, "/nonexistent", NULL, NULL, arguments, environ));
}

/// What an exec'ed child sees of us: only 0, 1, 2 open, no signal blocked, ignored only what the
/// app ignores.
static void check_clean(void) {
  FILE* output =
      popen("ls /proc/self/fd | tr '\\n' ' '; grep -E '^Sig(Blk|Ign)' /proc/self/status", "re");
  CHECK(output != NULL);
  char text[512] = "", *end = text;
  while (end < text + sizeof text - 1 &&
         fgets(end, (int)(text + sizeof text - end), output) != NULL)
    end += strlen(end);
  CHECK_EQ("status of popen", 0, pclose(output));
  unsigned long long blocked = 1, ignored = 1;
  char* at = strstr(text, "SigBlk:");
  CHECK(at != NULL);
  CHECK_EQ("signals of a child", 2, sscanf(at, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored));
  CHECK_EQ("blocked signals of a child", 0, blocked);
  const char* expected = app_expected("child-fds");
  if (expected != NULL) {
    *at = '\0';
    CHECK_STR("descriptors of a child", expected, text);
  }
}

static void check_orphan_memory(void) {
  char* area = app_map(1 << 20);
  app_fill(area, 1 << 20, 231);
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    app_check_fill("memory of a child", area, 1 << 20, 231);
    app_fill(area, 1 << 20, 232);
    NEED(madvise(area, 1 << 20, MADV_DONTNEED));
    app_check_zero("memory that a child dropped", area, 1 << 20);
    _exit(44);
  }
  check_exit("exit status of a forked child", 44, child);
  app_check_fill("memory after a child wrote its own", area, 1 << 20, 231);
}

static volatile sig_atomic_t children_ended;
static void on_child(int signal) {
  (void)signal;
  children_ended++;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  NEED(sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child, .sa_flags = SA_RESTART},
                 NULL));
  NEED(signal(SIGUSR1, SIG_IGN) == SIG_ERR ? -1 : 0);
  int not_for_children = (int)NEED(open("/dev/null", O_RDONLY | O_CLOEXEC));
  app_wait();

  NEED(fcntl(not_for_children, F_GETFD));
  CHECK_EQ("wait() without children", -1, wait(NULL));
  CHECK_EQ("error of wait() without children", ECHILD, errno);
  check_fork_exec();
  check_vfork();
  check_spawn();
  check_clean();
  check_orphan_memory();
  CHECK_EQ("system()", 45, WEXITSTATUS(system("exit 45")));
  CHECK(children_ended > 0);
  return 0;
}

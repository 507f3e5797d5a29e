// An app whose launches may be in a user namespace: its first process, a thread and a child keep their pids as text, and none
// of them has any right that it had not. An ordinary user's.
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness.h"

static char own_pid[16], child_pid[16], bounding[32];
static pid_t child;
static volatile int checked;

/// A line of /proc/thread-self/status.
static const char* status_line(const char* key) {
  static _Thread_local char text[8192];
  int fd = (int)NEED(open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC));
  ssize_t size = NEED(read(fd, text, sizeof text - 1));
  close(fd);
  text[size] = '\0';
  char* line = strstr(text, key);
  CHECK(line != NULL);
  line += strlen(key);
  line += strspn(line, "\t ");
  line[strcspn(line, "\n")] = '\0';
  return line;
}

static void check_no_rights(void) {
  if (getuid() == 0) return;
  const char* keys[] = {"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"};
  for (int i = 0; i < 4; i++) CHECK_STR(keys[i], "0000000000000000", status_line(keys[i]));
  CHECK_STR("bounding set", bounding, status_line("CapBnd:"));
  CHECK_EQ("securebits", 0, prctl(PR_GET_SECUREBITS));
}

static void* in_thread(void* unused) {
  (void)unused;
  app_wait();
  check_no_rights();
  checked = 1;
  return NULL;
}

static void expect_forbidden(const char* what, int result) {
  if (result == 0) FAIL("%s, expected EPERM, got success", what);
  if (errno != EPERM && errno != EACCES) FAIL("%s, expected EPERM, got %s", what, strerror(errno));
}

static void check_forbidden(void) {
  expect_forbidden("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
  expect_forbidden("umount", umount("/proc"));
  expect_forbidden("chroot", chroot("/"));
  expect_forbidden("unshare", unshare(CLONE_NEWNS));
  expect_forbidden("sethostname", sethostname("x", 1));
  int fd = (int)NEED(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  expect_forbidden("setns", setns(fd, CLONE_NEWPID));
  close(fd);
  CHECK_EQ("setuid(0)", -1, setuid(0));
  CHECK_EQ("setgroups", -1, syscall(SYS_setgroups, 0, NULL));
  CHECK_EQ("open /etc/shadow", -1, open("/etc/shadow", O_RDONLY | O_CLOEXEC));
}

/// What an exec gives: nothing.
static void check_exec(void) {
  pid_t other = (pid_t)NEED(fork());
  if (other == 0) {
    execl("/bin/grep", "grep", "-q", "^CapEff:.0000000000000000$", "/proc/self/status", NULL);
    _exit(127);
  }
  int status = 0;
  NEED(waitpid(other, &status, 0));
  CHECK_EQ("status of who looks at its capabilities", 0, status);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  const uid_t user = getuid();
  snprintf(bounding, sizeof bounding, "%s", status_line("CapBnd:"));
  child = (pid_t)NEED(fork());
  if (child == 0) {
    while (!app_may_go()) app_sleep_ms(2);
    check_no_rights();
    _exit(getppid() == atoi(own_pid) || own_pid[0] == '\0' ? 17 : 18);
  }
  snprintf(own_pid, sizeof own_pid, "%d", getpid());
  snprintf(child_pid, sizeof child_pid, "%d", child);
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, in_thread, NULL));
  NEED0(pthread_join(thread, NULL));

  CHECK_EQ("thread has looked", 1, checked);
  CHECK_EQ("own pid", atoi(own_pid), getpid());
  CHECK_EQ("user", user, getuid());
  CHECK_EQ("group", user, getgid());
  struct stat own, roots;
  NEED(stat(app_scratch, &own));
  CHECK_EQ("owner of an own folder", user, own.st_uid);
  NEED(stat("/", &roots));
  const char* root = app_expected("root");
  if (root != NULL) CHECK_EQ("owner of /", atoi(root), roots.st_uid);
  if (user != 0) {
    check_no_rights();
    check_forbidden();
    check_exec();
  }
  int status = 0;
  CHECK_EQ("child", atoi(child_pid), NEED(waitpid(-1, &status, 0)));
  CHECK_EQ("status of the child", 17, WEXITSTATUS(status));
  return 0;
}

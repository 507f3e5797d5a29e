// Hazard: a core dump must hold restored pages that nobody has touched; a mapping of the image is
// left out of dumps.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness.h"

static bool dumps_to_cwd(void) {
  char pattern[128] = "";
  int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? -1 : read(fd, pattern, sizeof pattern - 1);
  close(fd);
  return size > 0 && strcmp(pattern, "core\n") == 0;
}

/// The core file of `child`: its name ends in the pid with kernel.core_uses_pid.
static int open_core(pid_t child) {
  char name[64];
  snprintf(name, sizeof name, "core.%d", child);
  int fd = open(app_path("core"), O_RDONLY | O_CLOEXEC);
  return fd >= 0 ? fd : (int)NEED(open(app_path(name), O_RDONLY | O_CLOEXEC));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  if (!dumps_to_cwd()) SKIP("kernel.core_pattern is not \"core\"");
  size_t page = app_page(), size = 16 * page;
  char* area = app_map(size);
  app_fill(area, size, 221);
  app_wait();

  unlink(app_path("core"));
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    struct rlimit limit;
    NEED(getrlimit(RLIMIT_CORE, &limit));
    limit.rlim_cur = limit.rlim_max;
    NEED(setrlimit(RLIMIT_CORE, &limit));
    NEED(prctl(PR_SET_DUMPABLE, 1));
    NEED(chdir(app_scratch));
    abort();
  }
  int status;
  NEED(waitpid(child, &status, 0));
  CHECK_EQ("signal of the child", SIGABRT, WTERMSIG(status));
  if (!WCOREDUMP(status)) SKIP("no core dump here (limit or file system)");
  int fd = open_core(child);
  struct stat core;
  NEED(fstat(fd, &core));
  char* bytes = NEED_MAP(mmap(NULL, (size_t)core.st_size, PROT_READ, MAP_PRIVATE, fd, 0));
  for (size_t at = 0; at < size; at += page) {
    char* expected = malloc(size);
    app_fill(expected, size, 221);
    if (memmem(bytes, (size_t)core.st_size, expected + at, page) == NULL)
      FAIL("page %zu of %zu, expected in the core dump, got none", at / page, size / page);
    free(expected);
  }
  unlink(app_path("core"));
  return 0;
}

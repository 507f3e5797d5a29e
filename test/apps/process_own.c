// What a process has lowered itself of what exec takes from its caller: a launch must not give it
// back. The caller must have the usual umask, and allow more open files.
#include <sys/resource.h>
#include <sys/stat.h>

#include "harness.h"

enum { kOpenFiles = 64, kMask = 077 };

int main(int argc, char** argv) {
  app_start(argc, argv);
  umask(kMask);
  NEED(nice(1));
  const struct rlimit fewer = {kOpenFiles, kOpenFiles};
  NEED(setrlimit(RLIMIT_NOFILE, &fewer));
  app_wait();

  struct rlimit limit;
  NEED(getrlimit(RLIMIT_NOFILE, &limit));
  CHECK_EQ("soft limit of open files", kOpenFiles, limit.rlim_cur);
  CHECK_EQ("hard limit of open files", kOpenFiles, limit.rlim_max);
  CHECK_EQ("umask", kMask, umask(0));
  return 0;
}

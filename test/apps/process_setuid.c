// An app that was started by root and then gave its rights away: it must never run with them again.
#include <grp.h>
#include <sys/stat.h>

#include "harness.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  NEED(chmod(app_scratch, 0777));
  NEED(setgroups(0, NULL));
  NEED(setresgid(65534, 65534, 65534));
  NEED(setresuid(65534, 65534, 65534));
  app_wait();
  CHECK_EQ("uid", 65534, getuid());
  CHECK_EQ("effective uid", 65534, geteuid());
  CHECK_EQ("effective gid", 65534, getegid());
  CHECK_EQ("setuid(0)", -1, setuid(0));
  return 0;
}

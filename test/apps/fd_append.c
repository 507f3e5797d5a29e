// A log open for appending, which a profile must allow: what others wrote meanwhile stays, and each
// line goes to the end.
#include "fds.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  int log = (int)NEED(open(app_path("app.log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  int copy = dup(log);
  fds_write(log, "started\n");
  app_wait();

  int other = (int)NEED(open(app_path("app.log"), O_WRONLY | O_APPEND | O_CLOEXEC));
  fds_write(other, "somebody else\n");
  fds_write(copy, "restored\n");
  CHECK((fds_status_flags(log) & O_APPEND) != 0);
  struct stat before, after;
  NEED(fstat(log, &before));
  NEED(stat(app_path("app.log"), &after));
  CHECK_EQ("inode of the log", after.st_ino, before.st_ino);
  char end[64] = "", *expected = "somebody else\nrestored\n";
  int reader = (int)NEED(open(app_path("app.log"), O_RDONLY | O_CLOEXEC));
  CHECK_EQ("start of the log", 8, pread(reader, end, 8, 0));
  CHECK_STR("start of the log", "started\n", end);
  NEED(pread(reader, end, strlen(expected), after.st_size - (off_t)strlen(expected)));
  end[strlen(expected)] = '\0';
  CHECK_STR("end of the log", expected, end);
  return 0;
}

// Regular files open for reading: offset, an offset that dup'ed descriptors share, two openings of
// one file.
#include "fds.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  int fd = fds_open_file("text", "0123456789abcdef");
  int copy = (int)NEED(fcntl(fd, F_DUPFD_CLOEXEC, 60));
  int other = (int)NEED(open(app_path("text"), O_RDONLY | O_NOATIME));
  int inherited = (int)NEED(open(app_path("text"), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  NEED(fcntl(inherited, F_SETFD, 0));
  NEED(lseek(fd, 4, SEEK_SET));
  NEED(lseek(other, 10, SEEK_SET));
  NEED(lseek(inherited, 1000, SEEK_SET));
  long flags = fds_status_flags(other);
  app_wait();

  char two[3] = "";
  CHECK_EQ("offset", 4, lseek(fd, 0, SEEK_CUR));
  CHECK_EQ("shared offset", 4, lseek(copy, 0, SEEK_CUR));
  CHECK_EQ("offset of another opening", 10, lseek(other, 0, SEEK_CUR));
  CHECK_EQ("offset behind the end", 1000, lseek(inherited, 0, SEEK_CUR));
  CHECK_EQ("read", 2, read(copy, two, 2));
  CHECK_STR("bytes read", "45", two);
  CHECK_EQ("offset after a read of the copy", 6, lseek(fd, 0, SEEK_CUR));
  CHECK_EQ("offset of another opening", 10, lseek(other, 0, SEEK_CUR));
  CHECK_EQ("flags", flags, fds_status_flags(other));
  CHECK_EQ("write to a read-only descriptor", -1, write(fd, "x", 1));
  CHECK(fds_closes_on_exec(fd) && fds_closes_on_exec(copy));
  CHECK(!fds_closes_on_exec(other) && !fds_closes_on_exec(inherited));
  return 0;
}

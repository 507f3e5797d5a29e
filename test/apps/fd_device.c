// Memory devices: null, zero, full, random, urandom.
#include "fds.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  int null = (int)NEED(open("/dev/null", O_RDWR | O_CLOEXEC)),
      zero = (int)NEED(open("/dev/zero", O_RDWR | O_CLOEXEC));
  int full = (int)NEED(open("/dev/full", O_RDWR | O_CLOEXEC)),
      urandom = (int)NEED(open("/dev/urandom", O_RDONLY));
  int random = (int)NEED(open("/dev/random", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  char before[32], after[32];
  NEED(read(urandom, before, sizeof before));
  app_wait();

  CHECK_EQ("write to null", 5, write(null, "gone!", 5));
  CHECK_EQ("read of null", 0, read(null, after, 5));
  memset(after, 1, sizeof after);
  CHECK_EQ("read of zero", sizeof after, read(zero, after, sizeof after));
  app_check_zero("bytes of zero", after, sizeof after);
  CHECK_EQ("write to full", -1, write(full, "x", 1));
  CHECK_EQ("error of full", ENOSPC, errno);
  CHECK_EQ("read of urandom", sizeof after, read(urandom, after, sizeof after));
  CHECK(memcmp(before, after, sizeof after) != 0);
  CHECK(read(random, after, 1) == 1 || errno == EAGAIN);
  CHECK((fds_status_flags(random) & O_NONBLOCK) != 0);
  CHECK(!fds_closes_on_exec(urandom) && fds_closes_on_exec(null));
  return 0;
}

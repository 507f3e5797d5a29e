// Named pipes with content, open for reading, for writing, and for both.
#include "fds.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  NEED(mkfifo(app_path("fifo"), 0600));
  NEED(mkfifo(app_path("both"), 0600));
  int reader = (int)NEED(open(app_path("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  int writer = (int)NEED(open(app_path("fifo"), O_WRONLY | O_CLOEXEC));
  int both = (int)NEED(open(app_path("both"), O_RDWR | O_CLOEXEC));
  fds_write(writer, "left in the fifo");
  fds_write(both, "to myself");
  app_wait();
  fds_check_read("text in a fifo", reader, "left in the fifo");
  fds_check_read("text in a fifo open for both", both, "to myself");
  int newcomer = (int)NEED(open(app_path("fifo"), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  fds_write(newcomer, "by name");
  fds_check_read("text of a new writer", reader, "by name");
  fds_write(writer, "by the old writer");
  fds_check_read("text of the old writer", reader, "by the old writer");
  CHECK((fds_status_flags(reader) & O_NONBLOCK) != 0);
  CHECK((fds_status_flags(writer) & O_NONBLOCK) == 0);
  close(newcomer);
  close(writer);
  fds_check_read("end of the fifo", reader, "");
  return 0;
}

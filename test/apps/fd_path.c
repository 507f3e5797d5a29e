// O_PATH descriptors: of a file, a directory and a symbolic link.
#include "fds.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  close(fds_open_file("target", "text"));
  NEED(symlink("target", app_path("link")));
  int file = (int)NEED(open(app_path("target"), O_PATH | O_CLOEXEC));
  int directory = (int)NEED(open(app_scratch, O_PATH | O_DIRECTORY));
  int link = (int)NEED(open(app_path("link"), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  app_wait();

  char text[16] = "";
  CHECK_EQ("read of an O_PATH descriptor", -1, read(file, text, 1));
  CHECK_EQ("its error", EBADF, errno);
  CHECK((fds_status_flags(file) & O_PATH) != 0);
  struct stat status;
  NEED(fstatat(file, "", &status, AT_EMPTY_PATH));
  CHECK_EQ("size through O_PATH", 4, status.st_size);
  NEED(fstatat(directory, "target", &status, 0));
  CHECK_EQ("size below an O_PATH directory", 4, status.st_size);
  NEED(readlinkat(link, "", text, sizeof text - 1));
  CHECK_STR("O_PATH of a link", "target", text);
  CHECK(fds_closes_on_exec(file) && !fds_closes_on_exec(directory));
  return 0;
}

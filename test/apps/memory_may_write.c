// A shared mapping of a file opened for reading and writing, mapped read-only for now: under a
// policy it comes back as one that mprotect(2) can make writable, and what is written reaches the
// file.
#include "harness.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  int fd = (int)NEED(open(app_path("shared.bin"), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  NEED(ftruncate(fd, (off_t)page));
  char* area = NEED_MAP(mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0));
  close(fd);
  app_wait();

  NEED(mprotect(area, page, PROT_READ | PROT_WRITE));
  area[0] = 'w';
  fd = (int)NEED(open(app_path("shared.bin"), O_RDONLY | O_CLOEXEC));
  char byte = 0;
  NEED(pread(fd, &byte, 1, 0));
  CHECK_EQ("byte of the file", 'w', byte);
  return 0;
}

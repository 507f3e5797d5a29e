// Hazard: a program that calls the kernel through libc's syscall(), past the madvise and mremap
// entry points.
#include "harness.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page(), size = 16 * page;
  char* area = app_map(2 * size);
  app_fill(area, 2 * size, 201);
  NEED(mprotect(area + size, size, PROT_READ));
  app_wait();
  NEED(syscall(SYS_madvise, area, 4 * page, MADV_DONTNEED));
  app_check_zero("pages dropped by a raw call", area, 4 * page);
  NEED(syscall(SYS_madvise, area + 4 * page, 4 * page, MADV_FREE));
  app_fill(area, size, 202);
  area = NEED_MAP(syscall(SYS_mremap, area, size, 4 * size, MREMAP_MAYMOVE));
  app_check_fill("area moved by a raw call", area, size, 202);
  app_check_zero("memory added by a raw call", area + size, 3 * size);
  NEED(syscall(SYS_madvise, area, size, MADV_DONTNEED));
  app_check_zero("moved pages dropped by a raw call", area, size);
  CHECK_EQ("another call through syscall()", getpid(), syscall(SYS_getpid));
  CHECK_EQ("an error through syscall()", -1, syscall(SYS_close, -1));
  CHECK_EQ("errno through syscall()", EBADF, errno);
  return 0;
}

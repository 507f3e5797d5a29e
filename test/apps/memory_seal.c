// Sealed memory (mseal, Linux 6.10).
#include "area.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  char* area = app_map(4 * page);
  app_fill(area, 4 * page, 101);
  NEED(mprotect(area, 4 * page, PROT_READ));
  if (syscall(SYS_mseal, area, 4 * page, 0) == -1) SKIP("this kernel has no mseal");
  app_wait();
  app_check_fill("sealed memory", area, 4 * page, 101);
  CHECK_EQ("mprotect of sealed memory", -1, mprotect(area, 4 * page, PROT_READ | PROT_WRITE));
  CHECK_EQ("error of mprotect", EPERM, errno);
  CHECK_EQ("munmap of sealed memory", -1, munmap(area, 4 * page));
  return 0;
}

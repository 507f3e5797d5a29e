// Hazard: MADV_WIPEONFORK on restored memory must work; it is refused on a file mapping.
#include <sys/wait.h>

#include "area.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  char* area = app_map(4 * page);
  app_fill(area, 4 * page, 161);
  app_wait();
  NEED(madvise(area, 2 * page, MADV_WIPEONFORK));
  app_check_fill("memory before a fork", area, 4 * page, 161);
  area_check("MADV_WIPEONFORK", area, "wf", true);
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    app_check_zero("wiped memory of a child", area, 2 * page);
    CHECK(area[2 * page] != 0 || area[2 * page + 1] != 0);
    _exit(0);
  }
  int status;
  NEED(waitpid(child, &status, 0));
  CHECK_EQ("status of the child", 0, status);
  app_check_fill("memory after a fork", area, 4 * page, 161);
  NEED(madvise(area, 2 * page, MADV_KEEPONFORK));
  area_check("MADV_KEEPONFORK", area, "wf", false);
  return 0;
}

// PR_SET_MDWE: no mapping becomes executable that could be written to.
#include <sys/prctl.h>

#include "harness.h"

enum { kSetMdwe = 65, kGetMdwe = 66, kNoInherit = 2 }; /* <linux/prctl.h>, Linux 6.3 and 6.6 */

static void check_refused(void) {
  void* area =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(area == MAP_FAILED);
  CHECK_EQ("errno", EACCES, errno);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  int wanted = argc > 4 ? 1 | kNoInherit : 1;
  if (prctl(kSetMdwe, wanted, 0, 0, 0) != 0) SKIP("this kernel has no PR_SET_MDWE");
  check_refused();
  app_wait();

  CHECK_EQ("PR_GET_MDWE", wanted, prctl(kGetMdwe, 0, 0, 0, 0));
  check_refused();
  return 0;
}

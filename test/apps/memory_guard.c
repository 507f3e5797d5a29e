// Guard regions (MADV_GUARD_INSTALL, Linux 6.13), which no VMA shows.
#include "faults.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  char* area = app_map(16 * page);
  app_fill(area, 16 * page, 71);
  if (madvise(area, page, MADV_GUARD_INSTALL) == -1) SKIP("this kernel has no guard regions");
  NEED(madvise(area + 8 * page, 2 * page, MADV_GUARD_INSTALL));
  // A mapping that has a guard and nothing else; what lies around keeps it apart from others.
  char* bare = app_map(6 * page);
  NEED(mprotect(bare, page, PROT_NONE));
  NEED(mprotect(bare + 5 * page, page, PROT_NONE));
  NEED(madvise(bare + 2 * page, page, MADV_GUARD_INSTALL));
  app_wait();
  CHECK_EQ("guard in untouched memory", SIGSEGV, faults_touch(bare + 2 * page, false));
  CHECK_EQ("untouched memory beside it", 0, faults_touch(bare + 3 * page, true));
  CHECK_EQ("guard at the start", SIGSEGV, faults_touch(area, false));
  CHECK_EQ("guard in the middle", SIGSEGV, faults_touch(area + 9 * page, true));
  char* expected = malloc(16 * page);
  app_fill(expected, 16 * page, 71);
  CHECK_EQ("memory between guards", 0, memcmp(area + page, expected + page, 7 * page));
  CHECK_EQ("memory behind guards", 0, memcmp(area + 10 * page, expected + 10 * page, 6 * page));
  NEED(madvise(area, 16 * page, MADV_GUARD_REMOVE));
  app_check_zero("memory of a removed guard", area, page);
  CHECK_EQ("write to it", 0, faults_touch(area + 8 * page, true));
  return 0;
}

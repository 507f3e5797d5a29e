// Names of anonymous areas, private and shared (PR_SET_VMA_ANON_NAME).
#include <sys/prctl.h>

#include "area.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  char* area = app_map(8 * page);
  app_fill(area, 4 * page, 61);
  char* empty = app_map(4 * page);
  if (prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, area, 4 * page, "first half") == -1)
    SKIP("this kernel has no names of anonymous areas");
  NEED(prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, empty, 4 * page, "never touched"));
  char* shared =
      NEED_MAP(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  // Linux 6.2.
  bool named = prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, shared, page, "shared") == 0;
  app_wait();
  CHECK_STR("name of an untouched area", "[anon:never touched]", area_of(empty).name);
  CHECK_STR("name of an area", "[anon:first half]", area_of(area).name);
  CHECK_STR("name of its other half", "", area_of(area + 4 * page).name);
  if (named) CHECK_STR("name of shared memory", "[anon_shmem:shared]", area_of(shared).name);
  app_check_fill("named memory", area, 4 * page, 61);
  return 0;
}

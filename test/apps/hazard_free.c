// Hazard: MADV_FREE on restored memory must work; it fails on a file mapping.
#include "harness.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page(), size = 32 * page;
  char* area = app_map(size);
  app_fill(area, size, 151);
  app_wait();
  NEED(madvise(area, size / 2, MADV_FREE));
  char* expected = malloc(size);
  app_fill(expected, size, 151);
  for (size_t i = 0; i < size / 2; i += page)
    if (memcmp(area + i, expected + i, page) != 0) app_check_zero("freed page", area + i, page);
  CHECK_EQ("pages that were not freed", 0, memcmp(area + size / 2, expected + size / 2, size / 2));
  app_fill(area, size, 152);
  app_check_fill("freed memory written again", area, size, 152);
  return 0;
}

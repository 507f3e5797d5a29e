// Droppable memory (MAP_DROPPABLE, Linux 6.11): the kernel may take its bytes at any time, and
// never swaps them.
#include "area.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  char* area = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) SKIP("this kernel has no droppable memory");
  app_fill(area, 4 * page, 81);
  app_wait();
  area_check("MAP_DROPPABLE", area, "dp", true);
  // All or nothing for each page.
  for (int i = 0; i < 4; i++)
    if (*(uint64_t*)(area + (size_t)i * page) == 0)
      app_check_zero("dropped page", area + (size_t)i * page, page);
  app_fill(area, 4 * page, 82);
  return 0;
}

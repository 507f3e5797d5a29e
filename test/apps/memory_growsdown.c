// MAP_GROWSDOWN memory: it must still grow, which no file mapping can.
#include "area.h"
#include "faults.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page(), room = 1024 * page;
  // Free room below the area, so that it can grow.
  char* start = NEED_MAP(mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  NEED(munmap(start, room));
  char* area = NEED_MAP(mmap(start + room - 4 * page, 4 * page, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0));
  app_fill(area, 4 * page, 91);
  app_wait();
  area_check("MAP_GROWSDOWN", area, "gd", true);
  app_check_fill("area that grows", area, 4 * page, 91);
  for (size_t grown = page; grown <= 64 * page; grown += page) {
    CHECK_EQ("write just below the area", 0, faults_touch(area - grown, true));
    app_check_zero("grown page", area - grown, page);
  }
  return 0;
}

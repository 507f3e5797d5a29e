// Locked memory: mlock, mlock2(MLOCK_ONFAULT).
#include "area.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  char* locked = app_map(8 * page);
  app_fill(locked, 8 * page, 41);
  char* on_fault = app_map(8 * page);
  app_fill(on_fault, page, 42);
  NEED(mlock(locked, 4 * page));
#ifdef SYS_mlock2
  NEED(syscall(SYS_mlock2, on_fault, 8 * page, 1 /* MLOCK_ONFAULT */));
#endif
  app_wait();

  area_check("mlock", locked, "lo", true);
  area_check("memory behind it", locked + 4 * page, "lo", false);
  struct area area = area_of(locked);
  CHECK_EQ("locked kB", 4 * page / 1024, area.locked_kb);
  app_check_fill("locked memory", locked, 8 * page, 41);
#ifdef SYS_mlock2
  area_check("MLOCK_ONFAULT", on_fault, "lo", true);
  unsigned char present[8];
  NEED(mincore(on_fault, 8 * page, present));
  CHECK_EQ("page that no fault has brought", 0, present[4] & 1);
  app_check_fill("memory locked on fault", on_fault, page, 42);
#endif
  NEED(munlock(locked, 4 * page));
  area_check("munlock", locked, "lo", false);
  return 0;
}

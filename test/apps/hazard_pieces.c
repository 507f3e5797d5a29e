// Hazard: what the app knows as one piece of memory comes back as several, and each must go on as
// part of the whole.
#include "area.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  size_t megabyte = 1 << 20;
  // A hole too large to be stored, between two parts that are.
  char* holed = app_map(8 * megabyte);
  app_fill(holed, megabyte, 211);
  app_fill(holed + 7 * megabyte, megabyte, 212);
  char* torn = app_map(12 * page);
  app_fill(torn, 12 * page, 213);
  NEED(munmap(torn + 4 * page, 4 * page));
  char* private = app_map(8 * page);
  app_fill(private, 8 * page, 214);
  NEED(madvise(private, 8 * page, MADV_DONTFORK));
  app_wait();

  NEED(madvise(holed, megabyte, MADV_DONTNEED));
  NEED(madvise(holed + 7 * megabyte, megabyte, MADV_DONTNEED));
  holed = NEED_MAP(mremap(holed, 8 * megabyte, 16 * megabyte, MREMAP_MAYMOVE));
  app_check_zero("dropped in parts and grown", holed, 16 * megabyte);

  // madvise goes on behind a hole and answers ENOMEM.
  CHECK_EQ("madvise over a hole", -1, madvise(torn, 12 * page, MADV_DONTNEED));
  CHECK_EQ("errno", ENOMEM, errno);
  app_check_zero("before the hole", torn, 4 * page);
  app_check_zero("behind the hole", torn + 8 * page, 4 * page);

  area_check("MADV_DONTFORK after restore", private, "dc", true);
  NEED(madvise(private, 8 * page, MADV_DONTNEED));
  area_check("MADV_DONTFORK after MADV_DONTNEED", private, "dc", true);
  return 0;
}

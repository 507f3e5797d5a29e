// Hazard: memory that mremap adds to restored memory must be zero. A mapping of the image would run
// into the image's next bytes, or past its end.
#include "faults.h"

static void check_grown(const char* what, char* area, size_t old_size, size_t size, uint64_t seed) {
  app_check_fill(what, area, old_size, seed);
  for (size_t at = old_size; at < size; at += app_page())
    if (faults_touch(area + at, true) != 0)
      FAIL("%s: byte %zu, expected to be there, got a fault", what, at);
  app_check_zero(what, area + old_size, size - old_size);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page(), size = 32 * page;
  // Neighbours full of other bytes: what grows must not run into them in the image.
  char* block = app_map(6 * size);
  app_fill(block, 6 * size, 171);
  char *first = block, *in_place = block + 2 * size, *moved = block + 4 * size;
  app_fill(first, size, 172);
  app_fill(in_place, size, 173);
  app_fill(moved, size, 174);
  NEED(mprotect(block + size, size, PROT_READ));
  NEED(mprotect(block + 5 * size, size, PROT_READ));
  char* last = app_map(size);
  app_fill(last, size, 175);
  app_wait();

  first = NEED_MAP(mremap(first, size, 4 * size, MREMAP_MAYMOVE));
  check_grown("grown area", first, size, 4 * size, 172);
  NEED(munmap(in_place + size, size));
  in_place = NEED_MAP(mremap(in_place, size, 2 * size, 0));
  check_grown("area grown in place", in_place, size, 2 * size, 173);
  char* target = app_map(2 * size);
  moved = NEED_MAP(mremap(moved, size, 2 * size, MREMAP_MAYMOVE | MREMAP_FIXED, target));
  CHECK(moved == target);
  check_grown("area moved and grown", moved, size, 2 * size, 174);
  last = NEED_MAP(mremap(last, size, size / 2, 0));
  last = NEED_MAP(mremap(last, size / 2, 64 * size, MREMAP_MAYMOVE));
  check_grown("area shrunk and grown", last, size / 2, 64 * size, 175);
  // Dropping must work on what has moved, too.
  NEED(madvise(last, size / 2, MADV_DONTNEED));
  app_check_zero("dropped pages of a moved area", last, size / 2);
  return 0;
}

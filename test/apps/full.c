// An address space that is all but full (of 32-bit CPUs): the argument says how many MiB stay free.
// What fills it is reserved memory, with a marked page in each part.
#include "harness.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  if (sizeof(void*) != 4) SKIP("a 64-bit address space does not get full");
  const size_t part = 1 << 20, spare = argc > 4 ? (size_t)atol(argv[4]) << 20 : 0;
  void* room = spare == 0 ? NULL
                          : NEED_MAP(mmap(NULL, spare, PROT_NONE,
                                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  static uint32_t* parts[4096];
  size_t count = 0;
  while (count < 4096) {
    void* got = mmap(NULL, part, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) break;
    parts[count] = got;
    if (count % 64 == 0) *parts[count] = (uint32_t)count;
    count++;
  }
  CHECK(count > 2700);
  if (room != NULL) NEED(munmap(room, spare));
  app_wait();
  for (size_t i = 0; i < count; i++) CHECK_EQ("marked page", i % 64 == 0 ? i : 0, *parts[i]);
  return 0;
}

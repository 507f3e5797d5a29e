// A big area with a few written pages: what is zero costs nothing and reads as zero.
#include <sys/resource.h>

#include "harness.h"

#if __SIZEOF_POINTER__ == 8
static const size_t kSize = 4ull << 30;
static const long kMostResident = 256 << 10;  // kB; a fault may map a folio of 2 MB around its page
#else
static const size_t kSize = 256u << 20;
static const long kMostResident = 64 << 10;
#endif
enum { kPlaces = 64 };

static char* place(char* area, size_t i) {
  return area + (kSize / kPlaces * i + app_mix(i) % 1024 * 4096);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  char* area = NEED_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  for (size_t i = 0; i < kPlaces; i++) app_fill(place(area, i), 4096, 121 + i);
  app_wait();
  for (size_t i = 0; i < kPlaces; i++) {
    app_check_fill("written page", place(area, i), 4096, 121 + i);
    app_check_zero("page behind it", place(area, i) + 4096, 4096);
  }
  struct rusage usage;
  NEED(getrusage(RUSAGE_SELF, &usage));
  if (usage.ru_maxrss > kMostResident)
    FAIL("resident memory of a sparse area, expected under %ld kB, got %ld kB", kMostResident,
         usage.ru_maxrss);
  return 0;
}

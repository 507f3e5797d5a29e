// Reservations: gigabytes of PROT_NONE with a few committed pages, and guard pages around small
// areas.
#include "faults.h"

#if __SIZEOF_POINTER__ == 8
static const size_t kReserved = 64ull << 30;
#else
static const size_t kReserved = 512u << 20;
#endif

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  char* reserved = NEED_MAP(
      mmap(NULL, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  size_t places[] = {0, kReserved / 2, kReserved - 8 * page};
  for (int i = 0; i < 3; i++) {
    NEED(mprotect(reserved + places[i], 8 * page, PROT_READ | PROT_WRITE));
    app_fill(reserved + places[i], 4 * page, 31u + (unsigned)i);
  }
  char* guarded = NEED_MAP(mmap(NULL, 6 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  NEED(mprotect(guarded + page, 4 * page, PROT_READ | PROT_WRITE));
  app_fill(guarded + page, 4 * page, 35);
  app_wait();

  for (int i = 0; i < 3; i++) {
    app_check_fill("committed pages", reserved + places[i], 4 * page, 31u + (unsigned)i);
    app_check_zero("committed and untouched pages", reserved + places[i] + 4 * page, 4 * page);
  }
  CHECK_EQ("reserved page", SIGSEGV, faults_touch(reserved + kReserved / 4, false));
  NEED(mprotect(reserved + kReserved / 4, page, PROT_READ | PROT_WRITE));
  app_check_zero("page committed after restore", reserved + kReserved / 4, page);
  CHECK_EQ("write to it", 0, faults_touch(reserved + kReserved / 4, true));
  app_check_fill("guarded area", guarded + page, 4 * page, 35);
  CHECK_EQ("guard page before", SIGSEGV, faults_touch(guarded + page - 1, false));
  CHECK_EQ("guard page behind", SIGSEGV, faults_touch(guarded + 5 * page, false));
  return 0;
}

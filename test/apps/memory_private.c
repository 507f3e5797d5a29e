// Private anonymous memory: written pages, untouched pages among them, protections, and that it can
// be written anew.
#include "area.h"
#include "faults.h"

enum { kPages = 512 };

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  char* mixed = app_map(kPages * page);
  for (int i = 0; i < kPages; i += 3) app_fill(mixed + (size_t)i * page, page, 1000u + (unsigned)i);
  memset(mixed + page, 0xff,
         page);  // written, then zero again: need not be stored, must read as zero
  memset(mixed + page, 0, page);

  char* split = app_map(5 * page);
  app_fill(split, 5 * page, 3);
  NEED(mprotect(split + page, page, PROT_READ));
  NEED(mprotect(split + 2 * page, page, PROT_NONE));
  NEED(mprotect(split + 3 * page, page, PROT_READ | PROT_EXEC));
  app_wait();

  for (int i = 0; i < kPages; i++) {
    if (i % 3 == 0)
      app_check_fill("written page", mixed + (size_t)i * page, page, 1000u + (unsigned)i);
    else
      app_check_zero("untouched page", mixed + (size_t)i * page, page);
  }
  CHECK_EQ("write to a read-only page", SIGSEGV, faults_touch(split + page, true));
  CHECK_EQ("read of a PROT_NONE page", SIGSEGV, faults_touch(split + 2 * page, false));
  CHECK_EQ("write to an executable page", SIGSEGV, faults_touch(split + 3 * page, true));
  NEED(mprotect(split, 5 * page, PROT_READ | PROT_WRITE));
  app_check_fill("page behind a protection", split, 5 * page, 3);
  app_fill(mixed, kPages * page, 9);
  app_check_fill("memory written after restore", mixed, kPages * page, 9);
  NEED(munmap(mixed, kPages * page));
  NEED(munmap(split, 5 * page));
  return 0;
}

// Hazard: MADV_DONTNEED on restored memory must give zeros, never the bytes of the image.
#include <pthread.h>

#include "faults.h"

enum { kPages = 64, kThreads = 4 };

static char* per_thread[kThreads];

static void* work(void* argument) {
  char* area = argument;
  size_t page = app_page();
  for (size_t i = 0; i < kPages; i += 2) NEED(madvise(area + i * page, page, MADV_DONTNEED));
  for (size_t i = 0; i < kPages; i += 2)
    app_check_zero("page dropped by a thread", area + i * page, page);
  char* expected = malloc(kPages * page);
  app_fill(expected, kPages * page, 142);
  for (size_t i = 1; i < kPages; i += 2)
    CHECK_EQ("page kept by a thread", 0, memcmp(area + i * page, expected + i * page, page));
  free(expected);
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  char* area = app_map(kPages * page);
  app_fill(area, kPages * page, 141);
  char* mixed = app_map(8 * page);  // three VMAs
  app_fill(mixed, 8 * page, 143);
  NEED(mprotect(mixed + 2 * page, 2 * page, PROT_READ));
  for (int i = 0; i < kThreads; i++) {
    per_thread[i] = app_map(kPages * page);
    app_fill(per_thread[i], kPages * page, 142);
  }
  app_wait();

  NEED(madvise(area + 8 * page, 4 * page, MADV_DONTNEED));
  app_check_zero("dropped pages", area + 8 * page, 4 * page);
  char* expected = malloc(kPages * page);
  app_fill(expected, kPages * page, 141);
  CHECK_EQ("pages before the dropped ones", 0, memcmp(area, expected, 8 * page));
  CHECK_EQ("pages behind the dropped ones", 0,
           memcmp(area + 12 * page, expected + 12 * page, (kPages - 12) * page));
  app_fill(area + 8 * page, page, 144);
  app_check_fill("dropped page written again", area + 8 * page, page, 144);
  NEED(madvise(area, kPages * page, MADV_DONTNEED));
  app_check_zero("all pages dropped", area, kPages * page);

  NEED(madvise(mixed, 8 * page, MADV_DONTNEED));
  app_check_zero("pages over several areas dropped", mixed, 8 * page);
  CHECK_EQ("write to a dropped read-only page", SIGSEGV, faults_touch(mixed + 2 * page, true));

  CHECK_EQ("unaligned address", -1, madvise(area + 1, page, MADV_DONTNEED));
  CHECK_EQ("error of an unaligned address", EINVAL, errno);
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; i++) NEED0(pthread_create(&threads[i], NULL, work, per_thread[i]));
  for (int i = 0; i < kThreads; i++) NEED0(pthread_join(threads[i], NULL));
  return 0;
}

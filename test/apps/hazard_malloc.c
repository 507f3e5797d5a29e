// Hazard: glibc's malloc drops and moves memory by calls inside libc, and calloc trusts what the
// kernel gives back to be zero.
#include <malloc.h>
#include <pthread.h>

#include "harness.h"

enum { kBlocks = 200 };
static const size_t kBlock = 100 * 1000 / 8 * 8;

/// Fills an arena's top, gives it back by MADV_DONTNEED (shrink_heap), and takes it again with
/// calloc.
static void* work(void* argument) {
  static _Thread_local char* blocks[kBlocks];
  for (unsigned i = 0; i < kBlocks; i++) {
    blocks[i] = malloc(kBlock);
    app_fill(blocks[i], kBlock, 2000 + i);
  }
  while (!app_may_go()) app_sleep_ms(2);
  for (unsigned i = 0; i < kBlocks; i++)
    app_check_fill("block of an arena", blocks[i], kBlock, 2000 + i);
  for (unsigned i = kBlocks; i-- > 0;) free(blocks[i]);
  for (unsigned i = 0; i < kBlocks; i++) {
    blocks[i] = calloc(1, kBlock);
    app_check_zero("calloc after a shrunk heap", blocks[i], kBlock);
  }
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  NEED(mallopt(M_MMAP_THRESHOLD, 512 * 1024) == 1 ? 0 : -1);
  NEED(mallopt(M_TRIM_THRESHOLD, 128 * 1024) == 1 ? 0 : -1);
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, work, NULL));
  size_t big = 1 << 20;
  char* mapped[4];
  for (unsigned i = 0; i < 4; i++) {
    mapped[i] = malloc(big);
    app_fill(mapped[i], big, 181 + i);
  }
  char* small[kBlocks];
  for (unsigned i = 0; i < kBlocks; i++) {
    small[i] = malloc(kBlock);
    app_fill(small[i], kBlock, 3000 + i);
  }
  app_wait();

  for (unsigned i = 0; i < 4; i++) {
    size_t size = big << (i + 1);
    mapped[i] = realloc(mapped[i], size);  // mremap
    app_check_fill("block that realloc moved", mapped[i], big, 181 + i);
    app_fill(mapped[i], size, 191 + i);
    app_check_fill("block that realloc grew", mapped[i], size, 191 + i);
    mapped[i] = realloc(mapped[i], big / 2 * 2);
  }
  for (unsigned i = 0; i < kBlocks; i += 2) free(small[i]);
  malloc_trim(0);  // drops the free blocks' pages
  for (unsigned i = 1; i < kBlocks; i += 2)
    app_check_fill("block that was kept", small[i], kBlock, 3000 + i);
  for (unsigned i = 0; i < kBlocks; i += 2) {
    small[i] = calloc(1, kBlock);
    app_check_zero("calloc after malloc_trim", small[i], kBlock);
  }
  for (unsigned i = 0; i < kBlocks; i++) free(small[i]);
  malloc_trim(0);
  for (unsigned i = 0; i < 4; i++) free(mapped[i]);
  NEED0(pthread_join(thread, NULL));
  return 0;
}

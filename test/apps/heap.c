// The heap: blocks of all sizes keep their bytes, brk grows and shrinks, and malloc goes on working
// in several arenas.
#include <malloc.h>
#include <pthread.h>

#include "harness.h"

enum { kBlocks = 400 };

struct block {
  char* bytes;
  size_t size;
};

static size_t size_of(unsigned i) {
  return (8u + app_mix(i) % (i % 16 == 0 ? 400000u : 3000u)) / 8 * 8;
}

static void fill_all(struct block* blocks, unsigned seed) {
  for (unsigned i = 0; i < kBlocks; i++) {
    blocks[i].size = size_of(i + seed);
    blocks[i].bytes = malloc(blocks[i].size);
    app_fill(blocks[i].bytes, blocks[i].size, seed + i);
  }
}

static void check_and_free(struct block* blocks, unsigned seed) {
  for (unsigned i = 0; i < kBlocks; i++)
    app_check_fill("block", blocks[i].bytes, blocks[i].size, seed + i);
  for (unsigned i = 0; i < kBlocks; i++) free(blocks[(i * 7) % kBlocks].bytes);
}

static void churn(unsigned seed) {
  struct block* blocks = calloc(kBlocks, sizeof *blocks);
  for (unsigned round = 0; round < 3; round++) {
    fill_all(blocks, seed + round * 1000);
    for (unsigned i = 0; i < kBlocks; i += 5) {
      blocks[i].bytes = realloc(blocks[i].bytes, blocks[i].size * 2);
      app_check_fill("reallocated block", blocks[i].bytes, blocks[i].size, seed + round * 1000 + i);
    }
    check_and_free(blocks, seed + round * 1000);
    char* zeroed = calloc(1, 3u << 20);
    app_check_zero("calloc", zeroed, 3u << 20);
    free(zeroed);
  }
  free(blocks);
}

static void* work(void* argument) {
  struct block* blocks = calloc(kBlocks, sizeof *blocks);
  unsigned seed = *(unsigned*)argument;
  fill_all(blocks, seed);
  while (!app_may_go()) app_sleep_ms(2);
  check_and_free(blocks, seed);
  free(blocks);
  churn(seed + 7);
  return argument;
}

#ifdef __GLIBC__
static void check_brk(const char* before) {
  CHECK(sbrk(0) == before);
  char* grown = sbrk(1 << 20);
  CHECK(grown == before);
  app_check_zero("memory behind the old break", grown, 1 << 20);
  app_fill(grown, 1 << 20, 131);
  app_check_fill("memory behind the old break", grown, 1 << 20, 131);
  NEED(brk(grown));
  NEED((intptr_t)sbrk(4096));
  app_check_zero("memory given back and taken again", grown, 4096);
  NEED(brk(grown));
}
#endif

int main(int argc, char** argv) {
  app_start(argc, argv);
#ifdef __GLIBC__
  // On a 32-bit machine with one CPU, the threads would share the main arena, which moves brk.
  CHECK(mallopt(M_ARENA_MAX, 4) == 1);
#endif
  struct block* blocks = calloc(kBlocks, sizeof *blocks);
  fill_all(blocks, 1);
  pthread_t threads[3];
  unsigned seeds[3] = {2000, 3000, 4000};
  for (int i = 0; i < 3; i++) NEED0(pthread_create(&threads[i], NULL, work, &seeds[i]));
#ifdef __GLIBC__
  const char* end = sbrk(0);
#endif
  app_wait();
#ifdef __GLIBC__  // musl has no sbrk that moves
  check_brk(end);
#endif
  check_and_free(blocks, 1);
  churn(100);
  for (int i = 0; i < 3; i++) NEED0(pthread_join(threads[i], NULL));
  free(blocks);
  return 0;
}

// Memory that fork(2) has copied: most of it is still what the parent has, some pages are each one's own, some were
// dropped or protected since.
#include "tree.h"

enum { kSize = 8 << 20, kChildren = 4, kStep = 97 };

static char* memory;

static void change(uint64_t seed, size_t first) {
  const size_t page = app_page();
  for (size_t at = first * page; at + page <= kSize; at += kStep * page)
    app_fill(memory + at, page, seed * 1000 + at / page);
}

static void check(uint64_t seed, size_t first, size_t untouched_from) {
  const size_t page = app_page();
  for (size_t i = 0; i < kSize / page; i++) {
    const char* at = memory + i * page;
    if (i % kStep == first)
      app_check_fill("a page of one's own", at, page, seed * 1000 + i);
    else if (i * page >= untouched_from && seed == 2)
      app_check_zero("a page that was dropped", at, page);
    else
      app_check_fill("a page of before the fork", at, page, i);
  }
}

static void fill(void) {
  const size_t page = app_page();
  for (size_t i = 0; i < kSize / page; i++) app_fill(memory + i * page, page, i);
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  enum { kDropped = kSize / 2 };
  memory = app_map(kSize);
  fill();
  pid_t children[kChildren];
  for (int i = 0; i < kChildren; i++) {
    children[i] = tree_fork();
    if (children[i] != 0) continue;
    if (i == 2) NEED(madvise(memory + kDropped, kSize - kDropped, MADV_DONTNEED));
    change((uint64_t)i, (size_t)i + 1);
    if (i == 3) NEED(mprotect(memory, kSize, PROT_READ));
    tree_wait_go();
    check((uint64_t)i, (size_t)i + 1, kDropped);
    if (i != 3) app_fill(memory, kSize, 77);
    if (i != 3) app_check_fill("memory that is written anew", memory, kSize, 77);
    _exit(i);
  }
  change(9, 9);
  app_sleep_ms(100);
  app_wait();
  for (int i = 0; i < kChildren; i++) tree_expect_exit("exit status of a child", i, children[i]);
  check(9, 9, kDropped);
  return 0;
}

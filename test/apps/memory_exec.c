// Generated code: pages that are executable at the checkpoint, and memory that becomes executable
// only after the restore, as a JIT compiler does it. With an image on a noexec file system both
// need true anonymous memory.
#include "jit.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  char* ready = app_map(4 * page);
  for (unsigned i = 0; i < 4; i++) jit_write(ready + i * page, 1000 + i);
  NEED(mprotect(ready, 4 * page, PROT_READ | PROT_EXEC));
  char* both = NEED_MAP(
      mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  jit_write(both, 2000);
  char* later = app_map(4 * page);
  app_fill(later, 4 * page, 111);
  jit_write(later, 3000);
  CHECK_EQ("code before the checkpoint", 1003, jit_call(ready + 3 * page));
  app_wait();

  for (unsigned i = 0; i < 4; i++)
    CHECK_EQ("code from before the checkpoint", 1000 + i, jit_call(ready + i * page));
  CHECK_EQ("code in a writable page", 2000, jit_call(both));
  jit_write(both, 2001);
  CHECK_EQ("code rewritten in place", 2001, jit_call(both));
  NEED(mprotect(later, 4 * page, PROT_READ | PROT_EXEC));
  CHECK_EQ("code made executable after restore", 3000, jit_call(later));
  NEED(mprotect(ready, 4 * page, PROT_READ | PROT_WRITE));
  jit_write(ready, 1100);
  NEED(mprotect(ready, 4 * page, PROT_READ | PROT_EXEC));
  CHECK_EQ("code made anew", 1100, jit_call(ready));
  CHECK_EQ("its neighbour", 1001, jit_call(ready + page));
  return 0;
}

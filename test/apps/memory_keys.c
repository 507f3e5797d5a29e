// Keys of memory protection (pkeys(7)): allocated with a hole among them, on memory and unused, with
// rights that differ by thread; and memory that can be executed only, to which the kernel gives one.
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "harness.h"

/// By the kernel, which asks for the calling thread's rights as well: a handler of SIGSEGV would begin
/// with rights of its own.
static bool readable(const char* at) {
  int pipes[2];
  NEED(pipe2(pipes, O_CLOEXEC));
  bool can = write(pipes[1], at, 1) == 1;
  close(pipes[0]);
  close(pipes[1]);
  return can;
}

static bool writable(char* at) {
  int pipes[2];
  NEED(pipe2(pipes, O_CLOEXEC));
  NEED(write(pipes[1], "g", 1));
  bool can = read(pipes[0], at, 1) == 1;
  close(pipes[0]);
  close(pipes[1]);
  return can;
}

enum { kLow = 0x200000 };

static int first, hole, unused;
static char *guarded, *code;
static atomic_int go_on;

/// A thread's rights are its own.
static void* run(void* unused_argument) {
  NEED(pkey_set(first, PKEY_DISABLE_WRITE));
  atomic_store(&go_on, 1);
  while (atomic_load(&go_on) != 2) app_sleep_ms(5);
  CHECK_EQ("rights of the thread", PKEY_DISABLE_WRITE, pkey_get(first));
  CHECK_EQ("the thread reads", true, readable(guarded));
  CHECK_EQ("the thread writes", false, writable(guarded));
  return unused_argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  const size_t size = 4 * app_page();
  first = pkey_alloc(0, 0);
  if (first < 0) SKIP("this CPU has no protection keys");
  hole = (int)NEED(pkey_alloc(0, 0));
  code = NEED_MAP(mmap(NULL, size, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  unused = (int)NEED(pkey_alloc(0, PKEY_DISABLE_WRITE));
  // Below all else, where a checkpoint comes upon it first.
  guarded = NEED_MAP(mmap((void*)kLow, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  memset(guarded, 'g', size);
  NEED(pkey_mprotect(guarded, size, PROT_READ | PROT_WRITE, first));
  NEED(pkey_free(hole));
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, run, NULL));
  while (atomic_load(&go_on) != 1) app_sleep_ms(5);
  NEED(pkey_set(first, PKEY_DISABLE_ACCESS));
  CHECK_EQ("code can be read", false, readable(code));
  app_wait();

  CHECK_EQ("rights", PKEY_DISABLE_ACCESS, pkey_get(first));
  CHECK_EQ("rights by the unused key", PKEY_DISABLE_WRITE, pkey_get(unused));
  CHECK_EQ("reads", false, readable(guarded));
  NEED(pkey_set(first, 0));
  CHECK_EQ("content", 'g', guarded[size - 1]);
  CHECK_EQ("writes", true, writable(guarded));
  CHECK_EQ("code can be read", false, readable(code));
  atomic_store(&go_on, 2);
  NEED0(pthread_join(thread, NULL));
  // Memory dropped and asked for anew keeps its key.
  NEED(madvise(guarded, size, MADV_DONTNEED));
  NEED(pkey_set(first, PKEY_DISABLE_ACCESS));
  CHECK_EQ("reads what was dropped", false, readable(guarded));
  // Each number is taken or free as it was.
  CHECK_EQ("the lowest free key", hole, pkey_alloc(0, 0));
  CHECK_EQ("the next free key", unused + 1, pkey_alloc(0, 0));
  NEED(pkey_free(unused));
  return 0;
}

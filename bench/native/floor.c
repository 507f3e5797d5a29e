// The least that a launch could take: makes as many mappings, threads and descriptors as one, and
// nothing else.
//
//   floor --file FILE --file-mappings N --mappings N --threads N --opens N
//
// Private mappings of FILE and anonymous ones alternate in protection, so that the kernel cannot
// merge them. Prints the nanoseconds from main() until all of it is made and the threads run. Exit
// code: 0, or 1 with a message on standard error.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"

enum { kPages = 16, kStackSize = 64 * 1024 };

static atomic_int running;

__attribute__((noreturn)) static void fail(const char* what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static char* reserve(size_t size) {
  char* memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  return memory;
}

/// `fd` -1: anonymous memory.
static void map_many(char* area, int count, int fd) {
  const size_t size = (size_t)kPages * (size_t)sysconf(_SC_PAGESIZE);
  const int flags = MAP_PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);
  for (int i = 0; i < count; i++) {
    const int protection = i % 2 == 0 ? PROT_READ | PROT_WRITE : PROT_READ;
    if (mmap(area + (size_t)i * size, size, protection, flags, fd, 0) == MAP_FAILED) fail("mmap");
  }
}

__attribute__((noreturn)) static int thread(void* argument) {
  (void)argument;
  atomic_fetch_add(&running, 1);
  syscall(SYS_futex, &running, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  for (;;) pause();
}

static void start_threads(char* stacks, int count) {
  const int flags =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  for (int i = 1; i <= count; i++) {
    if (clone(thread, stacks + (size_t)i * kStackSize, flags, NULL) < 0) fail("clone");
  }
  for (int now; (now = atomic_load(&running)) < count;) {
    syscall(SYS_futex, &running, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
  }
}

int main(int argc, char** argv) {
  const int64_t start = now_ns();
  static const struct option names[] = {
      {"file", required_argument, NULL, 'f'},     {"file-mappings", required_argument, NULL, 'i'},
      {"mappings", required_argument, NULL, 'm'}, {"threads", required_argument, NULL, 't'},
      {"opens", required_argument, NULL, 'o'},    {NULL, 0, NULL, 0},
  };
  const char* file = NULL;
  int file_mappings = 0, mappings = 0, threads = 0, opens = 0;
  for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    if (c == 'f') file = optarg;
    if (c == 'i') file_mappings = atoi(optarg);
    if (c == 'm') mappings = atoi(optarg);
    if (c == 't') threads = atoi(optarg);
    if (c == 'o') opens = atoi(optarg);
    if (c == '?') return 1;
  }
  const int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) fail(file ? file : "--file is missing");
  for (int i = 0; i < opens; i++) {
    if (open(file, O_RDONLY | O_CLOEXEC) < 0) fail(file);
  }
  const size_t size = (size_t)kPages * (size_t)sysconf(_SC_PAGESIZE);
  char* area = reserve((size_t)(file_mappings + mappings + 1) * size);
  map_many(area, file_mappings, fd);
  map_many(area + (size_t)file_mappings * size, mappings, -1);
  char* stacks = mmap(NULL, (size_t)(threads + 1) * kStackSize, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stacks == MAP_FAILED) fail("mmap");
  start_threads(stacks, threads);
  printf("%lld\n", (long long)(now_ns() - start));
  fflush(stdout);
  _exit(0);
}

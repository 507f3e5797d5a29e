// The page cache, seen and changed from outside.
//
//   page_cache drop FILE...        asks the kernel to forget the files; prints how many bytes of
//   them it still holds page_cache read FILE BYTES     reads that many bytes from the start of
//   FILE's data; prints the nanoseconds
//
// Forgetting is posix_fadvise(POSIX_FADV_DONTNEED), which needs no privilege and spares other
// programs' files; pages that a running program maps stay. Exit code: 0, or 1 with a message on
// standard error.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

enum { kChunk = 1 << 20 };

__attribute__((noreturn)) static void fail(const char* what) {
  fprintf(stderr, "page_cache: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int open_file(const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(path);
  return fd;
}

static long long resident_bytes(int fd, size_t size) {
  if (size == 0) return 0;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t pages = (size + page - 1) / page;
  void* memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
  unsigned char* present = malloc(pages);
  if (memory == MAP_FAILED || present == NULL || mincore(memory, size, present) != 0)
    fail("mincore");
  long long count = 0;
  for (size_t i = 0; i < pages; i++) count += present[i] & 1;
  munmap(memory, size);
  free(present);
  return count * (long long)page;
}

static long long drop(const char* path) {
  int fd = open_file(path);
  struct stat status;
  if (fstat(fd, &status) != 0) fail(path);
  fdatasync(fd);  // dirty pages stay
  errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  if (errno != 0) fail(path);
  long long left = resident_bytes(fd, (size_t)status.st_size);
  close(fd);
  return left;
}

/// Holes are not on the storage: they are skipped.
static int64_t read_sequentially(const char* path, long long bytes) {
  int fd = open_file(path);
  posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  char* buffer = malloc(kChunk);
  if (buffer == NULL) fail("malloc");
  int64_t start = now_ns();
  off_t at = 0;
  while (bytes > 0) {
    off_t data = lseek(fd, at, SEEK_DATA);
    if (data < 0) fail("the file holds less data than asked for");
    off_t hole = lseek(fd, data, SEEK_HOLE);
    for (at = data; at < hole && bytes > 0;) {
      size_t size = (size_t)(hole - at) < kChunk ? (size_t)(hole - at) : kChunk;
      if ((long long)size > bytes) size = (size_t)bytes;
      ssize_t got = pread(fd, buffer, size, at);
      if (got <= 0) fail(path);
      at += got;
      bytes -= got;
    }
  }
  free(buffer);
  return now_ns() - start;
}

int main(int argc, char** argv) {
  if (argc >= 3 && strcmp(argv[1], "drop") == 0) {
    long long left = 0;
    for (int i = 2; i < argc; i++) left += drop(argv[i]);
    printf("%lld\n", left);
    return 0;
  }
  if (argc == 4 && strcmp(argv[1], "read") == 0) {
    printf("%lld\n", (long long)read_sequentially(argv[2], atoll(argv[3])));
    return 0;
  }
  fputs("usage: page_cache drop FILE... | page_cache read FILE BYTES\n", stderr);
  return 1;
}

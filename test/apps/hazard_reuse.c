// Hazard of the guards themselves: addresses of restored memory that are unmapped and used again
// for a file. There MADV_DONTNEED must bring back the file's bytes, not zeros.
#include "harness.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page(), size = 16 * page;
  char* unmapped = app_map(size);
  app_fill(unmapped, size, 211);
  char* covered = app_map(size);
  app_fill(covered, size, 212);
  int fd = (int)NEED(open(app_path("reused"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  char* bytes = malloc(size);
  app_fill(bytes, size, 213);
  CHECK_EQ("write of a file", size, write(fd, bytes, size));
  close(fd);
  app_wait();

  fd = (int)NEED(open(app_path("reused"), O_RDONLY | O_CLOEXEC));
  NEED(munmap(unmapped, size));
  int flags = MAP_PRIVATE | MAP_FIXED;
  char* again = NEED_MAP(mmap(unmapped, size, PROT_READ | PROT_WRITE, flags, fd, 0));
  app_fill(again, size, 214);
  NEED(madvise(again, size, MADV_DONTNEED));
  app_check_fill("file mapped where memory was unmapped", again, size, 213);
  again = NEED_MAP(mmap(covered, size, PROT_READ | PROT_WRITE, flags, fd, 0));
  app_fill(again, size, 215);
  NEED(madvise(again, size, MADV_DONTNEED));
  app_check_fill("file mapped over memory", again, size, 213);
  CHECK_EQ("MADV_FREE of a file mapping", -1, madvise(again, size, MADV_FREE));

  char* fresh =
      NEED_MAP(mmap(unmapped, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0));
  app_check_zero("new memory at an old address", fresh, size);
  app_fill(fresh, size, 216);
  NEED(madvise(fresh, size, MADV_DONTNEED));
  app_check_zero("new memory dropped", fresh, size);
  return 0;
}

// A file of more than 2 GiB: its position and a mapping, both beyond what 32 bits with a sign can
// say.
#include "harness.h"

enum { kSize = 4096 * 16 };

int main(int argc, char** argv) {
  app_start(argc, argv);
  const char* path = app_path("large");
  const off_t at = (off_t)5 << 30;
  int fd = (int)NEED(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  char* bytes = app_map(kSize);
  app_fill(bytes, kSize, 3);
  CHECK_EQ("bytes written", kSize, NEED(pwrite(fd, bytes, kSize, at)));
  close(fd);
  fd = (int)NEED(open(path, O_RDONLY | O_CLOEXEC));
  CHECK_EQ("position", at + 8, lseek(fd, at + 8, SEEK_SET));
  char* mapped = NEED_MAP(mmap(NULL, kSize, PROT_READ, MAP_PRIVATE, fd, at));
  app_wait();
  CHECK_EQ("position after the launch", at + 8, lseek(fd, 0, SEEK_CUR));
  app_check_fill("mapping", mapped, kSize, 3);
  CHECK_EQ("bytes read", 8, NEED(read(fd, bytes, 8)));
  CHECK(memcmp(bytes, mapped + 8, 8) == 0);
  return 0;
}

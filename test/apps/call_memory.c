// Calls thaw_checkpoint() with a struct thaw_call in memory of the kind that the argument names.
// Not run by the table of apps: it has no status file.
#include <stdbool.h>
#include <sys/mman.h>

// The header's struct, wherever this points.
#define thaw_call_state (*placed_call)
#include <thaw.h>

static void* shared_map(size_t size, int fd) {
  int flags = MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0);
  return mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
}

int main(int argc, char** argv) {
  const char* kind = argc > 1 ? argv[1] : "";
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  int fd = memfd_create("call", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, (off_t)(2 * page)) != 0) return 1;
  bool in_memfd = strcmp(kind, "memfd") == 0 || strcmp(kind, "mapped") == 0;
  char* area = shared_map(2 * page, in_memfd ? fd : -1);
  char* other = in_memfd ? shared_map(2 * page, fd) : area;
  if (strcmp(kind, "wiped") == 0) {
    area = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (madvise(area, 2 * page, MADV_WIPEONFORK) != 0) return 1;
    other = area;
  }
  if (strcmp(kind, "memfd") != 0) close(fd), fd = -1;
  // In the second page: the first one is empty, so that pages and their places differ.
  placed_call = (struct thaw_call*)(area + page);
  int answer = thaw_checkpoint();
  int seen = (int)((struct thaw_call*)(other + page))->state, read = answer;
  if (fd >= 0 && pread(fd, &read, sizeof read, (off_t)page) != sizeof read) return 1;
  const char* first = thaw_argument(1);
  printf("%d %d %d %s\n", answer, seen, read, first == NULL ? "-" : first);
  return 0;
}

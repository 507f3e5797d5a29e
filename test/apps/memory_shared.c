// Shared memory: anonymous and memfd, mapped several times. What is written through one mapping
// shows in the others, in private ones that have no page of their own there, and in a child.
#include <sys/wait.h>

#include "area.h"

/// A second mapping of shared memory.
static char* again(char* area, size_t size) {
  return NEED_MAP(mremap(area, 0, size, MREMAP_MAYMOVE));
}

struct twice {
  char *first, *second, *part;
  int link;  ///< a descriptor of it, which root can have; or -1
};

/// Shared anonymous memory, mapped twice, a part of it a third time, its first mapping in pieces.
static struct twice map_twice(size_t page) {
  struct twice twice;
  twice.first =
      NEED_MAP(mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  twice.second = again(twice.first, 8 * page);
  twice.link = area_open(twice.second, 8 * page);
  twice.part = again(twice.first + 4 * page, 2 * page);
  app_fill(twice.first, 8 * page, 31);
  NEED(mprotect(twice.first + 2 * page, page, PROT_READ));
  return twice;
}

static void check_twice(const struct twice* twice, size_t page) {
  app_check_fill("anonymous memory mapped twice", twice->second, 8 * page, 31);
  app_fill(twice->second, 8 * page, 32);
  app_check_fill("the same through its first mapping", twice->first, 8 * page, 32);
  app_fill(twice->part, page, 33);
  app_check_fill("a part of it", twice->second + 4 * page, page, 33);
  if (twice->link < 0) return;
  NEED(pwrite(twice->link, "by descriptor", 14, (off_t)page));
  CHECK_STR("what was written by descriptor", "by descriptor", twice->first + page);
}

/// Private mappings of a memfd: pages are the memory's until the app writes to them.
struct overlaid {
  int memory;
  char *writable, *fixed;
};

static struct overlaid map_private(size_t page) {
  struct overlaid over;
  over.memory = (int)NEED(memfd_create("overlaid", MFD_CLOEXEC));
  NEED(ftruncate(over.memory, (off_t)(4 * page)));
  over.writable =
      NEED_MAP(mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, over.memory, 0));
  over.fixed = NEED_MAP(mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, over.memory, 0));
  app_fill(over.writable, page, 41);
  memset(over.writable + 2 * page, 0, page);  // The same bytes, and yet its own.
  app_fill(over.fixed + page, page, 42);
  NEED(mprotect(over.fixed, 4 * page, PROT_READ));
  return over;
}

static void check_private(const struct overlaid* over, size_t page) {
  char* bytes = malloc(4 * page);
  app_fill(bytes, 4 * page, 43);
  NEED(pwrite(over->memory, bytes, 4 * page, 0));
  app_check_fill("page of its own", over->writable, page, 41);
  app_check_zero("page of its own without a difference", over->writable + 2 * page, page);
  app_check_fill("page of its own that is read-only now", over->fixed + page, page, 42);
  CHECK_EQ("page that was written by descriptor", 0,
           memcmp(over->writable + page, bytes + page, page));
  CHECK_EQ("page that was written by descriptor", 0,
           memcmp(over->writable + 3 * page, bytes + 3 * page, page));
  CHECK_EQ("read-only page that was written by descriptor", 0, memcmp(over->fixed, bytes, page));
  NEED(madvise(over->writable, page, MADV_DONTNEED));
  NEED(madvise(over->fixed + page, page, MADV_DONTNEED));
  CHECK_EQ("dropped page", 0, memcmp(over->writable, bytes, page));
  CHECK_EQ("dropped read-only page", 0, memcmp(over->fixed, bytes, 2 * page));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page(), size = 64 * page;
  char* anonymous =
      NEED_MAP(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  app_fill(anonymous, size / 2, 11);  // the second half stays a hole

  int memory = (int)NEED(memfd_create("shared memory", MFD_CLOEXEC));
  NEED(ftruncate(memory, (off_t)size));
  char* writable = NEED_MAP(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0));
  char* readable = NEED_MAP(mmap(NULL, size, PROT_READ, MAP_SHARED, memory, 0));
  char* part =
      NEED_MAP(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, memory, (off_t)(4 * page)));
  char* private = NEED_MAP(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, memory, 0));
  app_fill(writable, size, 12);
  app_fill(private + page, page, 13);

  // One whose descriptor is closed: only the mappings know of each other.
  int closed = (int)NEED(memfd_create("closed", MFD_CLOEXEC));
  NEED(ftruncate(closed, (off_t)page));
  char* first = NEED_MAP(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, closed, 0));
  char* second = NEED_MAP(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, closed, 0));
  close(closed);
  app_fill(first, page, 14);
  char* beside = NEED_MAP(mmap(NULL, page, PROT_READ, MAP_PRIVATE, memory, 0));
  struct twice twice = map_twice(page), without_link = map_twice(page);
  close(without_link.link);
  struct overlaid over = map_private(page);

  // Of one without a descriptor, a part is mapped; the rest is a hole.
  int larger = (int)NEED(memfd_create("larger", MFD_CLOEXEC));
  NEED(ftruncate(larger, (off_t)(16 * page)));
  char* middle =
      NEED_MAP(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, larger, (off_t)(4 * page)));
  close(larger);
  app_fill(middle, page, 61);

  // Mapped by a descriptor that only reads.
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
  int reader = (int)NEED(open(path, O_RDONLY | O_CLOEXEC));
  char* read_only = NEED_MAP(mmap(NULL, page, PROT_READ, MAP_SHARED, reader, 0));
  close(reader);
  app_wait();

  app_check_fill("shared anonymous memory", anonymous, size / 2, 11);
  app_check_zero("hole of shared anonymous memory", anonymous + size / 2, size / 2);
  app_check_fill("memfd", readable, size, 12);
  app_check_fill("private page of a memfd", private + page, page, 13);
  app_check_fill("memfd without descriptor", second, page, 14);
  app_fill(part, page, 15);
  app_check_fill("page written through another mapping", readable + 4 * page, page, 15);
  app_fill(second, page, 16);
  app_check_fill("page written through the second mapping", first, page, 16);
  char byte = 'z';
  CHECK_EQ("write to the memfd", 1, pwrite(memory, &byte, 1, 0));
  CHECK_EQ("byte written to the descriptor", 'z', readable[0]);
  CHECK_EQ("the same in a private mapping", 'z', beside[0]);
  CHECK_EQ("the same in a mapping for reading", 'z', read_only[0]);
  CHECK_EQ("a mapping for reading made writable", -1,
           mprotect(read_only, page, PROT_READ | PROT_WRITE));
  middle = NEED_MAP(mremap(middle, page, 12 * page, MREMAP_MAYMOVE));
  app_check_fill("the part that was mapped", middle, page, 61);
  app_check_zero("the rest of it", middle + page, 11 * page);
  check_twice(&twice, page);
  without_link.link = -1;
  check_twice(&without_link, page);
  check_private(&over, page);

  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    app_fill(anonymous, size, 17);
    app_fill(writable, size, 18);
    app_fill(private, size, 19);
    _exit(0);
  }
  int status;
  NEED(waitpid(child, &status, 0));
  CHECK_EQ("status of the child", 0, status);
  app_check_fill("shared memory that a child wrote", anonymous, size, 17);
  app_check_fill("memfd that a child wrote", readable, size, 18);
  app_check_fill("private page that a child wrote", private + page, page, 13);
  return 0;
}

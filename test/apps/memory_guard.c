// Guard regions (MADV_GUARD_INSTALL, Linux 6.13), which no VMA shows.
#include "faults.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

enum { kPages = 16 };

static char* map_file(int fd, int prot, int flags) {
  return NEED_MAP(mmap(NULL, kPages * app_page(), prot, flags, fd, 0));
}

/// Over the fifth and sixth page.
static void guard(char* area) {
  if (madvise(area + 4 * app_page(), 2 * app_page(), MADV_GUARD_INSTALL) == -1)
    SKIP("this kernel has no guard regions in files");
}

/// `own` pages are those that the app has written to, with the seed 73; the file has 72.
static void check_guarded(const char* what, char* area, unsigned own) {
  size_t page = app_page();
  char *of_file = malloc(kPages * page), *of_app = malloc(kPages * page);
  app_fill(of_file, kPages * page, 72);
  app_fill(of_app, kPages * page, 73);
  CHECK_EQ(what, SIGSEGV, faults_touch(area + 4 * page, false));
  CHECK_EQ(what, SIGSEGV, faults_touch(area + 5 * page, false));
  NEED(madvise(area, kPages * page, MADV_GUARD_REMOVE));
  for (size_t i = 0; i < kPages; i++)
    CHECK_EQ(what, 0,
             memcmp(area + i * page, ((own >> i & 1) != 0 ? of_app : of_file) + i * page, page));
}

/// What is beneath a guard in a file's mapping comes back when the guard is removed.
static void hold_files(void) {
  size_t page = app_page(), size = kPages * page;
  char* bytes = malloc(size);
  app_fill(bytes, size, 72);
  int fd = (int)NEED(open(app_path("guarded"), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  int memory = (int)NEED(memfd_create("guarded", MFD_CLOEXEC));
  CHECK_EQ("written", size, write(fd, bytes, size));
  CHECK_EQ("written", size, write(memory, bytes, size));
  close(fd);
  fd = (int)NEED(open(app_path("guarded"), O_RDONLY | O_CLOEXEC));
  char* untouched = map_file(fd, PROT_READ, MAP_PRIVATE);
  char* changed = map_file(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  char* relocated = map_file(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  char* shared = map_file(fd, PROT_READ, MAP_SHARED);
  char* object = map_file(memory, PROT_READ | PROT_WRITE, MAP_SHARED);
  char* private_object = map_file(memory, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  close(fd);
  app_fill(bytes, size, 73);
  for (unsigned i = 0; i < kPages; i++)
    if ((0x4a >> i & 1) != 0) {
      memcpy(changed + i * page, bytes + i * page, page);
      memcpy(private_object + i * page, bytes + i * page, page);
    }
  memcpy(relocated, bytes, size);
  NEED(mprotect(relocated, size, PROT_READ));
  guard(untouched);
  guard(changed);
  guard(relocated);
  guard(shared);
  guard(object);
  guard(private_object);
  app_wait();
  check_guarded("a mapping that is only read", untouched, 0);
  check_guarded("a mapping that the app has changed", changed, 0x4a);
  check_guarded("a mapping that was changed and is only read", relocated, 0xffcf);
  check_guarded("a shared mapping", shared, 0);
  check_guarded("a private mapping of a memfd", private_object, 0x4a);
  check_guarded("a memfd", object, 0);
  exit(0);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  if (argc > 4) hold_files();
  size_t page = app_page();
  char* area = app_map(16 * page);
  app_fill(area, 16 * page, 71);
  if (madvise(area, page, MADV_GUARD_INSTALL) == -1) SKIP("this kernel has no guard regions");
  NEED(madvise(area + 8 * page, 2 * page, MADV_GUARD_INSTALL));
  // A mapping that has a guard and nothing else; what lies around keeps it apart from others.
  char* bare = app_map(6 * page);
  NEED(mprotect(bare, page, PROT_NONE));
  NEED(mprotect(bare + 5 * page, page, PROT_NONE));
  NEED(madvise(bare + 2 * page, page, MADV_GUARD_INSTALL));
  app_wait();
  CHECK_EQ("guard in untouched memory", SIGSEGV, faults_touch(bare + 2 * page, false));
  CHECK_EQ("untouched memory beside it", 0, faults_touch(bare + 3 * page, true));
  CHECK_EQ("guard at the start", SIGSEGV, faults_touch(area, false));
  CHECK_EQ("guard in the middle", SIGSEGV, faults_touch(area + 9 * page, true));
  char* expected = malloc(16 * page);
  app_fill(expected, 16 * page, 71);
  CHECK_EQ("memory between guards", 0, memcmp(area + page, expected + page, 7 * page));
  CHECK_EQ("memory behind guards", 0, memcmp(area + 10 * page, expected + 10 * page, 6 * page));
  NEED(madvise(area, 16 * page, MADV_GUARD_REMOVE));
  app_check_zero("memory of a removed guard", area, page);
  CHECK_EQ("write to it", 0, faults_touch(area + 8 * page, true));
  return 0;
}

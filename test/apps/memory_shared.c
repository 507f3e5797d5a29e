// Shared memory: anonymous and memfd, mapped several times. What is written through one mapping
// shows in the others and in a child.
#include <sys/wait.h>

#include "harness.h"

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

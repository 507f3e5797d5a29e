// memfd: content with holes, offset, seals, name, status flags, a read-only reopening, one that a
// mapping shares, one that holds a program.
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "fds.h"

/// A memfd with this very program.
static int copy_program(void) {
  int program = (int)NEED(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  int memory = (int)NEED(memfd_create("program", MFD_CLOEXEC));
  while (NEED(sendfile(memory, program, NULL, 1 << 20)) > 0) continue;
  close(program);
  return memory;
}

static void check_runs(int program) {
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    char *arguments[] = {"program", "exit", NULL}, *none[] = {NULL};
    syscall(SYS_execveat, program, "", arguments, none, AT_EMPTY_PATH);
    _exit(errno);
  }
  int status = 0;
  NEED(waitpid(child, &status, 0));
  CHECK_EQ("exit code of the program in a memfd", 0, status >> 8);
}

int main(int argc, char** argv) {
  if (argc == 2) return 0;
  app_start(argc, argv);
  size_t page = app_page();
  int fd = (int)NEED(memfd_create("plain memfd", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  NEED(ftruncate(fd, (off_t)(256 * page)));
  char* bytes = malloc(page);
  app_fill(bytes, page, 241);
  NEED(pwrite(fd, bytes, page, (off_t)(100 * page)));
  NEED(lseek(fd, 12345, SEEK_SET));
  int copy = dup(fd);

  int sealed = (int)NEED(memfd_create("sealed memfd", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  fds_write(sealed, "sealed text");
  int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  NEED(fcntl(sealed, F_ADD_SEALS, seals));
  int empty = (int)NEED(memfd_create("empty", 0));
  NEED(fcntl(empty, F_SETFL, O_APPEND | O_NONBLOCK));
  char path[64], link[128] = "";
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int reopened = (int)NEED(open(path, O_RDONLY | O_CLOEXEC));
  char* mapped = NEED_MAP(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  memcpy(mapped, "mapped text", 12);
  int program = copy_program();
  app_wait();

  struct stat status;
  NEED(fstat(fd, &status));
  CHECK_EQ("size", 256 * page, status.st_size);
  CHECK(status.st_blocks * 512 <= (blkcnt_t)(16 * page));  // the holes are still holes
  CHECK_EQ("offset", 12345, lseek(copy, 0, SEEK_CUR));
  CHECK_EQ("read", page, pread(copy, bytes, page, (off_t)(100 * page)));
  app_check_fill("content", bytes, page, 241);
  NEED(pread(fd, bytes, page, (off_t)(50 * page)));
  app_check_zero("hole", bytes, page);
  CHECK_EQ("seals", seals, fcntl(sealed, F_GET_SEALS));
  CHECK_EQ("seals of the plain one", 0, fcntl(fd, F_GET_SEALS));
  CHECK_EQ("write to a sealed memfd", -1, pwrite(sealed, "x", 1, 0));
  char text[16] = "";
  NEED(pread(sealed, text, sizeof text - 1, 0));
  CHECK_STR("sealed content", "sealed text", text);
  snprintf(path, sizeof path, "/proc/self/fd/%d", sealed);
  NEED(readlink(path, link, sizeof link - 1));
  CHECK_STR("name", "/memfd:sealed memfd (deleted)", link);
  CHECK_EQ("read of an empty memfd", 0, read(empty, text, 1));
  CHECK_EQ("status flags", O_APPEND | O_NONBLOCK, fcntl(empty, F_GETFL) & (O_APPEND | O_NONBLOCK));
  CHECK_EQ("write to the read-only opening", -1, write(reopened, "x", 1));
  NEED(pread(reopened, text, 12, 0));
  CHECK_STR("text written through a mapping", "mapped text", text);
  NEED(pwrite(fd, "descriptor", 11, 0));
  CHECK_STR("text written through a descriptor", "descriptor", mapped);
  check_runs(program);
  return 0;
}

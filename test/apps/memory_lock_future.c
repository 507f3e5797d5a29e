// mlockall(MCL_FUTURE): what is mapped after a launch is locked, too; argv[4] "onfault": once it is
// touched.
#include "harness.h"

static long locked_kb(void) {
  static char text[8192];
  int fd = (int)NEED(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  text[NEED(read(fd, text, sizeof text - 1))] = '\0';
  close(fd);
  return atol(strstr(text, "VmLck:") + 6);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  const bool on_fault = argc > 4 && strcmp(argv[4], "onfault") == 0;
  const size_t size = 64 << 10;
  NEED(mlockall(MCL_FUTURE | (on_fault ? MCL_ONFAULT : 0)));
  app_wait();

  long before = locked_kb();
  char* area =
      NEED_MAP(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_EQ("locked of a new mapping (kB)", size / 1024, locked_kb() - before);
  unsigned char resident = 0;
  NEED(mincore(area, 4096, &resident));
  CHECK_EQ("resident before it is touched", !on_fault, resident & 1);
  return 0;
}

// Names: the command name, argv and the environment in memory and in /proc, the auxiliary vector.
#include <elf.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "harness.h"

extern char** environ;

static size_t read_proc(const char* path, char* text, size_t size) {
  int fd = (int)NEED(open(path, O_RDONLY | O_CLOEXEC));
  size_t used = 0;
  ssize_t got;
  while ((got = NEED(read(fd, text + used, size - used))) > 0) used += (size_t)got;
  close(fd);
  return used;
}

static void check_strings(const char* path, char** strings) {
  static char text[256 * 1024];
  size_t size = read_proc(path, text, sizeof text), at = 0;
  for (; *strings != NULL; strings++) {
    if (at >= size) FAIL("%s, expected \"%s\", got its end", path, *strings);
    CHECK_STR(path, *strings, text + at);
    at += strlen(text + at) + 1;
  }
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  char* program = strdup(argv[0]);
  unsigned long hwcap = getauxval(AT_HWCAP), entry = getauxval(AT_ENTRY),
                headers = getauxval(AT_PHDR);
  unsigned char random[16];
  memcpy(random, (void*)getauxval(AT_RANDOM), sizeof random);
  static char auxv[2][4096];
  size_t auxv_size = read_proc("/proc/self/auxv", auxv[0], sizeof auxv[0]);
  NEED(prctl(PR_SET_NAME, "renamed app"));
  app_wait();

  char name[16];
  NEED(prctl(PR_GET_NAME, name));
  CHECK_STR("PR_GET_NAME", "renamed app", name);
  size_t size = read_proc("/proc/self/comm", name, sizeof name);
  name[size - 1] = '\0';
  CHECK_STR("/proc/self/comm", "renamed app", name);
  CHECK_STR("argv[0]", program, argv[0]);
  check_strings("/proc/self/cmdline", argv);
  check_strings("/proc/self/environ", environ);
  CHECK_EQ("AT_HWCAP", hwcap, getauxval(AT_HWCAP));
  CHECK_EQ("AT_ENTRY", entry, getauxval(AT_ENTRY));
  CHECK_EQ("AT_PHDR", headers, getauxval(AT_PHDR));
  CHECK_EQ("AT_RANDOM bytes", 0, memcmp(random, (void*)getauxval(AT_RANDOM), sizeof random));
  CHECK_EQ("size of /proc/self/auxv", auxv_size,
           read_proc("/proc/self/auxv", auxv[1], sizeof auxv[1]));
  CHECK_EQ("/proc/self/auxv", 0, memcmp(auxv[0], auxv[1], auxv_size));
  return 0;
}

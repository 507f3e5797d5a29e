// Much memory that is written once, then only read: the argument says how many MiB. After the
// launch it is read twice from end to end; then the app says so (SCRATCH/checked.PID) and waits
// until SCRATCH/done exists.
#include "harness.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  const size_t part = 1 << 20, count = (size_t)atol(argv[4]);
  char* memory = NEED_MAP(mmap(NULL, count * part, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  for (size_t i = 0; i < count; i++) app_fill(memory + i * part, part, i);
  app_wait();
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < count; i++) app_check_fill("memory", memory + i * part, part, i);
  char name[32];
  snprintf(name, sizeof name, "checked.%d", getpid());
  close((int)NEED(open(app_path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
  while (access(app_path("done"), F_OK) != 0) app_sleep_ms(2);
  return 0;
}

// An app that has unmapped its vDSO, with a thread that is most of the time within the first bytes of
// a libc function that a launch redirects: none may be checkpointed there.
#include <pthread.h>
#include <stdatomic.h>

#include "harness.h"

static atomic_bool released;

static void unmap_kernel_pages(void) {
  FILE* maps = fopen("/proc/self/maps", "re");
  CHECK(maps != NULL);
  struct {
    unsigned long start, end;
  } found[8];
  int count = 0;
  char line[512];
  while (count < 8 && fgets(line, sizeof line, maps) != NULL)
    if ((strstr(line, "[vdso]") != NULL || strstr(line, "[vvar") != NULL) &&
        sscanf(line, "%lx-%lx", &found[count].start, &found[count].end) == 2)
      count++;
  fclose(maps);
  if (count == 0) SKIP("this kernel has no vDSO");
  for (int i = 0; i < count; i++)
    if (munmap((void*)found[i].start, found[i].end - found[i].start) != 0)
      SKIP("this kernel has sealed the vDSO");
}

static void* advise(void* memory) {
  while (!atomic_load(&released)) {
    NEED(madvise(memory, (size_t)sysconf(_SC_PAGESIZE), MADV_NORMAL));
    // Not so rarely elsewhere that an emulated CPU under load is never seen there.
    for (volatile int i = 0; i < 2000; i++) {
    }
  }
  return memory;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  char* memory = app_map(app_page());
  app_fill(memory, app_page(), 5);
  unmap_kernel_pages();
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, advise, memory));
  app_wait();
  atomic_store(&released, true);
  NEED0(pthread_join(thread, NULL));
  app_check_fill("memory", memory, app_page(), 5);
  return 0;
}

// Registrations for membarrier(2), one kind after the other as argv[4] lists them ("psrg"): private
// expedited, sync-core, rseq, and global (whose barriers others ask for). Those that were not made
// are not there after a launch.
#include <linux/membarrier.h>

#include "harness.h"

enum { kGetRegistrations = 1 << 9 }; /* MEMBARRIER_CMD_GET_REGISTRATIONS, Linux 6.3 */

static const struct {
  char letter;
  const char* name;
  int registration, barrier;
} kinds[] = {
    {'p', "private", MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, MEMBARRIER_CMD_PRIVATE_EXPEDITED},
    {'s', "sync-core", MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
     MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE},
    {'r', "rseq", MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ,
     MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ},
    {'g', "global", MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0},
};
enum { kKinds = sizeof kinds / sizeof *kinds };

static int membarrier(int command) {
  return (int)syscall(SYS_membarrier, command, 0, 0);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  CHECK(argc > 4);
  int wanted = 0, supported = membarrier(MEMBARRIER_CMD_QUERY);
  if (supported <= 0) SKIP("this kernel has no membarrier(2)");
  for (int i = 0; i < kKinds; i++) {
    if (strchr(argv[4], kinds[i].letter) == NULL || (supported & kinds[i].registration) == 0)
      continue;
    NEED(membarrier(kinds[i].registration));
    wanted |= kinds[i].registration;
  }
  app_wait();

  int told = membarrier(kGetRegistrations);
  if (told >= 0) CHECK_EQ("registrations", wanted, told);
  for (int i = 0; i < kKinds; i++) {
    if (kinds[i].barrier == 0 || (supported & kinds[i].registration) == 0) continue;
    const int expected = (wanted & kinds[i].registration) != 0 ? 0 : EPERM;
    const int got = membarrier(kinds[i].barrier) == 0 ? 0 : errno;
    CHECK_EQ(kinds[i].name, expected, got);
  }
  return 0;
}

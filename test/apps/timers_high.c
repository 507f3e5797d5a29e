// A POSIX timer whose id is a high number, as after many that were made and deleted.
#include <signal.h>
#include <sys/prctl.h>

#include "harness.h"

enum { kRestoreIds = 77, kOn = 1, kOff = 0, kId = 100000 }; /* PR_TIMER_CREATE_RESTORE_IDS, 6.15 */

int main(int argc, char** argv) {
  app_start(argc, argv);
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  if (prctl(kRestoreIds, kOn, 0, 0, 0) != 0) SKIP("this kernel lets nobody ask for an id");
  int id = kId;
  NEED(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
  NEED(prctl(kRestoreIds, kOff, 0, 0, 0));
  CHECK_EQ("id", kId, id);
  app_wait();

  struct itimerspec value;
  NEED(syscall(SYS_timer_gettime, kId, &value));
  CHECK_EQ("PR_TIMER_CREATE_RESTORE_IDS", kOff, prctl(kRestoreIds, 2 /* GET */, 0, 0, 0));
  return 0;
}

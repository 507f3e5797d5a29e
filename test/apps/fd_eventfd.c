// eventfd: counters, a semaphore, copies that share one counter.
#include <sys/eventfd.h>

#include "fds.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  int counter = (int)NEED(eventfd(7, EFD_CLOEXEC | EFD_NONBLOCK)), copy = dup(counter);
  int semaphore = (int)NEED(eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK));
  int empty = (int)NEED(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  int full = (int)NEED(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  NEED(eventfd_write(full, UINT64_MAX - 1));
  app_wait();

  eventfd_t value;
  NEED(eventfd_write(copy, 5));
  NEED(eventfd_read(counter, &value));
  CHECK_EQ("counter", 12, value);
  CHECK_EQ("read of an empty counter", -1, eventfd_read(copy, &value));
  for (int i = 0; i < 3; i++) {
    NEED(eventfd_read(semaphore, &value));
    CHECK_EQ("semaphore", 1, value);
  }
  CHECK_EQ("read of an empty semaphore", -1, eventfd_read(semaphore, &value));
  CHECK_EQ("events of an empty counter", POLLOUT, fds_events(empty, POLLIN | POLLOUT));
  CHECK_EQ("write to a full counter", -1, eventfd_write(full, 1));
  NEED(eventfd_read(full, &value));
  CHECK(value == UINT64_MAX - 1);
  CHECK(fds_closes_on_exec(counter) && !fds_closes_on_exec(semaphore));
  return 0;
}

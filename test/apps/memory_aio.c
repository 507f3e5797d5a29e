// Rings of kernel AIO without requests: small, large, used and new; the app calls them by their old ids.
#include <sys/eventfd.h>

#include "aio.h"
#include "fds.h"

enum { kRings = 3 };

static void use(aio_context_t ring, int file, uint64_t data) {
  char text[8] = "";
  struct iocb request = aio_read(file, text, 3, 1, data);
  aio_submit(ring, &request);
  CHECK_EQ("bytes read", 3, aio_result(ring, data));
  CHECK_STR("what was read", "bcd", text);
}

/// As many as it was made for, at once.
static void fill(aio_context_t ring, int file, int count) {
  char text[8] = "";
  struct iocb request = aio_read(file, text, 1, 0, 5);
  for (int i = 0; i < count; i++) aio_submit(ring, &request);
  for (int i = 0; i < count; i++) CHECK_EQ("bytes read", 1, aio_result(ring, 5));
  aio_check_none("results", ring);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  static const unsigned sizes[kRings] = {1, 300, 1000};
  const int file = fds_open_file("data", "abcdef");
  const int told = (int)NEED(eventfd(0, EFD_CLOEXEC));
  int pair[2];
  NEED(pipe2(pair, O_CLOEXEC));
  aio_context_t rings[kRings];
  for (int i = 0; i < kRings; i++) rings[i] = aio_setup(sizes[i]);
  for (int i = 0; i < 1000; i++) use(rings[1], file, (uint64_t)i);
  struct iocb wait = aio_poll(pair[0], 3);
  aio_submit(rings[1], &wait);
  fds_write(pair[1], "x");
  aio_result(rings[1], 3);
  fds_check_read("a pipe", pair[0], "x");
  app_wait();

  for (int i = 0; i < kRings; i++) {
    aio_check_none("results at first", rings[i]);
    use(rings[i], file, 7);
    fill(rings[i], file, (int)sizes[i]);
  }
  struct iocb request = aio_poll(pair[0], 9);
  request.aio_flags = IOCB_FLAG_RESFD;
  request.aio_resfd = (uint32_t)told;
  aio_submit(rings[2], &request);
  aio_check_none("results of who waits", rings[2]);
  fds_write(pair[1], "y");
  uint64_t count = 0;
  NEED(read(told, &count, sizeof count));
  CHECK_EQ("results that are told", 1, count);
  aio_result(rings[2], 9);
  for (int i = 0; i < kRings; i++) NEED(syscall(SYS_io_destroy, rings[i]));
  CHECK_EQ("a ring that is gone", -1, syscall(SYS_io_destroy, rings[0]));
  return 0;
}

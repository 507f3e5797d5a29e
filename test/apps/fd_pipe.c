// Pipes: with content, full, half-closed on either side, with both ends dup'ed, resized, packet
// mode.
#include <signal.h>

#include "fds.h"

static size_t fill_up(int writer, unsigned char seed) {
  size_t total = 0;
  unsigned char block[512];
  ssize_t written;
  memset(block, seed, sizeof block);
  while ((written = write(writer, block, sizeof block)) > 0) total += (size_t)written;
  return total;
}

static void check_drain(int reader, size_t total, unsigned char seed) {
  unsigned char block[4096];
  size_t got = 0;
  while (got < total) {
    ssize_t size = NEED(read(reader, block, sizeof block));
    for (ssize_t i = 0; i < size; i++) CHECK_EQ("byte of a full pipe", seed, block[i]);
    got += (size_t)size;
  }
  CHECK_EQ("bytes of a full pipe", total, got);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  int with_text[2], full[2], no_writer[2], no_reader[2], empty[2], big[2], packets[2];
  NEED(pipe2(with_text, O_CLOEXEC));
  fds_write(with_text[1], "left in the pipe");
  NEED(pipe2(full, O_NONBLOCK));
  size_t in_full = fill_up(full[1], 0xa5);
  NEED(pipe2(no_writer, O_CLOEXEC));
  fds_write(no_writer[1], "last words");
  close(no_writer[1]);
  NEED(pipe2(no_reader, O_CLOEXEC));
  close(no_reader[0]);
  NEED(pipe2(empty, O_CLOEXEC));
  NEED(fcntl(empty[0], F_SETFL, O_NONBLOCK));  // one end only
  int copy = dup(empty[1]);
  NEED(pipe2(big, O_CLOEXEC | O_NONBLOCK));
  long capacity = (long)NEED(fcntl(big[1], F_SETPIPE_SZ, 256 * 1024));
  size_t in_big = fill_up(big[1], 0x3c);
  NEED(pipe2(packets, O_CLOEXEC | O_DIRECT));
  fds_write(packets[1], "one");
  fds_write(packets[1], "two!");
  app_wait();

  fds_check_read("text in a pipe", with_text[0], "left in the pipe");
  fds_write(with_text[1], "more");
  fds_check_read("text written after restore", with_text[0], "more");
  CHECK_EQ("write to a full pipe", -1, write(full[1], "x", 1));
  CHECK_EQ("error of a full pipe", EAGAIN, errno);
  check_drain(full[0], in_full, 0xa5);
  fds_check_empty("drained pipe", full[0]);
  CHECK_EQ("room of the drained pipe", in_full, fill_up(full[1], 1));
  fds_check_read("pipe without writer", no_writer[0], "last words");
  fds_check_read("its end", no_writer[0], "");
  signal(SIGPIPE, SIG_IGN);
  CHECK_EQ("write without reader", -1, write(no_reader[1], "x", 1));
  CHECK_EQ("error without reader", EPIPE, errno);
  CHECK((fds_status_flags(empty[0]) & O_NONBLOCK) != 0);
  CHECK((fds_status_flags(empty[1]) & O_NONBLOCK) == 0);
  close(empty[1]);
  fds_write(copy, "through the copy");
  fds_check_read("text of a copied end", empty[0], "through the copy");
  close(copy);
  fds_check_read("end after the last writer", empty[0], "");
  CHECK_EQ("capacity", capacity, fcntl(big[0], F_GETPIPE_SZ));
  check_drain(big[0], in_big, 0x3c);
  fds_check_read("first packet", packets[0], "one");
  fds_check_read("second packet", packets[0], "two!");
  CHECK(fds_closes_on_exec(with_text[0]) && !fds_closes_on_exec(full[0]));
  return 0;
}

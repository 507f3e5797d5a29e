// Kernel AIO (io_setup(2)), as libaio calls it.
#pragma once

#include <linux/aio_abi.h>

#include "harness.h"

static inline aio_context_t aio_setup(unsigned requests) {
  aio_context_t ring = 0;
  if (syscall(SYS_io_setup, requests, &ring) == -1) {
    if (errno == ENOSYS) SKIP("this kernel has no AIO");
    FAIL("io_setup, expected success, got %s", strerror(errno));
  }
  return ring;
}

static inline void aio_submit(aio_context_t ring, struct iocb* request) {
  CHECK_EQ("requests taken", 1, NEED(syscall(SYS_io_submit, ring, 1, &request)));
}

/// The next result, which must be that of a request with `data`.
static inline int64_t aio_result(aio_context_t ring, uint64_t data) {
  struct io_event event = {0};
  CHECK_EQ("results", 1, NEED(syscall(SYS_io_getevents, ring, 1, 1, &event, NULL)));
  CHECK_EQ("data of the request", data, event.data);
  return event.res;
}

static inline void aio_check_none(const char* what, aio_context_t ring) {
  struct io_event event;
  CHECK_EQ(what, 0, NEED(syscall(SYS_io_getevents, ring, 0, 1, &event, NULL)));
}

static inline struct iocb aio_read(int fd, void* bytes, size_t size, int64_t offset,
                                   uint64_t data) {
  return (struct iocb){.aio_lio_opcode = IOCB_CMD_PREAD,
                       .aio_fildes = (uint32_t)fd,
                       .aio_buf = (uintptr_t)bytes,
                       .aio_nbytes = size,
                       .aio_offset = offset,
                       .aio_data = data};
}

/// Waits until the descriptor can be read.
static inline struct iocb aio_poll(int fd, uint64_t data) {
  return (struct iocb){.aio_lio_opcode = IOCB_CMD_POLL,
                       .aio_fildes = (uint32_t)fd,
                       .aio_buf = 1 /* POLLIN */,
                       .aio_data = data};
}

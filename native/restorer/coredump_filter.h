// What core dumps of a process hold (core(5)), which an exec keeps: both halves of a launch replace it and put it back.
#pragma once

#include <asm/errno.h>
#include <asm/unistd.h>
#include <stdint.h>

#if __STDC_HOSTED__
#include <fcntl.h>
#else
#include <linux/fcntl.h>
#endif

#include "arch/this_cpu.h"
#include "image/model.h"

namespace thaw::restorer {

/// As /proc shows it, and room behind it; empty: it was not replaced.
struct CoredumpFilter {
  static constexpr int kDigits = 8;  ///< hexadecimal
  char digits[12] = {};

  [[nodiscard]] bool is_there() const { return digits[0] != '\0'; }
};

/// Pages that are still the image's count as a file's (bit 2), but they are the app's own memory (bit 0), so who wants
/// that in a dump gets them, too.
constexpr uint32_t coredump_filter_of(const model::Process& process) {
  return process.coredump_filter | ((process.coredump_filter & 1) != 0 ? 4u : 0u);
}

/// A descriptor, or a negative errno: ENOENT from a kernel without core dumps, EACCES where this process may not have
/// its own.
inline long open_coredump_filter() {
  return raw::call(__NR_openat, AT_FDCWD, reinterpret_cast<long>("/proc/self/coredump_filter"),
                   O_RDWR | O_CLOEXEC, 0);
}

/// The kernel takes the digits that it shows with a prefix. Negative errno on failure.
inline long write_coredump_filter(long fd, const char* digits) {
  char text[] = "0x00000000";
  for (int i = 0; i < CoredumpFilter::kDigits; ++i) text[2 + i] = digits[i];
  return raw::call(__NR_write, fd, reinterpret_cast<long>(text), sizeof(text) - 1);
}

/// `before` is filled before anything is changed. Negative errno on failure.
inline long exchange_coredump_filter(long fd, uint32_t filter, CoredumpFilter& before) {
  const long got =
      raw::call(__NR_read, fd, reinterpret_cast<long>(before.digits), CoredumpFilter::kDigits);
  if (got < 0) return got;
  char digits[CoredumpFilter::kDigits];
  for (int i = 0; i < CoredumpFilter::kDigits; ++i)
    digits[i] = "0123456789abcdef"[filter >> (28 - 4 * i) & 0xf];
  return write_coredump_filter(fd, digits);
}

inline void put_back_coredump_filter(const CoredumpFilter& before) {
  if (!before.is_there()) return;
  const long fd = open_coredump_filter();
  if (fd < 0) return;
  write_coredump_filter(fd, before.digits);
  raw::call(__NR_close, fd);
}

}  // namespace thaw::restorer

// Memory of files whose storage may fail: touching a page that cannot be read is a SIGBUS, and a call
// that populates it (MAP_POPULATE, MADV_POPULATE_*) never ends: mm/gup.c of the kernel tries the page
// again and again. Freestanding.
#pragma once

#include <stdint.h>

namespace thaw {

/// A value for rt_sigprocmask(2)'s `how` that it does not know: it reads the set, for which it answers
/// EFAULT where it cannot, and does nothing with it.
constexpr int kReadOnly = 99;
/// Bytes of a set, as the kernel has it.
constexpr int kSignalSet = 8;

/// Brings all pages into memory. False: one of them cannot be read. `read(address)` makes
/// rt_sigprocmask(kReadOnly, address, null, kSignalSet) and says whether it was not EFAULT.
template <typename Read>
bool make_readable(uint64_t start, uint64_t size, uint64_t page_size, Read read) {
  // A set that begins in one page and ends in the next one reads both.
  const uint64_t end = start + size;
  for (uint64_t at = start; at < end; at += 2 * page_size)
    if (!read(end - at > page_size ? at + page_size - kSignalSet / 2 : at)) return false;
  return true;
}

}  // namespace thaw

#include "launch/prepare/page_cache.h"

#include <sys/uio.h>

#include <cerrno>

#include "support/clock.h"

namespace thaw::launch {
namespace {

constexpr uint32_t kSamples = 16;

/// A byte that the page cache holds comes in 1 to 5 us, also on small CPUs; no storage gives one in
/// this time, and decompresses what is around it.
constexpr int64_t kAtOnceNs = 50'000;

ssize_t read_byte(int fd, uint64_t offset, int flags) {
  char byte = 0;
  const iovec room = {&byte, 1};
  return preadv2(fd, &room, 1, static_cast<off_t>(offset), flags);
}

/// RWF_NOWAIT is of Linux 4.14. File systems that compress (erofs, squashfs) have no such reads, and
/// are told by the time that it takes. What has been read for that is of the working set, and the
/// first that was missing ends the search.
bool is_cached(int fd, uint64_t offset) {
  const ssize_t got = read_byte(fd, offset, RWF_NOWAIT);
  if (got >= 0 || errno != EOPNOTSUPP) return got == 1;
  const int64_t begin = clock_ns(CLOCK_MONOTONIC);
  return read_byte(fd, offset, 0) == 1 && clock_ns(CLOCK_MONOTONIC) - begin < kAtOnceNs;
}

}  // namespace

bool holds_working_set(const image::View& view) {
  const auto runs = view.feed_runs();
  const size_t step = runs.size() / kSamples + 1;
  for (size_t i = 0; i < runs.size(); i += step)
    if (runs[i].offset != 0 && !is_cached(view.fd(), runs[i].offset)) return false;
  return true;
}

}  // namespace thaw::launch

#include "proc/page_map.h"

#include <fcntl.h>
#include <unistd.h>

namespace thaw::proc {

Result<PageMap> PageMap::open(pid_t pid, size_t page_size) {
  UniqueFd fd(::open(("/proc/" + std::to_string(pid) + "/pagemap").c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("cannot open /proc/PID/pagemap");
  return PageMap(std::move(fd), page_size);
}

Result<std::vector<uint64_t>> PageMap::entries(uint64_t start, uint64_t end) const {
  std::vector<uint64_t> entries((end - start) / page_size_);
  const size_t size = entries.size() * sizeof(uint64_t);
  const auto at = static_cast<off64_t>(start / page_size_ * sizeof(uint64_t));
  if (pread64(fd_.get(), entries.data(), size, at) != static_cast<ssize_t>(size))
    return errno_error("cannot read /proc/PID/pagemap");
  return entries;
}

}  // namespace thaw::proc

#include "session/shared_content.h"

#include <unistd.h>

#include <algorithm>
#include <string>

#include "image/hash.h"

namespace thaw::session {

uint64_t shared_content(int fd, uint32_t size) {
  if (size == 0 || size > kMostShared) return 0;
  // Read, not mapped: the server could shorten it meanwhile.
  std::string content(size, '\0');
  size_t at = 0;
  while (at < content.size()) {
    const ssize_t got = pread(fd, content.data() + at, content.size() - at, static_cast<off_t>(at));
    if (got <= 0) return 0;
    at += static_cast<size_t>(got);
  }
  return std::max<uint64_t>(image::hash(content.data(), content.size()), 1);
}

}  // namespace thaw::session

#include "image/page_data.h"

#include <unistd.h>

#include <cerrno>
#include <string>

namespace thaw::image {

Result<void> read_page_data(int fd, char* buffer, size_t size, uint64_t offset) {
  for (size_t done = 0; done < size;) {
    const auto at = static_cast<off_t>(offset + done);
    const ssize_t got = pread(fd, buffer + done, size - done, at);
    if (got <= 0)
      return Error{got == 0 ? 0 : errno,
                   "cannot read the image's page data at byte " + std::to_string(at),
                   "look at the storage; make the image again (thaw build) or copy it again"};
    done += static_cast<size_t>(got);
  }
  return {};
}

}  // namespace thaw::image

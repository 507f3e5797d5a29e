#include "image/verify_data.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "image/hash.h"

namespace thaw::image {

void forget_data(const View& view) {
  posix_fadvise(view.fd(), 0, static_cast<off_t>(view.header().metadata_offset),
                POSIX_FADV_DONTNEED);
}

Result<void> verify_data(const View& view) {
  const Header& header = view.header();
  const size_t page = header.page_size;
  std::vector<char> buffer(256 * page);
  DataHash hash;
  for (uint64_t offset = page; offset < header.metadata_offset;) {
    const off_t data = lseek(view.fd(), static_cast<off_t>(offset), SEEK_DATA);
    if (data > static_cast<off_t>(offset)) offset = static_cast<uint64_t>(data) / page * page;
    if (offset >= header.metadata_offset) break;
    const size_t wanted = std::min<uint64_t>(buffer.size(), header.metadata_offset - offset);
    const ssize_t got = pread(view.fd(), buffer.data(), wanted, static_cast<off_t>(offset));
    if (got != static_cast<ssize_t>(wanted))
      return errno_error("cannot read the image's page data");
    for (size_t done = 0; done < wanted; done += page)
      hash.add(offset + done, buffer.data() + done, page);
    offset += wanted;
  }
  if (hash.value() == header.data_hash) return {};
  return Error{0, "the image's page data does not match its checksum",
               "make the image again (thaw build) or copy it again"};
}

}  // namespace thaw::image

#include "checkpoint/collect/file_content.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "image/hash.h"

namespace thaw::checkpoint {
namespace {

/// Pages of the file that are not all zero, by offset. Holes are not even read.
Result<std::vector<Span>> nonzero_pages(int fd, uint64_t size, size_t page) {
  std::vector<Span> pages;
  std::vector<char> buffer(64 * page);
  for (uint64_t offset = 0; offset < size;) {
    const off_t data = lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    if (data > static_cast<off_t>(offset)) offset = static_cast<uint64_t>(data) / page * page;
    if (offset >= size) break;
    const ssize_t got = pread(fd, buffer.data(), std::min<uint64_t>(buffer.size(), size - offset),
                              static_cast<off_t>(offset));
    if (got < 0) return errno_error("cannot read a file's content");
    if (got == 0) break;
    const uint64_t whole = round_up(static_cast<uint64_t>(got), page);
    std::fill(buffer.begin() + got, buffer.begin() + static_cast<ptrdiff_t>(whole), '\0');
    for (uint64_t at = 0; at < whole; at += page)
      if (!image::all_zero(buffer.data() + at, page)) extend(pages, offset + at, page);
    offset += static_cast<uint64_t>(got);
  }
  return pages;
}

}  // namespace

Result<model::Range> collect_file_content(Capture& capture, int fd, uint64_t size) {
  struct stat status = {};
  if (fstat(fd, &status) != 0) return errno_error("cannot stat a file");
  FileContent content;
  content.file.reset(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!content.file.valid()) return errno_error("cannot keep a file open");
  const auto overlay = capture.shared_overlays.find({status.st_dev, status.st_ino});
  if (overlay != capture.shared_overlays.end()) content.overlay = overlay->second;

  THAW_ASSIGN(runs, nonzero_pages(fd, size, capture.page_size));
  unite(runs, content.overlay.pages({0, round_up(size, capture.page_size)}, capture.page_size));
  auto& records = capture.image.data_runs;
  content.runs = {static_cast<model::Index>(records.size()), static_cast<uint32_t>(runs.size())};
  for (const Span& run : runs) records.push_back({run.start, 0, run.size()});
  const model::Range range = content.runs;
  capture.contents.push_back(std::move(content));
  return range;
}

}  // namespace thaw::checkpoint

// Writes an image: page data, then metadata and header. The file appears under its name only when it
// is whole and on the disk.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>

#include "image/builder.h"
#include "image/data_blocks.h"
#include "support/unique_fd.h"

namespace thaw::image {

/// Gives the image at `path`, which is not installed yet, another working set. Its metadata is
/// written in place: no launch may have it open.
Result<void> set_working_set(const std::string& path, std::vector<model::FeedRun> runs);

class Writer {
 public:
  /// Starts an image that will be called `path`. Nothing is seen there until finish().
  static Result<Writer> create(std::string path, size_t page_size);
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) = delete;
  ~Writer();

  /// Writes whole pages at `offset`, which lies behind the first page and all that was written
  /// before.
  Result<void> write(uint64_t offset, const void* pages, size_t size);

  /// The image gets this owner and mode. Otherwise it is the caller's, who alone may read it.
  void give_to(const struct stat& owner) { owner_ = owner; }

  /// Writes header and metadata, which stands at `metadata_offset` (where the page data ends),
  /// fsyncs, makes the file read-only and gives it its name.
  Result<Header> finish(const Builder& builder, uint64_t metadata_offset, uint32_t cpu);

 private:
  Writer(UniqueFd fd, std::string path, std::string temporary, size_t page_size);
  Result<void> publish();
  [[nodiscard]] Result<void> share() const;

  UniqueFd fd_;
  std::string path_;
  std::string temporary_;  ///< empty while the file has no name at all (O_TMPFILE)
  size_t page_size_;
  std::optional<struct stat> owner_;
  std::unique_ptr<DataBlocks> blocks_;
};

}  // namespace thaw::image

// Reads an image: maps its metadata and checks every offset, count and index before anyone uses it.
#pragma once

#include <span>
#include <string_view>

#include "image/format.h"
#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::image {

class View {
 public:
  /// Opens and validates the image at `path`. The error says what is wrong with it.
  /// `filtered`: without calls for which a filter of system calls may kill.
  static Result<View> open(const char* path, bool filtered = false);
  static Result<View> open(UniqueFd fd, const char* path, bool filtered = false);

  View(View&& other) noexcept;
  View& operator=(View&&) = delete;
  ~View();

  [[nodiscard]] const Header& header() const { return header_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// A launch moves the descriptor out of the way of the app's: it takes it, moves it, sets it.
  UniqueFd take_fd() { return std::move(fd_); }
  void set_fd(UniqueFd fd) { fd_ = std::move(fd); }
  /// Start of the metadata in this process's memory.
  [[nodiscard]] const char* base() const { return base_; }

#define X(name, type)                                                                       \
  [[nodiscard]] std::span<const type> name() const {                                        \
    const Section& s = header_.sections[static_cast<uint32_t>(SectionId::name)];            \
    return {reinterpret_cast<const type*>(base_ + s.offset), static_cast<size_t>(s.count)}; \
  }
  THAW_SECTIONS(X)
#undef X

  [[nodiscard]] const model::Requirements& requirements_record() const {
    return requirements()[0];
  }

  /// The process that the caller of thaw-exec becomes. For now, a launch makes no other.
  [[nodiscard]] const model::Process& root_process() const {
    return processes()[0];
  }

  /// The bytes of a validated blob; a NUL follows them.
  [[nodiscard]] std::string_view bytes(model::Blob blob) const {
    return {blobs().data() + blob.offset, static_cast<size_t>(blob.size)};
  }

  /// A kind's own record, or null if the payload has another size.
  template <typename T>
  [[nodiscard]] const T* record(model::Blob blob) const {
    return blob.size == sizeof(T) ? reinterpret_cast<const T*>(bytes(blob).data()) : nullptr;
  }

  template <typename T>
  [[nodiscard]] static std::span<const T> part(std::span<const T> table, model::Range range) {
    return table.subspan(range.first, range.count);
  }

 private:
  View(UniqueFd fd, const Header& header, const char* base)
      : fd_(std::move(fd)), header_(header), base_(base) {}

  UniqueFd fd_;
  Header header_;
  const char* base_ = nullptr;
};

}  // namespace thaw::image

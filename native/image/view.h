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
  struct Reading {
    bool filtered = false;  ///< without calls for which a filter of system calls may kill
    bool tail = true;       ///< false: only when read_tail() is called
  };

  /// Opens and validates the image at `path`. The error says what is wrong with it.
  static Result<View> open(const char* path);
  static Result<View> open(UniqueFd fd, const char* path, Reading reading);

  /// Reads and validates the metadata's tail, unless that has been done. `path` is for the error.
  Result<void> read_tail(const char* path);

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

#define X(name, type)                                \
  [[nodiscard]] std::span<const type> name() const { \
    return table<type>(SectionId::name);             \
  }
  THAW_HEAD_SECTIONS(X)
#undef X

/// Empty until the tail has been read.
#define X(name, type)                                                          \
  [[nodiscard]] std::span<const type> name() const {                           \
    return has_tail_ ? table<type>(SectionId::name) : std::span<const type>(); \
  }
  THAW_TAIL_SECTIONS(X)
#undef X

  /// Whether there are inputs at all, be they read or not.
  [[nodiscard]] bool has_inputs() const {
    return !inputs().empty() || !table<model::Input>(SectionId::root_inputs).empty();
  }

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

  /// A NUL follows it.
  [[nodiscard]] std::string_view path_of(const model::Input& input) const {
    if ((input.flags & model::kInputOnRoot) == 0) return bytes(input.path);
    return {root_paths().data() + input.path.offset, static_cast<size_t>(input.path.size)};
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
  View(UniqueFd fd, const Header& header, const char* base, bool filtered)
      : fd_(std::move(fd)), header_(header), base_(base), filtered_(filtered) {}

  template <typename T>
  [[nodiscard]] std::span<const T> table(SectionId id) const {
    const Section& s = header_.sections[static_cast<uint32_t>(id)];
    return {reinterpret_cast<const T*>(base_ + s.offset), static_cast<size_t>(s.count)};
  }

  /// Brings these bytes of the metadata into memory.
  [[nodiscard]] Result<void> read(uint64_t start, uint64_t end, const char* path) const;

  UniqueFd fd_;
  Header header_;
  const char* base_ = nullptr;
  bool filtered_ = false;
  bool has_tail_ = false;
};

}  // namespace thaw::image

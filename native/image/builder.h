// Collects the records of one image, until the writer (image/writer.h) lays them out.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/format.h"
#include "support/result.h"

namespace thaw::image {

class View;

class Builder {
 public:
#define X(name, type) std::vector<type> name;
  THAW_SECTIONS(X)
#undef X
  uint32_t layouts = 1;                                       ///< Header::layouts
  std::optional<std::array<uint8_t, sizeof(Header::id)>> id;  ///< Header::id; none: a new one

  /// Blob{} (offset 0, size 0) is the empty string: the section starts with its NUL.
  Builder() {
    blobs.push_back('\0');
  }

  /// Adds bytes to the blob section; a NUL follows them.
  model::Blob blob(std::string_view bytes);

  /// Adds the path of an input that a root identity may stand for; a NUL follows it.
  model::Blob root_path(std::string_view path);

  /// Adds a record of a descriptor kind as a blob.
  template <typename T>
  model::Blob record(const T& value) {
    return blob({reinterpret_cast<const char*>(&value), sizeof(value)});
  }

  /// The bytes of a blob added before.
  [[nodiscard]] std::string_view bytes(model::Blob blob) const {
    return {blobs.data() + blob.offset, static_cast<size_t>(blob.size)};
  }

  [[nodiscard]] std::string_view path_of(const model::Input& input) const {
    if ((input.flags & model::kInputOnRoot) == 0) return bytes(input.path);
    return {root_paths.data() + input.path.offset, static_cast<size_t>(input.path.size)};
  }

  /// Adds `value` to `table` and returns its index.
  template <typename T>
  static model::Index add(std::vector<T>& table, const T& value) {
    table.push_back(value);
    return static_cast<model::Index>(table.size() - 1);
  }

  /// Returns the index of the File record for `path`, as the app sees it. `fd` is any descriptor of
  /// that file (O_PATH will do) and identifies it. An identical record is used again. The build-id
  /// of ELF files is read.
  Result<model::Index> file(int fd, std::string_view path, uint32_t file_flags);
};

/// All that an image holds beside its page data, with its id: for the same image once more.
Builder records_of(const View& view);

}  // namespace thaw::image

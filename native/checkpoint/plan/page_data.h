// What the page data of an image is made of: a list, in the order of the places in the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

namespace thaw::checkpoint {

/// Memory of a process, with its overlay.
struct FromApp {
  size_t process = 0;  ///< index in Capture::processes
  uint64_t address = 0;
};

/// Content of an open file, with its overlay; zeros behind its end.
struct FromFile {
  size_t content = 0;  ///< index in Capture::contents
  uint64_t offset = 0;
};

/// Bytes that planning made.
using Made = std::vector<uint8_t>;

struct Piece {
  uint64_t place = 0;  ///< offset in the image
  uint64_t size = 0;   ///< whole pages
  std::variant<FromApp, FromFile, Made> source;
};

class PageData {
 public:
  /// The image's first page is its header's.
  explicit PageData(size_t page_size) : page_size_(page_size), end_(page_size) {}

  /// Takes the next `size` bytes (rounded up to pages) of the image and returns their offset. What
  /// no piece fills stays a hole.
  uint64_t reserve(uint64_t size);
  /// Adds a piece, which lies in reserved room and behind all that were added before.
  void add(Piece piece);

  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
  /// Bytes of all pieces.
  [[nodiscard]] uint64_t stored() const { return stored_; }
  /// Where the page data ends.
  [[nodiscard]] uint64_t end() const { return end_; }

 private:
  size_t page_size_;
  uint64_t end_;
  uint64_t stored_ = 0;
  std::vector<Piece> pieces_;
};

}  // namespace thaw::checkpoint

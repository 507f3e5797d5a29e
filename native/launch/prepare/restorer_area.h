// The restorer area: a part of the address space that neither thaw-exec nor the app uses, with all
// that the restorer needs once thaw-exec's own memory is gone.
//
//   [code][metadata of the image][data: Handover, arrays, strings of a cold start][stacks][room for
//   moves]
#pragma once

#include <cstring>
#include <span>
#include <string_view>

#include "image/view.h"
#include "launch/prepare/kernel_mappings.h"
#include "support/result.h"

namespace thaw::launch {

class RestorerArea {
 public:
  struct Sizes {
    size_t data = 0;  ///< bytes that allocate() will hand out
    uint32_t threads = 1;
    size_t delivery = 0;  ///< bytes that the app keeps
    size_t moves = 0;     ///< bytes of the kernel's own mappings
  };

  /// Finds a free place and maps it; unmapped again unless release() was called.
  static Result<RestorerArea> make(const image::View& view, const KernelMappings& kernel,
                                   const Sizes& sizes);
  RestorerArea(RestorerArea&& other) noexcept;
  RestorerArea& operator=(RestorerArea&&) = delete;
  ~RestorerArea();

  /// Room in the data part; the size was promised in Sizes.
  template <typename T>
  T* allocate(size_t count) {
    next_ = (next_ + alignof(T) - 1) / alignof(T) * alignof(T);
    T* room = reinterpret_cast<T*>(static_cast<uintptr_t>(next_));
    next_ += count * sizeof(T);
    return room;
  }
  template <typename T>
  const T* copy(std::span<const T> values) {
    T* room = allocate<T>(values.size());
    if (!values.empty()) memcpy(room, values.data(), values.size_bytes());
    return room;
  }

  [[nodiscard]] uint64_t start() const { return start_; }
  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] uint64_t stacks() const { return stacks_; }
  /// The part that the app keeps, at the end.
  [[nodiscard]] uint64_t delivery() const { return delivery_; }
  [[nodiscard]] uint64_t delivery_size() const { return start_ + size_ - delivery_; }
  [[nodiscard]] uint64_t interim() const { return interim_; }
  /// Moves the view's metadata to where here() says; the view must not be used any more.
  Result<void> take_metadata() const;
  /// Address in the area of a record that lies in the view's metadata.
  template <typename T>
  const T* here(std::span<const T> part) const {
    const auto offset = reinterpret_cast<const char*>(part.data()) - metadata_.data();
    return reinterpret_cast<const T*>(static_cast<uintptr_t>(metadata_start_) + offset);
  }

  static constexpr uint64_t kLeaderStack = 16384, kThreadStack = 4096;

 private:
  RestorerArea() = default;
  Result<void> fill(const image::View& view, std::span<const char> code, const Sizes& sizes);

  uint64_t start_ = 0, size_ = 0, next_ = 0, stacks_ = 0, interim_ = 0, delivery_ = 0,
           metadata_start_ = 0;
  std::string_view metadata_;  ///< of the view, until take_metadata()
};

/// The freestanding restorer, as built (restorer/blob.S).
std::span<const char> restorer_code();

}  // namespace thaw::launch

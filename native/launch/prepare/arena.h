// Memory that is given out piece by piece and never taken back.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace thaw::launch {

/// Without room it only counts: what fills a memory runs over an empty arena first, and used() then
/// says how much room that memory needs. Beyond its room an arena gives out null, and fits() tells.
class Arena {
 public:
  Arena() = default;
  /// `start` is aligned for every type.
  Arena(uint64_t start, uint64_t size) : start_(start), size_(size) {}

  /// Room for `count` values, not initialized; null where there is none.
  template <typename T>
  T* allocate(size_t count) {
    used_ = (used_ + alignof(T) - 1) / alignof(T) * alignof(T) + count * sizeof(T);
    if (!fits()) return nullptr;
    return reinterpret_cast<T*>(static_cast<uintptr_t>(start_ + used_ - count * sizeof(T)));
  }

  template <typename T>
  const T* copy(std::span<const T> values) {
    T* room = allocate<T>(values.size());
    if (room != nullptr && !values.empty()) memcpy(room, values.data(), values.size_bytes());
    return room;
  }

  /// A list of records, as a Handover has them.
  template <typename T>
  void copy_list(const std::vector<T>& values, const T*& copies, uint32_t& count) {
    copies = copy(std::span<const T>(values));
    count = static_cast<uint32_t>(values.size());
  }

  /// A text with its NUL; those that are copied one after another follow each other.
  const char* copy(const char* text) { return copy(std::span<const char>(text, strlen(text) + 1)); }

  [[nodiscard]] bool fits() const { return used_ <= size_; }
  /// Bytes given out, or asked for.
  [[nodiscard]] uint64_t used() const { return used_; }
  /// Address of what comes next, if that needs no alignment.
  [[nodiscard]] uint64_t next() const { return start_ + used_; }

 private:
  uint64_t start_ = 0, size_ = 0, used_ = 0;
};

}  // namespace thaw::launch

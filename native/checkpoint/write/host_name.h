// The hostname in what the image keeps: an app that asked for it, as runtimes do for the kernel's
// version, need not have kept it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace thaw::checkpoint {

class HostName {
 public:
  /// Empty: nothing is looked for. What stands before the first dot is looked for, in any case, as
  /// bytes and as wider characters.
  explicit HostName(std::string_view name);

  /// `joined`: these bytes follow those of the call before.
  void scan(std::span<const char> bytes, bool joined);

  /// Whether it stood in what was scanned, or is too short to tell.
  [[nodiscard]] bool found() const { return found_; }

 private:
  [[nodiscard]] bool is_in(std::span<const char> bytes) const;
  [[nodiscard]] bool is_at(const char* at, const char* end, size_t width) const;

  std::string name_;  ///< in lower case
  bool found_ = false;
  std::string tail_;  ///< of the bytes before
};

}  // namespace thaw::checkpoint

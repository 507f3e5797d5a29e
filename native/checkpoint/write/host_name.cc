#include "checkpoint/write/host_name.h"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace thaw::checkpoint {
namespace {

/// Shorter names stand in many texts.
constexpr size_t kLeastLength = 4;
/// Of a character: C strings, UTF-16 (Java, JavaScript), UTF-32 (wchar_t, Python).
constexpr size_t kWidths[] = {1, 2, 4};

char lower(char c) {
  return static_cast<char>(tolower(static_cast<unsigned char>(c)));
}

}  // namespace

HostName::HostName(std::string_view name) : name_(name.substr(0, name.find('.'))) {
  std::transform(name_.begin(), name_.end(), name_.begin(), lower);
  found_ = !name.empty() && name_.size() < kLeastLength;
}

void HostName::scan(std::span<const char> bytes, bool joined) {
  if (found_ || name_.empty()) return;
  const size_t most = name_.size() * kWidths[std::size(kWidths) - 1] - 1;
  if (joined) {
    tail_.append(bytes.data(), std::min(bytes.size(), most));
    found_ = is_in(tail_);
  }
  found_ = found_ || is_in(bytes);
  const size_t kept = std::min(bytes.size(), most);
  tail_.assign(bytes.data() + bytes.size() - kept, kept);
}

bool HostName::is_in(std::span<const char> bytes) const {
  const char* end = bytes.data() + bytes.size();
  const char first[] = {name_.front(),
                        static_cast<char>(toupper(static_cast<unsigned char>(name_.front())))};
  for (size_t i = 0; i < (first[0] == first[1] ? 1 : 2); ++i)
    for (const char* at = bytes.data(); at < end; ++at) {
      at = static_cast<const char*>(memchr(at, first[i], static_cast<size_t>(end - at)));
      if (at == nullptr) break;
      for (const size_t width : kWidths)
        if (is_at(at, end, width)) return true;
    }
  return false;
}

bool HostName::is_at(const char* at, const char* end, size_t width) const {
  // Of the last character, a wider one's zeros need not be there.
  if (static_cast<size_t>(end - at) < (name_.size() - 1) * width + 1) return false;
  for (size_t i = 0; i < name_.size(); ++i) {
    if (lower(at[i * width]) != name_[i]) return false;
    for (size_t n = 1; i + 1 < name_.size() && n < width; ++n)
      if (at[i * width + n] != '\0') return false;
  }
  return true;
}

}  // namespace thaw::checkpoint

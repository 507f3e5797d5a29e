// Environments as an image keeps them: strings one behind the other, each with its NUL.
#pragma once

#include <algorithm>
#include <string_view>

namespace thaw::image {

/// The strings of such a list, for a loop.
class Strings {
 public:
  explicit Strings(std::string_view list) : list_(list) {}

  class Iterator {
   public:
    explicit Iterator(std::string_view rest) : rest_(rest) {}
    std::string_view operator*() const { return rest_.substr(0, rest_.find('\0')); }
    Iterator& operator++() {
      rest_.remove_prefix(std::min(rest_.size(), (**this).size() + 1));
      return *this;
    }
    bool operator!=(const Iterator& other) const { return rest_.size() != other.rest_.size(); }

   private:
    std::string_view rest_;
  };

  [[nodiscard]] Iterator begin() const { return Iterator(list_); }
  [[nodiscard]] Iterator end() const { return Iterator({}); }

 private:
  std::string_view list_;
};

/// What stands before the first "=".
inline std::string_view name_of(std::string_view entry) {
  return entry.substr(0, entry.find('='));
}

/// The first entry "NAME=value" of `list`, which getenv(3) would find; empty without one.
inline std::string_view find_variable(std::string_view list, std::string_view name) {
  for (const std::string_view entry : Strings(list))
    if (name_of(entry) == name && entry.size() > name.size()) return entry;
  return {};
}

/// Whether a list of names has this one; a "*" at the end of an entry stands for any ending.
inline bool is_listed(std::string_view names, std::string_view name) {
  for (const std::string_view entry : Strings(names))
    if (entry.ends_with('*') ? name.starts_with(entry.substr(0, entry.size() - 1)) : name == entry)
      return true;
  return false;
}

}  // namespace thaw::image

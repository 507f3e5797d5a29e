// The pid as text: decimal digits in the app's memory, and files that hold nothing else.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace thaw::checkpoint {

class PidText {
 public:
  explicit PidText(pid_t pid);

  void scan(uint64_t address, std::span<const char> bytes);

  /// What stands around the digits, with its address; the same text once.
  [[nodiscard]] const std::map<std::string, uint64_t>& texts() const { return texts_; }

  struct File {
    std::string path;
    bool line = false;  ///< a newline ends it
  };
  /// Files that hold just the pid: those with a name in *.pid that the app's memory has, and those
  /// in /run and in `cwd`.
  [[nodiscard]] std::vector<File> files(const std::string& cwd) const;

 private:
  void find_digits(uint64_t address, std::span<const char> bytes);
  void find_names(std::span<const char> bytes);

  std::string digits_;
  std::map<std::string, uint64_t> texts_;
  std::set<std::string> names_;
};

}  // namespace thaw::checkpoint

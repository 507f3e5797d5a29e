// Pids as text: decimal digits in the app's memory, and files that begin with them.
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
  /// `pid`: of the process whose memory it is; `others`: of its app.
  PidText(pid_t pid, std::span<const pid_t> others);

  void scan(uint64_t address, std::span<const char> bytes);

  /// What stands around the digits, with its address; the same text once.
  [[nodiscard]] const std::map<std::string, uint64_t>& texts() const { return texts_; }

  struct File {
    std::string path;
    std::string rest;  ///< what follows the pid
    uint32_t mode = 0;
  };
  /// Files that begin with the process's own pid: those with a name in *.pid that the app's memory
  /// has, those in /run and in `cwd`, and those that one of the patterns (glob(7)) names.
  [[nodiscard]] std::vector<File> files(const std::string& cwd,
                                        std::span<const std::string> patterns) const;

 private:
  void find_digits(uint64_t address, std::span<const char> bytes);
  void find_others(uint64_t address, std::span<const char> bytes);
  void note(uint64_t address, std::span<const char> bytes, const char* at, const char* behind);
  void find_names(std::span<const char> bytes);

  pid_t pid_;
  std::string digits_;
  std::set<std::string, std::less<>> others_;
  size_t fewest_ = 0;  ///< digits that one of the others has
  std::map<std::string, uint64_t> texts_;
  std::set<std::string> names_;
};

}  // namespace thaw::checkpoint

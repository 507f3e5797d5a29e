// The mappings of a process as /proc/PID/smaps tells them (proc_pid_smaps(5)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/result.h"

namespace thaw::proc {

struct Vma {
  uint64_t start = 0, end = 0;
  uint64_t offset = 0;
  uint32_t prot = 0;  ///< PROT_*
  bool shared = false;
  uint64_t dev = 0, ino = 0;
  /// As in maps, " (deleted)" cut off; of a shared mapping, another name in the same folder if the
  /// file lives on under that.
  std::string path;
  bool deleted = false;
  std::string flags;  ///< VmFlags: two-letter words
  uint64_t resident_kb = 0, anonymous_kb = 0, swap_kb = 0;
  uint32_t key = 0;  ///< of protection (pkeys(7)), 0: none of its own

  [[nodiscard]] uint64_t size() const { return end - start; }
  /// True if VmFlags has the two-letter word.
  [[nodiscard]] bool has(std::string_view flag) const;
  [[nodiscard]] bool is_file() const { return !path.empty() && path[0] == '/'; }
};

/// Ascending.
Result<std::vector<Vma>> read_vmas(pid_t pid);
/// The same without flags and kilobytes, in a fraction of the time (/proc/PID/maps).
Result<std::vector<Vma>> read_mappings(pid_t pid);

}  // namespace thaw::proc

// The memory of another process.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::proc {

/// The memory of a process that this one traces, through /proc/PID/mem: also where the process has
/// no right to read it itself.
class Memory {
 public:
  static Result<Memory> open(pid_t pid);

  /// Fails unless all bytes could be read.
  Result<void> read(uint64_t address, void* bytes, size_t size) const;
  /// Reads whole pages; those that cannot be read (behind the end of a mapped file) count as zero.
  void read_pages(uint64_t address, char* bytes, size_t size, size_t page_size) const;

 private:
  explicit Memory(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// Reads / writes memory of a process or thread as the process itself could; fails unless all
/// bytes were moved.
Result<void> read_memory(pid_t tid, uint64_t address, void* bytes, size_t size);
Result<void> write_memory(pid_t tid, uint64_t address, const void* bytes, size_t size);

}  // namespace thaw::proc

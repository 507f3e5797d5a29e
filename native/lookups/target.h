// The process that is watched: its memory and its modules.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>

#include "elf/elf_module.h"
#include "proc/vma.h"
#include "support/unique_fd.h"

namespace thaw::lookups {

/// The memory of a tracee, code as well: /proc/PID/mem.
class Memory {
 public:
  static Result<Memory> open(pid_t pid);
  Result<void> read(uint64_t address, void* bytes, size_t size) const;
  Result<void> write(uint64_t address, const void* bytes, size_t size) const;

 private:
  explicit Memory(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// glibc's libc.so, once all of it is mapped.
std::optional<elf::Module> find_glibc(const Memory& memory, std::span<const proc::Vma> vmas);

/// Where the variable is that all modules call `environ`: in the program, if that has a copy of it
/// (R_*_COPY), else in libc.
uint64_t environ_of(const Memory& memory, pid_t pid, std::span<const proc::Vma> vmas,
                    const elf::Module& libc);

}  // namespace thaw::lookups

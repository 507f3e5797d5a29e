// What was seen of an app's look-ups in its environment, once it is frozen.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "checkpoint/freeze/freeze.h"
#include "checkpoint/freeze/remote_syscalls.h"
#include "proc/vma.h"

namespace thaw::lookups {

struct Seen {
  std::set<std::string> names;
  uint64_t environ_address = 0;
  /// False: the app may have looked up others as well, by itself or in a child.
  bool complete = false;
};

/// Puts libc's functions back in their place and tells what was looked up; nothing where the app was
/// not watched. Mappings of the app have changed then. EAGAIN while a thread is just entering one of
/// the functions.
Result<std::optional<Seen>> settle(const checkpoint::Freeze& frozen,
                                   std::span<const proc::Vma> vmas, uint64_t syscall_instruction,
                                   uint64_t scratch);

/// Address of libc's `environ` in a process; 0: nobody knows.
uint64_t find_environ(pid_t pid, std::span<const proc::Vma> vmas);

}  // namespace thaw::lookups

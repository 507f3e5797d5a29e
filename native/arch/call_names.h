// The system calls of the CPU that this is compiled for, by name.
#pragma once

#include <span>
#include <string_view>

namespace thaw::arch {

struct CallName {
  std::string_view name;  ///< as syscalls(2) has it
  long number;
};

/// In the order of their names.
std::span<const CallName> call_names();

/// Its number; -1: this CPU has none of that name.
long call_number(std::string_view name);

}  // namespace thaw::arch

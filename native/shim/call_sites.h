// What is redirected in a program that makes its system calls itself: not the functions of a libc, but
// the instructions (docs/hazards.md).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "arch/call_sites.h"
#include "elf/elf_module.h"
#include "proc/vma.h"
#include "shim/tables.h"
#include "support/unique_fd.h"

namespace thaw::shim {

struct CallSites {
  arch::Code code;
  bool heap_grows = true;               ///< the program may call brk(2); Go's does not
  std::vector<arch::CallSite> changed;  ///< those that may make a call which the shim must see

  [[nodiscard]] std::vector<AddressRange> changed_code() const;
  /// Whether a thread with these registers would make such a call without the shim.
  [[nodiscard]] bool evades(const arch::Registers& registers) const;
};

struct CallSiteInput {
  std::span<const proc::Vma> vmas;  ///< of the app's own, without an older thaw area
  elf::ReadMemory read;
  std::function<UniqueFd(const proc::Vma&)> open;  ///< the file of a mapping
  std::span<const ChangedSite> changed_before;     ///< by an older launch
  size_t page_size = 4096;
};

/// The error tells why the calls of this app cannot all be known.
Result<CallSites> find_call_sites(const CallSiteInput& input);

}  // namespace thaw::shim

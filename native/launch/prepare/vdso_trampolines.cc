#include "launch/prepare/vdso_trampolines.h"

#include <sys/syscall.h>

#include <cstring>

#include "arch/arch.h"
#include "elf/elf_module.h"

namespace thaw::launch {
namespace {

/// Reads from bytes that stand, or will stand, at `address`.
elf::ReadMemory reader(std::span<const uint8_t> bytes, uint64_t address) {
  return [bytes, address](uint64_t from, void* out, size_t size) -> Result<void> {
    if (from < address || from - address > bytes.size() || size > bytes.size() - (from - address))
      return Error{0, "the vDSO refers to bytes outside of it"};
    memcpy(out, bytes.data() + (from - address), size);
    return {};
  };
}

/// The system call that a function of the vDSO, __vdso_NAME or __kernel_NAME, stands for (vdso(7)).
/// One that is unknown here gets a number that no kernel has, which answers ENOSYS.
long syscall_of(std::string_view function) {
  constexpr long kNone = 0xfff0;
  struct Row {
    std::string_view name;
    long number;
  };
  constexpr Row kRows[] = {
      {"clock_gettime", SYS_clock_gettime},
      {"gettimeofday", SYS_gettimeofday},
      {"clock_getres", SYS_clock_getres},
      {"getcpu", SYS_getcpu},
      {"getrandom", SYS_getrandom},
#ifdef SYS_time
      {"time", SYS_time},
#endif
#ifdef SYS_clock_gettime64
      {"clock_gettime64", SYS_clock_gettime64},
#endif
#ifdef SYS_clock_getres_time64
      {"clock_getres_time64", SYS_clock_getres_time64},
#endif
  };
  for (const std::string_view prefix : {"__vdso_", "__kernel_"})
    if (function.starts_with(prefix)) function.remove_prefix(prefix.size());
  for (const Row& row : kRows)
    if (row.name == function) return row.number;
  return kNone;
}

}  // namespace

Result<std::vector<uint8_t>> vdso_trampolines(std::span<const uint8_t> old_vdso,
                                              std::span<const uint8_t> new_vdso,
                                              uint64_t old_address, uint64_t new_address) {
  THAW_ASSIGN(old_module, elf::Module::read(old_address, reader(old_vdso, old_address)));
  THAW_ASSIGN(new_module, elf::Module::read(new_address, reader(new_vdso, new_address)));
  std::vector<uint8_t> patched(old_vdso.begin(), old_vdso.end());
  for (const elf::Symbol& function : old_module.symbols()) {
    // Handlers may be about to return to kVdsoSignalReturn; the symbol that names the version has
    // neither code nor size.
    if (function.name == arch::kVdsoSignalReturn || function.size == 0) continue;
    const elf::Symbol* target = new_module.find(function.name);
    const std::vector<uint8_t> code =
        target != nullptr ? arch::jump_code(function.address, target->address)
                          : arch::syscall_code(function.address, syscall_of(function.name));
    const uint64_t at = arch::instruction_address(function.address) - old_address;
    if (code.size() > function.size || at > patched.size() || code.size() > patched.size() - at)
      return Error{0,
                   "this kernel's vDSO is another one, and " + function.name +
                       " of the old one has no room for a jump",
                   "build the image with this kernel"};
    memcpy(patched.data() + at, code.data(), code.size());
  }
  return patched;
}

}  // namespace thaw::launch

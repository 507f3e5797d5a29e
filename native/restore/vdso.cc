#include "restore/vdso.h"

#include <cstring>

#include "arch/arch.h"
#include "elf/elf_module.h"

namespace thaw::restore {
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

/// AArch64's signal trampoline is complete in itself, and handlers may be about to return to it.
bool stands_alone(const elf::Symbol& function) {
  return function.name == "__kernel_rt_sigreturn";
}

}  // namespace

Result<std::vector<uint8_t>> vdso_trampolines(std::span<const uint8_t> old_vdso,
                                              std::span<const uint8_t> new_vdso,
                                              uint64_t old_address, uint64_t new_address) {
  THAW_ASSIGN(old_module, elf::Module::read(old_address, reader(old_vdso, old_address)));
  THAW_ASSIGN(new_module, elf::Module::read(new_address, reader(new_vdso, new_address)));
  std::vector<uint8_t> patched(old_vdso.begin(), old_vdso.end());
  for (const elf::Symbol& function : old_module.symbols()) {
    // The version's own symbol has neither code nor size.
    if (stands_alone(function) || function.size == 0) continue;
    const elf::Symbol* target = new_module.find(function.name);
    // libc makes the system call itself where the vDSO answers ENOSYS.
    const std::vector<uint8_t> code = target != nullptr
                                          ? arch::jump_code(function.address, target->address)
                                          : arch::return_enosys_code();
    const uint64_t at = (function.address & ~uint64_t{arch::kThumbBit}) - old_address;
    if (code.size() > function.size || at + code.size() > patched.size())
      return Error{0,
                   "this kernel's vDSO is another one, and " + function.name +
                       " of the old one has no room for a jump; build the image with this kernel"};
    memcpy(patched.data() + at, code.data(), code.size());
  }
  return patched;
}

}  // namespace thaw::restore

#include "checkpoint/freeze/leave_vdso.h"

#include <algorithm>

#include "arch/arch.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

/// Where the vDSO is mapped; nothing where there is none.
Result<AddressRange> find_vdso(pid_t pid) {
  THAW_ASSIGN(maps, read_file("/proc/" + std::to_string(pid) + "/maps"));
  for (const std::string_view line : split(maps, "\n"))
    if (line.ends_with("[vdso]")) return address_range(line);
  return AddressRange{};
}

}  // namespace

Result<bool> leave_vdso(Freeze& freeze) {
  // A thread that asks for the time in a loop is found there nine times of ten.
  constexpr int kMostSteps = 2000;
  THAW_ASSIGN(vdso, find_vdso(freeze.pid()));
  auto is_inside = [&vdso](pid_t tid) -> Result<bool> {
    THAW_ASSIGN(registers, arch::read_registers(tid));
    return arch::program_counter(registers) - vdso.start < vdso.size();
  };
  for (int i = 0; i < kMostSteps; ++i) {
    THAW_ASSIGN(stepped, freeze.step(is_inside));
    if (!stepped) return i > 0;
  }
  return Error{0, "a thread of the app does nothing but ask for the time (vDSO)"};
}

}  // namespace thaw::checkpoint

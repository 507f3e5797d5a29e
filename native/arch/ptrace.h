// What the CPUs have in common about the registers of a stopped thread.
#pragma once

#include <sys/types.h>

#include <cstring>

#include "arch/arch.h"

namespace thaw::arch {

/// Reads a register set (NT_*, elf.h) of a stopped thread into `buffer`, which has room for `size`
/// bytes. Answers how many there were; 0: this kernel or CPU has no such set.
Result<size_t> get_regset(pid_t tid, int note, void* buffer, size_t size);
/// As above; a set that is not there is an error.
Result<size_t> need_regset(pid_t tid, int note, void* buffer, size_t size);

/// The general registers in the CPU's own layout, and back.
template <typename General>
General load_general(const Registers& registers) {
  General general = {};
  memcpy(&general, registers.general.data(), sizeof(general));
  return general;
}
template <typename General>
void store_general(Registers& registers, const General& general) {
  registers.general.resize(sizeof(general));
  memcpy(registers.general.data(), &general, sizeof(general));
}

/// As nanosleep(2) and clock_nanosleep(2) take it.
struct SleepTime {
  int64_t seconds = 0, nanoseconds = 0;
};
/// Whether `rest` may be what the kernel wrote as left of the interrupted sleep `wanted`; a thread
/// that has yet to begin its sleep has anything there.
bool is_rest_of_sleep(const SleepTime& wanted, const SleepTime& rest);

}  // namespace thaw::arch

// With which number a system call instruction is reached.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/x86_64/code/sweep.h"

namespace thaw::arch {

/// All numbers that rax may hold at `address`, each once; empty: not all of them are constants in the
/// code before it.
std::vector<uint64_t> numbers_at(const Sweep& sweep, uint64_t address);

}  // namespace thaw::arch

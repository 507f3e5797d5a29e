// The numbers that a system call instruction is reached with.
#pragma once

#include "arch/armv7/code/sweep.h"

namespace thaw::arch {

/// All of them where they are constants; empty: they may be any.
std::vector<uint64_t> numbers_at(const Sweep& sweep, uint64_t address);

}  // namespace thaw::arch

// The numbers that a system call instruction is reached with.
#pragma once

#include "arch/aarch64/code/labels.h"

namespace thaw::arch {

/// The register of a call's number.
constexpr uint32_t kCallNumber = 8;

/// All of them where they are constants; empty: they may be any.
std::vector<uint64_t> numbers_at(const Labels& labels, const Code& code, uint64_t address);

}  // namespace thaw::arch

// Register sets of AArch64 (arch/arm64/include/uapi/asm/ptrace.h, include/uapi/linux/elf.h), for
// this folder only.
#pragma once

#include <cstddef>
#include <cstdint>

// Younger than the <elf.h> of Debian 12's libc.
#ifndef NT_ARM_SSVE
#define NT_ARM_SSVE 0x40b
#define NT_ARM_ZA 0x40c
#endif
#ifndef NT_ARM_GCS
#define NT_ARM_GCS 0x410
#endif

namespace thaw::arch {

/// struct user_fpsimd_state: 32 registers of 16 bytes, fpsr, fpcr, 8 reserved bytes.
constexpr size_t kFpsimdSize = 528;
/// NT_ARM_SVE, NT_ARM_SSVE and NT_ARM_ZA begin with it (struct user_sve_header).
struct SveHeader {
  uint32_t size, max_size;
  uint16_t vector_length, max_vector_length;  ///< bytes
  uint16_t flags, reserved;
};
constexpr uint16_t kSveRegisters = 1;  ///< SVE_PT_REGS_SVE: more than the FP registers is in use
constexpr size_t kMostSve = 16384;  ///< registers of the longest vectors that the architecture has

}  // namespace thaw::arch

// The x86-64 signal frame (arch/x86/include/asm/sigframe.h, uapi/asm/sigcontext.h): return address,
// ucontext, siginfo, and behind them the FP state in XSAVE layout, 64-byte aligned, with the
// software-reserved bytes that tell its size.
#include <cpuid.h>
#include <sys/user.h>

#include <algorithm>
#include <cstring>

#include "arch/arch.h"

namespace thaw::arch {
namespace {

constexpr uint32_t kMagic1 = 0x46505853;
constexpr uint32_t kMagic2 = 0x46505845;
constexpr size_t kSoftwareBytes = 464;
constexpr size_t kXstateBv = 512;
constexpr size_t kLegacySize = 512;
constexpr uint64_t kAmx = uint64_t{3} << 17;
constexpr uint64_t kFpXstate = 1, kSigcontextSs = 2, kStrictRestoreSs = 4;

// Kernel layouts; libc's ucontext_t has another tail.
struct SigContext {
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip,
      eflags;
  uint16_t cs, gs, fs, ss;
  uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};
struct UContext {
  uint64_t flags, link;
  uint64_t stack_address;
  int32_t stack_flags, padding;
  uint64_t stack_size;
  SigContext context;
  uint64_t mask;
};
struct Frame {
  uint64_t return_address;
  UContext context;
  uint8_t siginfo[128];
};
constexpr size_t kStart = 8;
constexpr size_t kFpOffset = (kStart + sizeof(Frame) + 63) / 64 * 64;
struct SoftwareBytes {
  uint32_t magic1, extended_size;
  uint64_t features;
  uint32_t xstate_size, padding[7];
};

/// Bytes that the state components in `features` take in the standard XSAVE layout (CPUID leaf
/// 0xd).
uint32_t xstate_size(uint64_t features) {
  uint32_t size = kLegacySize + 64;
  for (uint32_t i = 2; i < 63; ++i) {
    if ((features >> i & 1) == 0) continue;
    uint32_t length = 0, offset = 0, c = 0, d = 0;
    __get_cpuid_count(0xd, i, &length, &offset, &c, &d);
    if (offset + length > size) size = offset + length;
  }
  return size;
}

SigContext context_of(const user_regs_struct& r) {
  SigContext c = {};
  c.r8 = r.r8, c.r9 = r.r9, c.r10 = r.r10, c.r11 = r.r11, c.r12 = r.r12, c.r13 = r.r13,
  c.r14 = r.r14;
  c.r15 = r.r15, c.rdi = r.rdi, c.rsi = r.rsi, c.rbp = r.rbp, c.rbx = r.rbx, c.rdx = r.rdx,
  c.rax = r.rax;
  c.rcx = r.rcx, c.rsp = r.rsp, c.rip = r.rip, c.eflags = r.eflags;
  c.cs = static_cast<uint16_t>(r.cs), c.ss = static_cast<uint16_t>(r.ss);
  return c;
}

/// The XSAVE area as the kernel wants it in a signal frame.
std::vector<uint8_t> fp_state(const std::vector<uint8_t>& xsave) {
  uint64_t xcr0 = 0;  // NT_X86_XSTATE has XCR0 where the signal frame has its software bytes.
  memcpy(&xcr0, xsave.data() + kSoftwareBytes, sizeof(xcr0));
  const uint64_t features = xcr0 & ~kAmx;
  const uint32_t size = xstate_size(features);
  std::vector<uint8_t> state(size + sizeof(kMagic2));
  memcpy(state.data(), xsave.data(), std::min<size_t>(size, xsave.size()));
  SoftwareBytes software = {
      kMagic1, size + static_cast<uint32_t>(sizeof(kMagic2)), features, size, {}};
  memcpy(state.data() + kSoftwareBytes, &software, sizeof(software));
  uint64_t present = 0;
  memcpy(&present, state.data() + kXstateBv, sizeof(present));
  present &= features;
  memcpy(state.data() + kXstateBv, &present, sizeof(present));
  memcpy(state.data() + size, &kMagic2, sizeof(kMagic2));
  return state;
}

}  // namespace

// The frame starts 8 bytes into its room and the kernel expects the return address to be popped
// already.
const size_t kFrameStackOffset = 16;

namespace {

/// Where FXSAVE has its 16 registers of SSE (Intel SDM volume 1, 10.5.1).
constexpr size_t kXmm = 160, kXmmSize = 256;
constexpr size_t kVector = kFpOffset + kXmm - kFrameStackOffset;
constexpr AddressRange kRegisters[] = {
    {offsetof(UContext, context), offsetof(UContext, context) + offsetof(SigContext, rsp)},
    {kVector, kVector + kXmmSize},
};

}  // namespace

const std::span<const AddressRange> kFrameRegisters = kRegisters;

std::vector<uint8_t> signal_frame(const SignalFrameInput& input, uint64_t address) {
  const std::vector<uint8_t> fp = fp_state(input.registers.vector);

  user_regs_struct regs = {};
  memcpy(&regs, input.registers.general.data(), sizeof(regs));
  Frame frame = {};
  frame.context.flags = kFpXstate | kSigcontextSs | kStrictRestoreSs;
  frame.context.stack_address = input.stack_address;
  frame.context.stack_flags = input.stack_flags;
  frame.context.stack_size = input.stack_size;
  frame.context.context = context_of(regs);
  frame.context.context.fpstate = address + kFpOffset;
  frame.context.mask = input.blocked;

  std::vector<uint8_t> bytes(kFpOffset + fp.size());
  memcpy(bytes.data() + kStart, &frame, sizeof(frame));
  memcpy(bytes.data() + kFpOffset, fp.data(), fp.size());
  return bytes;
}

}  // namespace thaw::arch

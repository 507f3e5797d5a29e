// The ARM signal frame (arch/arm/kernel/signal.c, asm/ucontext.h): siginfo, ucontext with the
// registers, and in its coprocessor space a record of the VFP registers, ended by a zero. cpsr
// tells ARM from Thumb code. Kernels of AArch64 have the same for ARM programs
// (arch/arm64/kernel/signal32.c).
#include <cstring>

#include "arch/arch.h"

namespace thaw::arch {
namespace {

constexpr uint32_t kVfpMagic = 0x56465001;
constexpr uint32_t kVfpEnabled = 1u << 30;  ///< FPEXC.EN
constexpr size_t kVfpRegisters = 256;

struct SigContext {
  uint32_t trap_number, error_code, old_mask;
  uint32_t registers[17];  ///< r0 to r15, cpsr, in the order of ptrace
  uint32_t fault_address;
};
struct VfpRecord {
  uint32_t magic, size;
  uint8_t registers[kVfpRegisters];
  uint32_t fpscr, padding;
  uint32_t fpexc, fpinst, fpinst2, end;
};
static_assert(sizeof(VfpRecord) == 288);
struct UContext {
  uint32_t flags, link;
  uint32_t stack_address;
  int32_t stack_flags;
  uint32_t stack_size;
  SigContext context;
  uint32_t mask[2];
  uint32_t unused[30];
  alignas(8) uint8_t coprocessors[512];
};
struct Frame {
  uint8_t siginfo[128];
  UContext context;
  uint32_t return_code[4];
};
static_assert(offsetof(UContext, coprocessors) == 232 && sizeof(Frame) == 888);

VfpRecord vfp_record(const std::vector<uint8_t>& vector) {
  VfpRecord record = {};
  record.magic = kVfpMagic;
  record.size = sizeof(record);
  memcpy(record.registers, vector.data(), kVfpRegisters);
  memcpy(&record.fpscr, vector.data() + kVfpRegisters, sizeof(record.fpscr));
  record.fpexc = kVfpEnabled;
  return record;
}

}  // namespace

const size_t kFrameStackOffset = 0;

namespace {

/// With lr, which compilers use as any other; and with sp, an address, which is no id.
constexpr size_t kRegistersBeforePc = 15;
constexpr size_t kGeneral = offsetof(Frame, context.context.registers);
constexpr size_t kVfp = offsetof(Frame, context.coprocessors) + offsetof(VfpRecord, registers);
constexpr AddressRange kRegisters[] = {
    {kGeneral, kGeneral + kRegistersBeforePc * sizeof(uint32_t)},
    {kVfp, kVfp + kVfpRegisters},
};

}  // namespace

const std::span<const AddressRange> kFrameRegisters = kRegisters;

std::vector<uint8_t> signal_frame(const SignalFrameInput& input, uint64_t) {
  Frame frame = {};
  UContext& context = frame.context;
  context.stack_address = static_cast<uint32_t>(input.stack_address);
  context.stack_flags = input.stack_flags;
  context.stack_size = static_cast<uint32_t>(input.stack_size);
  context.mask[0] = static_cast<uint32_t>(input.blocked);
  context.mask[1] = static_cast<uint32_t>(input.blocked >> 32);
  memcpy(context.context.registers, input.registers.general.data(),
         sizeof(context.context.registers));
  const VfpRecord vfp = vfp_record(input.registers.vector);
  memcpy(context.coprocessors, &vfp, sizeof(vfp));
  std::vector<uint8_t> bytes(sizeof(frame));
  memcpy(bytes.data(), &frame, sizeof(frame));
  return bytes;
}

}  // namespace thaw::arch

// The AArch64 signal frame (arch/arm64/kernel/signal.c, uapi/asm/sigcontext.h): siginfo, ucontext,
// and in the ucontext's reserved bytes a list of records, each with magic and size, ended by a
// record of zeros: FP registers, and where SVE is in use an `extra` record that points behind the
// list, at the SVE record.
#include <sys/user.h>

#include <cstring>

#include "arch/aarch64/regsets.h"
#include "arch/arch.h"

namespace thaw::arch {
namespace {

constexpr uint32_t kFpsimdMagic = 0x46508001, kSveMagic = 0x53564501, kExtraMagic = 0x45585401;

// Kernel layouts; libc's ucontext_t has another tail.
struct SigContext {
  uint64_t fault_address, regs[31], sp, pc, pstate;
  alignas(16) uint8_t records[4096];
};
struct UContext {
  uint64_t flags, link;
  uint64_t stack_address;
  int32_t stack_flags, padding;
  uint64_t stack_size;
  uint64_t mask;
  uint8_t unused[120];
  alignas(16) SigContext context;
};
struct Frame {
  uint8_t siginfo[128];
  UContext context;
};
static_assert(offsetof(Frame, context.context.records) == 592 && sizeof(Frame) == 4688);

struct RecordHead {
  uint32_t magic, size;
};
struct FpsimdRecord {
  RecordHead head;
  uint32_t fpsr, fpcr;
  uint8_t registers[512];
};
struct ExtraRecord {
  RecordHead head;
  uint64_t data;
  uint32_t size, reserved[3];
};
struct SveRecord {
  RecordHead head;
  uint16_t vector_length, flags, reserved[2];
};
constexpr size_t kTerminatorSize = 16;

/// NT_PRFPREG has the same content as the record, in another order.
FpsimdRecord fpsimd_record(const std::vector<uint8_t>& vector) {
  FpsimdRecord record = {{kFpsimdMagic, sizeof(FpsimdRecord)}, 0, 0, {}};
  memcpy(record.registers, vector.data(), sizeof(record.registers));
  memcpy(&record.fpsr, vector.data() + sizeof(record.registers), sizeof(record.fpsr));
  memcpy(&record.fpcr, vector.data() + sizeof(record.registers) + 4, sizeof(record.fpcr));
  return record;
}

/// The SVE record and a terminator; empty when `vector` holds FP registers only. Z, P and FFR
/// registers have the same layout in NT_ARM_SVE.
std::vector<uint8_t> sve_record(const std::vector<uint8_t>& vector) {
  if (vector.size() < kFpsimdSize + sizeof(SveHeader)) return {};
  SveHeader header;
  memcpy(&header, vector.data() + kFpsimdSize, sizeof(header));
  const size_t length = header.vector_length;
  const size_t registers = 32 * length + 17 * (length / 8);
  const size_t size = (sizeof(SveRecord) + registers + 15) / 16 * 16;
  std::vector<uint8_t> bytes(size + kTerminatorSize);
  const SveRecord record = {{kSveMagic, static_cast<uint32_t>(size)}, header.vector_length, 0, {}};
  memcpy(bytes.data(), &record, sizeof(record));
  memcpy(bytes.data() + sizeof(record), vector.data() + kFpsimdSize + sizeof(header), registers);
  return bytes;
}

SigContext context_of(const user_regs_struct& regs) {
  SigContext context = {};
  memcpy(context.regs, regs.regs, sizeof(context.regs));
  context.sp = regs.sp;
  context.pc = regs.pc;
  context.pstate = regs.pstate;
  return context;
}

}  // namespace

const size_t kFrameStackOffset = 0;

namespace {

constexpr size_t kVector =
    offsetof(Frame, context.context.records) + offsetof(FpsimdRecord, registers);
constexpr AddressRange kRegisters[] = {
    {offsetof(Frame, context.context.regs), offsetof(Frame, context.context.sp)},
    {kVector, kVector + sizeof(FpsimdRecord::registers)},
};

}  // namespace

const std::span<const AddressRange> kFrameRegisters = kRegisters;

std::vector<uint8_t> signal_frame(const SignalFrameInput& input, uint64_t address) {
  user_regs_struct regs = {};
  memcpy(&regs, input.registers.general.data(), sizeof(regs));
  Frame frame = {};
  frame.context.stack_address = input.stack_address;
  frame.context.stack_flags = input.stack_flags;
  frame.context.stack_size = input.stack_size;
  frame.context.mask = input.blocked;
  frame.context.context = context_of(regs);
  uint8_t* records = frame.context.context.records;
  const FpsimdRecord fpsimd = fpsimd_record(input.registers.vector);
  memcpy(records, &fpsimd, sizeof(fpsimd));

  const std::vector<uint8_t> sve = sve_record(input.registers.vector);
  std::vector<uint8_t> bytes(sizeof(frame));
  if (!sve.empty()) {
    // The kernel wants the data right behind the terminator that follows the extra record.
    const size_t behind = offsetof(Frame, context.context.records) + sizeof(fpsimd) +
                          sizeof(ExtraRecord) + kTerminatorSize;
    const ExtraRecord extra = {{kExtraMagic, sizeof(ExtraRecord)},
                               address + behind,
                               static_cast<uint32_t>(sve.size()),
                               {}};
    memcpy(records + sizeof(fpsimd), &extra, sizeof(extra));
    bytes.resize(std::max(bytes.size(), behind + sve.size()));
    memcpy(bytes.data(), &frame, sizeof(frame));
    memcpy(bytes.data() + behind, sve.data(), sve.size());
    return bytes;
  }
  memcpy(bytes.data(), &frame, sizeof(frame));
  return bytes;
}

}  // namespace thaw::arch

#include "arch/x86_64/code/sweep.h"

namespace thaw::arch {
namespace {

bool is_rip_relative(const ZydisDecodedInstruction& instruction) {
  return (instruction.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0 && instruction.raw.modrm.mod == 0 &&
         instruction.raw.modrm.rm == 5;
}

}  // namespace

bool Instruction::ends_flow() const {
  return decoded.meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
         decoded.meta.category == ZYDIS_CATEGORY_RET || decoded.mnemonic == ZYDIS_MNEMONIC_UD2 ||
         decoded.mnemonic == ZYDIS_MNEMONIC_HLT || decoded.mnemonic == ZYDIS_MNEMONIC_INT3;
}

bool Instruction::is_movable() const {
  switch (decoded.meta.category) {
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_SYSTEM:
      return false;
    default:
      return !is_rip_relative(decoded) && !ends_flow() &&
             (decoded.attributes & ZYDIS_ATTRIB_IS_RELATIVE) == 0;
  }
}

Sweep::Sweep(const Code& code)
    : code_(code),
      boundary_(code.bytes.size()),
      target_(code.bytes.size()),
      entry_(code.bytes.size()) {
  zydis_.init(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
}

Result<void> Sweep::run() {
  for (const uint64_t pointer : code_.pointers) mark_entry(pointer);
  uint64_t next = code_.start;
  for (const AddressRange& function : code_.functions) {
    sweep_gap({next, function.start});
    THAW_TRY(sweep_function(function));
    next = function.end;
  }
  sweep_gap({next, code_.end()});
  jumps_.sort();
  return {};
}

Result<void> Sweep::sweep_function(const AddressRange& function) {
  mark_entry(function.start);
  if (sweep(function) == function.end) return {};
  return error_at("a function cannot be read as instructions", function.start);
}

/// Padding, data, code that has no name: taken for what it reads as.
void Sweep::sweep_gap(const AddressRange& gap) {
  for (uint64_t at = gap.start; at < gap.end; ++at) at = sweep({at, gap.end});
}

uint64_t Sweep::sweep(const AddressRange& range) {
  uint64_t at = range.start;
  while (at < range.end) {
    ZydisDecodedInstruction instruction;
    const uint8_t* bytes = code_.bytes.data() + (at - code_.start);
    if (!ZYAN_SUCCESS(zydis_.decode(&decoder_, nullptr, bytes, range.end - at, &instruction)))
      break;
    boundary_[at - code_.start] = true;
    note(at, instruction);
    at += instruction.length;
  }
  return at;
}

void Sweep::note(uint64_t address, const ZydisDecodedInstruction& instruction) {
  const uint64_t end = address + instruction.length;
  for (const auto& immediate : instruction.raw.imm) {
    if (immediate.size == 0) continue;
    if (immediate.is_relative == 0) {
      mark_entry(immediate.value.u);  // The address of a label, maybe.
      continue;
    }
    const uint64_t target = end + static_cast<uint64_t>(immediate.value.s);
    if (!code_.holds(target)) continue;
    target_[target - code_.start] = true;
    if (instruction.meta.category == ZYDIS_CATEGORY_CALL)
      mark_entry(target);
    else
      jumps_.add(target, address);
  }
  if (!is_rip_relative(instruction)) return;
  const uint64_t named = end + static_cast<uint64_t>(instruction.raw.disp.value);
  mark_entry(named);
  if (instruction.mnemonic == ZYDIS_MNEMONIC_LEA) note_table(named);
}

/// A switch's table as compilers of position-independent code write it: distances from its start.
void Sweep::note_table(uint64_t address) {
  constexpr uint64_t kMost = 4096;
  int32_t part[16];
  for (uint64_t i = 0; i < kMost; i += std::size(part)) {
    if (!code_.read(address + i * sizeof(int32_t), part, sizeof(part))) return;
    for (const int32_t distance : part) {
      const uint64_t target = address + static_cast<uint64_t>(int64_t{distance});
      if (!code_.holds(target)) return;
      mark_entry(target);
    }
  }
}

std::optional<Instruction> Sweep::decode(uint64_t address) const {
  Instruction instruction;
  instruction.address = address;
  const uint8_t* bytes = code_.bytes.data() + (address - code_.start);
  if (!ZYAN_SUCCESS(zydis_.decode_full(&decoder_, bytes, code_.end() - address,
                                       &instruction.decoded, instruction.operands)))
    return {};
  return instruction;
}

uint64_t Sweep::before(uint64_t address) const {
  constexpr uint64_t kLongest = ZYDIS_MAX_INSTRUCTION_LENGTH;
  for (uint64_t at = address - 1; at >= code_.start && address - at <= kLongest; --at) {
    if (!begins_instruction(at)) continue;
    const auto instruction = decode(at);
    return instruction && instruction->end() == address ? at : 0;
  }
  return 0;
}

}  // namespace thaw::arch

// `svc #0` has four bytes, as a jump has. Where its number is known to be a memory call's, the jump
// takes its place. Where it may be any, the jump takes the place of the instruction before it, which the
// stub executes, and the stub returns to the `svc` for all calls that are not the shim's: these are made
// where the app and its signal handlers expect them (musl and glibc look where a cancelled thread
// stands). Encodings: Arm ARM C4.
#include "arch/call_sites.h"

#include <asm/ptrace.h>

#include <cstring>

namespace thaw::arch {

const bool kRedirectsCallSites = true;
const uint64_t kStubReach = (uint64_t{1} << 27) - (uint64_t{1} << 20);
const size_t kSiteJumpSize = 4;

namespace {

constexpr uint32_t kCall = 0xd4000001;  // svc #0
constexpr uint32_t kB = 0x14000000, kBl = 0x94000000;
constexpr uint64_t kSize = sizeof(uint32_t);
constexpr uint32_t kNumber = 8;  ///< the register

bool is_svc(uint32_t word) {
  return (word & 0xffe0001f) == kCall;
}
/// b, bl, b.cond, cbz, tbz, br, blr, ret, svc and the like.
bool is_branch(uint32_t word) {
  return (word & 0x1c000000) == 0x14000000;
}
bool is_indirect_branch(uint32_t word) {
  return (word & 0xfffffc1f) == 0xd61f0000 || (word & 0xfffff800) == 0xd71f0800;
}
/// adr, adrp, loads of literals.
bool is_relative(uint32_t word) {
  return (word & 0x1f000000) == 0x10000000 || (word & 0x3b000000) == 0x18000000;
}
/// Whether it may change x8; some that only read it are among these.
bool may_change_number(uint32_t word) {
  const bool of_memory = (word & 0x0a000000) == 0x08000000;
  return (word & 31) == kNumber ||
         (of_memory && ((word >> 5 & 31) == kNumber || (word >> 10 & 31) == kNumber ||
                        (word >> 16 & 31) == kNumber));
}

int64_t extended(uint32_t value, unsigned bits) {
  const unsigned unused = 64 - bits;
  return static_cast<int64_t>(uint64_t{value} << unused) >> unused;
}

/// Where a direct branch leads, as a distance; 0: it is none.
int64_t distance_of(uint32_t word) {
  if ((word & 0x7c000000) == 0x14000000) return extended(word & 0x03ffffff, 26) * 4;
  if ((word & 0xfe000000) == 0x54000000 || (word & 0x7e000000) == 0x34000000)
    return extended(word >> 5 & 0x7ffff, 19) * 4;
  if ((word & 0x7e000000) == 0x36000000) return extended(word >> 5 & 0x3fff, 14) * 4;
  return 0;
}

class Reader {
 public:
  explicit Reader(const Code& code) : code_(code), label_(code.bytes.size() / kSize) {
    for (const AddressRange& function : code.functions) mark(function.start);
    for (const uint64_t pointer : code.pointers) mark(pointer);
    for (uint64_t at = code.start; at + kSize <= code.end(); at += kSize)
      if (const int64_t distance = distance_of(word(at)); distance != 0)
        mark(at + static_cast<uint64_t>(distance));
  }

  [[nodiscard]] uint32_t word(uint64_t address) const {
    uint32_t value = 0;
    memcpy(&value, &code_.bytes[address - code_.start], sizeof(value));
    return value;
  }

  /// The function at `address`, or what follows one directly: elsewhere there may be constants.
  [[nodiscard]] AddressRange function_at(uint64_t address) const {
    constexpr uint64_t kLongestGap = 256;
    const auto behind = std::upper_bound(
        code_.functions.begin(), code_.functions.end(), address,
        [](uint64_t value, const AddressRange& function) { return value < function.start; });
    if (behind == code_.functions.begin()) return {};
    AddressRange function = *(behind - 1);
    if (address >= function.end + kLongestGap) return {};
    if (address >= function.end)
      function.end = std::min(code_.end(), function.end + kLongestGap) / kSize * kSize;
    return function;
  }

  /// The number that a mov before the call puts in x8, where nothing else can come between.
  [[nodiscard]] std::vector<uint64_t> number_at(uint64_t address,
                                                const AddressRange& within) const {
    constexpr uint32_t kMovz = 0x52800008, kMask = 0x7fe0001f;
    if (jumps_anywhere(within)) return {};
    while (address > within.start && !is_label(address)) {
      address -= kSize;
      if ((word(address) & kMask) == kMovz) return {word(address) >> 5 & 0xffff};
      if (is_branch(word(address)) || may_change_number(word(address))) return {};
    }
    return {};
  }

  /// Whether the instruction before the call can be executed elsewhere, and always is before it.
  [[nodiscard]] bool can_move_before(uint64_t address, const AddressRange& within) const {
    if (address == within.start || is_label(address) || jumps_anywhere(within)) return false;
    const uint32_t before = word(address - kSize);
    return !is_branch(before) && !is_relative(before);
  }

 private:
  void mark(uint64_t address) {
    if (code_.holds(address) && (address - code_.start) / kSize < label_.size())
      label_[(address - code_.start) / kSize] = true;
  }
  [[nodiscard]] bool is_label(uint64_t address) const {
    return label_[(address - code_.start) / kSize];
  }
  /// By a table of a switch, whose form nobody knows.
  [[nodiscard]] bool jumps_anywhere(const AddressRange& function) const {
    for (uint64_t at = function.start; at + kSize <= function.end; at += kSize)
      if (is_indirect_branch(word(at))) return true;
    return false;
  }

  const Code& code_;
  std::vector<bool> label_;
};

/// Within 128 MB.
uint32_t branch(uint32_t opcode, uint64_t from, uint64_t to) {
  return opcode | (static_cast<uint32_t>((to - from) >> 2) & 0x03ffffff);
}

}  // namespace

std::optional<uint64_t> number_called_in_place(const Registers& registers) {
  user_pt_regs general = {};
  memcpy(&general, registers.general.data(), std::min(sizeof(general), registers.general.size()));
  return general.regs[kNumber] & 0xffffffff;
}

Result<std::vector<CallSite>> find_call_sites(const Code& code) {
  const Reader reader(code);
  std::vector<CallSite> sites;
  for (uint64_t at = code.start; at + kSize <= code.end(); at += kSize) {
    if (!is_svc(reader.word(at))) continue;
    const AddressRange function = reader.function_at(at);
    if (function.end == 0)
      return error_at("what may be a system call is in no function that is known,", at);
    if (reader.word(at) != kCall) return error_at("a system call of another kind is", at);
    CallSite site = {at, reader.number_at(at, function), at};
    if (site.numbers.empty())
      site.changed_from = reader.can_move_before(at, function) ? at - kSize : 0;
    sites.push_back(std::move(site));
  }
  return sites;
}

/// site_entry goes on at the first ldp, or at the second where it has made the call.
SiteChange change_call_site(const Code& code, const CallSite& site, uint64_t stub,
                            uint64_t site_entry) {
  constexpr uint32_t kSave = 0xa9bd7bf0;     // stp x16, x30, [sp, #-48]!
  constexpr uint32_t kRestore = 0xa8c37bf0;  // ldp x16, x30, [sp], #48
  const bool in_place = site.changed_from != site.address;
  const uint64_t behind = site.address + kSize;
  std::vector<uint32_t> words;
  auto here = [&words, stub] { return stub + words.size() * kSize; };
  if (in_place) {
    uint32_t moved = 0;
    memcpy(&moved, &code.bytes[site.changed_from - code.start], sizeof(moved));
    words.push_back(moved);
  }
  words.push_back(kSave);
  words.push_back(branch(kBl, here(), site_entry));
  words.push_back(kRestore);
  words.push_back(in_place ? branch(kB, here(), site.address) : kCall);
  words.push_back(branch(kB, here(), behind));
  words.push_back(kRestore);
  words.push_back(branch(kB, here(), behind));
  const uint32_t jump = branch(kB, site.changed_from, stub);
  SiteChange change;
  change.stub.resize(words.size() * kSize);
  memcpy(change.stub.data(), words.data(), change.stub.size());
  change.jump.resize(sizeof(jump));
  memcpy(change.jump.data(), &jump, sizeof(jump));
  return change;
}

}  // namespace thaw::arch

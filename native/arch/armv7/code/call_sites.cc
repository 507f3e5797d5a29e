// A jump takes the place of the instructions right before `svc`: of one in ARM code, of four or six
// bytes in Thumb code. The stub executes them. The call itself stays: the stub returns to it for all
// calls that are not the shim's, so that these are made where the app, its signal handlers and threads
// that stood there expect them (musl and glibc look where a cancelled thread stands).
#include "arch/call_sites.h"

#include <cstring>

#include "arch/armv7/code/numbers.h"
#include "arch/armv7/code/sweep.h"
#include "arch/ptrace.h"

namespace thaw::arch {

/// Of `b` and `bl` in Thumb code, which reach 16 MB; those of ARM code reach twice as far.
const uint64_t kStubReach = (uint64_t{1} << 24) - (uint64_t{1} << 20);
const size_t kSiteJumpSize = sizeof(uint32_t);

namespace {

/// Where whole instructions begin that make room for a jump: nothing leads between them.
uint64_t room_before(const Sweep& sweep, const Instruction& call) {
  uint64_t from = call.address;
  while (call.address - from < kSiteJumpSize) {
    if (sweep.is_label(from)) return 0;
    const auto before = sweep.before(from);
    if (!before || before->thumb != call.thumb || !before->is_movable ||
        sweep.is_literal(before->address))
      return 0;
    from = before->address;
  }
  return from;
}

class Stub {
 public:
  Stub(uint64_t address, bool thumb) : start_(address), thumb_(thumb) {}

  void put(std::span<const uint8_t> bytes) {
    code_.insert(code_.end(), bytes.begin(), bytes.end());
  }
  /// An instruction of 32 bits that both sets encode alike, but for the order of the halves.
  void put(uint32_t word) {
    if (thumb_) word = word >> 16 | word << 16;
    put({reinterpret_cast<const uint8_t*>(&word), sizeof(word)});
  }
  void branch(uint64_t target) {
    if (thumb_)
      put(0xf0009000 | thumb_distance(target - here() - 4));
    else
      put(0xea000000 | arm_distance(target));
  }
  /// To the shim, which is ARM code.
  void call(uint64_t target) {
    if (thumb_)  // blx
      put(0xf000c000 | thumb_distance(target - (here() + 4) / 4 * 4));
    else
      put(0xeb000000 | arm_distance(target));
  }
  std::vector<uint8_t> take() { return std::move(code_); }

 private:
  [[nodiscard]] uint64_t here() const { return start_ + code_.size(); }
  [[nodiscard]] uint32_t arm_distance(uint64_t target) const {
    return static_cast<uint32_t>(static_cast<int64_t>(target - here() - 8) / 4) & 0xffffff;
  }
  /// As Long::distance() of thumb.cc reads it.
  static uint32_t thumb_distance(uint64_t distance) {
    const auto value = static_cast<uint32_t>(distance);
    const uint32_t sign = bits(value, 24, 1);
    const uint32_t j1 = bits(value, 23, 1) ^ sign ^ 1, j2 = bits(value, 22, 1) ^ sign ^ 1;
    return sign << 26 | bits(value, 12, 10) << 16 | j1 << 13 | j2 << 11 | bits(value, 1, 11);
  }

  uint64_t start_;
  bool thumb_;
  std::vector<uint8_t> code_;
};

/// Where Go's code and another compiler's stand in one section, none would tell where each begins.
Result<void> check_marks(const Code& code) {
  const auto is_set = [](const Mark& mark) { return mark.kind == 'a' || mark.kind == 't'; };
  const bool any = std::any_of(code.marks.begin(), code.marks.end(), is_set);
  if (code.go == GoShare::some || (code.go == GoShare::all && any))
    return Error{0, "it has code of Go and of another compiler, and nothing tells them apart"};
  if (code.go == GoShare::none && !any)
    return Error{0, "nothing tells where it has ARM and where Thumb code (it has no symbols)"};
  return {};
}

Result<void> check(const Sweep& sweep, const Instruction& call) {
  if (sweep.is_literal(call.address))
    return error_at("a constant looks like a system call", call.address);
  if (!sweep.code().is_known(call.address))
    return error_at("what may be a system call is in no function that is known,", call.address);
  if (!call.is_usual)
    return error_at("a system call is made in a way that no compiler has,", call.address);
  return {};
}

}  // namespace

std::optional<uint64_t> number_called_in_place(const Registers& registers) {
  uint32_t number = 0;
  memcpy(&number, &registers.general[kCallNumber * sizeof(number)], sizeof(number));
  return number;
}

Result<std::vector<CallSite>> find_call_sites(const Code& code) {
  THAW_TRY(check_marks(code));
  const Sweep sweep(code);
  std::vector<CallSite> sites;
  for (uint64_t address = code.start; address < code.end(); address += 2) {
    const auto call = sweep.at(address);
    if (!call || !call->is_call) continue;
    // Of all constants that are read, a sixteenth looks like one.
    if (!call->is_usual && sweep.is_literal(address)) continue;
    THAW_TRY(check(sweep, *call));
    sites.push_back({address, numbers_at(sweep, address), room_before(sweep, *call)});
  }
  return sites;
}

/// The moved instructions; then the shim's decision. It returns to where the call is left to its
/// instruction, or two words behind that.
SiteChange change_call_site(const Code& code, const CallSite& site, uint64_t stub,
                            uint64_t site_entry) {
  constexpr uint32_t kPush = 0xe92d5000, kPop = 0xe8bd5000;  // push {r12, lr}; pop {r12, lr}
  constexpr uint32_t kArmCall = 0xef000000;
  const auto bytes = std::span(code.bytes);
  const size_t at = site.address - code.start;
  uint32_t call = 0;
  memcpy(&call, &bytes[at], std::min(sizeof(call), bytes.size() - at));
  const bool thumb = call != kArmCall;
  Stub made(stub, thumb);
  made.put(bytes.subspan(site.changed_from - code.start, site.address - site.changed_from));
  made.put(kPush);
  made.call(site_entry);
  made.put(kPop);
  made.branch(site.address);
  made.put(kPop);
  made.branch(site.address + (thumb ? 2 : 4));
  Stub jump(site.changed_from, thumb);
  jump.branch(stub);
  return {jump.take(), made.take()};
}

}  // namespace thaw::arch

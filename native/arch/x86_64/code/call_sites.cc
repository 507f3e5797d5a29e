// `syscall` has two bytes, and a jump to the shim five. So the jump takes the place of instructions
// right before it, which the stub executes. The instruction itself stays: the stub returns to it
// for all calls that are not the shim's, so that these are made where the app, its signal handlers
// and threads that stood there expect them (musl and glibc look where a cancelled thread stands).
#include "arch/call_sites.h"

#include <sys/user.h>

#include "arch/ptrace.h"
#include "arch/x86_64/code/numbers.h"
#include "arch/x86_64/code/sweep.h"

namespace thaw::arch {

const uint64_t kStubReach = (uint64_t{1} << 31) - (uint64_t{1} << 20);
const size_t kSiteJumpSize = 5;

namespace {

/// The bytes of `syscall`, `sysenter` or `int $0x80`, whatever they are.
bool looks_like_call(const uint8_t* bytes) {
  return (bytes[0] == 0x0f && (bytes[1] == 0x05 || bytes[1] == 0x34)) ||
         (bytes[0] == 0xcd && bytes[1] == 0x80);
}

/// Where whole instructions begin that make room for the jump: nothing jumps between them.
uint64_t room_before(const Sweep& sweep, uint64_t address) {
  uint64_t from = address;
  while (address - from < kSiteJumpSize) {
    if (sweep.is_label(from)) return 0;
    from = sweep.before(from);
    const auto instruction = from == 0 ? std::nullopt : sweep.decode(from);
    if (!instruction || !instruction->is_movable()) return 0;
  }
  return from;
}

void put(std::vector<uint8_t>& code, std::initializer_list<uint8_t> opcode, uint64_t at,
         uint64_t target) {
  code.insert(code.end(), opcode);
  const auto distance = static_cast<int32_t>(target - (at + code.size() + sizeof(int32_t)));
  const auto* bytes = reinterpret_cast<const uint8_t*>(&distance);
  code.insert(code.end(), bytes, bytes + sizeof(distance));
}

}  // namespace

std::optional<uint64_t> number_called_in_place(const Registers& registers) {
  return load_general<user_regs_struct>(registers).rax & 0xffffffff;
}

Result<std::vector<CallSite>> find_call_sites(const Code& code) {
  if (!Zydis::is_there())
    return Error{0, "its code cannot be read without libZydis.so.4.0 (Debian's libzydis4.0)"};
  Sweep sweep(code);
  THAW_TRY(sweep.run());
  std::vector<CallSite> sites;
  for (size_t i = 0; i + 1 < code.bytes.size(); ++i) {
    if (!looks_like_call(&code.bytes[i])) continue;
    const uint64_t address = code.start + i;
    if (!code.is_known(address))
      return error_at("what may be a system call is in no function that is known,", address);
    if (!sweep.begins_instruction(address)) continue;
    if (code.bytes[i] != 0x0f || code.bytes[i + 1] != 0x05)
      return error_at("a system call in the manner of 32-bit programs is", address);
    sites.push_back({address, numbers_at(sweep, address), room_before(sweep, address)});
  }
  return sites;
}

/// The moved instructions; lea `address`, %rcx; jmp site_entry. System calls leave nothing in rcx.
SiteChange change_call_site(const Code& code, const CallSite& site, uint64_t stub,
                            uint64_t site_entry) {
  SiteChange change;
  const uint8_t* moved = code.bytes.data() + (site.changed_from - code.start);
  change.stub.assign(moved, moved + (site.address - site.changed_from));
  put(change.stub, {0x48, 0x8d, 0x0d}, stub, site.address);
  put(change.stub, {0xe9}, stub, site_entry);
  put(change.jump, {0xe9}, site.changed_from, stub);
  return change;
}

}  // namespace thaw::arch

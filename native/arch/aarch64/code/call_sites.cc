// A jump is as long as `svc`, and takes the place of the instruction right before it, which the stub
// executes. The call itself stays: the stub returns to it for all calls that are not the shim's, so
// that these are made where the app, its signal handlers and threads that stood there expect them
// (musl and glibc look where a cancelled thread stands).
#include "arch/call_sites.h"

#include <sys/user.h>

#include <cstring>

#include "arch/aarch64/code/numbers.h"
#include "arch/ptrace.h"

namespace thaw::arch {

/// Of `b` and `bl`, which reach 128 MB.
const uint64_t kStubReach = (uint64_t{1} << 27) - (uint64_t{1} << 20);
const size_t kSiteJumpSize = sizeof(uint32_t);

namespace {

constexpr uint64_t kWord = sizeof(uint32_t);

/// Where the instruction before can give way to a jump.
uint64_t room_before(const Labels& labels, const Code& code, uint64_t address) {
  const uint64_t before = address - kWord;
  if (!code.holds(before) || labels.is_label(address) || !labels.at(before).is_movable()) return 0;
  return before;
}

class Stub {
 public:
  explicit Stub(uint64_t address) : start_(address) {}

  void put(uint32_t word) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&word);
    code_.insert(code_.end(), bytes, bytes + sizeof(word));
  }
  /// `b` or, with its highest bit, `bl`.
  void branch(uint32_t opcode, uint64_t target) {
    const auto words = static_cast<int64_t>(target - (start_ + code_.size())) / int64_t{kWord};
    put(opcode | (static_cast<uint32_t>(words) & 0x3ffffff));
  }
  std::vector<uint8_t> take() { return std::move(code_); }

 private:
  uint64_t start_;
  std::vector<uint8_t> code_;
};

constexpr uint32_t kB = 0x14000000, kBl = 0x94000000;

/// As site.S leaves them.
void put_back(Stub& stub) {
  stub.put(0xf9400bfe);  // ldr x30, [sp, #16]
  stub.put(0x910103ff);  // add sp, sp, #64
}

}  // namespace

std::optional<uint64_t> number_called_in_place(const Registers& registers) {
  return load_general<user_regs_struct>(registers).regs[kCallNumber] & 0xffffffff;
}

Result<std::vector<CallSite>> find_call_sites(const Code& code) {
  const Labels labels(code);
  std::vector<CallSite> sites;
  for (uint64_t at = code.start; at + kWord <= code.end(); at += kWord) {
    if (!labels.at(at).is_call()) continue;
    if (!code.is_known(at))
      return error_at("what may be a system call is in no function that is known,", at);
    if (labels.is_literal(at)) return error_at("a constant looks like a system call", at);
    sites.push_back({at, numbers_at(labels, code, at), room_before(labels, code, at)});
  }
  return sites;
}

/// The moved instruction; then the shim's decision, with what it needs below the stack pointer, where
/// Go keeps a word. It returns to where the call is left to its instruction, or three words behind that.
SiteChange change_call_site(const Code& code, const CallSite& site, uint64_t stub,
                            uint64_t site_entry) {
  Stub made(stub);
  uint32_t moved;
  memcpy(&moved, &code.bytes[site.changed_from - code.start], sizeof(moved));
  made.put(moved);
  made.put(0xd10103ff);  // sub sp, sp, #64
  made.put(0xa90047f0);  // stp x16, x17, [sp]
  made.put(0xf9000bfe);  // str x30, [sp, #16]
  made.branch(kBl, site_entry);
  put_back(made);
  made.branch(kB, site.address);
  put_back(made);
  made.branch(kB, site.address + kWord);
  Stub jump(site.changed_from);
  jump.branch(kB, stub);
  return {jump.take(), made.take()};
}

}  // namespace thaw::arch

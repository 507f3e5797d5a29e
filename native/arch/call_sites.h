// The system call instructions of a program that makes its calls itself, and how each is led to the
// shim. Each CPU's folder code/ implements this; thaw-exec has none of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "arch/arch.h"
#include "support/file.h"
#include "support/result.h"

namespace thaw::arch {

/// How much of what follows a function may still belong to it, in bytes.
constexpr uint64_t kLongestGap = 256;

/// From there on, a program has what the letter says. As in mapping symbols, `a`, `t`: ARM, Thumb
/// instructions, `x`: those of AArch64, `d`: constants. `c`: a section of code begins.
struct Mark {
  uint64_t address = 0;
  char kind = 0;
};

/// How much of a program Go's compiler made, whose code has no mapping symbols.
enum class GoShare : uint8_t { none, some, all };

/// A program's executable segment as its compiler made it, and what is known of it.
struct Code {
  uint64_t start = 0;
  std::vector<uint8_t> bytes;
  std::vector<AddressRange> functions;  ///< ascending, without overlap
  std::vector<uint64_t> pointers;       ///< addresses in it that the program's data hold, ascending
  std::vector<Mark> marks;              ///< ascending; empty: nothing tells
  GoShare go = GoShare::none;
  /// Reads the program's memory.
  std::function<bool(uint64_t address, void* out, size_t size)> read;

  [[nodiscard]] uint64_t end() const { return start + bytes.size(); }
  [[nodiscard]] bool holds(uint64_t address) const { return address >= start && address < end(); }
  /// Whether it is of a function that is known, or follows one so directly that it may belong to it.
  [[nodiscard]] bool is_known(uint64_t address) const;
};

/// Where the jumps of some code lead.
class Jumps {
 public:
  void add(uint64_t target, uint64_t source) { jumps_.emplace_back(target, source); }
  /// After the last one was added, and before any is asked for.
  void sort() { std::sort(jumps_.begin(), jumps_.end()); }
  /// From where they lead to `address`.
  [[nodiscard]] std::vector<uint64_t> to(uint64_t address) const;

 private:
  std::vector<std::pair<uint64_t, uint64_t>> jumps_;  ///< target, source
};

struct CallSite {
  uint64_t address = 0;  ///< of the system call instruction
  /// The numbers that it is reached with, where all are constants; empty: any.
  std::vector<uint64_t> numbers;
  /// The jump to the shim replaces code from here on; what of it stands before `address` can be
  /// executed elsewhere as well. 0: there is no room for a jump.
  uint64_t changed_from = 0;

  [[nodiscard]] bool may_call(std::span<const uint64_t> wanted) const {
    return numbers.empty() ||
           std::any_of(numbers.begin(), numbers.end(), [wanted](uint64_t number) {
             return std::find(wanted.begin(), wanted.end(), number) != wanted.end();
           });
  }
};

/// All of them, ascending. An error tells why not all can be known.
Result<std::vector<CallSite>> find_call_sites(const Code& code);

/// "`what` at 0x...".
Error error_at(const char* what, uint64_t address);

/// Of a thread that stands at a call site: the call that it makes without the shim although the site
/// has been changed. Nothing where the jump stands at the instruction itself.
std::optional<uint64_t> number_called_in_place(const Registers& registers);

/// How far from the program's code, at most, its stubs may be.
extern const uint64_t kStubReach;
/// Bytes that change_call_site() changes, from CallSite::changed_from on.
extern const size_t kSiteJumpSize;

/// Code that takes the place of a site.
struct SiteChange {
  std::vector<uint8_t> jump;  ///< at CallSite::changed_from
  std::vector<uint8_t> stub;  ///< at the address that was given for it
};
/// `site_entry`: the shim's (<cpu>/site.S).
SiteChange change_call_site(const Code& code, const CallSite& site, uint64_t stub,
                            uint64_t site_entry);

}  // namespace thaw::arch

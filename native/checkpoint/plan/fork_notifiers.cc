#include "checkpoint/plan/fork_notifiers.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "arch/arch.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

using Word = unsigned long;

/// struct fork_handler of glibc (nptl/register-atfork.c) in words; since 2.36 with a number of 64
/// bits.
struct Layout {
  size_t words, first;  ///< `first`: from the list's own three words to the first handler
};
constexpr size_t kHeader = 3;  ///< used, allocated, array: a DYNARRAY
constexpr Layout kLayouts[] = {
    {4 + 8 / sizeof(Word), sizeof(Word) == 8 ? kHeader : kHeader + 1},
    {4, kHeader},
};
enum { kPrepare, kParent, kChild, kOwner };

/// What a handler writes may as well be a state to begin anew with, for a child without the other
/// threads (libuv's thread pool): only of these it is known that they count the fork.
constexpr std::string_view kTold[] = {"libgnutls.so"};

class Finder {
 public:
  explicit Finder(const ProcessCapture& process) : process_(process) {}

  std::vector<uint64_t> run() {
    for (const Vma& vma : process_.vmas)
      if (!vma.shared && (vma.prot & PROT_WRITE) != 0 && is_of_libc(vma) && look_in(vma)) break;
    return notifiers_;
  }

 private:
  /// libc's data, and its zeroed data, which lies behind it and has no name.
  [[nodiscard]] bool is_of_libc(const Vma& vma) const {
    const Vma* owner = &vma;
    if (owner->path.empty() && owner != process_.vmas.data() && (owner - 1)->end == owner->start)
      --owner;
    const std::string_view name = base_name(owner->path);
    return name.starts_with("libc.so.") || name.starts_with("libc-2.");
  }

  bool look_in(const Vma& vma) {
    constexpr uint64_t kMostData = 1 << 20;
    std::vector<Word> words(std::min(vma.size(), kMostData) / sizeof(Word));
    if (!process_.memory.read(vma.start, words.data(), words.size() * sizeof(Word))) return false;
    for (size_t at = 0; at + kHeader < words.size(); ++at)
      for (const Layout& layout : kLayouts)
        if (is_list(words, at, vma.start, layout)) {
          take(std::span(words).subspan(at + layout.first, words[at] * layout.words), layout.words);
          return true;
        }
    return false;
  }

  /// A list that is in its own first room: others have more than 48 handlers.
  [[nodiscard]] bool is_list(const std::vector<Word>& words, size_t at, uint64_t start,
                             const Layout& layout) const {
    constexpr Word kRoom = 48;
    const Word used = words[at], allocated = words[at + 1], array = words[at + 2];
    if (used == 0 || used > allocated || allocated != kRoom ||
        array != start + (at + layout.first) * sizeof(Word) ||
        at + layout.first + used * layout.words > words.size())
      return false;
    for (size_t i = 0; i < used; ++i) {
      const Word* handler = &words[at + layout.first + i * layout.words];
      if (!is_code(handler[kPrepare]) || !is_code(handler[kParent]) || !is_code(handler[kChild]) ||
          (handler[kOwner] != 0 && process_.mapping(handler[kOwner]) == nullptr))
        return false;
    }
    return true;
  }

  [[nodiscard]] bool is_code(Word address) const {
    const Vma* vma = process_.mapping(address);
    return address == 0 || (vma != nullptr && (vma->prot & PROT_EXEC) != 0);
  }

  void take(std::span<const Word> handlers, size_t size) {
    for (; !handlers.empty(); handlers = handlers.subspan(size)) {
      const Word child = handlers[kChild];
      if (handlers[kPrepare] == 0 && handlers[kParent] == 0 && child != 0 && is_notifier(child))
        notifiers_.push_back(child);
    }
  }

  [[nodiscard]] bool is_notifier(Word address) const {
    std::array<uint8_t, 64> code = {};
    const uint64_t start = arch::instruction_address(address);
    const Vma* vma = process_.mapping(start);
    if (vma == nullptr || !is_told(*vma)) return false;
    const size_t size = std::min<uint64_t>(code.size(), vma->end - start);
    return process_.memory.read(start, code.data(), size) &&
           arch::is_plain_leaf(std::span(code).first(size), address);
  }

  [[nodiscard]] static bool is_told(const Vma& vma) {
    return std::any_of(std::begin(kTold), std::end(kTold),
                       [name = base_name(vma.path)](std::string_view library) {
                         return name.starts_with(library);
                       });
  }

  const ProcessCapture& process_;
  std::vector<uint64_t> notifiers_;
};

}  // namespace

std::vector<uint64_t> fork_notifiers(const ProcessCapture& process) {
  return Finder(process).run();
}

}  // namespace thaw::checkpoint

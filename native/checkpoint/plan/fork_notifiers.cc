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

/// What they begin anew in a child is in order after a launch, or put right by it: the thread pool and
/// signal pipe of libuv, which Node has within, the pids that systemd's, libbsd and libcap-ng keep, and
/// the modules of p11-kit.
constexpr std::string_view kNeedNotBeTold[] = {
    "libuv.so",          "node",      "libsystemd.so", "libudev.so",
    "libnss_systemd.so", "libbsd.so", "libcap-ng.so",  "libp11-kit.so"};

template <size_t kCount>
bool is_one_of(const std::string_view (&names)[kCount], const Vma& vma) {
  const std::string_view file = base_name(vma.path);
  return std::any_of(std::begin(names), std::end(names), [file](std::string_view name) {
    return file == name || (name.ends_with(".so") && file.starts_with(name));
  });
}

class Finder {
 public:
  explicit Finder(const ProcessCapture& process) : process_(process) {}

  ForkNotifiers run() {
    for (const Vma& vma : process_.vmas)
      if (!vma.shared && (vma.prot & PROT_WRITE) != 0 && is_of_libc(vma) && look_in(vma)) break;
    return found_;
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
    for (; !handlers.empty(); handlers = handlers.subspan(size))
      if (handlers[kPrepare] == 0 && handlers[kParent] == 0 && handlers[kChild] != 0)
        take(handlers[kChild]);
  }

  void take(Word child) {
    const Vma* code = process_.mapping(arch::instruction_address(child));
    if (code == nullptr || is_one_of(kNeedNotBeTold, *code)) return;
    if (is_one_of(kTold, *code) && is_plain(*code, child)) {
      found_.told.push_back(child);
      return;
    }
    const std::string file = code->path.empty() ? "code that the app has made" : code->path;
    auto& untold = found_.untold;
    if (std::find(untold.begin(), untold.end(), file) == untold.end()) untold.push_back(file);
  }

  [[nodiscard]] bool is_plain(const Vma& vma, Word address) const {
    std::array<uint8_t, 64> code = {};
    const uint64_t start = arch::instruction_address(address);
    const size_t size = std::min<uint64_t>(code.size(), vma.end - start);
    return process_.memory.read(start, code.data(), size) &&
           arch::is_plain_leaf(std::span(code).first(size), address);
  }

  const ProcessCapture& process_;
  ForkNotifiers found_;
};

}  // namespace

ForkNotifiers fork_notifiers(const ProcessCapture& process) {
  return Finder(process).run();
}

}  // namespace thaw::checkpoint

#include "session/record/kept_text.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "proc/memory.h"
#include "proc/page_map.h"
#include "proc/vma.h"

namespace thaw::session {
namespace {

using Word = unsigned long;

constexpr uint64_t kPiece = 4 << 20;  ///< bytes of the process looked at in one step
constexpr size_t kAround = 64;        ///< bytes before a text that are looked at
constexpr size_t kShown = 24;
/// Words beside a pointer among which libraries and languages keep a string's length.
constexpr size_t kBeside = 2;

/// Behind a name, such a character makes it another one; a string without an end has any behind it.
bool makes_another(char c) {
  return c >= '0' && c <= '9';
}

/// Calls `look(first address, bytes, how many of them belong to this piece)` for the memory that is
/// there; `before` and `behind` bytes more are read on both sides, where there are any.
template <typename Look>
Result<void> each_piece(pid_t pid, uint64_t before, uint64_t behind, const Look& look) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  THAW_ASSIGN(vmas, proc::read_vmas(pid));
  THAW_ASSIGN(memory, proc::Memory::open(pid));
  THAW_ASSIGN(pages, proc::PageMap::open(pid, page));
  std::vector<char> bytes;
  for (const proc::Vma& vma : vmas) {
    // What nobody has written holds nothing that a server has said.
    if ((vma.prot & PROT_WRITE) == 0 && vma.is_file() && vma.anonymous_kb == 0) continue;
    if (vma.path == "[vvar]" || vma.path == "[vdso]" || vma.path == "[vvar_vclock]" ||
        vma.path == "[vsyscall]")
      continue;
    for (uint64_t start = vma.start; start < vma.end; start += kPiece) {
      const uint64_t end = std::min(vma.end, start + kPiece);
      THAW_ASSIGN(entries, pages.entries(start, end));
      for (size_t first = 0; first < entries.size();) {
        const auto there = [&](size_t i) {
          return (entries[i] & (proc::kPagePresent | proc::kPageSwapped)) != 0;
        };
        size_t last = first;
        while (last < entries.size() && there(last)) ++last;
        if (last > first) {
          const uint64_t from = start + first * page, to = start + last * page;
          const uint64_t low = std::max(vma.start, from - std::min(from, before));
          const uint64_t high = std::min(vma.end, to + behind);
          bytes.resize(high - low);
          memory.read_pages(low, bytes.data(), bytes.size(), page);
          look(vma, low, std::string_view(bytes.data(), bytes.size()), from, to);
        }
        first = last + 1;
      }
    }
  }
  return {};
}

/// The bytes that glibc's malloc(3) has given at `at`, by the size before it (struct malloc_chunk);
/// 0: it has given nothing there.
uint64_t room_at(std::string_view bytes, size_t at, uint64_t address) {
  constexpr uint64_t kAlignment = 2 * sizeof(Word), kFlags = 7, kMapped = 2, kMost = 1 << 20;
  if (address % kAlignment != 0 || at < sizeof(Word)) return 0;
  const auto size_at = [&bytes](size_t place) {
    Word size = 0;
    std::memcpy(&size, bytes.data() + place, sizeof(size));
    return uint64_t{size};
  };
  const uint64_t own = size_at(at - sizeof(Word));
  const uint64_t size = own & ~kFlags;
  if ((own & kMapped) != 0 || size % kAlignment != 0 || size < 2 * kAlignment || size > kMost ||
      at - sizeof(Word) + size + sizeof(Word) > bytes.size())
    return 0;
  const uint64_t next = size_at(at - sizeof(Word) + size);
  // The next one says that this one is in use.
  if ((next & 1) == 0 || (next & ~kFlags) < 2 * kAlignment) return 0;
  return size - sizeof(Word);
}

std::string shown(std::string_view bytes, size_t at, size_t size) {
  const size_t first = at - std::min(at, kShown);
  std::string text(bytes.substr(first, at - first + size + kShown));
  for (char& c : text)
    if (c < ' ' || c > '~') c = '.';
  return text;
}

/// As UTF-16 has it.
std::string wide(const std::string& text) {
  std::string bytes;
  for (const char c : text) bytes.append(1, c).append(1, '\0');
  return bytes;
}

/// What libdbus keeps of a message's body that begins with the text: all of a piece of memory, which
/// its DBusString leads to.
struct Body {
  uint64_t address = 0;  ///< of the piece
  uint64_t room = 0;
  std::string around;
  bool led_to = false, led_otherwise = false;
};

struct Search {
  const std::string& text;
  const std::string wide_text;
  IsMessage is_message;
  const void* of;
  KeptText found = {};
  std::vector<Body> bodies = {};

  void look(const proc::Vma& vma, uint64_t low, std::string_view bytes, uint64_t from,
            uint64_t to) {
    for (size_t at = bytes.find(text); at != bytes.npos; at = bytes.find(text, at + 1)) {
      const uint64_t address = low + at;
      if (address < from || address >= to) continue;
      const size_t end = at + text.size();
      if (end < bytes.size() && makes_another(bytes[end])) continue;
      add(vma, address, bytes, at);
    }
    for (size_t at = bytes.find(wide_text); at != bytes.npos; at = bytes.find(wide_text, at + 1))
      if (low + at >= from && low + at < to)
        found.others.emplace_back(low + at, shown(bytes, at, wide_text.size()));
  }

 private:
  void add(const proc::Vma& vma, uint64_t address, std::string_view bytes, size_t at) {
    const size_t end = at + text.size();
    const bool ended = end < bytes.size() && bytes[end] == '\0';
    const size_t around = std::min(at, kAround);
    if (ended && is_message(of, bytes.substr(at - around, around), text)) return;
    // The string's length, of which libdbus clears the first byte when the message is done with.
    uint32_t length = 0;
    if (at >= sizeof(length))
      std::memcpy(&length, bytes.data() + at - sizeof(length), sizeof(length));
    const uint64_t body =
        ended && (length == text.size() || length == 0)
            ? room_at(bytes, at - std::min(at, sizeof(length)), address - sizeof(length))
            : 0;
    if (body > sizeof(length) + text.size()) {
      bodies.push_back({address - sizeof(length), body, shown(bytes, at, text.size())});
      return;
    }
    const bool writable = !vma.shared && (vma.prot & PROT_WRITE) != 0;
    const uint64_t room = ended && writable ? room_at(bytes, at, address) : 0;
    if (room > text.size())
      found.strings.push_back({address, room});
    else
      found.others.emplace_back(address, shown(bytes, at, text.size()));
  }
};

/// A pointer with the text's length beside it: its string is not ended by NUL alone.
bool has_length(std::string_view bytes, size_t at, size_t length) {
  for (size_t word = at - std::min(at, kBeside * sizeof(Word));
       word <= at + kBeside * sizeof(Word) && word + sizeof(Word) <= bytes.size();
       word += sizeof(Word)) {
    Word value = 0;
    std::memcpy(&value, bytes.data() + word, sizeof(value));
    if (word != at && value == length) return true;
  }
  return false;
}

/// What follows a pointer in libdbus's DBusRealString: the length, and what is allocated.
bool is_dbus_string(std::string_view bytes, size_t at, size_t body_size, uint64_t room) {
  int32_t numbers[2];
  if (at + sizeof(Word) + sizeof(numbers) > bytes.size()) return false;
  std::memcpy(numbers, bytes.data() + at + sizeof(Word), sizeof(numbers));
  const auto size = static_cast<uint32_t>(numbers[0]),
             allocated = static_cast<uint32_t>(numbers[1]);
  return (size == 0 || size == body_size) && allocated >= body_size && allocated <= room;
}

/// Moves strings whose length is kept to the others, and what looks like a message's body and is
/// none.
Result<void> sort_out(pid_t pid, size_t length, Search& search) {
  KeptText& kept = search.found;
  const size_t body_size = sizeof(uint32_t) + length + 1;
  constexpr uint64_t kReach = kBeside * sizeof(Word);
  std::vector<bool> counted(kept.strings.size());
  THAW_TRY(each_piece(
      pid, kReach, kReach + sizeof(Word),
      [&](const proc::Vma&, uint64_t low, std::string_view bytes, uint64_t from, uint64_t to) {
        for (size_t at = from - low; at + sizeof(Word) <= bytes.size() && low + at < to;
             at += sizeof(Word)) {
          Word value = 0;
          std::memcpy(&value, bytes.data() + at, sizeof(value));
          for (size_t i = 0; i < kept.strings.size(); ++i)
            if (value == kept.strings[i].address && has_length(bytes, at, length))
              counted[i] = true;
          for (Body& body : search.bodies)
            if (value == body.address)
              (is_dbus_string(bytes, at, body_size, body.room) ? body.led_to : body.led_otherwise) =
                  true;
        }
      }));
  for (size_t i = kept.strings.size(); i-- > 0;) {
    if (!counted[i]) continue;
    kept.others.emplace_back(kept.strings[i].address, "with its length beside it");
    kept.strings.erase(kept.strings.begin() + static_cast<ptrdiff_t>(i));
  }
  for (const Body& body : search.bodies)
    if (!body.led_to || body.led_otherwise) kept.others.emplace_back(body.address, body.around);
  return {};
}

}  // namespace

Result<KeptText> find_kept(pid_t pid, const std::string& text, IsMessage is_message,
                           const void* of) {
  constexpr uint64_t kBehind = 4096;  // Where the next piece of memory tells that one is in use.
  Search search = {text, wide(text), is_message, of};
  THAW_TRY(each_piece(pid, kAround, kBehind,
                      [&](const proc::Vma& vma, uint64_t low, std::string_view bytes, uint64_t from,
                          uint64_t to) { search.look(vma, low, bytes, from, to); }));
  if (!search.found.strings.empty() || !search.bodies.empty())
    THAW_TRY(sort_out(pid, text.size(), search));
  return std::move(search.found);
}

}  // namespace thaw::session

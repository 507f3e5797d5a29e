#include "proc/find_bytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "proc/memory.h"
#include "proc/page_map.h"
#include "proc/vma.h"

namespace thaw::proc {
namespace {

constexpr uint64_t kPiece = 4 << 20;  ///< bytes of the process looked at in one step
constexpr size_t kAlignment = 8;

struct Search {
  const Memory& memory;
  const PageMap& pages;
  const std::string& bytes;
  size_t page_size;
  std::vector<uint64_t> found;
};

void look_through(Search& search, uint64_t start, uint64_t end) {
  const uint64_t more =
      search.bytes.size() - 1;  // What is looked for may reach into the next piece.
  std::vector<char> text(end - start + more);
  if (!search.memory.read(start, text.data(), text.size())) {
    text.resize(end - start);
    search.memory.read_pages(start, text.data(), text.size(), search.page_size);
  }
  for (size_t at = 0; at + search.bytes.size() <= text.size(); at += kAlignment)
    if (memcmp(text.data() + at, search.bytes.data(), search.bytes.size()) == 0)
      search.found.push_back(start + at);
}

/// Pages that are not there would be made by reading them.
Result<void> look_through_present(Search& search, uint64_t start, uint64_t end) {
  THAW_ASSIGN(entries, search.pages.entries(start, end));
  const auto present = [&entries](size_t page) {
    return (entries[page] & (kPagePresent | kPageSwapped)) != 0;
  };
  for (size_t first = 0; first < entries.size();) {
    size_t last = first;
    while (last < entries.size() && present(last)) ++last;
    if (last > first)
      look_through(search, start + first * search.page_size, start + last * search.page_size);
    first = last + 1;
  }
  return {};
}

}  // namespace

Result<std::vector<uint64_t>> find_bytes(pid_t pid, const std::string& bytes) {
  if (bytes.empty()) return std::vector<uint64_t>();
  const auto page_size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  THAW_ASSIGN(vmas, read_vmas(pid));
  THAW_ASSIGN(memory, Memory::open(pid));
  THAW_ASSIGN(pages, PageMap::open(pid, page_size));
  Search search = {memory, pages, bytes, page_size, {}};
  for (const Vma& vma : vmas) {
    if (vma.shared || (vma.prot & PROT_WRITE) == 0) continue;
    for (uint64_t start = vma.start; start < vma.end; start += kPiece)
      THAW_TRY(look_through_present(search, start, std::min(vma.end, start + kPiece)));
  }
  return std::move(search.found);
}

}  // namespace thaw::proc

#include "checkpoint/plan/page_finder.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "image/hash.h"

namespace thaw::checkpoint {
namespace {

constexpr size_t kChunk = 1 << 20;

/// Of a private mapping of a file: a copy that the app has made by writing to it.
bool is_own(uint64_t entry) {
  return (entry & (proc::kPagePresent | proc::kPageSwapped)) != 0 &&
         (entry & (proc::kPageOfFile | proc::kPageGuard)) == 0;
}

}  // namespace

PageFinder::PageFinder(const ProcessCapture& process, size_t page_size, proc::PageMap page_map)
    : process_(process), page_(page_size), page_map_(std::move(page_map)), buffer_(kChunk) {}

Result<PageFinder> PageFinder::open(const ProcessCapture& process, size_t page_size) {
  THAW_ASSIGN(page_map, proc::PageMap::open(process.pid, page_size));
  return PageFinder(process, page_size, std::move(page_map));
}

/// Adds those pages of the buffer that are not all zero.
void PageFinder::add_nonzero(uint64_t address, size_t size, std::vector<Span>& runs) {
  for (size_t done = 0; done < size; done += page_)
    if (!image::all_zero(buffer_.data() + done, page_)) extend(runs, address + done, page_);
}

Result<void> PageFinder::each_entry(const Vma& vma,
                                    const std::function<void(uint64_t, uint64_t)>& use) {
  // Of address space: half a megabyte of page map.
  constexpr uint64_t kBatch = uint64_t{256} << 20;
  for (uint64_t start = vma.start; start < vma.end; start += kBatch) {
    THAW_ASSIGN(entries, page_map_.entries(start, std::min(vma.end, start + kBatch)));
    for (size_t i = 0; i < entries.size(); ++i) use(entries[i], start + i * page_);
  }
  return {};
}

Result<std::vector<Span>> PageFinder::guards(const Vma& vma) {
  std::vector<Span> found;
  THAW_TRY(each_entry(vma, [&](uint64_t entry, uint64_t address) {
    if ((entry & proc::kPageGuard) != 0) extend(found, address, page_);
  }));
  return found;
}

Result<void> PageFinder::present_pages(const Vma& vma, std::vector<Span>& runs,
                                       std::vector<Span>& guards) {
  std::vector<Span> present;
  THAW_TRY(each_entry(vma, [&](uint64_t entry, uint64_t address) {
    if ((entry & proc::kPageGuard) != 0)
      extend(guards, address, page_);
    else if ((entry & (proc::kPagePresent | proc::kPageSwapped)) != 0)
      extend(present, address, page_);
  }));
  for (const Span& span : present)
    for (uint64_t address = span.start; address < span.end; address += kChunk) {
      const size_t size = std::min<uint64_t>(kChunk, span.end - address);
      THAW_TRY(process_.memory.read(address, buffer_.data(), size));
      add_nonzero(address, size, runs);
    }
  return {};
}

Result<void> PageFinder::changed_pages(const Vma& vma, int file, std::vector<Span>& runs) {
  THAW_ASSIGN(entries, page_map_.entries(vma.start, vma.end));
  std::vector<char> original(page_), current(page_);
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!is_own(entries[i])) continue;
    const uint64_t address = vma.start + i * page_;
    THAW_TRY(process_.memory.read(address, current.data(), page_));
    const ssize_t got =
        pread64(file, original.data(), page_, static_cast<off64_t>(vma.offset + i * page_));
    if (got < 0) return errno_error("cannot read " + vma.path);
    memset(original.data() + got, 0, page_ - static_cast<size_t>(got));
    if (memcmp(original.data(), current.data(), page_) != 0) extend(runs, address, page_);
  }
  return {};
}

Result<void> PageFinder::own_pages(const Vma& vma, std::vector<Span>& runs) {
  THAW_ASSIGN(entries, page_map_.entries(vma.start, vma.end));
  for (size_t i = 0; i < entries.size(); ++i)
    if (is_own(entries[i])) extend(runs, vma.start + i * page_, page_);
  return {};
}

void PageFinder::nonzero_pages(const Vma& vma, std::vector<Span>& runs) {
  for (uint64_t address = vma.start; address < vma.end; address += kChunk) {
    const size_t size = std::min<uint64_t>(kChunk, vma.end - address);
    process_.memory.read_pages(address, buffer_.data(), size, page_);
    add_nonzero(address, size, runs);
  }
}

}  // namespace thaw::checkpoint

#include "checkpoint/plan/page_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "image/hash.h"

namespace thaw::checkpoint {
namespace {

constexpr size_t kChunk = 1 << 20;

void extend(std::vector<Span>& runs, uint64_t address, size_t size) {
  if (!runs.empty() && runs.back().end == address)
    runs.back().end += size;
  else
    runs.push_back({address, address + size});
}

}  // namespace

Result<void> read_app(const Capture& capture, uint64_t address, void* bytes, size_t size) {
  const ssize_t got = pread64(capture.memory.get(), bytes, size, static_cast<off64_t>(address));
  if (got == static_cast<ssize_t>(size)) return {};
  return Error{got < 0 ? errno : EFAULT, "cannot read the app's memory"};
}

PageReader::PageReader(const Capture& capture)
    : capture_(capture),
      page_(capture.writer.page_size()),
      pagemap_(open(("/proc/" + std::to_string(capture.request.pid) + "/pagemap").c_str(),
                    O_RDONLY | O_CLOEXEC)),
      buffer_(kChunk) {}

Result<std::vector<uint64_t>> PageReader::page_map(const Span& span) {
  std::vector<uint64_t> entries(span.size() / page_);
  const size_t size = entries.size() * sizeof(uint64_t);
  if (pread64(pagemap_.get(), entries.data(), size,
              static_cast<off64_t>(span.start / page_ * sizeof(uint64_t))) !=
      static_cast<ssize_t>(size))
    return errno_error("cannot read /proc/PID/pagemap");
  return entries;
}

Result<void> PageReader::for_each_chunk(
    const Span& span, bool holes_allowed,
    const std::function<Result<void>(uint64_t, const char*, size_t)>& use) {
  for (uint64_t address = span.start; address < span.end;) {
    const size_t size = std::min<uint64_t>(kChunk, span.end - address);
    auto read = read_app(capture_, address, buffer_.data(), size);
    if (!read && !holes_allowed) return read.error();
    if (!read) {
      // Pages behind the end of a file cannot be read: page by page, those that fail are not there.
      for (size_t done = 0; done < size; done += page_)
        if (!read_app(capture_, address + done, buffer_.data() + done, page_).ok())
          memset(buffer_.data() + done, 0, page_);
    }
    THAW_TRY(use(address, buffer_.data(), size));
    address += size;
  }
  return {};
}

Result<void> PageReader::present_pages(const Vma& vma, std::vector<Span>& runs,
                                       std::vector<Span>& guards) {
  constexpr uint64_t kBatch = uint64_t{256}
                              << 20;  // Of address space: half a megabyte of page map.
  std::vector<Span> present;
  for (uint64_t start = vma.start; start < vma.end; start += kBatch) {
    const Span batch = {start, std::min(vma.end, start + kBatch)};
    THAW_ASSIGN(entries, page_map(batch));
    for (size_t i = 0; i < entries.size(); ++i) {
      if ((entries[i] & proc::kPageGuard) != 0)
        extend(guards, batch.start + i * page_, page_);
      else if ((entries[i] & (proc::kPagePresent | proc::kPageSwapped)) != 0)
        extend(present, batch.start + i * page_, page_);
    }
  }
  for (const Span& span : present)
    THAW_TRY(for_each_chunk(span, false,
                            [&](uint64_t address, const char* bytes, size_t size) -> Result<void> {
                              for (size_t done = 0; done < size; done += page_)
                                if (!image::all_zero(bytes + done, page_))
                                  extend(runs, address + done, page_);
                              return {};
                            }));
  return {};
}

Result<void> PageReader::changed_pages(const Vma& vma, int file, std::vector<Span>& runs) {
  const Span whole = {vma.start, vma.end};
  THAW_ASSIGN(entries, page_map(whole));
  std::vector<char> original(page_), current(page_);
  for (size_t i = 0; i < entries.size(); ++i) {
    const bool own = (entries[i] & (proc::kPagePresent | proc::kPageSwapped)) != 0 &&
                     (entries[i] & proc::kPageOfFile) == 0;
    if (!own) continue;
    const uint64_t address = vma.start + i * page_;
    THAW_TRY(read_app(capture_, address, current.data(), page_));
    const ssize_t got =
        pread64(file, original.data(), page_, static_cast<off64_t>(vma.offset + i * page_));
    if (got < 0) return errno_error("cannot read " + vma.path);
    memset(original.data() + got, 0, page_ - static_cast<size_t>(got));
    if (memcmp(original.data(), current.data(), page_) != 0) extend(runs, address, page_);
  }
  return {};
}

Result<void> PageReader::nonzero_pages(const Vma& vma, std::vector<Span>& runs) {
  return for_each_chunk({vma.start, vma.end}, true,
                        [&](uint64_t address, const char* bytes, size_t size) -> Result<void> {
                          for (size_t done = 0; done < size; done += page_)
                            if (!image::all_zero(bytes + done, page_))
                              extend(runs, address + done, page_);
                          return {};
                        });
}

Result<void> PageReader::store(const Span& span, uint64_t offset, const Overlay& overlay) {
  return for_each_chunk(
      span, true, [&](uint64_t address, const char*, size_t size) -> Result<void> {
        overlay.apply(address, buffer_.data(), size);
        return capture_.writer.write(offset + (address - span.start), buffer_.data(), size);
      });
}

}  // namespace thaw::checkpoint

// Shared memory of which the app maps a part only: how large all of it is, and whether what is not mapped
// holds anything. The app is made to look: mremap(2) of nothing gives a second mapping of the same
// memory, remap_file_pages(2) moves that to the memory's start.
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>

#include "checkpoint/collect/collect.h"
#include "checkpoint/span.h"
#include "image/hash.h"
#include "proc/system_v.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

/// More would have to be read, and takes memory where it is a hole.
constexpr uint64_t kMostRead = uint64_t{64} << 20;

/// Memory that has no name to be opened by: shared anonymous, memfds, deleted files.
bool is_nameless(const Vma& vma) {
  return vma.shared &&
         (vma.deleted || vma.path == "/dev/zero" || vma.path.starts_with("[anon_shmem:")) &&
         !proc::is_of_segment(vma) && !is_aio_ring(vma) && !vma.has("ht") && !vma.has("pf") &&
         !vma.has("io") && !vma.has("um") && !vma.has("uw") && !vma.has("ui");
}

/// A file that one of the app's descriptors leads to.
struct OpenInode {
  dev_t dev;
  ino_t ino;
  std::string link;
};

Result<void> add_inodes(pid_t pid, std::vector<OpenInode>& inodes) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/fd/";
  THAW_ASSIGN(numbers, numeric_entries(folder));
  for (const int number : numbers) {
    const std::string name = folder + std::to_string(number);
    struct stat status = {};
    if (stat(name.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    auto link = read_link(name);
    inodes.push_back({status.st_dev, status.st_ino, link ? std::move(link.value()) : ""});
  }
  return {};
}

Result<std::vector<OpenInode>> open_inodes(const Capture& capture) {
  std::vector<OpenInode> inodes;
  for (const ProcessCapture& process : capture.processes) THAW_TRY(add_inodes(process.pid, inodes));
  return inodes;
}

/// Such memory is collected by its descriptor. On btrfs and overlayfs its device is another one there:
/// the name tells (fd::find_memory).
bool is_open(const std::vector<OpenInode>& inodes, const Vma& vma) {
  return std::any_of(inodes.begin(), inodes.end(), [&vma](const OpenInode& open) {
    return open.ino == vma.ino && (open.dev == vma.dev || open.link == vma.path + " (deleted)");
  });
}

/// By all processes.
std::vector<Span> shown_of(const Capture& capture, const Vma& of) {
  std::vector<Span> shown;
  for (const ProcessCapture& process : capture.processes)
    for (const Vma& vma : process.vmas)
      if (vma.shared && vma.ino == of.ino && vma.dev == of.dev && !proc::is_of_segment(vma))
        unite(shown, {{vma.offset, vma.offset + vma.size()}});
  return shown;
}

/// A mapping of the memory from its start, in the app, of a size that changes.
class Window {
 public:
  Window(const ProcessCapture& process, RemoteSyscalls& remote, size_t page)
      : process_(process), remote_(remote), page_(page) {}

  /// False where the kernel gives none (memory sealed by mseal(2), RLIMIT_AS, RLIMIT_MEMLOCK).
  Result<bool> open(const Vma& vma) {
    THAW_ASSIGN(at, remote_.call(SYS_mremap, vma.start, 0, page_, MREMAP_MAYMOVE));
    if (is_error(at)) return false;
    address_ = static_cast<uint64_t>(at);
    size_ = page_;
    if (vma.offset == 0) return true;
    THAW_ASSIGN(moved, remote_.call(SYS_remap_file_pages, address_, page_, 0, 0, 0));
    return moved == 0;
  }

  Result<void> close() {
    if (size_ != 0) THAW_TRY(remote_.call(SYS_munmap, address_, size_));
    size_ = 0;
    return {};
  }

  /// Whether the memory has the page at `offset`; what cannot be mapped, it has.
  Result<bool> has(uint64_t offset) {
    if (offset + page_ > size_) {
      THAW_ASSIGN(at, remote_.call(SYS_mremap, address_, size_, offset + page_, MREMAP_MAYMOVE));
      if (is_error(at)) {
        too_small_ = true;
        return true;
      }
      address_ = static_cast<uint64_t>(at);
      size_ = offset + page_;
    }
    char byte = 0;
    return static_cast<bool>(process_.memory.read(address_ + offset, &byte, 1));
  }

  /// Whether the kernel has refused to make it larger.
  [[nodiscard]] bool is_too_small() const { return too_small_; }

  [[nodiscard]] bool holds_data(const Span& part) const {
    constexpr size_t kChunk = 1 << 20;
    std::vector<char> bytes(kChunk);
    for (uint64_t at = part.start; at < part.end; at += kChunk) {
      const size_t size = std::min<uint64_t>(kChunk, part.end - at);
      if (at + size > size_) return true;
      process_.memory.read_pages(address_ + at, bytes.data(), size, page_);
      if (!image::all_zero(bytes.data(), size)) return true;
    }
    return false;
  }

 private:
  static bool is_error(int64_t result) { return result < 0 && result > -4096; }

  const ProcessCapture& process_;
  RemoteSyscalls& remote_;
  size_t page_;
  uint64_t address_ = 0, size_ = 0;
  bool too_small_ = false;
};

/// Where the memory ends, which has all before `end`.
Result<uint64_t> find_end(Window& window, uint64_t end, uint64_t page) {
  THAW_ASSIGN(more, window.has(end));
  if (!more) return end;
  uint64_t has = end, step = page;
  for (;; step *= 2) {
    THAW_ASSIGN(further, window.has(has + step));
    if (!further) break;
    has += step;
    if (has > end + kMostRead) return has;
  }
  uint64_t lacks = has + step;
  while (lacks - has > page) {
    const uint64_t middle = has + (lacks - has) / page / 2 * page;
    THAW_ASSIGN(in, window.has(middle));
    (in ? has : lacks) = middle;
  }
  return lacks;
}

Result<HiddenMemory> look(Window& window, const Vma& vma, const std::vector<Span>& shown,
                          uint64_t page) {
  using Rest = HiddenMemory::Rest;
  HiddenMemory memory = {vma.dev, vma.ino, shown.back().end, Rest::empty};
  THAW_ASSIGN(opened, window.open(vma));
  if (!opened) {
    memory.rest = Rest::unknown;
    return memory;
  }
  THAW_ASSIGN(end, find_end(window, shown.back().end, page));
  memory.size = end;
  const std::vector<Span> hidden = without({0, end}, shown);
  if (window.is_too_small())
    memory.rest = Rest::unknown;
  else if (total_size(hidden) > kMostRead)
    memory.rest = Rest::large;
  else if (std::any_of(hidden.begin(), hidden.end(),
                       [&window](const Span& part) { return window.holds_data(part); }))
    memory.rest = Rest::data;
  return memory;
}

}  // namespace

Result<void> collect_hidden_memory(Capture& capture, const ProcessCapture& process,
                                   RemoteSyscalls& remote) {
  if (std::none_of(process.vmas.begin(), process.vmas.end(), is_nameless)) return {};
  THAW_ASSIGN(open, open_inodes(capture));
  for (const Vma& vma : process.vmas) {
    if (!is_nameless(vma) || is_open(open, vma) || capture.hidden_memory(vma) != nullptr) continue;
    const std::vector<Span> shown = shown_of(capture, vma);
    Window window(process, remote, capture.page_size);
    auto memory = look(window, vma, shown, capture.page_size);
    THAW_TRY(window.close());
    if (!memory) return memory.error();
    capture.hidden.push_back(memory.value());
  }
  return {};
}

}  // namespace thaw::checkpoint

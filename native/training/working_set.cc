#include "training/working_set.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace thaw::training {
namespace {

/// Bits of an entry (Documentation/admin-guide/mm/pagemap.rst).
constexpr uint64_t kPresent = uint64_t{1} << 63, kSwapped = uint64_t{1} << 62,
                   kFilePage = uint64_t{1} << 61;

enum class Touch { none, read, written };

Touch touch_of(uint64_t entry) {
  if ((entry & (kPresent | kSwapped)) == 0) return Touch::none;
  return (entry & kFilePage) != 0 ? Touch::read : Touch::written;
}

class Recorder {
 public:
  Recorder(const image::View& view, UniqueFd pagemap)
      : view_(view), page_(view.header().page_size), pagemap_(std::move(pagemap)) {}

  Result<std::vector<model::FeedRun>> run() {
    for (const model::Op& op : view_.ops())
      if (op.kind == model::OpKind::map && (op.flags & MAP_PRIVATE) != 0) THAW_TRY(add(op));
    std::vector<model::FeedRun> runs = std::move(written_);
    runs.insert(runs.end(), read_.begin(), read_.end());
    return runs;
  }

 private:
  Result<void> add(const model::Op& op) {
    constexpr uint64_t kBatch = 4096;  // entries
    std::vector<uint64_t> entries(kBatch);
    for (uint64_t first = 0; first < op.size / page_; first += kBatch) {
      const uint64_t count = std::min(kBatch, op.size / page_ - first);
      const uint64_t start = op.address + first * page_;
      const auto at = static_cast<off_t>(start / page_ * sizeof(uint64_t));
      if (pread(pagemap_.get(), entries.data(), count * sizeof(uint64_t), at) !=
          static_cast<ssize_t>(count * sizeof(uint64_t)))
        return errno_error("cannot read which pages the app has touched");
      for (uint64_t i = 0; i < count; ++i) add(op, start + i * page_, touch_of(entries[i]));
    }
    return {};
  }

  void add(const model::Op& op, uint64_t address, Touch touch) {
    if (touch == Touch::none || is_copied(address)) return;
    // What is only read of anonymous memory is the kernel's zero page: nothing to bring in.
    if (touch == Touch::read && op.source != model::Op::kNoSource) append(read_, op, address, 0);
    if (touch == Touch::written && (op.prot & PROT_WRITE) != 0) append(written_, op, address, 1);
    if (touch == Touch::written && (op.prot & PROT_WRITE) == 0) append(read_, op, address, 0);
  }

  /// The launch itself fills these.
  [[nodiscard]] bool is_copied(uint64_t address) const {
    return std::any_of(view_.ops().begin(), view_.ops().end(), [address](const model::Op& op) {
      return op.kind == model::OpKind::read && address >= op.address &&
             address < op.address + op.size;
    });
  }

  void append(std::vector<model::FeedRun>& runs, const model::Op& op, uint64_t address,
              uint32_t written) const {
    const uint64_t offset = op.source == 0 ? op.offset + (address - op.address) : 0;
    if (!runs.empty() && continues(runs.back(), address, offset))
      runs.back().size += page_;
    else
      runs.push_back({address, page_, offset, written, 0});
  }

  static bool continues(const model::FeedRun& run, uint64_t address, uint64_t offset) {
    return run.address + run.size == address &&
           (run.offset == 0 ? offset == 0 : run.offset + run.size == offset);
  }

  const image::View& view_;
  uint64_t page_;
  UniqueFd pagemap_;
  std::vector<model::FeedRun> written_, read_;
};

}  // namespace

Result<std::vector<model::FeedRun>> working_set(const image::View& view, pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/pagemap";
  UniqueFd pagemap(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!pagemap.valid()) return errno_error("cannot open " + path);
  return Recorder(view, std::move(pagemap)).run();
}

}  // namespace thaw::training

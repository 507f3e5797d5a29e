#include "training/working_set.h"

#include <sys/mman.h>

#include <algorithm>
#include <unordered_map>

#include "proc/page_map.h"

namespace thaw::training {
namespace {

/// Its pages stay together: a multiple of the largest page size, and of what storage reads at once.
constexpr uint64_t kBlock = 128 << 10;

enum class Touch { none, read, written };

/// One page as a run.
using Page = model::FeedRun;

Touch touch_of(uint64_t entry) {
  if ((entry & (proc::kPagePresent | proc::kPageSwapped)) == 0) return Touch::none;
  return (entry & proc::kPageOfFile) != 0 ? Touch::read : Touch::written;
}

class Recorder {
 public:
  Recorder(const image::View& view, proc::PageMap page_map)
      : view_(view), page_(view.header().page_size), page_map_(std::move(page_map)) {}

  Result<std::vector<Page>> run() {
    for (const model::Op& op : ops())
      if (op.kind == model::OpKind::map && (op.flags & MAP_PRIVATE) != 0) THAW_TRY(add(op));
    return std::move(pages_);
  }

 private:
  Result<void> add(const model::Op& op) {
    const uint64_t batch = 4096 * page_;
    for (uint64_t done = 0; done < op.size; done += batch) {
      const uint64_t start = op.address + done;
      THAW_ASSIGN(entries, page_map_.entries(start, start + std::min(batch, op.size - done)));
      for (size_t i = 0; i < entries.size(); ++i) add(op, start + i * page_, touch_of(entries[i]));
    }
    return {};
  }

  void add(const model::Op& op, uint64_t address, Touch touch) {
    if (touch == Touch::none || is_copied(address)) return;
    // What is only read of anonymous memory is the kernel's zero page: nothing to bring in.
    if (touch == Touch::read && op.source == model::Op::kNoSource) return;
    const bool written = touch == Touch::written && (op.prot & PROT_WRITE) != 0;
    const uint64_t offset = op.source == 0 ? op.offset + (address - op.address) : 0;
    pages_.push_back({address, page_, offset, written ? 1U : 0U, 0});
  }

  /// The launch itself fills these.
  [[nodiscard]] bool is_copied(uint64_t address) const {
    return std::any_of(ops().begin(), ops().end(), [address](const model::Op& op) {
      return op.kind == model::OpKind::read && address >= op.address &&
             address < op.address + op.size;
    });
  }

  /// Other processes of the app have other memory at the same addresses.
  [[nodiscard]] std::span<const model::Op> ops() const {
    return image::View::part(view_.ops(), view_.root_process().ops);
  }

  const image::View& view_;
  uint64_t page_;
  proc::PageMap page_map_;
  std::vector<Page> pages_;
};

void order_by_use(std::vector<Page>& pages, std::span<const uint64_t> faults) {
  std::unordered_map<uint64_t, size_t> first_use;  // Of a block: which fault was the first in it.
  for (size_t i = 0; i < faults.size(); ++i) first_use.try_emplace(faults[i] / kBlock, i);
  auto rank = [&](const Page& page) {
    const auto found = first_use.find(page.address / kBlock);
    return found == first_use.end() ? faults.size() : found->second;
  };
  std::stable_sort(pages.begin(), pages.end(),
                   [&](const Page& a, const Page& b) { return rank(a) < rank(b); });
}

bool continues(const model::FeedRun& run, const Page& page) {
  return run.address + run.size == page.address && run.written == page.written &&
         (run.offset == 0 ? page.offset == 0 : run.offset + run.size == page.offset);
}

std::vector<model::FeedRun> merged(std::span<const Page> pages) {
  std::vector<model::FeedRun> runs;
  for (const Page& page : pages)
    if (!runs.empty() && continues(runs.back(), page))
      runs.back().size += page.size;
    else
      runs.push_back(page);
  return runs;
}

}  // namespace

Result<std::vector<model::FeedRun>> working_set(const image::View& view, pid_t pid,
                                                std::span<const uint64_t> faults) {
  THAW_ASSIGN(page_map, proc::PageMap::open(pid, view.header().page_size));
  THAW_ASSIGN(pages, Recorder(view, std::move(page_map)).run());
  order_by_use(pages, faults);
  return merged(pages);
}

}  // namespace thaw::training

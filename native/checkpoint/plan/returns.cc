// How stored pages come back: mapped from the image where what they stand for keeps its meaning,
// else copied. Anonymous memory can be mapped only where a shim in libc guards it (idea 3 of
// docs/ideas.md).
#include <sys/mman.h>

#include <algorithm>

#include "checkpoint/plan/memory_plan.h"

namespace thaw::checkpoint {
namespace {

constexpr uint64_t kMostCopied = 1 << 20;  ///< of one file mapping

/// Runs with what lies between and around them, where that saves mappings.
std::vector<Span> mapped_segments(const Region& region) {
  constexpr uint64_t kBetweenAnonymous = 1 << 20;  // From here on it is untouched memory again.
  constexpr uint64_t kBetweenOfFile = 128 << 10, kAround = 128 << 10;
  std::vector<Span> segments =
      close_gaps(region.runs, region.backing == Backing::file ? kBetweenOfFile : kBetweenAnonymous);
  // The ends of another file's mapping may lie behind the end of the file, where an access is a
  // SIGBUS.
  const bool widened = region.backing == Backing::anonymous || region.of_module;
  if (segments.empty() || !widened) return segments;
  uint64_t& start = segments.front().start;
  uint64_t& end = segments.back().end;
  if (start - region.vma->start <= kAround) start = region.vma->start;
  if (region.vma->end - end <= kAround) end = region.vma->end;
  return segments;
}

bool is_copied(const Region& region, bool can_guard) {
  const Vma& vma = *region.vma;
  // What others can write, or the app drops, is the object's.
  if (vma.shared || region.backing == Backing::object) return true;
  // Where the app can write, pages it drops (MADV_DONTNEED) must go back to the file: its own
  // pages are copied over the file's mapping. What has become read-only (relocated data) is
  // mapped, and shared by all instances. So are the data of programs and libraries, and what has
  // changed all over (the JVM's class archive): nobody drops those, and copying takes time.
  if (region.backing == Backing::file)
    return (vma.prot & PROT_WRITE) != 0 && !region.of_module &&
           total_size(region.runs) <= kMostCopied;
  // mlock keeps all of it in memory anyway; a stack that grows cannot be a file mapping.
  // What the shim replaces would lose its protection key.
  return !can_guard || vma.key != 0 || vma.has("gd") || vma.has("lo") || vma.has("mg") ||
         !region.guards.empty();
}

/// What lies beneath a guard is the file's, and the image does not hold it.
void leave_guards_out(Region& region) {
  std::vector<Span> shown;
  for (const Span& segment : region.segments)
    for (const Span& part : without(segment, region.guards)) shown.push_back(part);
  region.segments = std::move(shown);
}

void choose(Region& region, bool can_guard, size_t page_size) {
  if (region.runs.empty()) return;
  region.pages = is_copied(region, can_guard) ? Pages::copied : Pages::mapped;
  const uint64_t gap = region.backing == Backing::object ? 0
                       : region.backing == Backing::file ? page_size
                                                         : 8 * page_size;
  region.segments =
      region.pages == Pages::copied ? close_gaps(region.runs, gap) : mapped_segments(region);
  if (region.backing != Backing::anonymous) leave_guards_out(region);
}

/// Pages with changed code are stored, as if the app had changed them.
Result<void> store_changed_code(const shim::Libc& libc, std::vector<Region>& regions,
                                size_t page_size) {
  for (const AddressRange& code : libc.changed_code()) {
    const Span pages = {code.start / page_size * page_size, round_up(code.end, page_size)};
    const auto region = std::find_if(regions.begin(), regions.end(), [&pages](const Region& r) {
      return r.vma->start <= pages.start && pages.end <= r.vma->end;
    });
    if (region == regions.end())
      return Error{0, "thaw cannot guard a libc function: its code is not in one mapping"};
    unite(region->runs, {pages});
  }
  return {};
}

/// Every changed byte must come back; the bytes of shared memory come back with its object.
Result<void> check_overlay(const ProcessCapture& process, const std::vector<Region>& regions) {
  auto comes_back = [](const Region& region, const Span& place) {
    return (region.backing == Backing::object && region.vma->shared) ||
           std::any_of(region.runs.begin(), region.runs.end(), [&place](const Span& run) {
             return run.start <= place.start && place.end <= run.end;
           });
  };
  for (const Span& place : process.overlay.places()) {
    const auto region = std::find_if(regions.begin(), regions.end(), [&place](const Region& r) {
      return r.vma->start <= place.start && place.end <= r.vma->end;
    });
    if (region == regions.end() || !comes_back(*region, place))
      return Error{0,
                   "the app called thaw_checkpoint() with a struct thaw_call in memory that a "
                   "launch does not bring back",
                   "use the one of thaw.h"};
  }
  return {};
}

}  // namespace

Result<void> choose_returns(const ProcessCapture& process, MemoryPlan& plan, size_t page_size) {
  THAW_TRY(check_overlay(process, plan.regions));
  if (process.shim_allowed)
    plan.libc = shim::find_libc(
        process.vmas,
        [&process](uint64_t address, void* bytes, size_t size) {
          return process.memory.read(address, bytes, size);
        },
        !plan.segment_ids.empty());
  const bool can_guard = plan.libc.has_value();
  bool guarded = false;
  for (Region& region : plan.regions) {
    choose(region, can_guard, page_size);
    guarded = guarded || (region.pages == Pages::mapped && region.backing == Backing::anonymous);
  }
  guarded = guarded || (plan.libc && plan.libc->of_segments);
  if (!guarded) plan.libc.reset();
  if (!guarded) return {};
  THAW_TRY(store_changed_code(*plan.libc, plan.regions, page_size));
  // Code of a file is not guarded itself: what was chosen for other regions stays.
  for (Region& region : plan.regions) choose(region, can_guard, page_size);
  return {};
}

}  // namespace thaw::checkpoint

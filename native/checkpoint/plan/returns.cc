// How stored pages come back: mapped from the image where what they stand for keeps its meaning,
// else copied. Anonymous memory can be mapped only where a shim in libc guards it (idea 3 of
// docs/ideas.md).
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>

#include "checkpoint/area_header.h"
#include "checkpoint/plan/address_space.h"
#include "checkpoint/plan/memory_objects.h"
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
Result<void> store_changed_code(const std::vector<AddressRange>& changed,
                                std::vector<Region>& regions, size_t page_size) {
  for (const AddressRange& code : changed) {
    const Span pages = {code.start / page_size * page_size, round_up(code.end, page_size)};
    const auto region = std::find_if(regions.begin(), regions.end(), [&pages](const Region& r) {
      return r.vma->start <= pages.start && pages.end <= r.vma->end;
    });
    if (region == regions.end())
      return Error{0, "thaw cannot guard the app's memory calls: their code is not in one mapping"};
    unite(region->runs, {pages});
  }
  return {};
}

/// What the app's memory calls are redirected by, or why they cannot be.
void choose_guard(const ProcessCapture& process, MemoryPlan& plan, size_t page_size) {
  if (!process.shim_allowed) {
    plan.unguarded = "its filters of system calls do not let thaw guard it";
    return;
  }
  const elf::ReadMemory read = [&process](uint64_t address, void* bytes, size_t size) {
    return process.memory.read(address, bytes, size);
  };
  plan.libc = shim::find_libc(process.vmas, read, !plan.segment_ids.empty());
  if (plan.libc) return;
  std::vector<Vma> vmas;
  for (const Region& region : plan.regions) vmas.push_back(*region.vma);
  const auto before = changed_sites(process);
  auto sites = shim::find_call_sites(
      {vmas, read, [&process](const Vma& vma) { return open_mapped(process, vma, O_RDONLY); },
       before, page_size});
  if (sites)
    plan.sites = sites.take();
  else
    plan.unguarded = sites.error().message;
}

/// Whether any anonymous memory is mapped from the image.
bool choose_all(MemoryPlan& plan, size_t page_size) {
  bool guarded = false;
  for (Region& region : plan.regions) {
    choose(region, plan.unguarded.empty(), page_size);
    guarded = guarded || (region.pages == Pages::mapped && region.backing == Backing::anonymous);
  }
  return guarded;
}

/// For stubs of the program's call sites, and with them all that the shim has.
bool has_room_nearby(const ProcessCapture& process, const MemoryPlan& plan, size_t page_size) {
  constexpr uint64_t kShimRoom = 256 << 10, kFrameRoom = 16 << 10;
  uint64_t size = kShimRoom + process.threads.size() * kFrameRoom;
  for (const Region& region : plan.regions)
    if (region.pages == Pages::mapped && region.backing == Backing::anonymous)
      size += total_size(region.segments) / page_size;
  return choose_place_near_code(process, plan, size, page_size).ok();
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
  choose_guard(process, plan, page_size);
  bool guarded = choose_all(plan, page_size);
  if (plan.sites && !has_room_nearby(process, plan, page_size)) {
    plan.sites.reset();
    plan.unguarded = "there is no room for thaw's own area near its code";
    guarded = choose_all(plan, page_size);
  }
  guarded = guarded || (plan.libc && plan.libc->of_segments);
  if (!guarded) {
    plan.libc.reset();
    plan.sites.reset();
    return {};
  }
  THAW_TRY(store_changed_code(plan.changed_code(), plan.regions, page_size));
  // Code of a file is not guarded itself: what was chosen for other regions stays.
  choose_all(plan, page_size);
  return {};
}

std::vector<AddressRange> MemoryPlan::changed_code() const {
  if (libc) return libc->changed_code();
  return sites ? sites->changed_code() : std::vector<AddressRange>();
}

}  // namespace thaw::checkpoint

#include "launch/prepare/restorer_area.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

extern "C" const char thaw_restorer_start[], thaw_restorer_end[];

namespace thaw::launch {
namespace {

uint64_t round_up(uint64_t size) {
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

void* at(uint64_t address) {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(address));
}

bool free_of(const KernelMappings& kernel, uint64_t start, uint64_t size) {
  for (const restorer::Move& used : kernel.all)
    if (start < used.from + used.size && used.from < start + size) return false;
  return true;
}

/// Where to look first in a gap: not right behind the break, into which the app's heap may grow
/// while the feeder still needs the area.
uint64_t first_place(const model::Gap& gap, uint64_t brk, uint64_t size) {
  const uint64_t heap_end = round_up(brk);
  if (heap_end < gap.start || heap_end >= gap.end || gap.end - heap_end <= size) return gap.start;
  return round_up(heap_end + (gap.end - heap_end - size) / 2);
}

bool within_gap(const image::View& view, const model::Process& process, uint64_t start,
                uint64_t size) {
  const auto gaps = image::View::part(view.gaps(), process.gaps);
  return std::any_of(gaps.begin(), gaps.end(), [&](const model::Gap& gap) {
    return gap.start <= start && start + size <= gap.end;
  });
}

/// New memory at that very place. False: it is taken.
bool map_at(uint64_t start, uint64_t size) {
  const void* got = mmap(at(start), size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == at(start)) return true;
  // A kernel before 4.17 does not know NOREPLACE.
  if (got != MAP_FAILED) munmap(const_cast<void*>(got), size);
  return false;
}

/// The first place for which `take` holds of those that are free in the app, before and after its
/// ops, and free in this process. 0: nowhere.
template <typename Take>
uint64_t find_place(const image::View& view, const model::Process& process,
                    const KernelMappings& kernel, uint64_t size, const Take& take) {
  const uint64_t step = round_up(size);
  for (const model::Gap& gap : image::View::part(view.gaps(), process.gaps)) {
    constexpr int kTries = 64;
    const uint64_t first = first_place(gap, process.layout.brk, size);
    for (int i = 0; i < kTries; ++i) {
      const uint64_t start = first + static_cast<uint64_t>(i) * step;
      if (start + size > gap.end) break;
      if (free_of(kernel, start, size) && take(start)) return start;
    }
  }
  return 0;
}

/// Memory of this process goes into the area.
bool move(std::string_view memory, size_t old_size, uint64_t to) {
  return mremap(const_cast<char*>(memory.data()), old_size, memory.size(),
                MREMAP_MAYMOVE | MREMAP_FIXED, at(to)) != MAP_FAILED;
}

/// The freestanding restorer, as built (restorer/blob.S).
std::span<const char> restorer_code() {
  return {thaw_restorer_start, thaw_restorer_end};
}

uint64_t code_size() {
  return round_up(restorer_code().size());
}

/// Into memory that is mapped there.
bool load_code(uint64_t start) {
  const auto code = restorer_code();
  auto* to = static_cast<char*>(at(start));
  memcpy(to, code.data(), code.size());
  __builtin___clear_cache(to, to + code_size());
  return mprotect(to, code_size(), PROT_READ | PROT_EXEC) == 0;
}

}  // namespace

RestorerCode RestorerCode::for_all(const image::View& view, const KernelMappings& kernel) {
  RestorerCode code;
  // Beside the metadata: what it is, each process knows later.
  constexpr uint64_t kMost = 4 << 20;
  code.room_ = round_up(view.header().metadata_size) + kMost;
  // The kernel's mappings may go to the end of a gap.
  const uint64_t size = code_size() + code.room_ + kernel.size();
  const auto processes = view.processes();
  const auto take = [&](uint64_t start) {
    return std::all_of(processes.begin(), processes.end(),
                       [&](const model::Process& process) {
                         return process.state == model::ProcessState::zombie ||
                                within_gap(view, process, start, size);
                       }) &&
           map_at(start, code_size());
  };
  code.start_ = find_place(view, view.root_process(), kernel, size, take);
  return code.start_ != 0 && load_code(code.start_) ? std::move(code) : RestorerCode();
}

RestorerCode::~RestorerCode() {
  if (start_ != 0) munmap(at(start_), code_size());
}

Result<RestorerArea> RestorerArea::make(const Prepared& prepared, uint64_t data,
                                        uint64_t delivery) {
  const image::View& view = prepared.view;
  RestorerArea area;
  area.metadata_ = {view.base(), static_cast<size_t>(view.header().metadata_size)};
  if (const restorer::Tree* tree = prepared.tree.record(); tree != nullptr)
    area.meeting_place_ = {reinterpret_cast<const char*>(tree->meeting),
                           static_cast<size_t>(prepared.tree.meeting_size())};
  uint64_t size = 0;
  auto append = [&size](uint64_t bytes) { return std::exchange(size, size + round_up(bytes)); };
  append(code_size());
  area.metadata_start_ = append(area.metadata_.size());
  area.data_ = append(data);
  area.stacks_ = append(kLeaderStack + prepared.tree.process().threads.count * kThreadStack);
  area.interim_ = append(prepared.kernel.size());
  area.meeting_ = append(area.meeting_place_.size());
  area.delivery_ = append(delivery);
  THAW_TRY(area.map(prepared, size));
  for (uint64_t* part : {&area.metadata_start_, &area.data_, &area.stacks_, &area.interim_,
                         &area.meeting_, &area.delivery_})
    *part += area.start_;
  return area;
}

/// Behind the code that is there already, or anywhere.
Result<void> RestorerArea::map(const Prepared& prepared, uint64_t size) {
  RestorerCode common = std::move(prepared.code);
  const uint64_t rest = size - code_size();
  if (rest <= common.room() && map_at(common.start() + code_size(), rest)) {
    start_ = common.take();
    size_ = size;
    return {};
  }
  start_ = find_place(prepared.view, prepared.tree.process(), prepared.kernel, size,
                      [size](uint64_t start) { return map_at(start, size); });
  if (start_ == 0)
    return Error{ENOMEM, "there is no room for the restorer in the app's address space"};
  size_ = size;
  if (!load_code(start_)) return errno_error("cannot make the restorer area");
  return {};
}

Result<void> RestorerArea::take_metadata() const {
  // Of shared memory, no size at all makes a second mapping (mremap(2)).
  if (!meeting_place_.empty() && !move(meeting_place_, 0, meeting_))
    return errno_error("cannot have the memory that the app's processes share");
  if (!move(metadata_, metadata_.size(), metadata_start_))
    return errno_error("cannot move the image's metadata");
  return {};
}

RestorerArea::RestorerArea(RestorerArea&& other) noexcept
    : start_(other.start_),
      size_(std::exchange(other.size_, 0)),
      metadata_start_(other.metadata_start_),
      data_(other.data_),
      stacks_(other.stacks_),
      interim_(other.interim_),
      meeting_(other.meeting_),
      delivery_(other.delivery_),
      metadata_(other.metadata_),
      meeting_place_(other.meeting_place_) {}

RestorerArea::~RestorerArea() {
  if (size_ != 0) munmap(at(start_), size_);
}

}  // namespace thaw::launch

// How the app's memory comes back. Three steps: classify every mapping and find the pages to store
// (regions.cc), lay out the thaw area with shim and signal frames (area.cc), write the pages and
// emit the ops (ops.cc).
#pragma once

#include <map>
#include <vector>

#include "checkpoint/request.h"

namespace thaw::checkpoint {

/// [start, end) in the app's address space.
struct Span {
  uint64_t start = 0, end = 0;
  [[nodiscard]] uint64_t size() const { return end - start; }
};

/// What stands behind a mapping before stored pages are laid over it.
enum class Backing {
  nothing,  ///< left out: the kernel's own mappings, an older thaw area
  anonymous,
  file,    ///< private or shared mapping of a file
  object,  ///< memfd and deleted files: memory made at launch
};

/// How stored pages come back.
enum class Pages {
  none,
  mapped,  ///< mapped from the image, on demand
  copied,  ///< read into true anonymous memory at launch
};

struct Region {
  const Vma* vma = nullptr;
  Backing backing = Backing::nothing;
  Pages pages = Pages::none;
  std::vector<Span> runs;      ///< pages whose bytes are stored
  std::vector<Span> segments;  ///< runs with small holes closed: one image mapping or read each
  std::vector<Span> guards;    ///< MADV_GUARD_INSTALL regions
  model::Index file = model::kNone;
  model::Index object = model::kNone;
  uint32_t open_flags = 0;
  bool of_object = false;  ///< changed data of a program or library
  std::string note;
};

/// Bytes that differ in the image from those in the app: patched libc entry points, the App API's
/// state word.
class Overlay {
 public:
  void add(uint64_t address, std::vector<uint8_t> bytes) { patches_[address] = std::move(bytes); }
  /// Applies what falls into [address, address + size).
  void apply(uint64_t address, void* bytes, size_t size) const;
  /// Pages that have changed bytes, ascending.
  [[nodiscard]] std::vector<Span> pages(size_t page_size) const;

 private:
  std::map<uint64_t, std::vector<uint8_t>> patches_;
};

struct MemoryPlan {
  std::vector<Region> regions;  ///< ascending, one per VMA that comes back
  Overlay overlay;
  bool guarded = false;       ///< a shim guards memory that is mapped from the image
  std::vector<uint8_t> area;  ///< content of the thaw area
  uint64_t area_start = 0;
  uint64_t area_code = 0, area_code_size = 0;  ///< offsets in the area: executable part
  uint64_t area_data = 0, area_data_size = 0;  ///< writable part
};

Result<void> plan_regions(Capture& capture, MemoryPlan& plan);
Result<void> plan_area(Capture& capture, MemoryPlan& plan);
Result<void> emit_memory(Capture& capture, const MemoryPlan& plan);

/// Joins spans whose distance is at most `gap` bytes.
std::vector<Span> close_gaps(const std::vector<Span>& spans, uint64_t gap);

/// What of a region is mapped from the image: its runs, with what lies between and around them
/// where that saves mappings.
std::vector<Span> mapped_segments(const Region& region);

}  // namespace thaw::checkpoint

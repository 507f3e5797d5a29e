#include "checkpoint/plan/memory_objects.h"

#include <algorithm>

#include "fd/shared_memory.h"

namespace thaw::checkpoint {

bool MemoryObjects::is_of_same(const Vma& vma, const Vma& other) const {
  return other.ino != 0 && other.ino == vma.ino && other.dev == vma.dev;
}

bool MemoryObjects::is_seen_elsewhere(const Vma& vma) const {
  return fd::find_memory(capture_.image, vma.dev, vma.ino, vma.path) != model::kNone ||
         std::any_of(process_.vmas.begin(), process_.vmas.end(), [&](const Vma& other) {
           return other.start != vma.start && other.shared && is_of_same(vma, other);
         });
}

Result<model::Index> MemoryObjects::of(const Vma& vma) {
  const model::Index known = fd::find_memory(capture_.image, vma.dev, vma.ino, vma.path);
  if (known != model::kNone) return known;
  model::Object object = fd::mapped_memory(capture_.image, vma.dev, vma.ino, vma.path);
  THAW_ASSIGN(whole, store_content(vma, object));
  return whole ? image::Builder::add(capture_.image.objects, object) : model::kNone;
}

/// Private mappings show what no shared one does, but for pages of their own. False: guards hide a
/// part in all of them.
Result<bool> MemoryObjects::store_content(const Vma& of, model::Object& object) {
  object.runs.first = static_cast<model::Index>(capture_.image.data_runs.size());
  std::vector<Span> known, hidden;
  for (const bool shared : {true, false})
    for (const Vma& vma : process_.vmas)
      if (vma.shared == shared && is_of_same(of, vma)) THAW_TRY(store(vma, known, hidden, object));
  object.runs.count = static_cast<uint32_t>(capture_.image.data_runs.size()) - object.runs.first;
  return std::all_of(hidden.begin(), hidden.end(),
                     [&known](const Span& span) { return without(span, known).empty(); });
}

/// Stores what the mapping shows of the object and is not `known` yet, by offsets in the object.
Result<void> MemoryObjects::store(const Vma& vma, std::vector<Span>& known,
                                  std::vector<Span>& hidden, model::Object& object) {
  object.size = std::max(object.size, vma.offset + vma.size());
  std::vector<Span> runs;
  finder_.nonzero_pages(vma, runs);
  if (vma.shared) unite(runs, process_.overlay.pages({vma.start, vma.end}, capture_.page_size));
  for (const Span& run : runs)
    for (const Span& part : without(
             {vma.offset + (run.start - vma.start), vma.offset + (run.end - vma.start)}, known)) {
      const uint64_t place = data_.reserve(part.size());
      data_.add(
          {place, part.size(), FromApp{process_index_, vma.start + (part.start - vma.offset)}});
      capture_.image.data_runs.push_back({part.start, place, part.size()});
    }
  THAW_ASSIGN(guards, finder_.guards(vma));
  for (const Span& guard : guards)
    extend(hidden, vma.offset + (guard.start - vma.start), guard.size());
  for (const Span& shown : without({vma.start, vma.end}, guards))
    unite(known, {{vma.offset + (shown.start - vma.start), vma.offset + (shown.end - vma.start)}});
  return {};
}

}  // namespace thaw::checkpoint

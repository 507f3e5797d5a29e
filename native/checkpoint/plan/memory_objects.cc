#include "checkpoint/plan/memory_objects.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "fd/shared_memory.h"

namespace thaw::checkpoint {
namespace {

Result<void> refuse_rest(HiddenMemory::Rest rest) {
  const std::string part = "is a part of shared memory, and nothing leads to the rest, ";
  const char* remedy = "let the app map all of it, or keep a descriptor of it open";
  switch (rest) {
    case HiddenMemory::Rest::empty:
      return {};
    case HiddenMemory::Rest::data:
      return Error{0, part + "which holds data", remedy};
    case HiddenMemory::Rest::large:
      return Error{0, part + "which is more than 64 MB, too much to be looked through", remedy};
    case HiddenMemory::Rest::unknown:
      break;
  }
  return Error{
      0,
      "is shared memory that the kernel does not let the app map once more (mseal(2), "
      "RLIMIT_AS, RLIMIT_MEMLOCK): whether it has a part that is not mapped, nobody knows",
      "keep a descriptor of it open (memfd_create), or do not seal it, or raise the limit"};
}

}  // namespace

UniqueFd open_mapped(const ProcessCapture& process, const Vma& vma, int flags) {
  if (!vma.deleted) {
    UniqueFd fd(open(vma.path.c_str(), flags | O_CLOEXEC));
    struct stat status = {};
    if (fd.valid() && fstat(fd.get(), &status) == 0 && status.st_ino == vma.ino) return fd;
  }
  char link[96];
  snprintf(link, sizeof(link), "/proc/%d/map_files/%llx-%llx", process.pid,
           static_cast<unsigned long long>(vma.start), static_cast<unsigned long long>(vma.end));
  return UniqueFd(open(link, flags | O_CLOEXEC));
}

bool MemoryObjects::is_of_same(const Vma& vma, const Vma& other) const {
  return other.ino != 0 && other.ino == vma.ino && other.dev == vma.dev;
}

bool MemoryObjects::is_seen_elsewhere(const Vma& vma) const {
  const HiddenMemory* hidden = vma.shared ? process_.hidden_memory(vma) : nullptr;
  if (hidden != nullptr &&
      (hidden->rest != HiddenMemory::Rest::empty || hidden->size != vma.size()))
    return true;
  return fd::find_memory(capture_.image, vma.dev, vma.ino, vma.path) != model::kNone ||
         std::any_of(process_.vmas.begin(), process_.vmas.end(), [&](const Vma& other) {
           return other.start != vma.start && other.shared && is_of_same(vma, other);
         });
}

Result<model::Index> MemoryObjects::of(const Vma& vma, int file) {
  const model::Index known = fd::find_memory(capture_.image, vma.dev, vma.ino, vma.path);
  if (known != model::kNone) return known;
  const HiddenMemory* hidden = process_.hidden_memory(vma);
  if (hidden != nullptr) THAW_TRY(refuse_rest(hidden->rest));
  model::Object object = fd::mapped_memory(capture_.image, vma.dev, vma.ino, vma.path);
  THAW_ASSIGN(whole, store_content(vma, file, object));
  if (!whole) return model::kNone;
  if (hidden != nullptr) object.size = std::max(object.size, hidden->size);
  return image::Builder::add(capture_.image.objects, object);
}

/// Private mappings show what no shared one does, but for pages of their own. False: guards hide a
/// part in all of them.
Result<bool> MemoryObjects::store_content(const Vma& of, int file, model::Object& object) {
  object.runs.first = static_cast<model::Index>(capture_.image.data_runs.size());
  std::vector<Span> known, hidden;
  for (const bool shared : {true, false})
    for (const Vma& vma : process_.vmas) {
      if (vma.shared != shared || !is_of_same(of, vma)) continue;
      object.size = std::max(object.size, vma.offset + vma.size());
      THAW_ASSIGN(guards, finder_.guards(vma));
      for (const Span& guard : guards)
        extend(hidden, vma.offset + (guard.start - vma.start), guard.size());
      THAW_TRY(shared ? store_shared(vma, guards, known) : store_private(vma, guards, file, known));
    }
  object.runs.count = static_cast<uint32_t>(capture_.image.data_runs.size()) - object.runs.first;
  return std::all_of(hidden.begin(), hidden.end(),
                     [&known](const Span& span) { return without(span, known).empty(); });
}

Result<void> MemoryObjects::store_shared(const Vma& vma, const std::vector<Span>& guards,
                                         std::vector<Span>& known) {
  std::vector<Span> runs;
  finder_.nonzero_pages(vma, runs);
  unite(runs, process_.overlay.pages({vma.start, vma.end}, capture_.page_size));
  store_shown(vma, runs, known);
  know(vma, without({vma.start, vma.end}, guards), known);
  return {};
}

/// These addresses of the mapping have shown what the object has there.
void MemoryObjects::know(const Vma& vma, const std::vector<Span>& shown, std::vector<Span>& known) {
  for (const Span& part : shown)
    unite(known, {{vma.offset + (part.start - vma.start), vma.offset + (part.end - vma.start)}});
}

/// Stores what the mapping shows of the object in `runs` and is not `known` yet, by offsets in the
/// object.
void MemoryObjects::store_shown(const Vma& vma, const std::vector<Span>& runs,
                                std::vector<Span>& known) {
  for (const Span& run : runs)
    for (const Span& part : without(
             {vma.offset + (run.start - vma.start), vma.offset + (run.end - vma.start)}, known)) {
      const uint64_t place = data_.reserve(part.size());
      data_.add(
          {place, part.size(), FromApp{process_index_, vma.start + (part.start - vma.offset)}});
      capture_.image.data_runs.push_back({part.start, place, part.size()});
    }
}

Result<void> MemoryObjects::store_private(const Vma& vma, const std::vector<Span>& guards, int file,
                                          std::vector<Span>& known) {
  std::vector<Span> own, nonzero, runs;
  THAW_TRY(finder_.own_pages(vma, own));
  finder_.nonzero_pages(vma, nonzero);
  for (const Span& run : nonzero) unite(runs, without(run, own));
  store_shown(vma, runs, known);
  std::vector<Span> covered = own;
  unite(covered, guards);
  know(vma, without({vma.start, vma.end}, covered), known);
  std::vector<Span> missing;
  for (const Span& page : own)
    unite(missing,
          without({vma.offset + (page.start - vma.start), vma.offset + (page.end - vma.start)},
                  known));
  UniqueFd opened;  // Shared mappings come without a file.
  if (file < 0 && !missing.empty()) {
    opened = open_mapped(process_, vma, O_RDONLY);
    file = opened.get();
  }
  for (const Span& part : missing) THAW_TRY(store_from(file, part));
  unite(known, missing);
  return {};
}

/// What lies below own pages, and comes to light where the app drops those (MADV_DONTNEED).
Result<void> MemoryObjects::store_from(int file, const Span& part) {
  if (file < 0)
    return Error{
        0,
        "is a private mapping of a deleted file, with pages that the app has written: what "
        "the file has there, nothing shows but to root",
        "let the app keep a descriptor of the file open, or build as root"};
  Made bytes(part.size());
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t got = pread64(file, bytes.data() + done, bytes.size() - done,
                                static_cast<off64_t>(part.start + done));
    if (got < 0) return errno_error("cannot read a deleted file");
    if (got == 0) break;  // It ends within the mapping.
    done += static_cast<size_t>(got);
  }
  const uint64_t place = data_.reserve(part.size());
  capture_.image.data_runs.push_back({part.start, place, part.size()});
  data_.add({place, part.size(), std::move(bytes)});
  return {};
}

}  // namespace thaw::checkpoint

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

/// The inodes of segments are their ids, 0 among them, and those of other memory may be the same.
bool is_same_memory(const Vma& vma, const Vma& other) {
  const bool segment = proc::is_of_segment(vma);
  if (segment != proc::is_of_segment(other)) return false;
  if (segment) return other.ino == vma.ino;
  return other.ino != 0 && other.ino == vma.ino && other.dev == vma.dev;
}

bool MemoryObjects::is_seen_elsewhere(const Vma& vma) const {
  const HiddenMemory* hidden = vma.shared ? capture_.hidden_memory(vma) : nullptr;
  if (hidden != nullptr &&
      (hidden->rest != HiddenMemory::Rest::empty || hidden->size != vma.size()))
    return true;
  if (fd::find_memory(capture_.image, vma.dev, vma.ino, vma.path) != model::kNone) return true;
  return std::any_of(
      capture_.processes.begin(), capture_.processes.end(), [&](const ProcessCapture& process) {
        return std::any_of(process.vmas.begin(), process.vmas.end(), [&](const Vma& other) {
          const bool itself = &process == &process_ && other.start == vma.start;
          return !itself && other.shared && is_same_memory(vma, other);
        });
      });
}

Result<model::Index> MemoryObjects::of(const Vma& vma, int file) {
  const model::Index known = fd::find_memory(capture_.image, vma.dev, vma.ino, vma.path);
  if (known != model::kNone) return known;
  const HiddenMemory* hidden = capture_.hidden_memory(vma);
  if (hidden != nullptr) THAW_TRY(refuse_rest(hidden->rest));
  model::Object object = fd::mapped_memory(capture_.image, vma.dev, vma.ino, vma.path);
  THAW_ASSIGN(whole, store_content(vma, file, object));
  if (!whole) return model::kNone;
  if (hidden != nullptr) object.size = std::max(object.size, hidden->size);
  return image::Builder::add(capture_.image.objects, object);
}

Result<model::Index> MemoryObjects::of_segment(const Vma& vma, const proc::Segment& segment) {
  constexpr auto kKind = model::ObjectKind::system_v;
  const auto id = static_cast<uint64_t>(segment.id);
  const model::Index known = fd::find_object(capture_.image, kKind, id);
  if (known != model::kNone) return known;
  model::Object object;
  object.kind = kKind;
  object.id = id;
  object.flags = segment.mode;
  object.name = capture_.image.blob(segment.key_text());
  THAW_ASSIGN(whole, store_content(vma, -1, object));
  if (!whole) return Error{0, "System V shared memory has guard regions"};  // Refused before.
  object.size = segment.size;
  return image::Builder::add(capture_.image.objects, object);
}

/// Private mappings show what no shared one does, but for pages of their own. False: guards hide a
/// part in all of them.
Result<bool> MemoryObjects::store_content(const Vma& of, int file, model::Object& object) {
  object.runs.first = static_cast<model::Index>(capture_.image.data_runs.size());
  std::vector<Span> known, hidden;
  for (const bool shared : {true, false}) {
    const Viewer own = {process_index_, process_, finder_};
    THAW_TRY(store_seen_by(own, of, shared, file, object, known, hidden));
    for (size_t i = 0; i < capture_.processes.size(); ++i) {
      const ProcessCapture& other = capture_.processes[i];
      const bool sees = std::any_of(other.vmas.begin(), other.vmas.end(), [&](const Vma& vma) {
        return vma.shared == shared && is_same_memory(of, vma);
      });
      if (i == process_index_ || !sees) continue;
      THAW_ASSIGN(finder, PageFinder::open(other, capture_.page_size));
      const Viewer viewer = {i, other, finder};
      THAW_TRY(store_seen_by(viewer, of, shared, -1, object, known, hidden));
    }
  }
  object.runs.count = static_cast<uint32_t>(capture_.image.data_runs.size()) - object.runs.first;
  return std::all_of(hidden.begin(), hidden.end(),
                     [&known](const Span& span) { return without(span, known).empty(); });
}

Result<void> MemoryObjects::store_seen_by(const Viewer& viewer, const Vma& of, bool shared,
                                          int file, model::Object& object, std::vector<Span>& known,
                                          std::vector<Span>& hidden) {
  for (const Vma& vma : viewer.process.vmas) {
    if (vma.shared != shared || !is_same_memory(of, vma)) continue;
    object.size = std::max(object.size, vma.offset + vma.size());
    THAW_ASSIGN(guards, viewer.finder.guards(vma));
    for (const Span& guard : guards)
      extend(hidden, vma.offset + (guard.start - vma.start), guard.size());
    THAW_TRY(shared ? store_shared(viewer, vma, guards, known)
                    : store_private(viewer, vma, guards, file, known));
  }
  return {};
}

Result<void> MemoryObjects::store_shared(const Viewer& viewer, const Vma& vma,
                                         const std::vector<Span>& guards,
                                         std::vector<Span>& known) {
  std::vector<Span> runs;
  viewer.finder.nonzero_pages(vma, runs);
  unite(runs, viewer.process.overlay.pages({vma.start, vma.end}, capture_.page_size));
  store_shown(viewer, vma, runs, known);
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
void MemoryObjects::store_shown(const Viewer& viewer, const Vma& vma, const std::vector<Span>& runs,
                                std::vector<Span>& known) {
  for (const Span& run : runs)
    for (const Span& part : without(
             {vma.offset + (run.start - vma.start), vma.offset + (run.end - vma.start)}, known)) {
      const uint64_t place = data_.reserve(part.size());
      data_.add({place, part.size(), FromApp{viewer.index, vma.start + (part.start - vma.offset)}});
      capture_.image.data_runs.push_back({part.start, place, part.size()});
    }
}

Result<void> MemoryObjects::store_private(const Viewer& viewer, const Vma& vma,
                                          const std::vector<Span>& guards, int file,
                                          std::vector<Span>& known) {
  std::vector<Span> own, nonzero, runs;
  THAW_TRY(viewer.finder.own_pages(vma, own));
  viewer.finder.nonzero_pages(vma, nonzero);
  for (const Span& run : nonzero) unite(runs, without(run, own));
  store_shown(viewer, vma, runs, known);
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
    opened = open_mapped(viewer.process, vma, O_RDONLY);
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

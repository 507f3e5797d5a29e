// Classifies every mapping: what stands behind it, and which of its pages must be stored.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "checkpoint/area_header.h"
#include "checkpoint/plan/memory_objects.h"
#include "checkpoint/plan/memory_plan.h"
#include "checkpoint/plan/page_finder.h"
#include "checkpoint/plan/segments.h"
#include "policy/switches.h"
#include "shim/tables.h"

namespace thaw::checkpoint {
namespace {

static_assert(shim::kMostSegmentIds == model::kMostSegmentIds);

std::string where(const Vma& vma) {
  char range[64];
  snprintf(range, sizeof(range), "mapping %llx-%llx", static_cast<unsigned long long>(vma.start),
           static_cast<unsigned long long>(vma.end));
  return vma.path.empty() ? range : std::string(range) + " (" + vma.path + ")";
}

Error refuse(const Vma& vma, const std::string& why, const std::string& remedy) {
  return Error{0, where(vma) + " " + why, remedy};
}

/// Private memory is zero where a guard was; other memory still has what it had.
Error refuse_guards(const Vma& vma) {
  return refuse(vma,
                "has guard regions (MADV_GUARD_INSTALL), and no descriptor shows what is beneath",
                "let the app install them after the checkpoint, use mprotect(PROT_NONE), or keep "
                "the memory's descriptor open");
}

bool is_kernel_mapping(const Vma& vma) {
  return vma.path == "[vdso]" || vma.path.starts_with("[vvar") || vma.path == "[vsyscall]" ||
         vma.path == "[sigpage]" || vma.path == "[vectors]" || vma.path == "[uprobes]" ||
         vma.path == "[gate]";
}

bool is_shared_anonymous(const Vma& vma) {
  return vma.shared && (vma.path == "/dev/zero" || vma.path.starts_with("[anon_shmem:"));
}

Result<void> check_supported(const Vma& vma) {
  if (vma.path.starts_with("anon_inode:") || vma.path.starts_with("/anon_inode:"))
    return refuse(vma, "belongs to a kernel object",
                  "close it before the checkpoint (for io_uring in libuv: UV_USE_IO_URING=0)");
  if (vma.has("ss"))
    return refuse(vma, "is a shadow stack, which cannot be made again",
                  "start the app with GLIBC_TUNABLES=glibc.cpu.x86_shstk=off");
  if (vma.has("mt"))
    return refuse(vma, "has memory tags (MTE)",
                  "start the app with GLIBC_TUNABLES=glibc.mem.tagging=0");
  if (vma.has("ht"))
    return refuse(vma, "is huge pages (hugetlbfs)", "switch huge pages off in the app");
  if (vma.has("pf") || vma.has("io"))
    return refuse(vma, "is device memory", "let the app open the device after the checkpoint");
  if (vma.has("sf"))
    return refuse(vma, "is persistent memory that is mapped with MAP_SYNC",
                  "let the app map it after the checkpoint");
  if (vma.has("um") || vma.has("uw") || vma.has("ui"))
    return refuse(vma, "is watched by userfaultfd", "close it before the checkpoint");
  return {};
}

/// "mw": the file was opened for writing, and mprotect(2) may make the mapping writable.
bool may_be_written(const Vma& vma) {
  return (vma.prot & PROT_WRITE) != 0 || vma.has("mw");
}

Result<policy::Action> action_for_shared(const policy::Policies& policies, const Vma& vma) {
  using policy::Action;
  if (!may_be_written(vma)) return Action::reopen;
  const Action action = policies.find(policy::Type::mapping, vma.path);
  if (action == Action::reopen || action == Action::ignore) return action;
  const char* why = (vma.prot & PROT_WRITE) != 0
                        ? "is a writable shared mapping of a file, which every launch would write"
                        : "is a shared mapping of a file that was opened for writing, and can be "
                          "made writable";
  const std::string_view known = policy::switch_against(vma.path);
  if (!known.empty()) return refuse(vma, why, std::string(known));
  return refuse(
      vma, why,
      "close it before the checkpoint (a database above all: a lock on it is not taken "
      "again), or, where all instances may write to it at the same time, " +
          policy::suggestion(policy::Type::mapping, vma.path, {Action::reopen, Action::ignore}));
}

bool is_thaw_image(const Vma& vma, int fd) {
  char magic[sizeof(image::kMagic)] = {};
  return !vma.shared && fd >= 0 && pread(fd, magic, sizeof(magic), 0) == ssize_t{sizeof(magic)} &&
         memcmp(magic, image::kMagic, sizeof(magic)) == 0;
}

class Classifier {
 public:
  Classifier(Capture& capture, size_t process_index, PageData& data, PageFinder finder,
             std::span<const int> segment_ids)
      : capture_(capture),
        process_(capture.processes[process_index]),
        finder_(std::move(finder)),
        objects_(capture, process_index, data, finder_),
        segment_ids_(segment_ids) {}

  Result<std::vector<Region>> run() {
    std::vector<Region> regions;
    const auto old_area = find_area(process_);
    if (old_area) old_image_ = process_.mapping(old_area->start);
    for (const Vma& vma : process_.vmas) {
      const bool in_old_area =
          old_area && vma.start >= old_area->start && vma.end <= old_area->start + old_area->size;
      if (is_kernel_mapping(vma) || in_old_area) continue;
      THAW_TRY(check_supported(vma));
      Region region;
      region.vma = &vma;
      THAW_TRY(classify(region));
      regions.push_back(std::move(region));
    }
    return regions;
  }

 private:
  Result<void> classify(Region& region) {
    const Vma& vma = *region.vma;
    if ((vma.shared || vma.is_file()) && !is_aio_ring(vma)) {
      THAW_ASSIGN(guards, finder_.guards(vma));
      region.guards = std::move(guards);
    }
    if (proc::is_of_segment(vma)) return segment(region);
    if (is_aio_ring(vma)) {
      region.backing = Backing::aio_ring;
      region.note = "made at launch (io_setup)";
      return {};
    }
    if (is_shared_anonymous(vma))
      return objects_.is_seen_elsewhere(vma) ? shared_object(region) : shared_anonymous(region);
    if (!vma.is_file()) return private_anonymous(region);
    if (vma.shared) return shared_file(region);
    return private_file(region);
  }

  Result<void> private_anonymous(Region& region) {
    const Vma& vma = *region.vma;
    region.backing = Backing::anonymous;
    if (vma.has("wf")) {
      region.note = "wiped, as after fork (MADV_WIPEONFORK)";
      return {};
    }
    if (vma.has("dp")) {
      region.note = "dropped (MAP_DROPPABLE)";
      return {};
    }
    if (vma.resident_kb + vma.swap_kb != 0 || vma.has("gu"))
      THAW_TRY(finder_.present_pages(vma, region.runs, region.guards));
    add_overlay(region);
    return {};
  }

  /// Pages with changed bytes are stored, as if the app had changed them.
  void add_overlay(Region& region) {
    unite(region.runs,
          process_.overlay.pages({region.vma->start, region.vma->end}, capture_.page_size));
  }

  /// Private memory that no file on the device stands behind: all of its bytes are stored.
  Result<void> orphan(Region& region, const char* note, bool of_image) {
    if (!of_image && !region.guards.empty()) return refuse_guards(*region.vma);
    region.backing = Backing::anonymous;
    region.note = note;
    finder_.nonzero_pages(*region.vma, region.runs);
    add_overlay(region);
    return {};
  }

  Result<void> shared_anonymous(Region& region) {
    if (!region.guards.empty()) return refuse_guards(*region.vma);
    region.backing = Backing::anonymous;
    finder_.nonzero_pages(*region.vma, region.runs);
    add_overlay(region);
    return {};
  }

  Result<void> private_file(Region& region) {
    const Vma& vma = *region.vma;
    UniqueFd fd = open_mapped(process_, vma, O_RDONLY);
    if (is_of_old_image(vma) || is_thaw_image(vma, fd.get()))
      return orphan(region, "was mapped from an older image", true);
    if (vma.deleted) {
      // Of programs and libraries nobody drops what they have written.
      if (is_of_module(vma) && !objects_.is_seen_elsewhere(vma))
        return orphan(region, "its file was deleted", false);
      return private_object(region, fd.get());
    }
    if (!fd.valid())
      return refuse(vma, "is of a file that cannot be opened",
                    "make it readable for the user who builds the profile");
    region.backing = Backing::file;
    THAW_ASSIGN(file, capture_.image.file(fd.get(), vma.path, model::kFileMapped));
    region.file = file;
    region.open_flags = O_RDONLY;
    if (vma.anonymous_kb + vma.swap_kb != 0) {
      THAW_TRY(finder_.changed_pages(vma, fd.get(), region.runs));
      region.of_module = !region.runs.empty() && is_of_module(vma);
    }
    add_overlay(region);
    return {};
  }

  /// It may be gone: rebuilt since the app was launched from it.
  [[nodiscard]] bool is_of_old_image(const Vma& vma) const {
    return old_image_ != nullptr && old_image_->is_file() && vma.dev == old_image_->dev &&
           vma.ino == old_image_->ino;
  }

  /// A part of a program or library: some other part of its file is executable.
  [[nodiscard]] bool is_of_module(const Vma& vma) const {
    return std::any_of(process_.vmas.begin(), process_.vmas.end(), [&vma](const Vma& other) {
      return other.dev == vma.dev && other.ino == vma.ino && (other.prot & PROT_EXEC) != 0;
    });
  }

  Result<void> shared_file(Region& region) {
    const Vma& vma = *region.vma;
    if (vma.deleted) return shared_object(region);
    const bool writable = may_be_written(vma);
    THAW_ASSIGN(action, action_for_shared(capture_.request.policies, vma));
    UniqueFd fd = open_mapped(process_, vma, writable ? O_RDWR : O_RDONLY);
    if (!fd.valid()) return refuse(vma, "is of a file that cannot be opened", "check its mode");
    region.backing = Backing::file;
    THAW_ASSIGN(
        file, capture_.image.file(fd.get(), vma.path, writable ? 0 : uint32_t{model::kFileMapped}));
    region.file = file;
    region.open_flags = writable ? O_RDWR : O_RDONLY;
    if (action == policy::Action::ignore) {
      region.note = "a private copy of its own (policy ignore)";
      region.backing = Backing::anonymous;
      return shared_anonymous(region);
    }
    return {};
  }

  /// The launch attaches it, and the ops say what mprotect(2) has made of it.
  Result<void> segment(Region& region) {
    const Vma& vma = *region.vma;
    if (!region.guards.empty()) return refuse_guards(vma);
    uint64_t mappings = 0;
    for (const ProcessCapture& process : capture_.processes)
      mappings += mappings_of_segment(vma, process.vmas);
    auto checked = check_segment(capture_.request.policies, vma, process_.vmas, mappings);
    if (!checked) return refuse(vma, checked.error().message, checked.error().remedy);
    proc::Segment segment = checked.take();
    if (segment.owner != capture_.image.requirements[0].euid)
      return refuse(vma, "is System V shared memory of another user, which no launch can make",
                    "let the app make it itself, or use mmap(2) or memfd_create(2)");
    segment.id = id_of_app(process_, segment.id);
    region.backing = Backing::object;
    region.attached = true;
    region.note = "attached at launch (shmat)";
    region.open_flags = may_be_written(vma) ? O_RDWR : O_RDONLY;
    if (vma.offset == 0 && ++attachments_ > model::kMostAttachments)
      return refuse(vma, "is one of more than 16 attachments of System V shared memory",
                    "use mmap(2) or memfd_create(2) for shared memory");
    THAW_ASSIGN(object, objects_.of_segment(vma, segment));
    region.object = object;
    if (!segment.is_removed() && segment_ids_.size() > model::kMostSegmentIds)
      return refuse(vma, "is one of more than 16 segments of System V shared memory with a key",
                    "use mmap(2) or memfd_create(2) for shared memory");
    return {};
  }

  /// memfd, deleted files, shared anonymous memory that is mapped twice: made again at launch.
  Result<void> shared_object(Region& region) {
    region.backing = Backing::object;
    region.open_flags = may_be_written(*region.vma) ? O_RDWR : O_RDONLY;
    return find_object(region, -1);
  }

  Result<void> find_object(Region& region, int file) {
    auto object = objects_.of(*region.vma, file);
    if (!object) return refuse(*region.vma, object.error().message, object.error().remedy);
    if (object.value() == model::kNone) return refuse_guards(*region.vma);
    region.object = object.value();
    return {};
  }

  /// The app's own pages lie over the object, which others may write to, and which comes to light
  /// where the app drops them.
  Result<void> private_object(Region& region, int file) {
    const Vma& vma = *region.vma;
    region.backing = Backing::object;
    region.open_flags = O_RDWR;
    THAW_TRY(find_object(region, file));
    if (vma.anonymous_kb + vma.swap_kb != 0) THAW_TRY(finder_.own_pages(vma, region.runs));
    add_overlay(region);
    return {};
  }

  Capture& capture_;
  const ProcessCapture& process_;
  PageFinder finder_;
  MemoryObjects objects_;
  std::span<const int> segment_ids_;  ///< of all segments with a key that the app has
  uint32_t attachments_ = 0;          ///< of System V shared memory
  const Vma* old_image_ = nullptr;    ///< a mapping of the image that the app was launched from
};

}  // namespace

Result<void> check_mapping(const policy::Policies& policies, const Vma& vma,
                           std::span<const Vma> all, uint64_t mappings) {
  if (is_kernel_mapping(vma)) return {};
  THAW_TRY(check_supported(vma));
  if (proc::is_of_segment(vma)) {
    auto segment = check_segment(policies, vma, all, mappings);
    if (!segment) return refuse(vma, segment.error().message, segment.error().remedy);
    return {};
  }
  if (!vma.shared || !vma.is_file() || vma.deleted || is_shared_anonymous(vma)) return {};
  THAW_ASSIGN(action, action_for_shared(policies, vma));
  (void)action;
  return {};
}

Result<void> classify(Capture& capture, size_t process_index, MemoryPlan& plan, PageData& data) {
  THAW_ASSIGN(finder, PageFinder::open(capture.processes[process_index], capture.page_size));
  plan.segment_ids = kept_segment_ids(capture);
  Classifier classifier(capture, process_index, data, std::move(finder), plan.segment_ids);
  THAW_ASSIGN(regions, classifier.run());
  plan.regions = std::move(regions);
  return {};
}

}  // namespace thaw::checkpoint

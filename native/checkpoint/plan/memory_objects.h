// Memory that is one thing and can be seen in several ways: by descriptors, by several mappings.
#pragma once

#include "checkpoint/plan/memory_plan.h"
#include "checkpoint/plan/page_finder.h"
#include "proc/system_v.h"

namespace thaw::checkpoint {

/// A descriptor of the file behind a mapping: by its name where that is still the same file, else
/// through the kernel's own link, which needs privilege. Invalid if neither works.
UniqueFd open_mapped(const ProcessCapture& process, const Vma& vma, int flags);

/// Whether two mappings, of whichever processes, are of the same memory or file.
bool is_same_memory(const Vma& vma, const Vma& other);

/// Finds the Object behind a mapping of memory without a name: memfds, deleted files, shared
/// anonymous memory.
class MemoryObjects {
 public:
  MemoryObjects(Capture& capture, size_t process_index, PageData& data, PageFinder& finder)
      : capture_(capture),
        process_index_(process_index),
        process_(capture.processes[process_index]),
        data_(data),
        finder_(finder) {}

  /// Whether there is more of the same memory than the mapping: a descriptor, another shared mapping,
  /// a part that is not mapped.
  [[nodiscard]] bool is_seen_elsewhere(const Vma& vma) const;

  /// Its Object. A descriptor of it, if there is one, gave its content already; else the mappings
  /// give what they show of it, and `file`, if it is one, what own pages of private mappings hide.
  /// Refused where some of it cannot be had; kNone: guard regions hide a part of it.
  Result<model::Index> of(const Vma& vma, int file = -1);

  /// The same of a System V segment.
  Result<model::Index> of_segment(const Vma& vma, const proc::Segment& segment);

 private:
  /// A process that maps it.
  struct Viewer {
    size_t index;
    const ProcessCapture& process;
    PageFinder& finder;
  };
  Result<bool> store_content(const Vma& of, int file, model::Object& object);
  Result<void> store_seen_by(const Viewer& viewer, const Vma& of, bool shared, int file,
                             model::Object& object, std::vector<Span>& known,
                             std::vector<Span>& hidden);
  Result<void> store_shared(const Viewer& viewer, const Vma& vma, const std::vector<Span>& guards,
                            std::vector<Span>& known);
  static void know(const Vma& vma, const std::vector<Span>& shown, std::vector<Span>& known);
  void store_shown(const Viewer& viewer, const Vma& vma, const std::vector<Span>& runs,
                   std::vector<Span>& known);
  Result<void> store_private(const Viewer& viewer, const Vma& vma, const std::vector<Span>& guards,
                             int file, std::vector<Span>& known);
  Result<void> store_from(int file, const Span& part);

  Capture& capture_;
  size_t process_index_;
  const ProcessCapture& process_;
  PageData& data_;
  PageFinder& finder_;
};

}  // namespace thaw::checkpoint

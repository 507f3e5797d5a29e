// Memory that is one thing and can be seen in several ways: by descriptors, by several mappings.
#pragma once

#include "checkpoint/plan/memory_plan.h"
#include "checkpoint/plan/page_finder.h"

namespace thaw::checkpoint {

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

  /// Whether anything else shows the same memory: a descriptor, or another shared mapping.
  [[nodiscard]] bool is_seen_elsewhere(const Vma& vma) const;

  /// Its Object. A descriptor of it, if there is one, gave its content already; else the mappings
  /// give what they show of it. kNone: guard regions hide a part of it.
  Result<model::Index> of(const Vma& vma);

 private:
  [[nodiscard]] bool is_of_same(const Vma& vma, const Vma& other) const;
  Result<bool> store_content(const Vma& of, model::Object& object);
  Result<void> store(const Vma& vma, std::vector<Span>& known, std::vector<Span>& hidden,
                     model::Object& object);

  Capture& capture_;
  size_t process_index_;
  const ProcessCapture& process_;
  PageData& data_;
  PageFinder& finder_;
};

}  // namespace thaw::checkpoint

// What fork(2) has shared: pages that a process has as its parent has them are stored once, so that all
// launches of both have them from the same pages of the image.
#pragma once

#include <map>
#include <vector>

#include "checkpoint/capture.h"
#include "checkpoint/span.h"

namespace thaw::checkpoint {

class StoredPages {
 public:
  explicit StoredPages(const Capture& capture) : capture_(capture), of_(capture.processes.size()) {}

  /// `span` of the process's memory is stored at `place` of the image.
  void add(size_t process, const Span& span, uint64_t place);

  /// A part of a segment: to be stored, or what the parent has stored at `place`, but for the pages
  /// that have changed since.
  struct Part {
    Span span;
    bool stored = false;
    uint64_t place = 0;
    std::vector<Span> changed;
  };
  /// The parts of a segment, ascending and without gaps.
  [[nodiscard]] std::vector<Part> parts(size_t process, const Span& segment) const;

 private:
  [[nodiscard]] std::vector<Span> changed_pages(const ProcessCapture& parent,
                                                const ProcessCapture& child,
                                                const Span& span) const;

  const Capture& capture_;
  std::vector<std::map<uint64_t, std::pair<uint64_t, uint64_t>>> of_;  ///< start: end, place
};

}  // namespace thaw::checkpoint

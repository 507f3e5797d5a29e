// The files and memory objects that the app maps, opened and identified, and its program's file.
#pragma once

#include <vector>

#include "launch/exec_call.h"
#include "launch/open/descriptor_room.h"
#include "launch/open/shared_objects.h"

namespace thaw::launch {

/// A descriptor per MapSource; they live in the room and are closed at commit.
class Sources {
 public:
  /// Each file is checked as it is opened. A training launch gets copies of files where they help
  /// (uncached_copy.h), and nothing of what it maps stays in the page cache.
  Result<void> open(const image::View& view, const DescriptorRoom& room, SharedObjects& objects,
                    const ExecCall& call);
  [[nodiscard]] const std::vector<int>& fds() const { return fds_; }
  /// For the exe link of a process; -1: it cannot be opened.
  [[nodiscard]] int program(model::Index process) const { return programs_[process]; }

 private:
  Result<int> open_object(const DescriptorRoom& room, SharedObjects& objects,
                          const model::MapSource& source);
  Result<int> open_file(const image::View& view, const DescriptorRoom& room,
                        const model::MapSource& source, const ExecCall& call);
  [[nodiscard]] int fd_of(const image::View& view, model::Index file) const;
  int open_program(const image::View& view, const DescriptorRoom& room, const ExecCall& call,
                   model::Index program);
  void forget(const image::View& view) const;

  std::vector<UniqueFd> owned_;
  std::vector<int> fds_;
  std::vector<int> programs_;  ///< per process
};

}  // namespace thaw::launch

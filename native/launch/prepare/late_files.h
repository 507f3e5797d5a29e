// Open file descriptions that can only be made when all processes of the app are there (pidfds): one
// of the processes that have it makes it, and hands it to the others.
#pragma once

#include <sys/types.h>

#include <vector>

#include "fd/kind.h"
#include "launch/open/descriptor_room.h"
#include "launch/tree/tree.h"
#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::launch {

class LateFiles {
 public:
  /// Before the processes are made: notes the file, and the way on which it will be handed over.
  Result<void> add(const image::View& view, const DescriptorRoom& room, model::Index file);
  [[nodiscard]] bool none() const { return files_.empty(); }

  /// In each process: fills `opened`, per OpenFile, with what is its own.
  Result<void> make(const Tree& tree, fd::Opener opener, const DescriptorRoom& room,
                    std::vector<UniqueFd>& opened);

 private:
  struct File {
    model::Index index;
    std::vector<model::Index> others;  ///< processes that have it and do not make it
    UniqueFd in, out;                  ///< none where nobody is to be handed it
  };

  std::vector<File> files_;
};

}  // namespace thaw::launch

// A read-only file system whose content a file in it names (inputs.root_identity): as long as the
// file says the same, and nothing else is mounted there, everything on it is the same.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace thaw::image {

struct RootState {
  dev_t device = 0;
  uint64_t content = 0;  ///< hash of the file's
  uint64_t mounts = 0;   ///< hash of what is mounted at, above and below the folders
};

/// As it is now. `folders`: each ended by NUL. Nothing where `file` does not lie on a file system of
/// a kind that nobody can write to (squashfs, erofs), or too much is mounted.
std::optional<RootState> root_state(const char* file, std::string_view folders);

}  // namespace thaw::image

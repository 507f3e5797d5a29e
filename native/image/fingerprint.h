// Fingerprints of what an app looked at while it warmed up: the same at the checkpoint and at a
// launch, and made without allocation.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace thaw::image {

/// Of the content of the file at `fd`, from its beginning.
std::optional<uint64_t> hash_content(int fd);

/// False for file systems that keep no change time of a file, and are replaced as a whole: another
/// one may have another file with the same inode, size and times. `path` is followed.
bool has_change_times(const char* path);

enum class Names {
  all,
  modules,  ///< those that CPython's import can take for modules
};
/// Of the names in the folder at `fd`, opened for reading, in whatever order they come.
std::optional<uint64_t> hash_names(int fd, Names which);

}  // namespace thaw::image

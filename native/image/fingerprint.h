// Fingerprints of what an app looked at while it warmed up: the same at the checkpoint and at a
// launch, and made without allocation.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace thaw::image {

/// What a launch reads at most, in bytes, of files that may have changed; with more to read, a cold
/// start is the better way.
constexpr uint32_t kMostToRead = 32 << 20;

/// Of the content of the file at `fd`, from its beginning. Moves its position.
std::optional<uint64_t> hash_content(int fd);

/// False where the file system of a file keeps no change time of its own, and is replaced as a
/// whole: another one may have another file with the same inode, size and times. `path` is followed;
/// the times are those of the file, in nanoseconds.
bool has_change_times(const char* path, int64_t mtime_ns, int64_t ctime_ns);

enum class Names {
  all,
  modules,  ///< those that CPython's import can take for modules
};
/// Of the names in the folder at `fd`, opened for reading, in whatever order they come.
std::optional<uint64_t> hash_names(int fd, Names which);

}  // namespace thaw::image

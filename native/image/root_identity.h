// A read-only file system whose content something in it, or its mount, names
// (inputs.root_identity): as long as that says the same, and nothing else is mounted there,
// everything on it is the same.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>

namespace thaw::image {

/// Why a file system stays as it is. One that was written to and is read-only again must not pass.
enum class RootKind : uint8_t {
  unwritable,  ///< squashfs, erofs: nobody can write to it
  verity,      ///< on dm-verity, known by the name that cryptsetup gives such devices
  counted,     ///< on a read-only device, and it counts what was ever written to it: ext4, f2fs
  ostree,      ///< a deployment of ostree, which its mount names
};

struct RootState {
  dev_t device = 0;
  uint64_t mount = 0;    ///< of ostree: id of the mount, beyond which the device tells nothing
  uint64_t content = 0;  ///< hash of what names it
  uint64_t mounts = 0;   ///< hash of what is mounted at, above and below the folders
  RootKind kind = RootKind::unwritable;
  const char* why_not = nullptr;  ///< it is none: why, with the name as subject

  [[nodiscard]] bool stands() const { return why_not == nullptr; }
};

/// As it is now. `name`: a file that names the content of its file system; or a folder, whose mount
/// does. `folders`: each ended by NUL.
RootState root_state(const char* name, std::string_view folders);

}  // namespace thaw::image

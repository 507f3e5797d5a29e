// inotify watches inodes, and the kernel does not say by which path. This finds one that leads to
// the inode.
#pragma once

#include <string>
#include <string_view>

#include "fd/kind.h"

namespace thaw::fd {

/// The watched inode as fdinfo shows it.
struct WatchedInode {
  uint64_t ino = 0;
  uint64_t dev = 0;  ///< of the file system; stat() shows another one on some (btrfs, overlayfs)
  int handle_type = 0;
  std::string handle;  ///< the bytes of struct file_handle, empty if the file system has none
};

/// A path to the inode, or empty. Asks the kernel where it may
/// (CAP_DAC_READ_SEARCH), else looks where the app works: its directory, the folders of its files,
/// the paths of policies, and above and below these.
std::string find_watched_path(const Collector&, const Probe&, const WatchedInode&);

}  // namespace thaw::fd

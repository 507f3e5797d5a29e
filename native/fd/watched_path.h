// inotify and fanotify watch inodes, and the kernel does not say by which path. This finds one that
// leads to the inode.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fd/kind.h"

namespace thaw::fd {

/// The watched inode as fdinfo shows it.
struct WatchedInode {
  uint64_t ino = 0;
  uint64_t dev = 0;  ///< of the file system; stat() shows another one on some (btrfs, overlayfs)
  int handle_type = 0;
  std::string handle;  ///< the bytes of struct file_handle, empty if the file system has none
};

/// Of a line of fdinfo that has ino:, sdev: and the handle.
WatchedInode watched_inode(std::string_view line);

/// How the kernel writes the number of a file system's device there.
uint64_t device_of(std::string_view sdev);

/// The first mount of /proc/PID/mountinfo that `is_it(id, device)`: where it is; empty if there is none.
std::string mount_point(pid_t pid, const std::function<bool(uint64_t id, uint64_t device)>& is_it);

/// A path to each of the inodes, or empty. Asks the kernel where it may
/// (CAP_DAC_READ_SEARCH), else looks at the paths of policies and those that the app was seen to
/// watch, then where it works: its directory, the folders of its files and arguments, below these,
/// and above them. One search for all, for the app stands still meanwhile; in large trees it does
/// not look everywhere.
std::vector<std::string> find_watched_paths(const Collector&, const Probe&,
                                            const std::vector<WatchedInode>&);

}  // namespace thaw::fd

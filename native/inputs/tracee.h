// A stopped thread of an app that is watched: its memory, and what its paths mean.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace thaw::inputs {

/// Where a link of /proc/TID leads ("cwd"); empty: nowhere.
std::string link_of(pid_t tid, const std::string& entry);
std::string link_of_fd(pid_t tid, int fd);

/// Copies up to `size` bytes from the thread's memory, at most until a page has a NUL; how many
/// there were.
size_t copy(pid_t tid, uint64_t address, void* to, size_t size);
/// The string at that address; empty where it has no end.
std::string text_at(pid_t tid, uint64_t address);

/// Without doubled slashes and single dots; '..' stays, since what lies before it may be a link.
std::string tidy(const std::string& path);
/// A path that the thread gives to the kernel, relative to the folder of a descriptor (AT_FDCWD:
/// its current one); empty where that has no path.
std::string absolute_path(pid_t tid, int folder, const std::string& path);

}  // namespace thaw::inputs

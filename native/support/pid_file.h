// Pid files: the pid of a process as decimal text, in the first line. Some hold more behind it
// (PostgreSQL's postmaster.pid), and some programs take one that names a living process for a lock.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

namespace thaw {

/// A pid file is not larger than that.
constexpr size_t kMostOfPidFile = 4096;

/// What follows the pid in such a file: nothing, the end of the line, more lines. None: `content`
/// does not begin with that pid.
std::optional<std::string_view> behind_pid(std::string_view content, pid_t pid);

/// The process that the file names, if that lives and is not the calling process or its parent (whose
/// pid a file of an earlier boot may hold by chance, as in containers); else 0.
pid_t living_process_in(std::string_view path);

}  // namespace thaw

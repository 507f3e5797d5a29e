// What an app was seen to ask the kernel for in its warm-up, which the kernel tells nobody
// afterwards.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace thaw {

struct SeenCalls {
  /// Processes and ids of armed POSIX timers: ns of their own clock.
  std::map<std::pair<pid_t, int>, uint64_t> absolute_timers;
  std::set<uint64_t> bound_sockets;  ///< inodes of those whose port bind(2) has named
  /// Inodes of sockets with an option that the kernel shows nobody: its name.
  std::map<uint64_t, const char*> hidden_options;
  /// What each process has said last with PR_SET_PTRACER: a process, 0: nobody.
  std::map<pid_t, int64_t> tracers;
  static constexpr int64_t kAnyTracer = -1;
  /// Ids of System V that semget(2) and msgget(2) have told.
  std::set<int> semaphores, message_queues;
  std::set<std::string> watched_paths;  ///< that inotify_add_watch(2) has named, absolute
};

}  // namespace thaw

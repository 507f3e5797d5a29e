#include "spawn/unusual_pid.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdlib>

#include "support/file.h"

namespace thaw::spawn {
namespace {

/// Sizes and offsets are even, and flags have few bits (native/checkpoint/plan/ids.cc).
pid_t choose(uint32_t pid_max) {
  constexpr int kLeastBits = 7;
  for (int i = 0; i < 64; ++i) {
    uint32_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != ssize_t{sizeof(random)}) return 0;
    const uint32_t pid = (pid_max / 2 + random % (pid_max / 2)) | 1;
    if (std::popcount(pid) >= kLeastBits) return static_cast<pid_t>(pid);
  }
  return 0;
}

}  // namespace

pid_t fork_with_unusual_pid() {
  const auto limit = read_file("/proc/sys/kernel/pid_max");
  const uint32_t pid_max =
      limit ? static_cast<uint32_t>(strtoul(limit.value().c_str(), nullptr, 10)) : 0;
  constexpr int kTries = 16;
  for (int i = 0; i < kTries && pid_max >= 2; ++i) {
    const pid_t pid = choose(pid_max);
    clone_args arguments = {};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<uintptr_t>(&pid);
    arguments.set_tid_size = 1;
    const long child = syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (child >= 0) return static_cast<pid_t>(child);
    if (errno != EEXIST && errno != EINVAL) break;
  }
  return fork();
}

}  // namespace thaw::spawn

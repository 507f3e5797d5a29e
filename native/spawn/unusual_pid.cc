#include "spawn/unusual_pid.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

#include "support/file.h"
#include "support/unique_fd.h"

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

constexpr const char* kLimit = "/proc/sys/kernel/pid_max";
constexpr std::string_view kLarge = "4194304";  ///< PID_MAX_LIMIT of 64-bit kernels

/// kernel.pid_max as large as it can be, by one process at a time. A pid that is given out
/// meanwhile stays good when the limit is lower again.
class RaisedLimit {
 public:
  RaisedLimit() : file_(open(kLimit, O_RDWR | O_CLOEXEC)) {
    if (!file_.valid() || !lock()) return;
    const auto before = read_all(file_.get());
    if (!before || number(trim(before.value())) >= number(kLarge)) return;
    if (set(kLarge)) before_ = before.value();
  }
  RaisedLimit(const RaisedLimit&) = delete;
  RaisedLimit& operator=(const RaisedLimit&) = delete;
  ~RaisedLimit() {
    if (!before_.empty()) (void)set(before_);
  }
  /// In the child, whose parent lowers it again.
  void leave() { before_.clear(); }

 private:
  /// Anybody may lock the file and keep it so: then the limit stays as it is.
  [[nodiscard]] bool lock() const {
    constexpr int kTries = 50;
    constexpr timespec kPause = {0, 2'000'000};
    for (int i = 0; i < kTries; ++i) {
      if (flock(file_.get(), LOCK_EX | LOCK_NB) == 0) return true;
      if (errno != EWOULDBLOCK && errno != EINTR) return false;
      nanosleep(&kPause, nullptr);
    }
    return false;
  }

  [[nodiscard]] bool set(std::string_view text) const {
    return pwrite(file_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  }

  UniqueFd file_;
  std::string before_;  ///< empty: it is as it was
};

}  // namespace

pid_t fork_with_unusual_pid() {
  const auto limit = read_file(kLimit);
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

pid_t fork_with_large_pid() {
  RaisedLimit raised;
  const pid_t pid = fork_with_unusual_pid();
  if (pid == 0) raised.leave();
  return pid;
}

}  // namespace thaw::spawn

#include "proc/next_pid.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <bit>
#include <cerrno>

#include "proc/members.h"
#include "support/file.h"

namespace thaw::proc {
namespace {

constexpr const char* kLimit = "/proc/sys/kernel/pid_max";
constexpr const char* kLastPid = "/proc/sys/kernel/ns_last_pid";
constexpr std::string_view kLarge = "4194304";  ///< PID_MAX_LIMIT of 64-bit kernels

bool write_text(const UniqueFd& file, std::string_view text) {
  return pwrite(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

}  // namespace

uint32_t pid_limit() {
  const auto limit = read_file(kLimit);
  return limit ? static_cast<uint32_t>(number(trim(limit.value()))) : 0;
}

/// Sizes and offsets are even, and flags have few bits (native/checkpoint/plan/ids.cc).
pid_t unlikely_pid(uint32_t pid_limit) {
  // Those that follow can be told as well: somebody else may be faster to take one.
  constexpr uint32_t kNeighbours = 15;
  constexpr int kLeastBits = 9;
  if (pid_limit < 2) return 0;
  for (int i = 0; i < 64; ++i) {
    uint32_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != ssize_t{sizeof(random)}) return 0;
    const uint32_t pid = (pid_limit / 2 + random % (pid_limit / 2)) | 1;
    if (std::popcount(pid & ~kNeighbours) >= kLeastBits) return static_cast<pid_t>(pid);
  }
  return 0;
}

RaisedPidLimit::RaisedPidLimit() : file_(open(kLimit, O_RDWR | O_CLOEXEC)) {
  if (!file_.valid() || !lock()) return;
  const auto before = read_all(file_.get());
  if (!before || number(trim(before.value())) >= number(kLarge)) return;
  if (set(kLarge)) before_ = before.value();
}

RaisedPidLimit::~RaisedPidLimit() {
  if (!before_.empty()) (void)set(before_);
}

/// Anybody may lock the file and keep it so: then the limit stays as it is.
bool RaisedPidLimit::lock() const {
  constexpr int kTries = 50;
  constexpr timespec kPause = {0, 2'000'000};
  for (int i = 0; i < kTries; ++i) {
    if (flock(file_.get(), LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK && errno != EINTR) return false;
    nanosleep(&kPause, nullptr);
  }
  return false;
}

bool RaisedPidLimit::set(std::string_view text) const {
  return write_text(file_, text);
}

bool can_choose_pids() {
  if (access(kLastPid, W_OK) != 0) return false;
  const RaisedPidLimit raised;
  return is_telling_id(static_cast<uint32_t>(unlikely_pid(pid_limit())));
}

NextPid::NextPid() : last_(open(kLastPid, O_RDWR | O_CLOEXEC)) {
  const auto before = last_.valid() ? read_all(last_.get()) : Result<std::string>(std::string());
  const pid_t pid = unlikely_pid(pid_limit());
  if (!before || before.value().empty() || pid == 0) return;
  if (write_text(last_, std::to_string(pid - 1))) before_ = before.value();
}

NextPid::~NextPid() {
  if (!before_.empty()) (void)write_text(last_, before_);
}

}  // namespace thaw::proc

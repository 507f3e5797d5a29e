#include "checkpoint/freeze/freeze.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "support/clock.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

constexpr int kEventStop = PTRACE_EVENT_STOP;
constexpr int64_t kPatienceNs = 10'000'000'000;
constexpr long kShortestPauseNs = 20'000;

int64_t now_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}

Error seize_error(pid_t pid, pid_t tid) {
  const int err = errno;
  std::string remedy;
  std::string why =
      "cannot trace thread " + std::to_string(tid) + " of process " + std::to_string(pid);
  auto status = read_file("/proc/" + std::to_string(tid) + "/status");
  const std::string_view tracer =
      status ? line_value(status.value(), "TracerPid:") : std::string_view();
  if (!tracer.empty() && tracer != "0")
    why += ": process " + std::string(tracer) + " traces it already (a debugger or strace?)";
  else if (status && line_value(status.value(), "State:").starts_with("Z"))
    why += ": the thread has ended, and a program without its main thread cannot be checkpointed";
  else if (err == EPERM)
    remedy = "run thaw as the same user or as root, and see /proc/sys/kernel/yama/ptrace_scope";
  return Error{err, std::move(why), std::move(remedy)};
}

/// Interrupts a seized thread and waits for it to stop, which also one does that is in a group stop;
/// false if it has ended meanwhile.
Result<bool> stop_thread(pid_t tid) {
  if (ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) != 0 && errno != ESRCH)
    return errno_error("cannot interrupt thread " + std::to_string(tid));
  for (;;) {
    THAW_ASSIGN(status, wait_for_stop(tid));
    if (!WIFSTOPPED(status)) return false;
    if (status >> 16 == kEventStop) return true;
    // A signal that was on its way: let it be delivered, the interrupt follows behind it.
    ptrace(PTRACE_CONT, tid, nullptr, reinterpret_cast<void*>(static_cast<long>(WSTOPSIG(status))));
  }
}

Result<bool> seize_thread(pid_t pid, pid_t tid) {
  if (ptrace(PTRACE_SEIZE, tid, nullptr, reinterpret_cast<void*>(Freeze::kOptions)) != 0) {
    if (errno == ESRCH) return false;
    return seize_error(pid, tid);
  }
  return stop_thread(tid);
}

/// The signal that has put the thread into a group stop, 0: it is in none (ptrace(2)).
Result<int> group_stop_of(pid_t tid) {
  siginfo_t info = {};
  if (ptrace(PTRACE_GETSIGINFO, tid, nullptr, &info) != 0)
    return errno_error("cannot ask thread " + std::to_string(tid) + " why it stands still");
  return info.si_signo == SIGTRAP ? 0 : info.si_signo;
}

/// A launch that is only just over still has its feeder (restorer/feed.h): no thread of the app.
void wait_for_feeder(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/task/";
  auto is_feeding = [&folder] {
    auto tids = numeric_entries(folder);
    if (!tids) return false;
    return std::any_of(tids.value().begin(), tids.value().end(), [&folder](int tid) {
      auto name = read_file(folder + std::to_string(tid) + "/comm");
      return name && name.value() == "thaw-feeder\n";
    });
  };
  const int64_t deadline = now_ns() + kPatienceNs;
  while (is_feeding() && now_ns() < deadline) {
    const timespec pause = {0, 1'000'000};
    nanosleep(&pause, nullptr);
  }
}

/// Whether nobody but this process hears of its end.
bool is_own_child(pid_t pid) {
  auto status = read_file("/proc/" + std::to_string(pid) + "/status");
  return status && line_value(status.value(), "PPid:") == std::to_string(getpid());
}

void wait_for_end(pid_t tid) {
  int status = 0;
  pid_t got = 0;
  do {
    got = waitpid(tid, &status, __WALL);
  } while (got < 0 ? errno == EINTR : WIFSTOPPED(status));
}

/// What waitpid(2) tells within the time that the shortest pause would take: most have stopped by
/// then.
pid_t wait_a_moment(pid_t tid, int& status) {
  const int64_t end = now_ns() + kShortestPauseNs;
  for (;;) {
    const pid_t got = waitpid(tid, &status, __WALL | WNOHANG);
    if (got != 0 || now_ns() > end) return got;
  }
}

/// Of a main thread whose others have not been waited for, waitpid(2) does not tell.
bool has_died(pid_t tid) {
  auto status = read_file("/proc/" + std::to_string(tid) + "/status");
  return !status || line_value(status.value(), "State:").find_first_of("ZX") == 0;
}

}  // namespace

Result<int> wait_for_stop(pid_t tid) {
  constexpr long kLongestPauseNs = 2'000'000;
  const int64_t deadline = now_ns() + kPatienceNs;
  bool died = false;
  for (long pause_ns = kShortestPauseNs;; pause_ns = std::min(pause_ns * 2, kLongestPauseNs)) {
    int status = 0;
    const pid_t got = pause_ns == kShortestPauseNs ? wait_a_moment(tid, status)
                                                   : waitpid(tid, &status, __WALL | WNOHANG);
    if (got == tid) return status;
    if (got < 0 && errno != EINTR) return errno_error("lost thread " + std::to_string(tid));
    if (died) return Error{ESRCH, "thread " + std::to_string(tid) + " has ended"};
    died = pause_ns == kLongestPauseNs && has_died(tid);
    if (now_ns() > deadline)
      return Error{
          ETIMEDOUT,
          "thread " + std::to_string(tid) +
              " did not stop within 10 s: it waits in the kernel and cannot be interrupted"};
    const timespec pause = {0, pause_ns};
    nanosleep(&pause, nullptr);
  }
}

Result<Freeze> Freeze::take(pid_t pid) {
  wait_for_feeder(pid);
  Freeze freeze(pid);
  freeze.since_ns_ = now_ns();
  THAW_TRY(freeze.seize_all());
  if (freeze.tids_.empty()) return Error{ESRCH, "there is no process " + std::to_string(pid)};
  THAW_TRY(freeze.settle_group_stop());
  return freeze;
}

/// The stop, or its end, may have come between two threads: who has not seen it goes on for that.
Result<void> Freeze::settle_group_stop() {
  constexpr int kMostTries = 100;
  for (int i = 0; i < kMostTries; ++i) {
    size_t in_stop = 0;
    stop_signal_ = 0;
    for (const pid_t tid : tids_) {
      THAW_ASSIGN(signal, group_stop_of(tid));
      if (signal == 0) continue;
      stop_signal_ = signal;
      ++in_stop;
    }
    if (in_stop == 0 || in_stop == tids_.size()) return {};
    // First those that have not stopped: the others stay so until SIGCONT.
    const bool all = i % 2 != 0;
    THAW_TRY(step([all](pid_t tid) -> Result<bool> {
      THAW_ASSIGN(signal, group_stop_of(tid));
      return all || signal == 0;
    }));
  }
  return Error{EAGAIN,
               "process " + std::to_string(pid_) + " is stopped and continued all the time"};
}

Result<void> Freeze::seize_all() {
  // Threads may start others until all of them are stopped.
  for (;;) {
    THAW_ASSIGN(found, seize_new_threads());
    if (!found) return {};
  }
}

Result<bool> Freeze::step(const std::function<Result<bool>(pid_t)>& stands_wrong) {
  bool stepped = false;
  for (const pid_t tid : std::vector<pid_t>(tids_)) {
    THAW_ASSIGN(wrong, stands_wrong(tid));
    if (!wrong) continue;
    THAW_TRY(run_a_moment(tid));
    stepped = true;
  }
  if (stepped) THAW_TRY(seize_all());
  return stepped;
}

Result<void> Freeze::run_a_moment(pid_t tid) {
  if (ptrace(PTRACE_CONT, tid, nullptr, nullptr) != 0)
    return errno_error("cannot continue thread " + std::to_string(tid));
  const timespec moment = {0, 20'000};
  nanosleep(&moment, nullptr);
  THAW_ASSIGN(stopped, stop_thread(tid));
  if (!stopped) std::erase(tids_, tid);
  return {};
}

Result<bool> Freeze::seize_new_threads() {
  auto tids = numeric_entries("/proc/" + std::to_string(pid_) + "/task");
  if (!tids) return Error{ESRCH, "there is no process " + std::to_string(pid_)};
  // The leader first: its id is the process's.
  std::stable_partition(tids.value().begin(), tids.value().end(),
                        [this](int tid) { return tid == pid_; });
  bool found = false;
  for (const pid_t tid : tids.value()) {
    if (std::find(tids_.begin(), tids_.end(), tid) != tids_.end()) continue;
    THAW_ASSIGN(stopped, seize_thread(pid_, tid));
    if (stopped) tids_.push_back(tid);
    found = found || stopped;
  }
  return found;
}

Freeze::Freeze(Freeze&& other) noexcept
    : pid_(other.pid_),
      stop_signal_(other.stop_signal_),
      since_ns_(other.since_ns_),
      tids_(std::move(other.tids_)),
      options_(other.options_) {
  other.tids_.clear();
}

Freeze& Freeze::operator=(Freeze&& other) noexcept {
  if (this == &other) return *this;
  let_go();
  pid_ = other.pid_;
  since_ns_ = other.since_ns_;
  stop_signal_ = other.stop_signal_;
  tids_ = std::move(other.tids_);
  options_ = other.options_;
  other.tids_.clear();
  return *this;
}

Freeze::~Freeze() {
  let_go();
}

void Freeze::let_go() {
  bool died = false;
  for (const pid_t tid : tids_) died = ptrace(PTRACE_DETACH, tid, nullptr, nullptr) != 0 || died;
  if (died) reap();
}

/// The app was killed while it stood still. A dead thread that is traced stays until its tracer has
/// waited for it, and so does its process: whoever waits for the app would wait for ever.
void Freeze::reap() {
  const bool ours = is_own_child(pid_);
  const int64_t deadline = now_ns() + kSecond;
  // The leader last: it can be waited for when no other thread is left.
  for (auto tid = tids_.rbegin(); tid != tids_.rend(); ++tid) {
    if (*tid == pid_ && ours) continue;  // Its status is for spawn::wait().
    int status = 0;
    pid_t got = 0;
    while ((got = waitpid(*tid, &status, __WALL | WNOHANG)) == 0 && now_ns() < deadline) {
      const timespec pause = {0, 1'000'000};
      nanosleep(&pause, nullptr);
    }
    if (got == *tid && WIFSTOPPED(status)) ptrace(PTRACE_DETACH, *tid, nullptr, nullptr);
  }
}

void Freeze::end_with_us() {
  options_ = kOptions | PTRACE_O_EXITKILL;
  for (const pid_t tid : tids_)  // Who has died needs no option.
    ptrace(PTRACE_SETOPTIONS, tid, nullptr, reinterpret_cast<void*>(options_));
}

void Freeze::kill() const {
  ::kill(pid_, SIGKILL);
}

void Freeze::wait_killed() {
  const bool ours = is_own_child(pid_);
  // What has died cannot be detached from: the parent of the app hears of its end only when we, its
  // tracer, have waited for all of it. Of a child of ours spawn::wait() takes the one status.
  for (auto tid = tids_.rbegin(); tid != tids_.rend(); ++tid)
    if (*tid != pid_ || !ours) wait_for_end(*tid);
  tids_.clear();
}

}  // namespace thaw::checkpoint

#include "launch/guard/watcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "support/silent_child.h"
#include "support/young_kernels.h"

namespace thaw::launch {
namespace {

using store::Death;

/// The app, as seen from beside it.
struct Sight {
  int pidfd, stat;
};

/// Signals that a process brings upon itself. Others say that somebody has stopped it.
bool is_own_fault(int signal) {
  constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};
  for (const int fault : kFaults)
    if (signal == fault) return true;
  return false;
}

enum class Fate { unknown, good, dead };

struct End {
  Fate fate = Fate::unknown;
  Death death = {};
};

/// `status` as of wait(2).
End end_of(int status) {
  constexpr int kBySignal = 128;  // What shells, Java and Node make of a signal's number.
  if (WIFSIGNALED(status)) {
    if (!is_own_fault(WTERMSIG(status))) return {};
    return {Fate::dead, {true, WTERMSIG(status)}};
  }
  const int code = WEXITSTATUS(status);
  if (code == 0) return {Fate::good};
  if (code > kBySignal && code < kBySignal + NSIG && !is_own_fault(code - kBySignal)) return {};
  return {Fate::dead, {false, code}};
}

/// Until its parent has waited for it: the last field of /proc/PID/stat (proc(5), exit_code).
bool read_zombie(int stat, int& status) {
  char text[1024];
  const ssize_t size = pread(stat, text, sizeof(text) - 1, 0);
  if (size <= 0) return false;
  text[size] = '\0';
  const char* name_end = strrchr(text, ')');
  const char* last = strrchr(text, ' ');
  if (name_end == nullptr || last < name_end || strncmp(name_end, ") Z", 3) != 0) return false;
  status = atoi(last);
  return true;
}

/// Afterwards: the kernel keeps it for who had a descriptor of the process (Linux 6.15).
bool read_reaped(int pidfd, int& status) {
  young::PidFdInfo info = {};
  info.mask = young::kPidFdInfoExit;
  if (ioctl(pidfd, young::kPidFdGetInfo, &info) != 0 || (info.mask & young::kPidFdInfoExit) == 0)
    return false;
  status = info.exit_code;
  return true;
}

End wait_for_end(const Sight& sight, uint32_t within_ms) {
  pollfd end = {sight.pidfd, POLLIN, 0};
  int ready = 0;
  while ((ready = poll(&end, 1, static_cast<int>(within_ms))) < 0 && errno == EINTR) {
  }
  if (ready == 0) return {Fate::good};
  int status = 0;
  if (!read_zombie(sight.stat, status) && !read_reaped(sight.pidfd, status)) return {};
  return end_of(status);
}

void judge_launch(const Watched& watched, const End& end) {
  if (end.fate == Fate::dead) {
    store::forget_good(watched.good);
    store::add_death(watched.record.c_str(), end.death);
  }
  if (end.fate != Fate::good) return;
  if (watched.deaths.count > 0) store::forget_deaths(watched.record.c_str());
  store::note_good(watched.good);
}

/// An app that dies in the same way without its image is at fault itself.
void judge_cold_start(const Watched& watched, const End& end) {
  if (end.fate == Fate::good) store::set_aside(watched.record.c_str());
  if (end.fate == Fate::dead && end.death == watched.deaths.last)
    store::forget_deaths(watched.record.c_str());
}

[[noreturn]] void watch(const Watched& watched, const Sight& sight) {
  const End end = wait_for_end(sight, watched.within_ms);
  (watched.cold ? judge_cold_start : judge_launch)(watched, end);
  _exit(0);
}

/// Makes the watcher and ends, so that the watcher is nobody's child that would have to wait for it.
[[noreturn]] void start(const Watched& watched, pid_t app) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  close_range(0, ~0U, 0);  // Pipes: who reads them waits for the last writer.
  munmap(const_cast<char*>(watched.metadata.data()), watched.metadata.size());
  setsid();
  if (chdir("/") != 0) _exit(1);
  prctl(PR_SET_NAME, "thaw-guard");
  const std::string stat = "/proc/" + std::to_string(app) + "/stat";
  const Sight sight = {static_cast<int>(syscall(SYS_pidfd_open, app, 0)),
                       open(stat.c_str(), O_RDONLY | O_CLOEXEC)};
  // Where the caller is gone already, so is the one to tell.
  if (sight.pidfd >= 0 && fork_silently() == 0) watch(watched, sight);
  _exit(0);
}

}  // namespace

pid_t start_watcher(const Watched& watched) {
  const pid_t app = getpid();
  const long starter = fork_silently();
  if (starter == 0) start(watched, app);
  return starter > 0 ? static_cast<pid_t>(starter) : 0;
}

}  // namespace thaw::launch

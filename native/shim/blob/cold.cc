// A launched app starts its program cold after all: its hooks have failed, or were not done in time
// (include/thaw.h). It is the handler of THAW_SIGNAL, which raises either of: an adapter or thaw.h
// that gives up, the timer that the launch has set, or the end of the hooks, which takes both away.
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/unistd.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/wait.h>

#include "arch/this_cpu.h"
#include "support/app_call.h"

extern "C" __attribute__((visibility("hidden"))) uint64_t thaw_app_call;

namespace {

using thaw::LateColdStart;
using thaw::raw::call;

constexpr long kNotPossible = 125, kCannotExecute = 126;  ///< exit codes, as thaw-exec's
constexpr uint32_t kLastSignal = 64;

struct KernelSigaction {
  unsigned long handler, flags, restorer;
  unsigned long mask[8 / sizeof(unsigned long)];
};

template <typename T>
T* at(uint64_t address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

template <typename T>
long address_of(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

void set_action(uint32_t signal, bool ignored) {
  KernelSigaction action = {};
  action.handler = ignored ? 1 : 0;
  call(__NR_rt_sigaction, signal, address_of(&action), 0, 8);
}

[[nodiscard]] bool is_ignored(uint32_t signal) {
  KernelSigaction action = {};
  call(__NR_rt_sigaction, signal, 0, address_of(&action), 8);
  return action.handler == 1;
}

/// As an exec of the caller's would leave them. Handlers go by themselves, and not before: until the
/// exec, the other threads still run.
void reset_signals(const LateColdStart& cold) {
  for (uint32_t signal = 1; signal <= kLastSignal; ++signal) {
    const bool ignored = (cold.ignored >> (signal - 1) & 1) != 0;
    if (is_ignored(signal) != ignored) set_action(signal, ignored);
  }
  call(__NR_rt_sigprocmask, SIG_SETMASK, address_of(&cold.signal_mask), 0, 8);
}

/// Of this thread alone: the others, which run until the exec, would end the app over an epoll
/// instance that is gone (libuv aborts).
void close_of_thread(uint32_t first, uint32_t last) {
  call(__NR_close_range, first, last, CLOSE_RANGE_UNSHARE);
}

void close_descriptors(const LateColdStart& cold) {
  constexpr uint32_t kLast = ~0u;
  const auto* kept = at<const int32_t>(cold.kept);
  uint32_t next = 3;
  for (uint64_t i = 0; i < cold.kept_count; ++i) {
    const auto number = static_cast<uint32_t>(kept[i]);
    if (number > next) close_of_thread(next, number - 1);
    next = number + 1;
  }
  close_of_thread(next, kLast);
}

/// What exec keeps, but the app has set.
void reset_process(const LateColdStart& cold) {
  const long none[4] = {};
  for (long which = 0; which < 3; ++which) call(__NR_setitimer, which, address_of(none), 0);
  call(__NR_prctl, PR_SET_PDEATHSIG, static_cast<long>(cold.parent_death_signal));
  call(__NR_prctl, PR_SET_CHILD_SUBREAPER, 0);
  call(__NR_prctl, PR_SET_THP_DISABLE, 0, 0, 0, 0);
  constexpr uint64_t kMostUmask = 0777;
  if (cold.umask <= kMostUmask) call(__NR_umask, static_cast<long>(cold.umask));
}

/// As the caller had it; who is in the background would be stopped for that.
void reset_terminal(const LateColdStart& cold) {
  if (cold.terminal == LateColdStart::kNone && cold.foreground == 0) return;
  const uint64_t before = cold.signal_mask | uint64_t{1} << (SIGTTOU - 1);
  call(__NR_rt_sigprocmask, SIG_SETMASK, address_of(&before), 0, 8);
  if (cold.foreground != 0) {
    const long fd = call(__NR_openat, AT_FDCWD, address_of("/dev/tty"), O_RDWR | O_NOCTTY, 0);
    const int own = static_cast<int>(call(__NR_getpgid, 0));
    call(__NR_ioctl, fd, TIOCSPGRP, address_of(&own));  // The descriptor goes with the others.
  }
  if (cold.terminal == LateColdStart::kNone) return;
  call(__NR_ioctl, static_cast<long>(cold.terminal), TCSETS, address_of(cold.terminal_mode));
}

/// The app's other processes: a cold start would have none of them. Parents come first, so that their
/// children are this one's by then. Who is no child has ended before, and its pid may be another's.
void end_members(const LateColdStart& cold) {
  const auto* pids = at<const uint32_t>(cold.members);
  if (cold.member_count == 0) return;
  set_action(SIGCHLD, false);  // Else nobody waits for them.
  call(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1);
  for (uint64_t i = 0; i < cold.member_count; ++i) {
    const long pid = pids[i];
    if (pid <= 1 || call(__NR_waitid, P_PID, pid, 0, WEXITED | WNOHANG | WNOWAIT | __WALL, 0) != 0)
      continue;
    call(__NR_kill, pid, SIGKILL);
    while (call(__NR_wait4, pid, 0, __WALL, 0) == -EINTR) {
    }
  }
  set_action(SIGCHLD, true);  // No word of them is left.
}

[[noreturn]] void start(const LateColdStart& cold) {
  // It would take what becomes of the cold start for the image's doing.
  if (cold.watcher != 0) call(__NR_kill, -static_cast<long>(cold.watcher), SIGKILL);
  end_members(cold);
  if (cold.program == 0)
    for (;;) call(__NR_exit_group, kNotPossible);
  reset_process(cold);
  reset_terminal(cold);
  if (cold.cwd != 0) call(__NR_chdir, static_cast<long>(cold.cwd));
  close_descriptors(cold);
  reset_signals(cold);
  call(__NR_execve, static_cast<long>(cold.program), static_cast<long>(cold.argv),
       static_cast<long>(cold.envp));
  for (;;) call(__NR_exit_group, kCannotExecute);
}

}  // namespace

extern "C" __attribute__((visibility("hidden"), used)) void thaw_start_cold(int /* signal */) {
  auto& app = *at<volatile thaw_call>(thaw_app_call);
  if (app.state != THAW_DONE)
    start(*at<const LateColdStart>(app.arguments - sizeof(LateColdStart)));
  // The handler stays: the timer may just have raised the signal once more.
  if (app.limit != 0) call(__NR_timer_delete, static_cast<long>(app.limit - 1));
  app.limit = 0;
}

#include "checkpoint/collect/syscall_restart.h"

#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <cerrno>

namespace thaw::checkpoint {
namespace {

/// Calls that the kernel never restarts but answers with EINTR, even when only ptrace interrupted
/// them.
bool interrupted_by_us(long number) {
  switch (number) {
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2:
#endif
    case SYS_rt_sigtimedwait:
#ifdef SYS_rt_sigtimedwait_time64
    case SYS_rt_sigtimedwait_time64:
#endif
#ifdef SYS_semop
    case SYS_semop:
#endif
#ifdef SYS_semtimedop
    case SYS_semtimedop:
#endif
#ifdef SYS_semtimedop_time64
    case SYS_semtimedop_time64:
#endif
#ifdef SYS_io_getevents
    case SYS_io_getevents:
#endif
      return true;
    default:
      return false;
  }
}

/// Those of signal(7) that wait for descriptors, and that no SA_RESTART takes up again.
bool ends_by_handlers(long number) {
  switch (number) {
#ifdef SYS_select
    case SYS_select:
#endif
#ifdef SYS__newselect
    case SYS__newselect:
#endif
    case SYS_pselect6:
#ifdef SYS_pselect6_time64
    case SYS_pselect6_time64:
#endif
#ifdef SYS_poll
    case SYS_poll:
#endif
    case SYS_ppoll:
#ifdef SYS_ppoll_time64
    case SYS_ppoll_time64:
#endif
      return true;
    default:
      return false;
  }
}

/// A relative sleep goes on with what remains, which the kernel wrote where the caller asked for
/// it.
void sleep_the_rest(arch::Interrupted& call) {
#ifdef SYS_nanosleep
  if (call.number == SYS_nanosleep && call.arguments[1] != 0) call.arguments[0] = call.arguments[1];
#endif
  bool clock_nanosleep = call.number == SYS_clock_nanosleep;
#ifdef SYS_clock_nanosleep_time64
  clock_nanosleep = clock_nanosleep || call.number == SYS_clock_nanosleep_time64;
#endif
  if (clock_nanosleep && (call.arguments[1] & TIMER_ABSTIME) == 0 && call.arguments[3] != 0)
    call.arguments[2] = call.arguments[3];
}

}  // namespace

bool make_restartable(pid_t tid, arch::Registers& registers) {
  arch::Interrupted call = arch::interrupted_syscall(tid, registers);
  if (!call.in_syscall) return false;
  switch (call.result) {
    case arch::kRestartBlock:
      // The restart block stays behind in the old process: make the call itself again.
      sleep_the_rest(call);
      arch::restart_syscall(registers, call);
      return ends_by_handlers(call.number);
    case arch::kRestartSys:
    case arch::kRestartNoIntr:
    case arch::kRestartNoHand:
      arch::restart_syscall(registers, call);
      return ends_by_handlers(call.number);
    case -EINTR:
      if (interrupted_by_us(call.number)) arch::restart_syscall(registers, call);
      return false;
    default:
      return false;
  }
}

Result<void> stand_before(const inputs::HeldCall& held, arch::Registers& registers) {
  arch::Interrupted call = arch::interrupted_syscall(held.tid, registers);
  const bool waits = call.in_syscall && call.number == inputs::waiting_call() &&
                     std::all_of(std::begin(call.arguments), std::end(call.arguments),
                                 [](uint64_t argument) { return argument == 0; });
  call.number = held.number;
  std::copy(std::begin(held.arguments), std::end(held.arguments), call.arguments);
  arch::restart_syscall(registers, call);
  // A wait of the app's own may look like the gate's, but for its place.
  if (!waits || arch::program_counter(registers) != held.instruction)
    return Error{EAGAIN, "thread " + std::to_string(held.tid) +
                             " does not stand at the system call that it was held at"};
  return {};
}

}  // namespace thaw::checkpoint

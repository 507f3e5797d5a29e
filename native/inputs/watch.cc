#include "inputs/watch.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <map>
#include <optional>

#include "inputs/observer.h"
#include "inputs/tracee.h"
#include "lookups/watch.h"
#include "proc/next_pid.h"
#include "session/record/diversion.h"

namespace thaw::inputs {
namespace {

/// Ends a wait of the tracing thread. Its handler does nothing.
int wake_signal() {
  return SIGRTMIN + 7;
}

void let_waits_be_interrupted() {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(wake_signal(), &action, nullptr);
}

void* number(unsigned long value) {
  return reinterpret_cast<void*>(value);
}

constexpr unsigned long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
                                   PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;

/// Whether the call makes a process, and not only a thread.
bool makes_process(pid_t tid, long nr, const uint64_t* arguments) {
  uint64_t flags = CLONE_THREAD;
  switch (nr) {
#ifdef SYS_fork
    case SYS_fork:
    case SYS_vfork:
      return true;
#endif
    case SYS_clone:
      flags = arguments[0];
      break;
    case SYS_clone3:
      copy(tid, arguments[0], &flags, sizeof(flags));
      break;
    default:
      break;
  }
  return (flags & CLONE_THREAD) == 0;
}

/// The stops of one app, all of them taken by one thread.
class Tracer {
 public:
  Tracer(pid_t root, bool look_ups, const AwaitedCall& awaited,
         const std::shared_ptr<session::Relay>& relay, bool keeps_pids, Findings& findings,
         std::mutex& mutex, const std::atomic<bool>& stopping, const std::atomic<bool>& settling,
         std::atomic<bool>& reached)
      : root_(root),
        findings_(findings),
        mutex_(mutex),
        stopping_(stopping),
        settling_(settling),
        reached_(reached),
        observer_(root, findings),
        calls_(findings.calls),
        gate_(root, awaited),
        diversion_(root, relay),
        keeps_pids_(keeps_pids),
        look_ups_(look_ups) {}

  /// Until the app has ended or is to be let go. The kernel lets go of what this thread traces when
  /// it ends, wherever that stands.
  void run() {
    while (!stopping_) {
      siginfo_t info = {};
      // Looked at only: the exit status of the app is for whoever started it. Not those of other
      // threads, which are Node's.
      if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL | __WNOTHREAD) != 0) {
        if (errno == EINTR) continue;
        return;  // Nothing is traced any more.
      }
      const bool stopped = info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED;
      if (!stopped && info.si_pid == root_) return;
      siginfo_t taken = {};
      const int which = stopped ? WSTOPPED : WEXITED;
      if (waitid(P_PID, static_cast<id_t>(info.si_pid), &taken, which | WNOHANG | __WALL) != 0 ||
          taken.si_pid == 0)
        continue;
      if (stopped)
        stop(info.si_pid, taken.si_status);
      else
        gone(info.si_pid);
    }
  }

 private:
  void gone(pid_t tid) {
    threads_.erase(tid);
    made_process(tid);
    const std::lock_guard lock(mutex_);
    gate_.gone(tid);
    findings_.held = gate_.held();
  }

  void stop(pid_t tid, int status) {
    const int signal = status & 0xff, event = status >> 8;
    const std::lock_guard lock(mutex_);
    if (signal == (SIGTRAP | 0x80)) {
      at_call(tid);
      if (installation_ && tid == root_) watch_look_ups();
      go_on(tid, 0);
    } else if (event == PTRACE_EVENT_STOP) {
      // Stopped by a signal: it has to stay so until SIGCONT.
      if (signal != SIGTRAP)
        ptrace(PTRACE_LISTEN, tid, nullptr, nullptr);
      else
        go_on(tid, 0);
    } else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
               event == PTRACE_EVENT_CLONE) {
      made_process(tid);
      go_on(tid, 0);
    } else if (event == PTRACE_EVENT_EXEC) {
      after_exec(tid);
      go_on(tid, 0);
    } else {
      go_on(tid, event == 0 ? signal : 0);
    }
  }

  /// The kernel extends the sign of what a 32-bit task gets, of addresses in its upper half too.
  static int64_t result_of(const __ptrace_syscall_info& info) {
    const int64_t value = info.exit.rval;
    const bool address = sizeof(long) == 4 && info.exit.is_error == 0;
    return address ? static_cast<int64_t>(static_cast<uint32_t>(value)) : value;
  }

  static void go_on(pid_t tid, int signal) {
    ptrace(PTRACE_SYSCALL, tid, nullptr, number(static_cast<unsigned long>(signal)));
  }

  void at_call(pid_t tid) {
    __ptrace_syscall_info info = {};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, number(sizeof(info)), &info) <= 0) {
      observer_.unseen("the kernel does not tell of system calls");
      return;
    }
    ThreadState& thread = threads_[tid];
    at_exit_ = info.op == PTRACE_SYSCALL_INFO_EXIT;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      if (arch_ == 0) arch_ = info.arch;  // Of this CPU: thaw's own child before its exec.
      if (info.arch != arch_) {
        observer_.unseen("one of its programs is of another kind of CPU than thaw");
        thread.call = {};
        thread.kept = {};
        return;
      }
      uint64_t arguments[6];
      std::copy(std::begin(info.entry.args), std::end(info.entry.args), arguments);
      if (at_gate(tid, static_cast<long>(info.entry.nr), arguments)) {
        thread.call = {};
        thread.kept = {};
        return;
      }
      if (begun_ && !keeps_pids_ && makes_process(tid, static_cast<long>(info.entry.nr), arguments))
        choose_pid(tid);
      diversion_.enter(tid, static_cast<long>(info.entry.nr), arguments);
      observer_.enter(tid, thread, static_cast<long>(info.entry.nr), arguments);
      thread.kept = calls_.enter(tid, static_cast<long>(info.entry.nr), arguments);
      return;
    }
    made_process(tid);
    // Before the program is there, it is thaw's own child that makes the calls.
    if (info.op != PTRACE_SYSCALL_INFO_EXIT || !begun_ || gate_.leave(tid)) return;
    diversion_.leave(tid, result_of(info));
    calls_.leave(tid, thread.kept, result_of(info));
    observer_.leave(tid, thread, result_of(info), settling_);
  }

  /// For the process that the thread makes just now: what the app keeps of its pid can be told in
  /// memory then.
  void choose_pid(pid_t tid) {
    next_pid_.reset();
    next_pid_.emplace();
    maker_ = tid;
  }
  /// The child, if there was one to be, has its pid.
  void made_process(pid_t tid) {
    if (maker_ == tid) next_pid_.reset();
  }

  /// Not for the calls of thaw's own child, and of the loader.
  bool at_gate(pid_t tid, long number, const uint64_t* arguments) {
    if (!begun_ || (installation_ && !installation_->is_over(root_))) return false;
    const bool taken = gate_.enter(tid, number, arguments);
    findings_.held = gate_.held();
    findings_.filtered = gate_.filtered();
    if (gate_.reached()) reached_ = true;
    return taken;
  }

  void after_exec(pid_t tid) {
    begun_ = true;
    if (tid == root_) gate_.executed();
    findings_.held = gate_.held();
    // A thread that executes a program gets the id of its process.
    unsigned long former = 0;
    if (ptrace(PTRACE_GETEVENTMSG, tid, nullptr, &former) == 0 &&
        static_cast<pid_t>(former) != tid) {
      threads_[tid] = threads_[static_cast<pid_t>(former)];
      threads_.erase(static_cast<pid_t>(former));
    }
    observer_.executed(tid);
    calls_.executed(tid);
    if (look_ups_ && tid == root_) installation_.emplace().executed(tid);
    look_ups_ = false;  // What the app executes in its own place is a program of its own.
  }

  /// Until libc is there, or the program's own code runs.
  void watch_look_ups() {
    if (!installation_->is_over(root_) && !(at_exit_ && installation_->attempt(root_))) return;
    installation_.reset();
    ptrace(PTRACE_SETOPTIONS, root_, nullptr, number(kOptions));
  }

  pid_t root_;
  Findings& findings_;
  std::mutex& mutex_;
  const std::atomic<bool>& stopping_;
  const std::atomic<bool>& settling_;
  std::atomic<bool>& reached_;
  Observer observer_;
  CallObserver calls_;
  CallGate gate_;
  session::Diversion diversion_;
  std::map<pid_t, ThreadState> threads_;
  uint32_t arch_ = 0;
  std::optional<proc::NextPid> next_pid_;
  pid_t maker_ = 0;
  bool begun_ = false;
  bool at_exit_ = false;  ///< of a system call
  const bool keeps_pids_;
  bool look_ups_;
  std::optional<lookups::Installation> installation_;
};

/// Has a child that waits in a system call stop at all of its calls from now on.
Result<void> seize(pid_t pid) {
  if (ptrace(PTRACE_SEIZE, pid, nullptr, number(kOptions)) != 0)
    return errno_error(
        "cannot watch which files the app uses (ptrace)",
        "see /proc/sys/kernel/yama/ptrace_scope, or set inputs.watch = false in the profile");
  if (ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0)
    return errno_error("cannot watch which files the app uses");
  return {};  // The stop is the first that the tracer sees.
}

}  // namespace

Watch::~Watch() {
  stop();
}

void Watch::attach(pid_t pid, bool look_ups) {
  let_waits_be_interrupted();
  thread_ = std::thread([this, pid, look_ups] { trace(pid, look_ups); });
  seized_.wait(false);
}

void Watch::trace(pid_t pid, bool look_ups) {
  auto result = seize(pid);
  if (!result) {
    const std::lock_guard lock(mutex_);
    problem_ = std::make_unique<const Error>(result.error());
  }
  seized_ = true;
  seized_.notify_one();
  if (result)
    Tracer(pid, look_ups, awaited_, relay_, keeps_pids_, findings_, mutex_, stopping_, settling_,
           reached_)
        .run();
  ended_ = true;
}

void Watch::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  // More than once: the first may come just before the wait begins.
  while (!ended_) {
    pthread_kill(thread_.native_handle(), wake_signal());
    const timespec moment = {0, 500'000};
    nanosleep(&moment, nullptr);
  }
  thread_.join();
}

Result<bool> Watch::reached() {
  const std::lock_guard lock(mutex_);
  if (problem_ != nullptr) return *problem_;
  if (findings_.filtered)
    return Error{
        0,
        "the thread that makes the system call of warmup.until has a seccomp filter, under "
        "which it cannot be held",
        "name an earlier moment in warmup.until, or let the app set its filter after it"};
  return reached_.load();
}

Findings Watch::findings() {
  const std::lock_guard lock(mutex_);
  return findings_;
}

Result<Findings> Watch::finish() {
  stop();
  if (problem_ != nullptr) return *problem_;
  if (!awaited_.numbers.empty() && awaited_.hold && !findings_.held)
    return Error{0, "the thread that stood at the system call of warmup.until has ended",
                 "name another call, or shorten `settle`"};
  return findings_;
}

}  // namespace thaw::inputs

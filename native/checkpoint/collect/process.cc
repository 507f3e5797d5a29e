// What belongs to the process as a whole: memory layout, signal actions, timers, prctl settings.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "checkpoint/collect/collect.h"
#include "checkpoint/freeze/remote_syscalls.h"
#include "support/file.h"
#include "support/young_kernels.h"

namespace thaw::checkpoint {
namespace {

/// struct sigaction as system calls take it (include/uapi/asm-generic/signal.h; all three CPUs have
/// sa_restorer).
struct KernelSigaction {
  unsigned long handler, flags, restorer;
  unsigned long mask[8 / sizeof(unsigned long)];
};

std::string proc_path(const ProcessCapture& process, const char* name) {
  return "/proc/" + std::to_string(process.pid) + "/" + name;
}

Result<void> collect_layout(Capture& capture, ProcessCapture& process, RemoteSyscalls& remote) {
  THAW_ASSIGN(text, read_file(proc_path(process, "stat")));
  const auto fields = stat_fields(text);
  if (fields.size() < 49) return Error{0, "cannot understand " + proc_path(process, "stat")};
  auto field = [&fields](size_t n) { return number(fields[n - 3]); };
  model::MemoryLayout& layout = process.record.layout;
  layout.start_code = field(26);
  layout.end_code = field(27);
  layout.start_stack = field(28);
  layout.start_data = field(45);
  layout.end_data = field(46);
  layout.start_brk = field(47);
  layout.arg_start = field(48);
  layout.arg_end = field(49);
  layout.env_start = field(50);
  layout.env_end = field(51);
  THAW_ASSIGN(brk, remote.call(SYS_brk, 0));
  layout.brk = static_cast<unsigned long>(brk);
  THAW_ASSIGN(auxv, read_file(proc_path(process, "auxv")));
  process.record.auxv = capture.image.blob(auxv);
  return {};
}

Result<void> collect_prctls(ProcessCapture& process, RemoteSyscalls& remote) {
  model::Process& record = process.record;
  THAW_ASSIGN(dumpable, remote.call(SYS_prctl, PR_GET_DUMPABLE));
  THAW_ASSIGN(thp, remote.call(SYS_prctl, PR_GET_THP_DISABLE));
  THAW_ASSIGN(subreaper_result, remote.call(SYS_prctl, PR_GET_CHILD_SUBREAPER, remote.scratch()));
  THAW_ASSIGN(subreaper, remote.read_scratch<int>());
  THAW_ASSIGN(mce, remote.call(SYS_prctl, PR_MCE_KILL_GET));
  if (dumpable == 1) record.flags |= model::kDumpable;
  // Linux 6.18 answers the flags that it was set with, beside bit 0.
  if (thp > 0) record.flags |= model::kThpDisable;
  if (thp > 1) record.flags |= model::kThpExceptAdvised;
  if (subreaper_result == 0 && subreaper != 0) record.flags |= model::kChildSubreaper;
  THAW_ASSIGN(mdwe, remote.call(SYS_prctl, young::kPrGetMdwe));
  THAW_ASSIGN(merge, remote.call(SYS_prctl, young::kPrGetMemoryMerge));
  if (mdwe > 0) record.flags |= model::kMdwe;
  if (mdwe > 0 && (mdwe & young::kPrMdweNoInherit) != 0) record.flags |= model::kMdweNoInherit;
  if (merge == 1) record.flags |= model::kMemoryMerge;
  record.mce_kill = mce > 0 ? static_cast<uint32_t>(mce) : PR_MCE_KILL_DEFAULT;

  THAW_ASSIGN(status, read_file(proc_path(process, "status")));
  if (line_value(status, "NoNewPrivs:") == "1") record.flags |= model::kNoNewPrivileges;
  THAW_ASSIGN(personality, read_file(proc_path(process, "personality")));
  record.personality = static_cast<uint32_t>(number(trim(personality), 16));
  THAW_ASSIGN(filter, read_file(proc_path(process, "coredump_filter")));
  record.coredump_filter = static_cast<uint32_t>(number(trim(filter), 16));
  return {};
}

/// mlockall(MCL_FUTURE) shows only in what it does to a new mapping.
Result<void> collect_future_locks(const Capture& capture, ProcessCapture& process,
                                  RemoteSyscalls& remote) {
#ifdef SYS_mmap2
  constexpr long kMmap = SYS_mmap2;
#else
  constexpr long kMmap = SYS_mmap;
#endif
  auto locked = [&process]() -> Result<uint64_t> {
    THAW_ASSIGN(status, read_file(proc_path(process, "status")));
    return number(split(line_value(status, "VmLck:"), " ")[0]);
  };
  THAW_ASSIGN(before, locked());
  THAW_ASSIGN(address, remote.call(kMmap, 0, capture.page_size, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, static_cast<uint32_t>(-1), 0));
  // EAGAIN: it would be locked, and that is more than the limit allows.
  if (address == -EAGAIN) process.record.flags |= model::kLockFuture;
  if (address < 0 && address > -4096) return {};
  const auto page = static_cast<uint64_t>(address);
  THAW_ASSIGN(after, locked());
  THAW_ASSIGN(result, remote.call(SYS_mincore, page, capture.page_size, remote.scratch()));
  THAW_ASSIGN(resident, remote.read_scratch<uint8_t>());
  THAW_ASSIGN(gone, remote.call(SYS_munmap, page, capture.page_size));
  if (gone != 0) return Error{static_cast<int>(-gone), "cannot unmap a page in the app"};
  if (after == before) return {};
  process.record.flags |= model::kLockFuture;
  if (result == 0 && (resident & 1) == 0) process.record.flags |= model::kLockFutureOnFault;
  return {};
}

/// All of them: a default action may still carry flags (SA_NOCLDWAIT), which /proc does not show.
Result<void> collect_signal_actions(Capture& capture, ProcessCapture& process,
                                    RemoteSyscalls& remote) {
  process.record.sigactions.first = static_cast<model::Index>(capture.image.sigactions.size());
  for (uint32_t signal = 1; signal <= 64; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    THAW_ASSIGN(result, remote.call(SYS_rt_sigaction, signal, 0, remote.scratch(), 8));
    if (result != 0) return Error{static_cast<int>(-result), "cannot read a signal action"};
    THAW_ASSIGN(action, remote.read_scratch<KernelSigaction>());
    model::SigAction record;
    record.signal = signal;
    record.flags = static_cast<uint32_t>(action.flags);
    record.handler = action.handler;
    record.restorer = action.restorer;
    memcpy(&record.mask, action.mask, sizeof(record.mask));
    // The caller's ignored signals stay ignored where the app has left the default.
    if (record.handler == 0 && record.flags == 0 && record.mask == 0) continue;
    capture.image.sigactions.push_back(record);
    ++process.record.sigactions.count;
  }
  return {};
}

Result<void> collect_interval_timers(ProcessCapture& process, RemoteSyscalls& remote) {
  struct KernelItimerval {
    long interval_sec, interval_usec, value_sec, value_usec;
  };
  for (int which = 0; which < 3; ++which) {
    THAW_ASSIGN(result, remote.call(SYS_getitimer, static_cast<uint64_t>(which), remote.scratch()));
    if (result != 0) return Error{static_cast<int>(-result), "cannot read an interval timer"};
    THAW_ASSIGN(timer, remote.read_scratch<KernelItimerval>());
    auto microseconds = [](long seconds, long rest) {
      return static_cast<uint64_t>(seconds) * 1'000'000 + static_cast<uint64_t>(rest);
    };
    model::IntervalTimer& record = process.record.itimers[which];
    record.interval_us = microseconds(timer.interval_sec, timer.interval_usec);
    record.value_us = microseconds(timer.value_sec, timer.value_usec);
    // ITIMER_REAL stands still while its signal is pending: it is the delivery that starts it
    // again.
    if (record.value_us == 0) record.value_us = record.interval_us;
  }
  return {};
}

/// The ids of clocks of CPU time hold a thread's (include/linux/posix-timers.h of the kernel).
Result<void> find_clock_thread(const ProcessCapture& process, model::PosixTimer& timer) {
  constexpr uint32_t kKinds = 3, kDevice = 3;  // The lowest bits; a device's clock is no CPU time.
  const auto clock = static_cast<int32_t>(timer.clock);
  const pid_t tid = ~(clock >> 3);
  if (clock >= 0 || (timer.clock & kKinds) == kDevice || tid == 0) return {};
  timer.clock_thread = process.thread(tid);
  if (timer.clock_thread != model::kNone) return {};
  return Error{0,
               "POSIX timer " + std::to_string(timer.id) + " measures the CPU time of thread " +
                   std::to_string(tid) + ", which the app does not have",
               "let the app delete it before the checkpoint"};
}

/// When a timer that was armed with TIMER_ABSTIME expires next, if its clock goes on while no app
/// runs. 0: it is none such, or not known to be.
uint64_t wall_clock_expiry(const Capture& capture, const ProcessCapture& process,
                           const model::PosixTimer& timer) {
  const bool wall = timer.clock == CLOCK_REALTIME || timer.clock == CLOCK_REALTIME_ALARM ||
                    timer.clock == CLOCK_TAI;
  if (!wall || timer.value_ns == 0 || !capture.request.calls) return 0;
  const auto& absolute = capture.request.calls->absolute_timers;
  const auto found = absolute.find({process.pid, timer.id});
  if (found == absolute.end()) return 0;
  const uint64_t first = found->second;
  timespec now = {};
  clock_gettime(static_cast<clockid_t>(timer.clock), &now);
  const uint64_t about = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
                         static_cast<uint64_t>(now.tv_nsec) + timer.value_ns;
  if (timer.interval_ns == 0 || about <= first) return first;
  return first + (about - first + timer.interval_ns / 2) / timer.interval_ns * timer.interval_ns;
}

/// One block of /proc/PID/timers (proc_pid_timers(5)).
Result<model::PosixTimer> parse_timer(const ProcessCapture& process, std::string_view block) {
  model::PosixTimer timer;
  timer.id = static_cast<int32_t>(number(line_value(block, "ID:")));
  timer.clock = static_cast<uint32_t>(static_cast<int32_t>(
      strtol(std::string(line_value(block, "ClockID:")).c_str(), nullptr, 10)));
  const std::string_view signal = line_value(block, "signal:");  // "60/00007ffc..."
  timer.signal = static_cast<uint32_t>(number(signal.substr(0, signal.find('/'))));
  timer.value = number(signal.substr(signal.find('/') + 1), 16);
  const std::string_view notify = line_value(block, "notify:");  // "signal/tid.1234"
  if (notify.starts_with("none")) timer.notify = SIGEV_NONE;
  if (notify.starts_with("signal")) timer.notify = SIGEV_SIGNAL;
  if (notify.starts_with("thread")) timer.notify = SIGEV_THREAD;
  const size_t tid_at = notify.find("/tid.");
  if (tid_at == std::string_view::npos) return timer;
  timer.notify = SIGEV_THREAD_ID;
  const auto tid = static_cast<pid_t>(number(notify.substr(tid_at + 5)));
  timer.thread = process.thread(tid);
  if (timer.thread == model::kNone)
    return Error{0, "POSIX timer " + std::to_string(timer.id) + " signals a thread that has ended"};
  return timer;
}

Result<void> collect_posix_timers(Capture& capture, ProcessCapture& process,
                                  RemoteSyscalls& remote) {
  process.record.timers.first = static_cast<model::Index>(capture.image.posix_timers.size());
  THAW_ASSIGN(text, read_file(proc_path(process, "timers")));
  struct KernelItimerspec {
    long interval_sec, interval_nsec, value_sec, value_nsec;
  };
  std::vector<model::PosixTimer> timers;
  for (size_t start = text.find("ID:"); start != std::string::npos;) {
    const size_t end = text.find("\nID:", start);
    THAW_ASSIGN(timer, parse_timer(process, std::string_view(text).substr(start, end - start)));
    THAW_TRY(find_clock_thread(process, timer));
    const auto id = static_cast<uint64_t>(timer.id);
    THAW_ASSIGN(result, remote.call(SYS_timer_gettime, id, remote.scratch()));
    if (result != 0) return Error{static_cast<int>(-result), "cannot read a POSIX timer"};
    THAW_ASSIGN(value, remote.read_scratch<KernelItimerspec>());
    THAW_ASSIGN(overrun, remote.call(SYS_timer_getoverrun, id));
    auto nanoseconds = [](long seconds, long rest) {
      return static_cast<uint64_t>(seconds) * 1'000'000'000 + static_cast<uint64_t>(rest);
    };
    timer.interval_ns = nanoseconds(value.interval_sec, value.interval_nsec);
    timer.value_ns = nanoseconds(value.value_sec, value.value_nsec);
    timer.expiry_ns = wall_clock_expiry(capture, process, timer);
    const auto& expired = process.expired_timers;
    if (std::find(expired.begin(), expired.end(), timer.id) != expired.end()) {
      timer.value_ns = 1;
      timer.expiry_ns = 0;
    }
    timer.overrun = overrun > 0 ? static_cast<uint32_t>(overrun) : 0;
    timers.push_back(timer);
    start = end == std::string::npos ? end : end + 1;
  }
  // The kernel gives ids in ascending order: so must they be made again.
  std::sort(timers.begin(), timers.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  capture.image.posix_timers.insert(capture.image.posix_timers.end(), timers.begin(), timers.end());
  process.record.timers.count = static_cast<uint32_t>(timers.size());
  return {};
}

Result<void> collect_cwd(Capture& capture, ProcessCapture& process) {
  THAW_ASSIGN(cwd, read_link(proc_path(process, "cwd")));
  if (cwd.ends_with(" (deleted)"))
    return Error{0, "the app's working directory " + cwd + " is gone", "start the app elsewhere"};
  process.record.cwd = capture.image.blob(cwd);
  if (real_path(capture.request.cwd) != cwd) process.record.flags |= model::kCwdMoved;
  return {};
}

/// Where the kernel's own mappings stand.
void collect_kernel_mappings(ProcessCapture& process) {
  model::Process& record = process.record;
  for (const Vma& vma : process.vmas) {
    if (vma.path == "[vdso]") {
      record.vdso_start = vma.start;
      record.vdso_size = vma.size();
    }
    if (!vma.path.starts_with("[vvar") && vma.path != "[sigpage]") continue;
    if (record.vvar_size == 0) record.vvar_start = vma.start;
    record.vvar_size = vma.end - record.vvar_start;
  }
}

}  // namespace

Result<void> collect_process(Capture& capture, ProcessCapture& process) {
  process.record.pid = static_cast<uint32_t>(process.pid);
  collect_kernel_mappings(process);
  THAW_TRY(collect_cwd(capture, process));
  THAW_ASSIGN(remote, RemoteSyscalls::begin(process.pid, process.syscall_instruction,
                                            process.scratch, process.ptrace_options));
  THAW_TRY(check_settings(process, remote, false));
  THAW_TRY(check_session_keyring(capture, process, remote));
  THAW_TRY(collect_layout(capture, process, remote));
  THAW_TRY(collect_prctls(process, remote));
  THAW_TRY(collect_future_locks(capture, process, remote));
  THAW_TRY(collect_membarrier(process, remote));
  THAW_TRY(collect_aio(capture, process, remote));
  THAW_TRY(collect_protection_keys(process, remote));
  THAW_TRY(collect_hidden_memory(capture, process, remote));
  THAW_TRY(collect_signal_actions(capture, process, remote));
  THAW_TRY(collect_interval_timers(process, remote));
  THAW_TRY(collect_stops_of_children(capture, process, remote));
  return collect_posix_timers(capture, process, remote);
}

}  // namespace thaw::checkpoint

#include "restorer/cold_start.h"

#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/time.h>

#include "arch/call_numbers.h"
#include "arch/this_cpu.h"
#include "restorer/callers_state.h"
#include "restorer/helpers.h"
#include "restorer/tree.h"

namespace thaw::restorer {
namespace {

constexpr unsigned short kUnix = 1;    ///< AF_UNIX
constexpr int kExitNotPossible = 125;  ///< as thaw-exec's own, for --no-fallback
constexpr int kExitCannotExecute = 126;

class Line {
 public:
  Line& text(const char* s) {
    while (*s != '\0' && size_ < sizeof(bytes_)) bytes_[size_++] = *s++;
    return *this;
  }
  Line& value(uint64_t v, unsigned base) {
    char digits[20];
    int count = 0;
    do {
      digits[count++] = "0123456789abcdef"[v % base];
      v /= base;
    } while (v != 0);
    while (count > 0 && size_ < sizeof(bytes_)) bytes_[size_++] = digits[--count];
    return *this;
  }
  void print() {
    raw::call(__NR_write, 2, reinterpret_cast<long>(bytes_), static_cast<long>(size_));
  }

 private:
  char bytes_[256];
  unsigned size_ = 0;
};

/// The cold start binds its sockets itself.
void remove_socket_files(const ColdStart& cold) {
  struct {
    unsigned short family;
    char path[109];  ///< sockaddr_un's, and an end of it
  } address;
  for (uint32_t i = 0; i < cold.socket_count; ++i) {
    address = {};
    unsigned size = sizeof(address) - 1;
    if (raw::call(__NR_getsockname, cold.sockets[i], reinterpret_cast<long>(&address),
                  reinterpret_cast<long>(&size)) != 0 ||
        address.family != kUnix || address.path[0] == '\0')
      continue;
    raw::call(__NR_unlinkat, AT_FDCWD, reinterpret_cast<long>(address.path), 0);
  }
}

/// With a key, they would be in the way of the cold start's own; segments go with the last mapping.
void remove_system_v(const Handover& handover) {
  constexpr long kRemove = 0;  // IPC_RMID
  for (uint32_t i = 0; i < handover.made_ipc_count; ++i)
    if ((handover.made_queues >> i & 1) != 0)
      raw::call(__NR_msgctl, handover.made_ipc[i], kRemove, 0);
    else
      raw::call(__NR_semctl, handover.made_ipc[i], 0, kRemove, 0);
  for (uint32_t i = 0; i < handover.segment_id_count; ++i)
    if ((handover.made_segments >> i & 1) != 0)
      raw::call(__NR_shmctl, handover.segment_ids[i], kRemove, 0);
}

void put_back_descriptors(const ColdStart& cold) {
  for (uint32_t i = 0; i < cold.close_count; ++i)
    raw::call(__NR_close_range, cold.close[i].first, cold.close[i].last, 0);
  for (uint32_t i = 0; i < cold.saved_fd_count; ++i) {
    const SavedFd& saved = cold.saved_fds[i];
    raw::call(__NR_dup3, saved.copy, saved.number, saved.flags != 0 ? O_CLOEXEC : 0);
    raw::call(__NR_close, saved.copy);
  }
}

void leave_time_namespace(const ColdStart& cold) {
  if (cold.time_namespace < 0) return;
  raw::call(__NR_setns, cold.time_namespace, CLONE_NEWTIME);
  raw::call(__NR_close, cold.time_namespace);
}

/// A process with threads cannot go back to its time namespace (timens_install of the kernel), and
/// only exec ends them: thaw-exec is started anew, goes back and starts the program.
void start_launcher(const ColdStart& cold) {
  raw::call(arch::kFcntl, cold.time_namespace, F_SETFD, 0);
  raw::call(__NR_execveat, cold.launcher, reinterpret_cast<long>(""),
            reinterpret_cast<long>(cold.launcher_argv), reinterpret_cast<long>(cold.envp),
            AT_EMPTY_PATH);
}

}  // namespace

uint64_t now_ns() {
  struct {
    int64_t seconds, nanoseconds;
  } now = {};
#ifdef __NR_clock_gettime64
  raw::call(__NR_clock_gettime64, CLOCK_REALTIME, reinterpret_cast<long>(&now));
#else
  raw::call(__NR_clock_gettime, CLOCK_REALTIME, reinterpret_cast<long>(&now));
#endif
  return static_cast<uint64_t>(now.seconds) * 1'000'000'000 +
         static_cast<uint64_t>(now.nanoseconds);
}

void print_trace(const Handover&, const char* phase, uint64_t microseconds) {
  Line().text("thaw-exec: ").text(phase).text(" ").value(microseconds, 10).text(" us\n").print();
}

void warn(const Handover& handover, long result, const char* what) {
  if (result >= 0 || handover.log < kLogWarn) return;
  Line()
      .text("thaw-exec: ")
      .text(what)
      .text(" (errno ")
      .value(static_cast<uint64_t>(-result), 10)
      .text(")\n")
      .print();
}

void check(Handover& handover, long result, const char* what, uint64_t address) {
  if (result >= 0 || result < -4095) return;
  if (handover.log >= kLogWarn) {
    Line line;
    line.text("thaw-exec: ").text(what);
    if (address != 0) line.text(" at 0x").value(address, 16);
    line.text(" (errno ").value(static_cast<uint64_t>(-result), 10).text(")");
    line.text(handover.cold.program != nullptr ? "; starting cold\n" : "\n").print();
  }
  start_cold(handover);
}

void start_cold(Handover& handover) {
  const ColdStart& cold = handover.cold;
  give_tree_up(handover);
  if (cold.watcher > 0) raw::call(__NR_kill, -cold.watcher, SIGKILL);
  wait_for_helpers(handover);
  put_back_callers_state(handover);
  remove_socket_files(cold);
  remove_system_v(handover);
  if (cold.program == nullptr) raw::call(__NR_exit_group, kExitNotPossible);
  put_back_descriptors(cold);
  // Blocked in either way of exec: thaw-exec keeps the mask that it is started with.
  raw::call(__NR_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&cold.signal_mask), 0,
            sizeof(cold.signal_mask));
  if (cold.launcher >= 0) start_launcher(cold);
  leave_time_namespace(cold);
  raw::call(__NR_execve, reinterpret_cast<long>(cold.program), reinterpret_cast<long>(cold.argv),
            reinterpret_cast<long>(cold.envp));
  for (;;) raw::call(__NR_exit_group, kExitCannotExecute);
}

}  // namespace thaw::restorer

#include "inputs/call_gate.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "arch/arch.h"
#include "arch/file_calls.h"
#include "fd/socket.h"
#include "inputs/tracee.h"
#include "support/file.h"

namespace thaw::inputs {
namespace {

/// Without a descriptor, a time or a mask it waits for a signal.
constexpr long kWait = SYS_ppoll;

bool names_path(pid_t tid, const std::string& pattern, int8_t folder, int8_t path,
                const uint64_t* arguments) {
  if (path < 0) return false;
  const int start =
      folder < 0 ? AT_FDCWD : static_cast<int>(static_cast<int32_t>(arguments[folder]));
  const std::string whole = absolute_path(tid, start, text_at(tid, arguments[path]));
  return !whole.empty() && fnmatch(pattern.c_str(), whole.c_str(), 0) == 0;
}

/// What connect(2) is given, as profiles write it: the path of a unix socket is absolute, an IPv4
/// address looks the same on an IPv6 socket.
std::string address_at(pid_t tid, uint64_t at, uint64_t size) {
  fd::SocketAddress address;
  if (size > sizeof(address.bytes)) return {};
  iovec own = {address.bytes, static_cast<size_t>(size)};
  iovec its = {reinterpret_cast<void*>(static_cast<uintptr_t>(at)), static_cast<size_t>(size)};
  if (process_vm_readv(tid, &own, 1, &its, 1, 0) != static_cast<ssize_t>(size)) return {};
  address.size = static_cast<uint32_t>(size);
  const std::string text = fd::address_text(address);
  if (address.family() == AF_UNIX)
    return text.starts_with('@') ? text : absolute_path(tid, AT_FDCWD, text);
  constexpr std::string_view kMapped = "[::ffff:";
  const size_t end = text.find(']');
  if (!text.starts_with(kMapped) || text.find('.') == text.npos || end == text.npos) return text;
  return text.substr(kMapped.size(), end - kMapped.size()) + text.substr(end + 1);
}

bool is_of_process(pid_t tid, pid_t process) {
  const std::string task = "/proc/" + std::to_string(process) + "/task/" + std::to_string(tid);
  return access(task.c_str(), F_OK) == 0;
}

/// By the app or by whoever started it, in whichever mode.
bool has_seccomp(pid_t tid) {
  const auto status = read_file("/proc/" + std::to_string(tid) + "/status");
  if (!status) return false;  // It dies.
  const std::string_view mode = line_value(status.value(), "Seccomp:");
  return !mode.empty() && mode != "0";
}

}  // namespace

bool takes_path(long number) {
  const arch::FileCall* call = arch::file_call(number);
  return call != nullptr && call->path >= 0;
}

long waiting_call() {
  return kWait;
}

bool CallGate::is_awaited(pid_t tid, long number, const uint64_t* arguments) const {
  if (stage_ != Stage::awaiting ||
      std::find(awaited_.numbers.begin(), awaited_.numbers.end(), number) ==
          awaited_.numbers.end() ||
      !is_of_process(tid, app_))
    return false;
  if (!awaited_.address.empty() && address_at(tid, arguments[1], arguments[2]) != awaited_.address)
    return false;
  if (awaited_.path.empty()) return true;
  const arch::FileCall* call = arch::file_call(number);
  return call != nullptr &&
         (names_path(tid, awaited_.path, call->folder, call->path, arguments) ||
          names_path(tid, awaited_.path, call->other_folder, call->other_path, arguments));
}

bool CallGate::enter(pid_t tid, long number, const uint64_t* arguments) {
  if (is_awaited(tid, number, arguments)) return begin_to_hold(tid, number, arguments);
  if (tid != call_.tid) return false;
  if (stage_ == Stage::going_back && number == kWait) stage_ = Stage::held;
  return true;
}

bool CallGate::begin_to_hold(pid_t tid, long number, const uint64_t* arguments) {
  if (!awaited_.hold) {
    stage_ = Stage::seen;
    return false;
  }
  if (has_seccomp(tid)) {
    stage_ = Stage::filtered;
    return false;
  }
  HeldCall call = {.tid = tid, .number = number};
  std::copy(arguments, arguments + 6, call.arguments);
  const uint64_t all = ~uint64_t{0};
  if (ptrace(PTRACE_GETSIGMASK, tid, sizeof(call.blocked), &call.blocked) != 0 ||
      ptrace(PTRACE_SETSIGMASK, tid, sizeof(all), &all) != 0 || !arch::skip_syscall(tid))
    return false;  // It dies.
  call_ = call;
  stage_ = Stage::skipping;
  return true;
}

bool CallGate::leave(pid_t tid) {
  if (tid != call_.tid) return false;
  if (stage_ != Stage::skipping) return true;
  auto registers = arch::read_registers(tid);
  // It stands behind the instruction, as after a call that has failed.
  arch::Interrupted wait = {.in_syscall = true, .number = kWait, .result = -EINTR};
  if (!registers) return true;
  arch::restart_syscall(registers.value(), wait);
  call_.instruction = arch::program_counter(registers.value());
  if (arch::write_general(tid, registers.value())) stage_ = Stage::going_back;
  return true;
}

void CallGate::gone(pid_t tid) {
  if (tid == call_.tid) executed();
}

void CallGate::executed() {
  if (stage_ == Stage::seen) return;
  stage_ = Stage::awaiting;
  call_ = {};
}

std::optional<HeldCall> CallGate::held() const {
  if (stage_ != Stage::held) return std::nullopt;
  return call_;
}

}  // namespace thaw::inputs

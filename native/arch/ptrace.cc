#include "arch/ptrace.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include <cerrno>

namespace thaw::arch {
namespace {

Error unreadable(pid_t tid) {
  return errno_error("cannot read the registers of thread " + std::to_string(tid));
}

}  // namespace

Result<size_t> get_regset(pid_t tid, int note, void* buffer, size_t size) {
  iovec iov = {buffer, size};
  if (ptrace(PTRACE_GETREGSET, tid, note, &iov) == 0) return iov.iov_len;
  if (errno == EINVAL || errno == ENODEV) return size_t{0};
  return unreadable(tid);
}

Result<size_t> need_regset(pid_t tid, int note, void* buffer, size_t size) {
  iovec iov = {buffer, size};
  if (ptrace(PTRACE_GETREGSET, tid, note, &iov) != 0) return unreadable(tid);
  return iov.iov_len;
}

Result<void> write_general(pid_t tid, const Registers& registers) {
  iovec iov = {const_cast<uint8_t*>(registers.general.data()), registers.general.size()};
  if (ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov) != 0)
    return errno_error("cannot write the registers of thread " + std::to_string(tid));
  return {};
}

bool is_rest_of_sleep(const SleepTime& wanted, const SleepTime& rest) {
  if (rest.seconds < 0 || rest.nanoseconds < 0 || rest.nanoseconds >= 1'000'000'000) return false;
  return rest.seconds < wanted.seconds ||
         (rest.seconds == wanted.seconds && rest.nanoseconds <= wanted.nanoseconds);
}

}  // namespace thaw::arch

// What a thread of AArch64 has beyond registers: pointer authentication keys, tagged addresses.
// Keys are handed on to new threads by the kernel, so a launch sets them once, in thaw-exec, before
// it makes any.
#include <asm/hwcap.h>
#include <asm/unistd.h>
#include <elf.h>
#include <linux/prctl.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "arch/aarch64/regsets.h"
#include "arch/aarch64/syscall.h"
#include "arch/ptrace.h"

namespace thaw::arch {
namespace {

constexpr unsigned long kAllKeys =
    PR_PAC_APIAKEY | PR_PAC_APIBKEY | PR_PAC_APDAKEY | PR_PAC_APDBKEY;
constexpr size_t kAddressKeysSize = 64, kGenericKeySize = 16;

bool has_pointer_authentication() {
  return (getauxval(AT_HWCAP) & HWCAP_PACA) != 0;
}

std::string name(pid_t tid) {
  return "thread " + std::to_string(tid);
}

Result<void> collect_keys(pid_t tid, model::Thread& thread) {
  if (!has_pointer_authentication()) return {};
  static_assert(sizeof(thread.pac_keys) == kAddressKeysSize + kGenericKeySize);
  THAW_ASSIGN(size, get_regset(tid, NT_ARM_PACA_KEYS, thread.pac_keys, kAddressKeysSize));
  THAW_ASSIGN(enabled, get_regset(tid, NT_ARM_PAC_ENABLED_KEYS, &thread.pac_enabled,
                                  sizeof(thread.pac_enabled)));
  if (size != kAddressKeysSize || enabled != sizeof(thread.pac_enabled))
    return Error{0, "the kernel does not show the pointer authentication keys of " + name(tid),
                 "the kernel needs CONFIG_CHECKPOINT_RESTORE"};
  THAW_TRY(get_regset(tid, NT_ARM_PACG_KEYS, thread.pac_keys + 8, kGenericKeySize));
  return {};
}

Result<void> collect_tagging(pid_t tid, model::Thread& thread) {
  THAW_TRY(get_regset(tid, NT_ARM_TAGGED_ADDR_CTRL, &thread.tagged_address,
                      sizeof(thread.tagged_address)));
  if ((thread.tagged_address & ~uint64_t{PR_TAGGED_ADDR_ENABLE}) != 0)
    return Error{0, name(tid) + " uses memory tagging (MTE), whose tags thaw cannot keep",
                 "start it without (glibc: GLIBC_TUNABLES=glibc.mem.tagging=0)"};
  return {};
}

/// State that is refused because no launch could bring it back.
Result<void> check_vector_state(pid_t tid) {
  SveHeader header = {};
  THAW_ASSIGN(sve, get_regset(tid, NT_ARM_SVE, &header, sizeof(header)));
  const int own = sve == 0 ? 0 : prctl(PR_SVE_GET_VL);
  if (sve != 0 && own > 0 && header.vector_length != (own & PR_SVE_VL_LEN_MASK))
    return Error{0, name(tid) + " has set an SVE vector length of its own (" +
                        std::to_string(header.vector_length) + " bytes)"};
  SveHeader streaming = {}, za = {};
  THAW_ASSIGN(ssve_size, get_regset(tid, NT_ARM_SSVE, &streaming, sizeof(streaming)));
  THAW_ASSIGN(za_size, get_regset(tid, NT_ARM_ZA, &za, sizeof(za)));
  if ((ssve_size != 0 && (streaming.flags & kSveRegisters) != 0) ||
      (za_size != 0 && za.size > sizeof(za)))
    return Error{0, name(tid) + " has SME state in use", "checkpoint it when it is not computing"};
  struct {
    uint64_t enabled, locked, pointer;
  } shadow_stack = {};
  THAW_TRY(get_regset(tid, NT_ARM_GCS, &shadow_stack, sizeof(shadow_stack)));
  if ((shadow_stack.enabled & 1) != 0)
    return Error{0, name(tid) + " has a guarded control stack (GCS)",
                 "start it without (glibc: GLIBC_TUNABLES=glibc.cpu.aarch64_gcs=0)"};
  return {};
}

/// Runs in a child: only a tracer can set keys, and no thread can trace another of its own process.
/// No libc here, whose thread state is the parent's. Ends with an errno value.
[[noreturn]] void set_keys_of(long parent, const model::Thread& thread) {
  auto call = [](long number, long a, long b, long c, long d) {
    const long result = raw::call(number, a, b, c, d);
    if (result < 0) raw::call(__NR_exit_group, -result);
  };
  auto set = [&](long note, const void* bytes, size_t size) {
    const iovec iov = {const_cast<void*>(bytes), size};
    call(__NR_ptrace, PTRACE_SETREGSET, parent, note, reinterpret_cast<long>(&iov));
  };
  call(__NR_ptrace, PTRACE_SEIZE, parent, 0, 0);
  call(__NR_ptrace, PTRACE_INTERRUPT, parent, 0, 0);
  call(__NR_wait4, parent, 0, __WALL, 0);
  set(NT_ARM_PACA_KEYS, thread.pac_keys, kAddressKeysSize);
  if ((getauxval(AT_HWCAP) & HWCAP_PACG) != 0)
    set(NT_ARM_PACG_KEYS, thread.pac_keys + 8, kGenericKeySize);
  call(__NR_ptrace, PTRACE_DETACH, parent, 0, 0);
  for (;;) raw::call(__NR_exit_group, 0);
}

Result<void> set_own_keys(const model::Thread& thread) {
  const long parent = getpid();
  // Yama lets only ancestors trace, unless the tracee names another. Fails where there is no Yama,
  // which is as well.
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  // Nobody is told of this child, whatever the caller does with SIGCHLD.
  constexpr long kNoExitSignal = 0;
  const long child = raw::call(__NR_clone, kNoExitSignal);
  if (child == 0) set_keys_of(parent, thread);
  int status = 0;
  long waited = child;
  if (child > 0) do
      waited = raw::call(__NR_wait4, child, reinterpret_cast<long>(&status), __WALL, 0);
    while (waited == -EINTR);
  prctl(PR_SET_PTRACER, 0, 0, 0, 0);
  if (waited < 0)
    return Error{static_cast<int>(-waited),
                 "cannot start the helper that sets pointer authentication keys"};
  if (status != 0)
    return Error{WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                 "cannot set pointer authentication keys"};
  return {};
}

bool same_keys(const model::Thread& a, const model::Thread& b) {
  return memcmp(a.pac_keys, b.pac_keys, sizeof(a.pac_keys)) == 0 && a.pac_enabled == b.pac_enabled;
}

}  // namespace

Result<void> collect_thread_extras(pid_t tid, std::span<const std::string> guards_off,
                                   model::Thread& thread) {
  THAW_TRY(collect_keys(tid, thread));
  if (std::find(guards_off.begin(), guards_off.end(), "pauth") != guards_off.end())
    std::fill(std::begin(thread.pac_keys), std::end(thread.pac_keys), 0);
  THAW_TRY(collect_tagging(tid, thread));
  return check_vector_state(tid);
}

Result<void> take_over_extras(std::span<const model::Thread> threads) {
  const model::Thread& leader = threads[0];
  for (const model::Thread& thread : threads)
    if (!same_keys(leader, thread))
      return Error{0, "the threads of the image differ in pointer authentication keys"};
  if (!has_pointer_authentication()) return {};
  const bool has_keys = std::any_of(std::begin(leader.pac_keys), std::end(leader.pac_keys),
                                    [](uint64_t k) { return k != 0; });
  if (has_keys) THAW_TRY(set_own_keys(leader));
  // The app of a CPU without keys has unsigned return addresses on its stacks, which must not be
  // authenticated here.
  if (leader.pac_enabled != kAllKeys &&
      prctl(PR_PAC_SET_ENABLED_KEYS, kAllKeys, leader.pac_enabled, 0, 0) != 0)
    return errno_error("cannot switch pointer authentication off");
  return {};
}

}  // namespace thaw::arch

// Keys of memory protection (pkeys(7)): those that the app has allocated. V8 allocates one at its start,
// whether it uses it or not, and changes memory's key later on: without its key it dies.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "checkpoint/collect/collect.h"
#include "proc/refuse.h"

namespace thaw::checkpoint {
namespace {

/// Of keys that nobody has: what the rights of a new thread are, so that nothing changes.
constexpr unsigned long kNoAccess = 1;  // PKEY_DISABLE_ACCESS

/// Those that can be allocated.
uint32_t all_keys() {
  return (1u << arch::kProtectionKeys) - 2;
}

/// Whether CPU and kernel have them.
bool are_known_here() {
  const long key = syscall(SYS_pkey_alloc, 0, kNoAccess);
  if (key > 0) syscall(SYS_pkey_free, key);
  return key > 0;
}

/// The kernel does not tell which keys are taken, but gives all that are not.
Result<uint32_t> allocated_keys(RemoteSyscalls& remote) {
  uint32_t free = 0;
  for (uint32_t i = 1; i < arch::kProtectionKeys; ++i) {
    THAW_ASSIGN(key, remote.call(SYS_pkey_alloc, 0, kNoAccess));
    if (key <= 0 || key >= arch::kProtectionKeys) break;
    free |= 1u << key;
  }
  for (uint32_t left = free; left != 0; left &= left - 1) {
    const auto key = static_cast<uint64_t>(__builtin_ctz(left));
    THAW_ASSIGN(result, remote.call(SYS_pkey_free, key));
    if (result != 0) return Error{static_cast<int>(-result), "cannot free a protection key"};
  }
  return all_keys() & ~free;
}

/// Memory that can be executed and nothing else gets a key from the kernel itself.
bool is_kernels(const Vma& vma) {
  return vma.key != 0 && vma.prot == PROT_EXEC;
}

Error refuse(const ProcessCapture& process, const std::string& what) {
  return proc::refuse(process.pid, what,
                      "let the app use them after the checkpoint, or switch them off (V8: "
                      "--no-memory-protection-keys, --no-wasm-memory-protection-keys)");
}

}  // namespace

Result<void> collect_protection_keys(ProcessCapture& process, RemoteSyscalls& remote) {
  if (!are_known_here()) return {};
  THAW_ASSIGN(keys, allocated_keys(remote));
  uint32_t kernels = 0, used = 0;
  for (const Vma& vma : process.vmas) (is_kernels(vma) ? kernels : used) |= 1u << vma.key;
  used &= all_keys();
  if ((used & ~keys) != 0 || (used & kernels) != 0 || (kernels & (kernels - 1)) != 0)
    return refuse(process, "has memory with a protection key that it has freed (pkey_free(2))");
  if (keys != 0 && !arch::kKeepsKeyRights)
    return refuse(process, "has protection keys of memory (pkey_alloc(2))");
  process.record.protection_keys = static_cast<uint16_t>(keys & ~kernels);
  process.record.kernels_keys = static_cast<uint16_t>(kernels);
  return {};
}

}  // namespace thaw::checkpoint

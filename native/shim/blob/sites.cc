// System call instructions of programs that have no libc to redirect (arch/<cpu>/site.S calls this).
// They may stand anywhere: the program's own stack may have little room (Go's goroutines), so what
// changes memory runs on a stack of the shim's, one call at a time.
#include <asm/unistd.h>

#include "shim/blob/guards.h"
#include "shim/blob/state.h"

#define THAW_ENTRY extern "C" __attribute__((visibility("hidden"), used))

namespace {

using namespace thaw::shim;

/// As site.S has it on the stack.
struct SiteCall {
  long number, a, b, c, d, e, f;
};

extern "C" __attribute__((visibility("hidden"))) long thaw_shim_on_stack(
    uint64_t stack, long (*function)(const SiteCall*), const SiteCall* call);

uint64_t address(long value) {
  return static_cast<unsigned long>(value);
}

long guarded(const SiteCall* call) {
  const auto& [number, a, b, c, d, e, f] = *call;
  switch (number) {
    case __NR_madvise:
      return guarded_madvise(address(a), address(b), static_cast<int>(c));
    case __NR_mremap:
      return guarded_mremap(address(a), address(b), address(c), address(d), address(e));
#ifdef __NR_mmap
    case __NR_mmap:
      return guarded_mmap(address(a), address(b), c, d, e, address(f));
#endif
#ifdef __NR_mmap2
    case __NR_mmap2:
      return guarded_mmap(address(a), address(b), c, d, e, address(f) * 4096ull);
#endif
    case __NR_munmap:
      return guarded_munmap(address(a), address(b));
    case __NR_mprotect:
      return guarded_mprotect(address(a), address(b), c, kNoKey);
    case __NR_pkey_mprotect:
      return guarded_mprotect(address(a), address(b), c, d);
    default:
      return thaw::raw::call(number, a, b, c, d, e, f);
  }
}

/// The kernel alone knows what to do, and nothing of the shim's changes by it.
bool is_the_kernels(const SiteCall& call) {
  if (call.number == __NR_mremap) return false;
#ifdef __NR_mmap
  if (call.number == __NR_mmap) return false;
#endif
#ifdef __NR_mmap2
  if (call.number == __NR_mmap2) return false;
#endif
  return !touches_image(address(call.a), address(call.a) + round_up(address(call.b)));
}

}  // namespace

/// Answers what the system call answers.
THAW_ENTRY long thaw_shim_site_call(const SiteCall* call) {
  if (is_the_kernels(*call))
    return thaw::raw::call(call->number, call->a, call->b, call->c, call->d, call->e, call->f);
  const Lock lock(tables().site_lock);
  return thaw_shim_on_stack(tables().site_stack, guarded, call);
}

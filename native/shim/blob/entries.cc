// libc's functions as the app calls them. They take the same arguments, give the same results, and
// set errno where libc does.
#include <asm/unistd.h>

#include "shim/blob/guards.h"
#include "shim/blob/segments.h"
#include "shim/blob/state.h"

#define THAW_ENTRY extern "C" __attribute__((visibility("hidden"), used))

namespace {

using namespace thaw::shim;

bool failed(long result) {
  return result < 0 && result >= -4095;
}

/// As libc: -1 and errno for a negative errno.
long with_errno(long result) {
  if (!failed(result)) return result;
  using ErrnoLocation = int* (*)();
  *reinterpret_cast<ErrnoLocation>(static_cast<uintptr_t>(tables().errno_location))() =
      static_cast<int>(-result);
  return -1;
}

uint64_t address(long value) {
  return static_cast<unsigned long>(value);
}

}  // namespace

THAW_ENTRY int thaw_shim_madvise(long start, long size, int advice) {
  return static_cast<int>(with_errno(guarded_madvise(address(start), address(size), advice)));
}

/// Answers the error number itself; POSIX_MADV_DONTNEED is only advice, which glibc does not pass
/// on.
THAW_ENTRY int thaw_shim_posix_madvise(long start, long size, int advice) {
  constexpr int kDontneed = 4;
  if (advice == kDontneed) return 0;
  return static_cast<int>(-guarded_madvise(address(start), address(size), advice));
}

THAW_ENTRY long thaw_shim_mremap(long old_start, long old_size, long new_size, int flags,
                                 long new_start) {
  return with_errno(guarded_mremap(address(old_start), address(old_size), address(new_size),
                                   static_cast<uint64_t>(static_cast<unsigned>(flags)),
                                   address(new_start)));
}

/// Where off_t has 32 bits, the 64-bit offset takes an aligned pair of stack words.
THAW_ENTRY long thaw_shim_mmap64(long start, long size, int prot, int flags, int fd,
                                 int64_t offset) {
  return with_errno(
      guarded_mmap(address(start), address(size), prot, flags, fd, static_cast<uint64_t>(offset)));
}

THAW_ENTRY long thaw_shim_mmap(long start, long size, int prot, int flags, int fd, long offset) {
  return with_errno(guarded_mmap(address(start), address(size), prot, flags, fd, address(offset)));
}

THAW_ENTRY int thaw_shim_munmap(long start, long size) {
  return static_cast<int>(with_errno(guarded_munmap(address(start), address(size))));
}

THAW_ENTRY int thaw_shim_mprotect(long start, long size, int prot) {
  return static_cast<int>(
      with_errno(guarded_mprotect(address(start), address(size), prot, kNoKey)));
}

THAW_ENTRY int thaw_shim_pkey_mprotect(long start, long size, int prot, int pkey) {
  // glibc: key -1 is plain mprotect.
  return static_cast<int>(with_errno(
      guarded_mprotect(address(start), address(size), prot, pkey == -1 ? kNoKey : pkey)));
}

// Redirected only where the app has segments with a key, and on 64-bit CPUs: on others the calls have
// structures of libc's own.
THAW_ENTRY int thaw_shim_shmget(int key, long size, int flags) {
  return static_cast<int>(with_errno(segment_get(key, size, flags)));
}

THAW_ENTRY long thaw_shim_shmat(int id, long start, int flags) {
  return with_errno(segment_attach(id, start, flags));
}

THAW_ENTRY int thaw_shim_shmctl(int id, int command, long argument) {
  return static_cast<int>(with_errno(segment_control(id, command, argument)));
}

THAW_ENTRY long thaw_shim_syscall(long number, long a, long b, long c, long d, long e, long f) {
  if (is_off(kGuardSyscall)) return with_errno(thaw::raw::call(number, a, b, c, d, e, f));
  switch (number) {
    case __NR_madvise:
      return with_errno(guarded_madvise(address(a), address(b), static_cast<int>(c)));
    case __NR_mremap:
      return with_errno(guarded_mremap(address(a), address(b), address(c), address(d), address(e)));
#ifdef __NR_mmap
    case __NR_mmap:
      return with_errno(guarded_mmap(address(a), address(b), c, d, e, address(f)));
#endif
#ifdef __NR_mmap2
    case __NR_mmap2:
      return with_errno(guarded_mmap(address(a), address(b), c, d, e, address(f) * 4096ull));
#endif
    case __NR_munmap:
      return with_errno(guarded_munmap(address(a), address(b)));
    case __NR_mprotect:
      return with_errno(guarded_mprotect(address(a), address(b), c, kNoKey));
#ifdef __NR_pkey_mprotect
    case __NR_pkey_mprotect:
      return with_errno(guarded_mprotect(address(a), address(b), c, d));
#endif
    case __NR_shmget:
      return with_errno(segment_get(a, b, c));
    case __NR_shmat:
      return with_errno(segment_attach(a, b, c));
    case __NR_shmctl:
      return with_errno(segment_control(a, b, c));
    default:
      return with_errno(thaw::raw::call(number, a, b, c, d, e, f));
  }
}

#include "shim/blob/guards.h"

#include <asm/errno.h>
#include <asm/mman.h>
#include <asm/unistd.h>
#include <linux/mman.h>

#include "shim/blob/state.h"
#include "support/young_kernels.h"

namespace thaw::shim {
namespace {

bool failed(long result) {
  return result < 0 && result >= -4095;
}

long map_anonymous(uint64_t start, uint64_t size, long prot, long flags) {
  return raw::mmap(start, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

long raw_madvise(uint64_t start, uint64_t size, int advice) {
  return raw::call(__NR_madvise, static_cast<long>(start), static_cast<long>(size), advice);
}

/// Gives new memory the advice that the pages in its place had.
void advise_again(uint64_t start, uint64_t end, uint8_t state) {
  if ((state & kPageDontfork) != 0) raw_madvise(start, end - start, MADV_DONTFORK);
  if ((state & kPageDontdump) != 0) raw_madvise(start, end - start, MADV_DONTDUMP);
}

/// Fresh zero memory in place of image pages of one protection.
long replace(uint64_t start, uint64_t end, uint8_t state) {
  const long result = map_anonymous(start, end - start, state & kPageProt, MAP_FIXED);
  if (failed(result)) return result;
  advise_again(start, end, state);
  forget(start, end);
  return 0;
}

void copy(uint64_t from, uint64_t to, uint64_t size) {
  auto* source = reinterpret_cast<const volatile unsigned long*>(static_cast<uintptr_t>(from));
  auto* target = reinterpret_cast<volatile unsigned long*>(static_cast<uintptr_t>(to));
  for (uint64_t i = 0; i < size / sizeof(unsigned long); ++i) target[i] = source[i];
}

/// True anonymous memory with the same bytes, moved over [start, end) in one step.
long make_anonymous(uint64_t start, uint64_t end, uint8_t state) {
  const long prot = state & kPageProt;
  const uint64_t size = end - start;
  const long room = map_anonymous(0, size, PROT_READ | PROT_WRITE, 0);
  if (failed(room)) return room;
  const auto copied_to = static_cast<uint64_t>(static_cast<unsigned long>(room));
  if ((prot & PROT_READ) == 0)
    raw::call(__NR_mprotect, static_cast<long>(start), static_cast<long>(size), PROT_READ);
  copy(start, copied_to, size);
  raw::call(__NR_mprotect, room, static_cast<long>(size), prot);
  const long moved = raw::call(__NR_mremap, room, static_cast<long>(size), static_cast<long>(size),
                               MREMAP_MAYMOVE | MREMAP_FIXED, static_cast<long>(start));
  if (failed(moved)) {
    raw::call(__NR_munmap, room, static_cast<long>(size));
    return moved;
  }
  advise_again(start, end, state);
  forget(start, end);
  return 0;
}

long make_runs_anonymous(uint64_t start, uint64_t end) {
  return for_each_run(start, end, [](uint64_t from, uint64_t to, uint8_t state) -> long {
    return state == 0 ? 0 : make_anonymous(from, to, state);
  });
}

/// What an advice means for pages of the image.
enum class Meaning { kernel, zero, anonymous, refuse };

Meaning meaning_of(int advice) {
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
      return is_off(kGuardDontneed) ? Meaning::kernel : Meaning::zero;
    case MADV_FREE:
      return is_off(kGuardFree) ? Meaning::kernel : Meaning::zero;
    case young::kMadvGuardInstall:
      // Discards the contents as well: what comes after the guards' removal is zero.
      return is_off(kGuardDontneed) ? Meaning::kernel : Meaning::zero;
    case MADV_WIPEONFORK:  // Anonymous memory only.
      return is_off(kGuardWipeonfork) ? Meaning::kernel : Meaning::anonymous;
    case MADV_REMOVE:
      return Meaning::refuse;
    default:
      return Meaning::kernel;
  }
}

/// Advice that is carried out by other means for image pages needs the kernel only for the others.
bool done_by_replacement(int advice) {
  return advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED || advice == MADV_FREE;
}

long raw_mremap(uint64_t old_start, uint64_t old_size, uint64_t new_size, uint64_t flags,
                uint64_t new_start) {
  return raw::call(__NR_mremap, static_cast<long>(old_start), static_cast<long>(old_size),
                   static_cast<long>(new_size), static_cast<long>(flags),
                   static_cast<long>(new_start));
}

long raw_mprotect(uint64_t start, uint64_t size, long prot, long pkey) {
  if (pkey == kNoKey)
    return raw::call(__NR_mprotect, static_cast<long>(start), static_cast<long>(size), prot);
  return raw::call(__NR_pkey_mprotect, static_cast<long>(start), static_cast<long>(size), prot,
                   pkey);
}

/// True if any page of [start, end) was mapped from the image once.
bool known(uint64_t start, uint64_t end) {
  for (uint64_t address = start; address < end; address += page_size())
    if (page_at(address) != nullptr) return true;
  return false;
}

/// Where a mapping has been made, nothing is the image's any more.
void forget_result(long result, uint64_t size) {
  if (failed(result)) return;
  const auto start = static_cast<uint64_t>(static_cast<unsigned long>(result));
  if (touches_image(start, start + round_up(size))) forget(start, start + round_up(size));
}

/// Advice that is remembered per page.
void remember_advice(uint64_t start, uint64_t end, int advice) {
  uint8_t set = 0, clear = 0;
  if (advice == MADV_DONTFORK) set = kPageDontfork;
  if (advice == MADV_DOFORK) clear = kPageDontfork;
  if (advice == MADV_DONTDUMP) set = kPageDontdump;
  if (advice == MADV_DODUMP) clear = kPageDontdump;
  if (set == 0 && clear == 0) return;
  for (uint64_t address = start; address < end; address += page_size())
    if (uint8_t* page = page_at(address))
      __atomic_store_n(page, static_cast<uint8_t>((*page | set) & ~clear), __ATOMIC_RELAXED);
}

void remember_protection(uint64_t start, uint64_t end, long prot) {
  for (uint64_t address = start; address < end; address += page_size())
    if (uint8_t* page = page_at(address))
      __atomic_store_n(page, static_cast<uint8_t>((*page & ~kPageProt) | (prot & kPageProt)),
                       __ATOMIC_RELAXED);
}

}  // namespace

long guarded_madvise(uint64_t start, uint64_t size, int advice) {
  const uint64_t end = start + round_up(size);
  const Meaning meaning = meaning_of(advice);
  if (start % page_size() != 0 || end <= start || !touches_image(start, end))
    return raw_madvise(start, size, advice);
  if (meaning == Meaning::kernel) {
    const long result = raw_madvise(start, size, advice);
    if (!failed(result)) remember_advice(start, end, advice);
    return result;
  }
  if (meaning == Meaning::refuse) return -EINVAL;
  const Lock lock;
  if (meaning == Meaning::anonymous) {
    if (const long result = make_runs_anonymous(start, end); result < 0) return result;
    return raw_madvise(start, size, advice);
  }
  // As the kernel does: behind a hole in the range, go on, and report the hole at the end.
  long answer = 0;
  const long result = for_each_run(
      start, end, [advice, &answer](uint64_t from, uint64_t to, uint8_t state) -> long {
        if (state != 0) return replace(from, to, state);
        const long done = done_by_replacement(advice) ? raw_madvise(from, to - from, advice) : 0;
        if (done != -ENOMEM) return done;
        answer = -ENOMEM;
        return 0;
      });
  if (result < 0) return result;
  return done_by_replacement(advice) ? answer : raw_madvise(start, size, advice);
}

long guarded_mremap(uint64_t old_start, uint64_t old_size, uint64_t new_size, uint64_t flags,
                    uint64_t new_start) {
  const uint64_t old_end = old_start + round_up(old_size == 0 ? 1 : old_size);
  const bool of_image =
      old_start % page_size() == 0 && old_end > old_start && touches_image(old_start, old_end);
  const bool shrinks =
      round_up(new_size) <= old_end - old_start && (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) == 0;
  if (is_off(kGuardMremap)) return raw_mremap(old_start, old_size, new_size, flags, new_start);
  if (!of_image) {
    long result = raw_mremap(old_start, old_size, new_size, flags, new_start);
    // Where pages were dropped one by one, what the app knows as one mapping has become several.
    if (result == -EFAULT && !shrinks && old_size != 0 && known(old_start, old_end)) {
      const Lock lock;
      if (make_anonymous(old_start, old_end, PROT_READ | PROT_WRITE) < 0) return -EFAULT;
      result = raw_mremap(old_start, old_size, new_size, flags, new_start);
    }
    forget_result(result, new_size);
    return result;
  }
  const Lock lock;
  if (old_size == 0) return -EINVAL;  // Duplicates shared memory only; this is private.
  // The kernel grows and moves one mapping at a time: the whole of it becomes one piece of
  // anonymous memory.
  if (!shrinks) {
    const uint8_t* page = page_at(old_start);
    const bool from_image = page != nullptr && (*page & kPageFromImage) != 0;
    const uint8_t state = from_image ? *page : uint8_t{PROT_READ | PROT_WRITE};
    if (const long result = make_anonymous(old_start, old_end, state); result < 0) return result;
  }
  const long result = raw_mremap(old_start, old_size, new_size, flags, new_start);
  if (failed(result)) return result;
  const auto target = static_cast<uint64_t>(static_cast<unsigned long>(result));
  if (shrinks)
    forget(old_start + round_up(new_size), old_end);
  else
    forget(target, target + round_up(new_size));
  return result;
}

long guarded_mmap(uint64_t start, uint64_t size, long prot, long flags, long fd, uint64_t offset) {
  const uint64_t end = start + round_up(size);
  const bool replaces = (flags & MAP_FIXED) != 0 && end > start && touches_image(start, end);
  if (!replaces || is_off(kGuardMunmap)) {
    const long result = raw::mmap(start, size, prot, flags, static_cast<int>(fd), offset);
    // Memory that was unmapped behind our back (by the loader) may be somebody else's now.
    if (!is_off(kGuardMunmap)) forget_result(result, size);
    return result;
  }
  const Lock lock;
  const long result = raw::mmap(start, size, prot, flags, static_cast<int>(fd), offset);
  if (!failed(result)) forget(start, end);
  return result;
}

long guarded_munmap(uint64_t start, uint64_t size) {
  const uint64_t end = start + round_up(size);
  if (end <= start || is_off(kGuardMunmap) || !touches_image(start, end))
    return raw::call(__NR_munmap, static_cast<long>(start), static_cast<long>(size));
  const Lock lock;
  const long result = raw::call(__NR_munmap, static_cast<long>(start), static_cast<long>(size));
  if (!failed(result)) forget(start, end);
  return result;
}

long guarded_mprotect(uint64_t start, uint64_t size, long prot, long pkey) {
  const uint64_t end = start + round_up(size);
  if (end <= start || is_off(kGuardMprotect) || !touches_image(start, end))
    return raw_mprotect(start, size, prot, pkey);
  const Lock lock;
  long result = raw_mprotect(start, size, prot, pkey);
  // A store that is mounted noexec lets no mapping of it become executable.
  if ((result == -EACCES || result == -EPERM) && (prot & PROT_EXEC) != 0) {
    if (const long made = make_runs_anonymous(start, end); made < 0) return made;
    result = raw_mprotect(start, size, prot, pkey);
  }
  if (!failed(result)) remember_protection(start, end, prot);
  return result;
}

}  // namespace thaw::shim

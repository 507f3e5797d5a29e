#include "checkpoint/plan/lock_layouts.h"

#include <linux/futex.h>

#include <cstring>

namespace thaw::checkpoint {
namespace {

using model::IdForm;

constexpr bool k64Bits = sizeof(long) == 8;

/// Reads words of a lock that would begin at `base`.
class Words {
 public:
  Words(std::span<const uint8_t, 2 * kLockReach> around, uint64_t address)
      : around_(around), first_(address - kLockReach) {}

  [[nodiscard]] bool hold(uint64_t base, size_t size) const {
    return base >= first_ && base + size <= first_ + around_.size() && base % sizeof(long) == 0;
  }
  [[nodiscard]] uint32_t word(uint64_t base, size_t offset) const {
    return load<uint32_t>(base, offset);
  }
  [[nodiscard]] uint64_t pointer(uint64_t base, size_t offset) const {
    return load<unsigned long>(base, offset);
  }

 private:
  template <typename T>
  [[nodiscard]] T load(uint64_t base, size_t offset) const {
    T value;
    memcpy(&value, around_.data() + (base - first_) + offset, sizeof(value));
    return value;
  }

  std::span<const uint8_t, 2 * kLockReach> around_;
  uint64_t first_;
};

/// struct __pthread_mutex_s of glibc (sysdeps/nptl/bits/struct_mutex.h): lock, count and owner come
/// first on every CPU.
struct GlibcMutex {
  static constexpr size_t kLock = 0, kCount = 4, kOwner = 8;
  static constexpr size_t kUsers = k64Bits ? 12 : 16, kKind = k64Bits ? 16 : 12;
  static constexpr size_t kList = k64Bits ? 24 : 20, kSize = k64Bits ? 40 : 24;
};
/// Its __kind (nptl/pthreadP.h): a type, and flags.
constexpr uint32_t kTypes = 3, kRecursive = 1, kErrorCheck = 2, kRobust = 16, kInherit = 32,
                   kProtect = 64, kShared = 128,
                   kKindFlags = kRobust | kInherit | kProtect | kShared | 256 | 512;
/// PTHREAD_MUTEX_PRIO_CEILING_MASK.
constexpr uint32_t kCeiling = 0xfff80000;

std::optional<OwnedLock> glibc_mutex(const Words& words, uint64_t base, uint32_t tid,
                                     uint32_t threads) {
  using M = GlibcMutex;
  if (!words.hold(base, M::kSize)) return {};
  const uint32_t lock = words.word(base, M::kLock), count = words.word(base, M::kCount),
                 owner = words.word(base, M::kOwner), users = words.word(base, M::kUsers),
                 kind = words.word(base, M::kKind);
  const uint32_t type = kind & kTypes;
  if ((kind & ~(kTypes | kKindFlags)) != 0) return {};
  // glibc counts one for each that priority inheritance or robustness takes the long way.
  const uint32_t most = type == kRecursive ? 0xffff : (kind & (kInherit | kRobust)) != 0 ? 1 : 0;
  if (count > most) return {};
  // A user is who has it or waits for its condition.
  if (users > threads && (kind & kShared) == 0) return {};
  const bool listed =
      k64Bits ? words.pointer(base, M::kList) != 0 && words.pointer(base, M::kList + 8) != 0
              : words.pointer(base, M::kList) != 0;
  const bool unlisted =
      words.pointer(base, M::kList) == 0 && (!k64Bits || words.pointer(base, M::kList + 8) == 0);

  OwnedLock found;
  if ((kind & (kInherit | kRobust)) != 0) {
    // The owner is written behind the lock word, and cleared before it.
    if ((lock & FUTEX_TID_MASK) != tid || (owner != tid && owner != 0)) return {};
    if ((kind & kRobust) != 0 ? owner != 0 && !listed : !unlisted) return {};
    found.what = (kind & kInherit) != 0 ? "priority-inheriting mutex" : "robust mutex";
    found.words.push_back({base + M::kLock, IdForm::futex});
    if (owner != 0) found.words.push_back({base + M::kOwner, IdForm::word});
    found.proof = owner == tid ? OwnedLock::Proof::layout : OwnedLock::Proof::weak;
    return found;
  }
  // Nobody reads the owner of the other types, beside debuggers.
  const bool used = type == kRecursive || type == kErrorCheck;
  const uint32_t state = (kind & kProtect) != 0 ? lock & ~kCeiling : lock;
  if (!used || owner != tid || (state != 1 && state != 2) || users == 0 || !unlisted) return {};
  if (type == kRecursive && count == 0) return {};
  found.what = type == kRecursive ? "recursive mutex" : "error-checking mutex";
  found.words.push_back({base + M::kOwner, IdForm::word});
  return found;
}

/// pthread_mutex_t of musl (src/internal/pthread_impl.h): type, lock, waiters, count, and the links
/// of a list that every lock with an owner is in.
std::optional<OwnedLock> musl_mutex(const Words& words, uint64_t base, uint32_t tid) {
  constexpr size_t kType = 0, kLock = 4, kWaiters = 8, kCount = 20;
  constexpr size_t kPrevious = k64Bits ? 24 : 12, kNext = k64Bits ? 32 : 16;
  constexpr uint32_t kMuslTypes = 1 | 2 | 4 | 8;
  if (!words.hold(base, kNext + sizeof(long))) return {};
  const uint32_t type = words.word(base, kType);
  const uint64_t previous = words.pointer(base, kPrevious), next = words.pointer(base, kNext);
  const auto is_link = [](uint64_t link) { return link >= 4096 && link % sizeof(long) == 0; };
  if ((type & kMuslTypes) == 0 || (type & ~(kMuslTypes | kShared)) != 0 ||
      (words.word(base, kLock) & FUTEX_TID_MASK) != tid || words.word(base, kWaiters) > 0xffff ||
      words.word(base, kCount) > 0xffff || !is_link(previous) || !is_link(next))
    return {};
  OwnedLock found;
  found.what = "mutex of musl";
  found.words.push_back({base + kLock, IdForm::futex});
  found.proof = OwnedLock::Proof::layout;
  // What stands before it in the list points to its `next` (pthread_mutex_trylock.c).
  found.linked_from = previous;
  found.link = base + kNext;
  return found;
}

/// The middle of struct _IO_FILE of musl (src/internal/stdio_impl.h), from its `seek` on: the lock is
/// taken by flockfile(3) and within each function of stdio. glibc keeps a pointer to the owner.
struct MuslFile {
  static constexpr size_t kSeek = 0, kBuffer = sizeof(long), kFd = 5 * sizeof(long);
  static constexpr size_t kLockCount = kFd + 8, kMode = kLockCount + sizeof(long);
  static constexpr size_t kLock = kMode + 4, kLineEnd = kLock + 4;
  static constexpr size_t kZero = k64Bits ? 96 : 60;  ///< mustbezero_2
};

bool is_musl_file(const Words& words, uint64_t lock) {
  using F = MuslFile;
  const uint64_t base = lock - F::kLock;
  if (!words.hold(base, F::kZero + sizeof(long))) return false;
  const auto is_address = [&](size_t offset) { return words.pointer(base, offset) >= 4096; };
  const auto line_end = static_cast<int32_t>(words.word(base, F::kLineEnd)),
             mode = static_cast<int32_t>(words.word(base, F::kMode)),
             fd = static_cast<int32_t>(words.word(base, F::kFd));
  constexpr uint64_t kMostTaken = 0xffff;
  return is_address(F::kSeek) && is_address(F::kBuffer) && (line_end == -1 || line_end == '\n') &&
         mode >= -1 && mode <= 1 && fd >= -1 && fd < (1 << 20) &&
         words.pointer(base, F::kLockCount) <= kMostTaken && words.pointer(base, F::kZero) == 0;
}

std::optional<OwnedLock> musl_file(const Words& words, uint64_t address) {
  if (!is_musl_file(words, address)) return {};
  return OwnedLock{"stdio stream of musl", {{address, IdForm::futex}}, OwnedLock::Proof::layout};
}

/// struct __pthread_rwlock_arch_t of glibc (sysdeps/nptl/bits/struct_rwlock.h), taken for writing.
std::optional<OwnedLock> glibc_rwlock(const Words& words, uint64_t base, uint32_t tid) {
  constexpr size_t kReaders = 0, kWriters = 4, kPhase = 8, kWritersFutex = 12;
  constexpr size_t kWriter = k64Bits ? 24 : 28, kSize = k64Bits ? 56 : 32;
  constexpr uint32_t kWriteLocked = 3, kMostWaiting = 0x7fff;
  if (!words.hold(base, kSize)) return {};
  const uint32_t readers = words.word(base, kReaders), writers = words.word(base, kWriters);
  const bool padded = words.word(base, 16) == 0 && words.word(base, 20) == 0;
  if ((readers & kWriteLocked) != kWriteLocked || readers > kMostWaiting ||
      (writers & 0x7fffffff) > kMostWaiting || (words.word(base, kPhase) & ~2u) != 1 ||
      (words.word(base, kWritersFutex) & ~2u) != 1 || !padded || words.word(base, kWriter) != tid)
    return {};
  if (k64Bits && (words.word(base, 28) > 1 || words.pointer(base, 40) != 0)) return {};
  return OwnedLock{"read-write lock", {{base + kWriter, IdForm::word}}};
}

}  // namespace

std::optional<OwnedLock> find_lock(std::span<const uint8_t, 2 * kLockReach> around,
                                   uint64_t address, uint32_t tid, uint32_t threads) {
  const Words words(around, address);
  constexpr size_t kMuslLock = 4, kWriter = k64Bits ? 24 : 28;
  if (auto lock = glibc_mutex(words, address - GlibcMutex::kOwner, tid, threads)) return lock;
  if (auto lock = glibc_mutex(words, address - GlibcMutex::kLock, tid, threads)) return lock;
  if (auto lock = glibc_rwlock(words, address - kWriter, tid)) return lock;
  if (auto lock = musl_mutex(words, address - kMuslLock, tid)) return lock;
  return musl_file(words, address);
}

bool waiter_becomes_owner(std::span<const uint8_t, 2 * kLockReach> around, uint64_t address) {
  using M = GlibcMutex;
  const Words words(around, address);
  if (is_musl_file(words, address)) return true;
  if (!words.hold(address, M::kSize)) return false;
  const uint32_t kind = words.word(address, M::kKind), type = kind & kTypes;
  return (kind & ~(kTypes | kKindFlags)) == 0 && words.word(address, M::kCount) <= 0xffff &&
         (type == kRecursive || type == kErrorCheck || (kind & (kInherit | kRobust)) != 0);
}

}  // namespace thaw::checkpoint
